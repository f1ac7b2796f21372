// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/threads.h"

struct queue {
  mtx_t lock;
  cnd_t changed;
  int length;
};

void bad_if(struct queue *queue) {
  mtx_lock(&queue->lock);
  if (queue->length == 0) // expected-note{{'queue->length == 0' is tested here, and not again after the wait}}
    cnd_wait(&queue->changed, &queue->lock);
  // expected-warning@-1{{'cnd_wait' waits without a loop: it may return before what is waited for has happened [safespawn.lock.CondNoLoop]}}
  queue->length--;
  mtx_unlock(&queue->lock);
}

int bad_timed_out_or_ready(struct queue *queue, const struct timespec *until) {
  mtx_lock(&queue->lock);
  int rc = cnd_timedwait(&queue->changed, &queue->lock, until); // expected-warning{{'cnd_timedwait' waits without a loop}}
  mtx_unlock(&queue->lock);
  return rc == thrd_success;
}

void good_while(struct queue *queue) {
  mtx_lock(&queue->lock);
  while (queue->length == 0)
    cnd_wait(&queue->changed, &queue->lock);
  queue->length--;
  mtx_unlock(&queue->lock);
}

int good_timed(struct queue *queue, const struct timespec *until) {
  int rc = thrd_success;
  mtx_lock(&queue->lock);
  while (queue->length == 0 && rc == thrd_success)
    rc = cnd_timedwait(&queue->changed, &queue->lock, until);
  mtx_unlock(&queue->lock);
  return rc;
}

void good_sleep(struct queue *queue, const struct timespec *until) {
  mtx_lock(&queue->lock);
  cnd_timedwait(&queue->changed, &queue->lock, until);
  mtx_unlock(&queue->lock);
}

void good_wrapper(cnd_t *condition, mtx_t *lock) { cnd_wait(condition, lock); }
