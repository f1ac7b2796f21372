// The calls that wait for something outside of the program, and their forms that do not.
// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/pthread.h"

typedef unsigned socklen_t;
struct sockaddr;
struct timeval {
  time_t tv_sec;
  long tv_usec;
};
typedef struct {
  long bits[16];
} fd_set;
struct epoll_event;
extern int accept(int fd, struct sockaddr *restrict address, socklen_t *restrict size);
extern int connect(int fd, const struct sockaddr *address, socklen_t size);
extern int select(int count, fd_set *restrict read, fd_set *restrict write, fd_set *restrict except,
                  struct timeval *restrict timeout);
extern int epoll_wait(int fd, struct epoll_event *events, int count, int timeout);
extern int nanosleep(const struct timespec *request, struct timespec *remaining);
extern int sem_timedwait(sem_t *restrict sem, const struct timespec *restrict until);
extern int sem_trywait(sem_t *sem);
extern int puts(const char *text);

struct server {
  pthread_mutex_t mu;
  sem_t slots;
  int fd, clients;
};

int bad_accept(struct server *s) {
  pthread_mutex_lock(&s->mu); // expected-note{{'s->mu' is taken here}}
  int fd = accept(s->fd, NULL, NULL); // expected-warning{{'accept' may wait while lock 's->mu' is held [safespawn.lock.Blocking]}}
  s->clients++;
  pthread_mutex_unlock(&s->mu);
  return fd;
}

int bad_connect(struct server *s, const struct sockaddr *to, socklen_t size) {
  pthread_mutex_lock(&s->mu); // expected-note{{'s->mu' is taken here}}
  int rc = connect(s->fd, to, size); // expected-warning{{'connect' may wait while lock 's->mu' is held [safespawn.lock.Blocking]}}
  pthread_mutex_unlock(&s->mu);
  return rc;
}

int bad_select(struct server *s, fd_set *set) {
  pthread_mutex_lock(&s->mu); // expected-note{{'s->mu' is taken here}}
  int rc = select(s->fd + 1, set, NULL, NULL, NULL); // expected-warning{{'select' may wait while lock 's->mu' is held [safespawn.lock.Blocking]}}
  pthread_mutex_unlock(&s->mu);
  return rc;
}

int bad_epoll(struct server *s, struct epoll_event *events) {
  pthread_mutex_lock(&s->mu); // expected-note{{'s->mu' is taken here}}
  int rc = epoll_wait(s->fd, events, 8, -1); // expected-warning{{'epoll_wait' may wait while lock 's->mu' is held [safespawn.lock.Blocking]}}
  pthread_mutex_unlock(&s->mu);
  return rc;
}

void bad_nanosleep(struct server *s, const struct timespec *pause) {
  pthread_mutex_lock(&s->mu); // expected-note{{'s->mu' is taken here}}
  nanosleep(pause, NULL); // expected-warning{{'nanosleep' may wait while lock 's->mu' is held [safespawn.lock.Blocking]}}
  pthread_mutex_unlock(&s->mu);
}

int good_with_a_limit(struct server *s, fd_set *set, struct timeval *limit, struct epoll_event *events) {
  pthread_mutex_lock(&s->mu);
  int rc = select(s->fd + 1, set, NULL, NULL, limit) + epoll_wait(s->fd, events, 8, 100);
  pthread_mutex_unlock(&s->mu);
  return rc;
}

int good_only_looks(struct server *s, struct epoll_event *events, const struct timespec *until) {
  struct timeval now = {0, 0};
  pthread_mutex_lock(&s->mu);
  int rc = select(0, NULL, NULL, NULL, &now) + epoll_wait(s->fd, events, 8, 0);
  if (sem_trywait(&s->slots) == 0 || sem_timedwait(&s->slots, until) == 0)
    s->clients++;
  pthread_mutex_unlock(&s->mu);
  return rc;
}

// Two ways to one wait, and one of them is too long to be followed.

