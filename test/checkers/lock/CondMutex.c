// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/pthread.h"

int prepare(void);
void helper(void *what);

struct queue {
  pthread_mutex_t mu;
  pthread_cond_t ready;
  int count, closed;
};

// ---- waits without the lock

void bad_released_before(struct queue *q) {
  pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  while (!q->count) {
    pthread_mutex_unlock(&q->mu); // expected-note{{'q->mu' is released here}}
    pthread_cond_wait(&q->ready, &q->mu); // expected-warning{{a condition is waited for with lock 'q->mu', which is not held [safespawn.lock.CondMutex]}}
  }
  pthread_mutex_unlock(&q->mu);
}

void bad_never_taken(const struct timespec *until) {
  pthread_mutex_t m;
  pthread_cond_t c;
  pthread_mutex_init(&m, NULL); // expected-note{{'m' is initialised here}}
  pthread_cond_init(&c, NULL);
  while (prepare())
    pthread_cond_timedwait(&c, &m, until); // expected-warning{{a condition is waited for with lock 'm', which is not held [safespawn.lock.CondMutex]}}
  pthread_cond_destroy(&c);
  pthread_mutex_destroy(&m);
}

static void wait_for_item(struct queue *q) {
  while (!q->count)
    pthread_cond_wait(&q->ready, &q->mu); // expected-warning{{a condition is waited for with lock 'q->mu', which is not held [safespawn.lock.CondMutex]}}
}

void bad_in_a_callee(struct queue *q) {
  pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  q->closed = 0;
  pthread_mutex_unlock(&q->mu); // expected-note{{'q->mu' is released here}}
  wait_for_item(q);
}

// ---- nothing to report

void good_held(struct queue *q) {
  pthread_mutex_lock(&q->mu);
  while (!q->count)
    pthread_cond_wait(&q->ready, &q->mu);
  pthread_mutex_unlock(&q->mu);
}

void good_unknown_at_entry(struct queue *q) { // called with the lock held
  while (!q->count)
    pthread_cond_wait(&q->ready, &q->mu);
}

void good_taken_again(struct queue *q) {
  pthread_mutex_lock(&q->mu);
  while (!q->count) {
    pthread_cond_wait(&q->ready, &q->mu);
    pthread_mutex_unlock(&q->mu);
    prepare();
    pthread_mutex_lock(&q->mu);
  }
  pthread_mutex_unlock(&q->mu);
}

void good_taken_by_unseen_code(struct queue *q) {
  pthread_mutex_lock(&q->mu);
  pthread_mutex_unlock(&q->mu);
  helper(q); // e.g. takes it
  while (!q->count)
    pthread_cond_wait(&q->ready, &q->mu);
}

// How often a recursive lock is held nobody counts, but a thread begins with none.
struct writer {
  pthread_mutex_t mu;
  pthread_cond_t done;
  pthread_t thread;
  int left;
};
static void wait_until_done(struct writer *w) {
  while (w->left)
    pthread_cond_wait(&w->done, &w->mu); // expected-warning{{a condition is waited for with lock 'w->mu', which is not held [safespawn.lock.CondMutex]}}
}
static void *bad_recursive_in_its_thread(void *arg) {
  struct writer *w = arg;
  pthread_mutex_lock(&w->mu);   // expected-note{{'w->mu' is taken here}}
  pthread_mutex_unlock(&w->mu); // expected-note{{'w->mu' is released here}}
  wait_until_done(w);
  return NULL;
}
void good_recursive_held_by_the_caller(struct writer *w) {
  pthread_mutex_lock(&w->mu);
  pthread_mutex_unlock(&w->mu);
  while (w->left)
    pthread_cond_wait(&w->done, &w->mu);
}
int start_writer(struct writer *w) {
  pthread_mutexattr_t attr;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_init(&w->mu, &attr);
  return pthread_create(&w->thread, NULL, bad_recursive_in_its_thread, w);
}
