// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/pthread.h"

int prepare(void);
void helper(void *what);

struct queue {
  pthread_mutex_t mu;
  pthread_rwlock_t rw;
  pthread_spinlock_t spin;
  int closed, shared;
};
struct server {
  struct queue *queue;
  pthread_mutex_t bucket[16];
};

static pthread_mutex_t table = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_t registry = PTHREAD_MUTEX_INITIALIZER;

// ---- released and not held

int bad_twice(struct queue *q) {
  pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  if (q->closed)
    pthread_mutex_unlock(&q->mu); // expected-note{{'q->mu' is released here}}
  pthread_mutex_unlock(&q->mu); // expected-warning{{lock 'q->mu' is released, but was already released [safespawn.lock.NotHeld]}}
  return 0;
}

static void fail(struct queue *q) {
  q->closed = 1;
  pthread_mutex_unlock(&q->mu); // expected-note{{'q->mu' is released here}}
}

int bad_in_the_callee_and_in_the_caller(struct queue *q) {
  int rc = -1;
  pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  if (prepare() < 0) {
    fail(q);
    goto out;
  }
  rc = 0;
out:
  pthread_mutex_unlock(&q->mu); // expected-warning{{lock 'q->mu' is released, but was already released [safespawn.lock.NotHeld]}}
  return rc;
}

void bad_never_taken(void) {
  pthread_mutex_t m;
  pthread_mutex_init(&m, NULL); // expected-note{{'m' is initialised here}}
  if (prepare())
    pthread_mutex_lock(&m);
  pthread_mutex_unlock(&m); // expected-warning{{lock 'm' is released, but was never taken [safespawn.lock.NotHeld]}}
  pthread_mutex_destroy(&m);
}

void bad_released_by_the_caller_of_this(struct server *s) { // called with the lock held
  pthread_rwlock_unlock(&s->queue->rw); // expected-note{{'s->queue->rw' is released here}}
  if (prepare())
    pthread_rwlock_unlock(&s->queue->rw); // expected-warning{{lock 's->queue->rw' is released, but was already released [safespawn.lock.NotHeld]}}
}

void bad_after_a_failed_try(void) {
  pthread_mutex_lock(&table); // expected-note{{'table' is taken here}}
  pthread_mutex_unlock(&table); // expected-note{{'table' is released here}}
  if (pthread_mutex_trylock(&table) != 0)
    prepare();
  pthread_mutex_unlock(&table); // expected-warning{{lock 'table' is released, but was already released [safespawn.lock.NotHeld]}}
}

void bad_spin(struct queue *q) {
  pthread_spin_lock(&q->spin); // expected-note{{'q->spin' is taken here}}
  pthread_spin_unlock(&q->spin); // expected-note{{'q->spin' is released here}}
  pthread_spin_unlock(&q->spin); // expected-warning{{lock 'q->spin' is released, but was already released [safespawn.lock.NotHeld]}}
}

// A plain lock does not say so: whoever asks gets no answer that means anything.
int bad_plain_lock_is_asked(struct queue *q) {
  pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  pthread_mutex_unlock(&q->mu); // expected-note{{'q->mu' is released here}}
  return pthread_mutex_unlock(&q->mu); // expected-warning{{lock 'q->mu' is released, but was already released [safespawn.lock.NotHeld]}}
}

// ---- nothing to report

void good_unknown_at_entry(struct queue *q) { pthread_mutex_unlock(&q->mu); }

void good_flag_tested_twice(struct queue *q, int keep) {
  pthread_mutex_lock(&q->mu);
  if (!keep)
    pthread_mutex_unlock(&q->mu);
  helper(q);
  if (keep)
    pthread_mutex_unlock(&q->mu);
}

void good_field_tested_twice(struct queue *q) {
  pthread_mutex_lock(&q->mu);
  if (!q->shared)
    pthread_mutex_unlock(&q->mu);
  helper(q);
  if (q->shared)
    pthread_mutex_unlock(&q->mu);
}

static void take_if_shared(struct queue *q) {
  if (q->shared)
    pthread_mutex_lock(&q->mu);
}
static void give_if_shared(struct queue *q) {
  if (q->shared)
    pthread_mutex_unlock(&q->mu);
}

void good_flag_in_wrappers(struct queue *q) {
  take_if_shared(q);
  helper(q);
  give_if_shared(q);
  helper(q);
  take_if_shared(q);
  helper(q);
  give_if_shared(q);
}

int good_tried(struct queue *q) {
  int got = pthread_mutex_trylock(&q->mu) == 0;
  helper(q);
  if (got)
    pthread_mutex_unlock(&q->mu);
  return got;
}

int good_failed_lock(struct queue *q) {
  if (pthread_mutex_lock(&q->mu))
    perror("lock");
  return pthread_mutex_unlock(&q->mu);
}

void good_taken_by_unseen_code(struct queue *q) {
  pthread_mutex_lock(&q->mu);
  pthread_mutex_unlock(&q->mu);
  helper(q); // e.g. takes it
  pthread_mutex_unlock(&q->mu);
}

