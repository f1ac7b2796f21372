// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
// RUN: not %safespawn -fplugin-arg-safespawn-profile=strict -Werror %s 2>&1 | FileCheck %s
#include "Inputs/pthread.h"

int prepare(void);
void helper(void *what);

struct queue {
  pthread_mutex_t mu, other;
  pthread_rwlock_t rw;
  pthread_spinlock_t spin;
  pthread_cond_t ready;
  sem_t items;
  pthread_barrier_t start;
  pthread_t worker;
  int fd, count, closed, workers;
};

static pthread_mutex_t table = PTHREAD_MUTEX_INITIALIZER;

// ---- calls that wait as long as it takes

void bad_sleep(struct queue *q) {
  pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  while (!q->closed)
    sleep(1); // expected-warning{{'sleep' may wait while lock 'q->mu' is held [safespawn.lock.Blocking]}}
  pthread_mutex_unlock(&q->mu);
}

long bad_recv(struct queue *q, char *buffer) {
  pthread_spin_lock(&q->spin); // expected-note{{'q->spin' is taken here}}
  long n = recv(q->fd, buffer, 100, 0); // expected-warning{{'recv' may wait while lock 'q->spin' is held [safespawn.lock.Blocking]}}
  pthread_spin_unlock(&q->spin);
  return n;
}

void bad_join(struct queue *q) {
  pthread_rwlock_wrlock(&q->rw); // expected-note{{'q->rw' is taken here}}
  pthread_join(q->worker, NULL); // expected-warning{{'pthread_join' may wait while lock 'q->rw' is held [safespawn.lock.Blocking]}}
  pthread_rwlock_unlock(&q->rw);
}

void bad_poll_for_ever(struct queue *q, struct pollfd *fds) {
  pthread_rwlock_rdlock(&q->rw); // expected-note{{'q->rw' is taken here}}
  poll(fds, 1, -1); // expected-warning{{'poll' may wait while lock 'q->rw' is held [safespawn.lock.Blocking]}}
  pthread_rwlock_unlock(&q->rw);
}

void bad_semaphore(struct queue *q) {
  pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  sem_wait(&q->items); // expected-warning{{'sem_wait' may wait while lock 'q->mu' is held [safespawn.lock.Blocking]}}
  q->count--;
  pthread_mutex_unlock(&q->mu);
}

void bad_barrier(struct queue *q) {
  pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  pthread_barrier_wait(&q->start); // expected-warning{{'pthread_barrier_wait' may wait while lock 'q->mu' is held [safespawn.lock.Blocking]}}
  pthread_mutex_unlock(&q->mu);
}

void bad_condition_with_another_lock(struct queue *q) {
  pthread_mutex_lock(&table); // expected-note{{'table' is taken here}}
  pthread_mutex_lock(&q->mu);
  while (!q->count)
    pthread_cond_wait(&q->ready, &q->mu); // expected-warning{{'pthread_cond_wait' may wait while lock 'table' is held [safespawn.lock.Blocking]}}
  pthread_mutex_unlock(&q->mu);
  pthread_mutex_unlock(&table);
}

int bad_child(struct queue *q, int pid) {
  int status = 0;
  pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  waitpid(pid, &status, 0); // expected-warning{{'waitpid' may wait while lock 'q->mu' is held [safespawn.lock.Blocking]}}
  pthread_mutex_unlock(&q->mu);
  return status;
}

static void back_off(struct queue *q) {
  helper(q);
  usleep(100); // expected-note{{it waits here}}
}

void bad_through_a_callee(struct queue *q) {
  pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  if (q->count > 10)
    back_off(q); // expected-warning{{'back_off' may wait in 'usleep' while lock 'q->mu' is held [safespawn.lock.Blocking]}}
  pthread_mutex_unlock(&q->mu);
}

static void take(struct queue *q) { pthread_mutex_lock(&q->mu); } // expected-note{{'q->mu' is taken here}}
static void give(struct queue *q) { pthread_mutex_unlock(&q->mu); }