static int await_end(struct server *s) {
  int tries = s->clients;
  while (tries > 0 && s->fd < 0)
    --tries;
  if (tries == 0)
    return accept(s->fd, NULL, NULL); // expected-note 2{{it waits here}}
  return 0;
}

static int clean_up(struct server *s, int how) {
  if (how > 7)
    puts("clean up");
  return await_end(s);
}

static int terminate(struct server *s, int how) {
  if (how > 8)
    puts("terminate");
  return clean_up(s, how);
}

static int read_status(struct server *s, int how) {
  if (how > 1)
    return terminate(s, how);
  if (how > 0)
    return clean_up(s, how);
  return 0;
}

static int read_status_too(struct server *s, int how) {
  if (how < 1)
    return 0;
  if (how < 2)
    return clean_up(s, how);
  return terminate(s, how);
}

static int start(struct server *s, int how) {
  if (s->fd < 0)
    return -1;
  return read_status(s, how);
}

static int start_too(struct server *s, int how) {
  if (s->fd < 0)
    return -1;
  return read_status_too(s, how);
}

void bad_waits_far_below(struct server *s, int how) {
  if (!s)
    return;
  pthread_mutex_lock(&s->mu); // expected-note{{'s->mu' is taken here}}
  start(s, how); // expected-warning{{'start' may wait in 'accept' while lock 's->mu' is held [safespawn.lock.Blocking]}}
  pthread_mutex_unlock(&s->mu);
}

void bad_waits_far_below_too(struct server *s, int how) {
  if (!s)
    return;
  pthread_mutex_lock(&s->mu); // expected-note{{'s->mu' is taken here}}
  start_too(s, how); // expected-warning{{'start_too' may wait in 'accept' while lock 's->mu' is held [safespawn.lock.Blocking]}}
  pthread_mutex_unlock(&s->mu);
}

// A function that only waits is looked into for all of its waits, and passed by for the rest.
static int greet(struct server *s, int how) {
  if (how > 0 && connect(s->fd, NULL, 0) == 0) // expected-note 2{{it waits here}}
    return 0;
  return accept(s->fd, NULL, NULL); // expected-note 2{{it waits here}}
}

void bad_two_waits(struct server *s, int how) {
  pthread_mutex_lock(&s->mu); // expected-note 2{{'s->mu' is taken here}}
  greet(s, how); // expected-warning{{'greet' may wait in 'connect' while lock 's->mu' is held [safespawn.lock.Blocking]}} expected-warning{{'greet' may wait in 'accept' while lock 's->mu' is held [safespawn.lock.Blocking]}}
  pthread_mutex_unlock(&s->mu);
}

int bad_two_waits_and_a_way_out(struct server *s, int how) {
  pthread_mutex_lock(&s->mu); // expected-note 3{{'s->mu' is taken here}}
  if (greet(s, how) < 0) // expected-note{{'greet' fails: taking the early return}} expected-warning{{'greet' may wait in 'connect' while lock 's->mu' is held [safespawn.lock.Blocking]}} expected-warning{{'greet' may wait in 'accept' while lock 's->mu' is held [safespawn.lock.Blocking]}}
    return -1; // expected-warning{{lock 's->mu' is still held when 'bad_two_waits_and_a_way_out' returns [safespawn.lock.Leak]}}
  pthread_mutex_unlock(&s->mu);
  return 0;
}

// What is called through a pointer does not end the look.
static void with_server(struct server *s, void (*use)(struct server *)) {
  if (s->fd > 3)
    use(s);
  if (s->fd > 4)
    accept(s->fd, NULL, NULL); // expected-note{{it waits here}}
}

void bad_waits_behind_a_pointer(struct server *s, void (*use)(struct server *)) {
  pthread_mutex_lock(&s->mu); // expected-note{{'s->mu' is taken here}}
  with_server(s, use); // expected-warning{{'with_server' may wait in 'accept' while lock 's->mu' is held [safespawn.lock.Blocking]}}
  pthread_mutex_unlock(&s->mu);
}