void enter_registry(void);
void good_global_taken_by_unseen_code(void) {
  pthread_mutex_lock(&registry);
  pthread_mutex_unlock(&registry);
  enter_registry();
  pthread_mutex_unlock(&registry);
}

void good_nested_readers(struct queue *q) {
  pthread_rwlock_rdlock(&q->rw);
  pthread_rwlock_rdlock(&q->rw);
  pthread_rwlock_unlock(&q->rw);
  pthread_rwlock_unlock(&q->rw);
}

void good_other_elements(struct server *s, int a, int b) {
  pthread_mutex_unlock(&s->bucket[a]);
  pthread_mutex_unlock(&s->bucket[b]);
}

void good_condition_takes_it_again(struct queue *q, pthread_cond_t *c) {
  pthread_mutex_lock(&q->mu);
  while (!q->closed)
    pthread_cond_wait(c, &q->mu);
  pthread_mutex_unlock(&q->mu);
}

// A service that is stopped before or after it was started: the flag knows, and we do not.
struct service {
  struct queue q;
  int started;
};

static void stop(struct service *s) {
  if (s->started)
    pthread_mutex_lock(&s->q.mu);
  s->q.closed = 1;
  pthread_mutex_unlock(&s->q.mu);
}

void *good_flag_of_a_callee(void *arg) {
  struct service *s = arg;
  pthread_mutex_lock(&s->q.mu);
  helper(s);
  pthread_mutex_unlock(&s->q.mu);
  stop(s);
  return NULL;
}

static pthread_mutex_t asked;

int make_asked(void) {
  pthread_mutexattr_t attr;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
  return pthread_mutex_init(&asked, &attr);
}

int good_asked_whether_it_was_held(void) {
  pthread_mutex_lock(&asked);
  pthread_mutex_unlock(&asked);
  return pthread_mutex_unlock(&asked);
}

void bad_nobody_asks(void) {
  pthread_mutex_lock(&asked); // expected-note{{'asked' is taken here}}
  pthread_mutex_unlock(&asked); // expected-note{{'asked' is released here}}
  pthread_mutex_unlock(&asked); // expected-warning{{lock 'asked' is released, but was already released [safespawn.lock.NotHeld]}}
}

void good_given_back_as_often_as_taken(void) {
  pthread_mutex_t m;
  pthread_mutexattr_t attr;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_init(&m, &attr);
  pthread_mutex_lock(&m);
  pthread_mutex_lock(&m);
  pthread_mutex_lock(&m);
  pthread_mutex_unlock(&m);
  pthread_mutex_unlock(&m);
  pthread_mutex_unlock(&m);
}

// A lock of each channel, made when it is asked for first: who gives it back has found it.
static pthread_mutex_t *channels[8];
void *allocate(unsigned long size);

static pthread_mutex_t *channel(int n) {
  if (!channels[n]) {
    channels[n] = allocate(sizeof(pthread_mutex_t));
    pthread_mutex_init(channels[n], NULL);
  }
  return channels[n];
}

void good_made_when_first_asked_for(int n) { pthread_mutex_lock(channel(n)); }
void good_made_by_whoever_took_it(int n) { pthread_mutex_unlock(channel(n)); }

static void set_up(struct queue *q) {
  pthread_mutex_init(&q->mu, NULL); // expected-note{{'q->mu' is initialised here}}
  q->closed = 0;
}

void bad_made_by_a_helper(struct queue *q) {
  set_up(q);
  pthread_mutex_unlock(&q->mu); // expected-warning{{lock 'q->mu' is released, but was never taken [safespawn.lock.NotHeld]}}
}

// Taken again and given back twice by a callee, while the caller holds it: the caller's own is still to be given back.
static pthread_mutex_t nested = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

static void touch_twice(void) {
  pthread_mutex_lock(&nested);
  prepare();
  pthread_mutex_unlock(&nested);
  pthread_mutex_lock(&nested);
  prepare();
  pthread_mutex_unlock(&nested);
}

void good_taken_again_more_than_once(void) {
  pthread_mutex_lock(&nested);
  touch_twice();
  pthread_mutex_unlock(&nested);
}

static void touch_and_tell(struct queue *q) {
  pthread_mutex_lock(&nested);
  pthread_mutex_unlock(&nested);
  helper(q);
  pthread_mutex_lock(&nested);
  pthread_mutex_unlock(&nested);
}

void good_taken_again_around_unseen_code(struct queue *q) {
  pthread_mutex_lock(&nested);
  touch_and_tell(q);
  pthread_mutex_unlock(&nested);
}

void good_readers_inside_of_readers(struct queue *q) {
  pthread_rwlock_rdlock(&q->rw);
  for (int i = 0; i < 2; ++i) {
    pthread_rwlock_rdlock(&q->rw);
    prepare();
    pthread_rwlock_unlock(&q->rw);
  }
  pthread_rwlock_unlock(&q->rw);
}