void bad_behind_a_wrapper(struct queue *q) {
  take(q);
  system("true"); // expected-warning{{'system' may wait while lock 'q->mu' is held [safespawn.lock.Blocking]}}
  give(q);
}

static void *consume(void *arg) {
  struct queue *q = arg;
  pthread_mutex_lock(&q->mu);
  q->count--;
  pthread_mutex_unlock(&q->mu);
  return NULL;
}

struct pool {
  pthread_t thread;
  struct queue q;
};

int start(struct pool *p) { return pthread_create(&p->thread, NULL, consume, &p->q); }

void bad_join_of_a_thread_that_takes_the_lock(struct pool *p) {
  pthread_mutex_lock(&p->q.mu); // expected-note{{'p->q.mu' is taken here}}
  p->q.closed = 1;
  pthread_join(p->thread, NULL); // expected-warning{{'pthread_join' waits for ever: the thread takes lock 'p->q.mu', which is held here [safespawn.lock.Blocking]}}
  pthread_mutex_unlock(&p->q.mu);
}

// ---- files: in profile strict

void strict_file(struct queue *q, char *buffer) {
  pthread_mutex_lock(&q->mu);
  read(q->fd, buffer, 100);
  // CHECK: error: 'read' may wait while lock 'q->mu' is held [safespawn.lock.Blocking]
  fsync(q->fd);
  // CHECK: error: 'fsync' may wait while lock 'q->mu' is held [safespawn.lock.Blocking]
  pthread_mutex_unlock(&q->mu);
}

// ---- nothing to report

void good_bounded(struct queue *q, struct pollfd *fds, const struct timespec *until, int timeout) {
  pthread_mutex_lock(&q->mu);
  poll(fds, 1, 0);
  poll(fds, 1, 100);
  poll(fds, 1, timeout);
  sem_timedwait(&q->items, until);
  pthread_timedjoin_np(q->worker, NULL, until);
  pthread_mutex_unlock(&q->mu);
}

void good_does_not_wait(struct queue *q, char *buffer, int flags) {
  pthread_mutex_lock(&q->mu);
  recv(q->fd, buffer, 100, MSG_DONTWAIT);
  recv(q->fd, buffer, 100, flags);
  waitpid(-1, NULL, WNOHANG);
  sem_trywait(&q->items);
  pthread_mutex_unlock(&q->mu);
}

void good_condition_with_its_lock(struct queue *q) {
  pthread_mutex_lock(&q->mu);
  while (!q->count)
    pthread_cond_wait(&q->ready, &q->mu);
  q->count--;
  pthread_mutex_unlock(&q->mu);
}

void good_condition_with_a_lock_from_elsewhere(struct queue *q, pthread_mutex_t *mu) {
  pthread_mutex_lock(&q->mu);
  while (!q->count)
    pthread_cond_wait(&q->ready, mu); // may be the one that is held
  pthread_mutex_unlock(&q->mu);
}

void good_released_before(struct queue *q) {
  pthread_mutex_lock(&q->mu);
  q->closed = 1;
  pthread_mutex_unlock(&q->mu);
  pthread_join(q->worker, NULL);
}

void good_try_failed(struct queue *q) {
  while (pthread_mutex_trylock(&q->mu) != 0)
    usleep(10);
  pthread_mutex_unlock(&q->mu);
}

// A lock that lets one thread through, for good: who waits for it waits anyway.
static pthread_mutex_t crashed = PTHREAD_MUTEX_INITIALIZER;
void good_latch(struct queue *q) {
  if (pthread_mutex_lock(&crashed) == 0)
    pthread_join(q->worker, NULL);
  exit(1);
}

// ---- a thread that has said that it is done

static void *announce(void *arg) {
  struct queue *q = arg;
  pthread_mutex_lock(&q->mu);
  q->closed = 1;
  pthread_cond_signal(&q->ready);
  pthread_mutex_unlock(&q->mu);
  return NULL;
}

int good_join_after_the_announcement(struct queue *q) {
  pthread_t worker;
  pthread_mutex_lock(&q->mu);
  if (pthread_create(&worker, NULL, announce, q) != 0) {
    pthread_mutex_unlock(&q->mu);
    return -1;
  }
  while (!q->closed)
    pthread_cond_wait(&q->ready, &q->mu);
  pthread_join(worker, NULL);
  pthread_mutex_unlock(&q->mu);
  return 0;
}

static void await(struct queue *q) {
  while (!q->closed)
    pthread_cond_wait(&q->ready, &q->mu);
}

void good_join_after_a_helper_waited(struct queue *q) {
  pthread_mutex_lock(&q->mu);
  await(q);
  pthread_join(q->worker, NULL);
  pthread_mutex_unlock(&q->mu);
}

struct patient {
  pthread_t tries, reads;
  pthread_mutex_t lazy;
  pthread_rwlock_t map;
};

static void *try_it(void *arg) {
  struct patient *p = arg;
  if (pthread_mutex_trylock(&p->lazy) == 0)
    pthread_mutex_unlock(&p->lazy);
  return NULL;
}

static void *read_it(void *arg) {
  struct patient *p = arg;
  pthread_rwlock_rdlock(&p->map);
  pthread_rwlock_unlock(&p->map);
  return NULL;
}

int start_both(struct patient *p) {
  return pthread_create(&p->tries, NULL, try_it, p) || pthread_create(&p->reads, NULL, read_it, p);
}

void bad_join_of_a_thread_that_only_tries(struct patient *p) {
  pthread_mutex_lock(&p->lazy); // expected-note{{'p->lazy' is taken here}}
  pthread_join(p->tries, NULL); // expected-warning{{'pthread_join' may wait while lock 'p->lazy' is held [safespawn.lock.Blocking]}}
  pthread_mutex_unlock(&p->lazy);
}

void bad_join_of_another_reader(struct patient *p) {
  pthread_rwlock_rdlock(&p->map); // expected-note{{'p->map' is taken here}}
  pthread_join(p->reads, NULL); // expected-warning{{'pthread_join' may wait while lock 'p->map' is held [safespawn.lock.Blocking]}}
  pthread_rwlock_unlock(&p->map);
}

void bad_join_of_a_reader(struct patient *p) {
  pthread_rwlock_wrlock(&p->map); // expected-note{{'p->map' is taken here}}
  pthread_join(p->reads, NULL); // expected-warning{{'pthread_join' waits for ever: the thread takes lock 'p->map', which is held here [safespawn.lock.Blocking]}}
  pthread_rwlock_unlock(&p->map);
}

// ---- descriptors that do not block

struct sockaddr;
enum { SOCK_NONBLOCK = 04000, O_NONBLOCK = 04000, F_SETFL = 4, F_GETFL = 3 };
int socket(int domain, int type, int protocol);
int connect(int fd, const struct sockaddr *address, unsigned length);
int accept(int fd, struct sockaddr *address, unsigned *length);
int fcntl(int fd, int command, ...);

struct client {
  pthread_mutex_t mu;
  int made, set, by_helper, slow;
};

void good_made_not_to_block(struct client *c) {
  pthread_mutex_lock(&c->mu);
  c->made = socket(1, 1 | SOCK_NONBLOCK, 0);
  connect(c->made, NULL, 0);
  pthread_mutex_unlock(&c->mu);
}

long good_set_elsewhere(struct client *c, char *buffer) {
  pthread_mutex_lock(&c->mu);
  long n = recv(c->set, buffer, 10, 0);
  pthread_mutex_unlock(&c->mu);
  return n;
}
int set_up(struct client *c) { return fcntl(c->set, F_SETFL, fcntl(c->set, F_GETFL) | O_NONBLOCK); }

static int never_block(int fd) {
  int flags = fcntl(fd, F_GETFL);
  flags |= O_NONBLOCK;
  return fcntl(fd, F_SETFL, flags);
}

void good_set_by_a_helper(struct client *c) {
  int fd = socket(1, 1, 0);
  never_block(fd);
  c->by_helper = fd;
  pthread_mutex_lock(&c->mu);
  accept(c->by_helper, NULL, NULL);
  pthread_mutex_unlock(&c->mu);
}

void bad_descriptor_that_blocks(struct client *c) {
  c->slow = socket(1, 1, 0);
  pthread_mutex_lock(&c->mu); // expected-note{{'c->mu' is taken here}}
  connect(c->slow, NULL, 0); // expected-warning{{'connect' may wait while lock 'c->mu' is held [safespawn.lock.Blocking]}}
  pthread_mutex_unlock(&c->mu);
}

void good_no_time_at_all(struct client *c) {
  pthread_mutex_lock(&c->mu);
  sleep(0);
  pthread_mutex_unlock(&c->mu);
}

static int ready_workers;
static void wait_for_workers(struct queue *q, int workers) {
  while (ready_workers < workers)
    pthread_cond_wait(&q->ready, &q->mu); // expected-note{{it waits here}}
}
static void tell_worker(struct queue *q) {
  pthread_mutex_lock(&q->other);
  q->count++;
  pthread_mutex_unlock(&q->other);
}
// A comparison that one path knows the answer of does not stand for all paths that come by it.
void bad_wait_that_only_some_paths_come_to(struct queue *q) {
  pthread_mutex_lock(&table); // expected-note{{'table' is taken here}}
  pthread_mutex_lock(&q->mu);
  ready_workers = 0;
  for (int i = 0; i < q->workers; i++)
    tell_worker(q);
  wait_for_workers(q, q->workers); // expected-warning{{'wait_for_workers' may wait in 'pthread_cond_wait' while lock 'table' is held [safespawn.lock.Blocking]}}
  pthread_mutex_unlock(&q->mu);
  pthread_mutex_unlock(&table);
}

// Waits with a lock of its own, which is given back; that of the caller is not.
struct reload {
  pthread_mutex_t config, worker;
  pthread_cond_t done;
  int pending;
};

static void wait_for_the_workers(struct reload *r) {
  pthread_mutex_lock(&r->worker);
  while (r->pending)
    pthread_cond_wait(&r->done, &r->worker); // expected-note 0+{{}}
  pthread_mutex_unlock(&r->worker);
}

void bad_two_locks_and_a_wait_in_a_helper(struct reload *r) {
  pthread_mutex_lock(&r->config); // expected-note{{'r->config' is taken here}}
  wait_for_the_workers(r); // expected-warning{{'wait_for_the_workers' may wait in 'pthread_cond_wait' while lock 'r->config' is held [safespawn.lock.Blocking]}} expected-note 0+{{}}
  pthread_mutex_unlock(&r->config);
}

// For a lock that is only ever tried nobody waits.
static pthread_mutex_t only_tried = PTHREAD_MUTEX_INITIALIZER, tried_here = PTHREAD_MUTEX_INITIALIZER;
int good_lock_that_is_only_tried(void) {
  if (pthread_mutex_trylock(&only_tried) != 0)
    return -1;
  sleep(1);
  return pthread_mutex_unlock(&only_tried);
}
int good_tried_elsewhere(void) {
  if (pthread_mutex_trylock(&only_tried) != 0)
    return -1;
  return pthread_mutex_unlock(&only_tried);
}
int bad_lock_that_others_wait_for(void) {
  if (pthread_mutex_trylock(&tried_here) != 0) // expected-note{{'tried_here' is taken here}}
    return -1;
  sleep(1); // expected-warning{{'sleep' may wait while lock 'tried_here' is held [safespawn.lock.Blocking]}}
  return pthread_mutex_unlock(&tried_here);
}
void good_waits_for_it(void) {
  pthread_mutex_lock(&tried_here);
  pthread_mutex_unlock(&tried_here);
}
