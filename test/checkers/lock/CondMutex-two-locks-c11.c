// One condition, two locks.
// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/threads.h"

struct queue {
  mtx_t lock, other;
  cnd_t changed, drained;
  int length;
};

void bad_fields(struct queue *queue) {
  mtx_lock(&queue->lock);
  while (queue->length)
    cnd_wait(&queue->changed, &queue->lock); // expected-note{{waited for with lock 'queue->lock' here}}
  mtx_unlock(&queue->lock);
}

void bad_other_field(struct queue *queue) {
  mtx_lock(&queue->other);
  while (queue->length)
    cnd_wait(&queue->changed, &queue->other);
  // expected-warning@-1{{condition 'queue->changed' is waited for with lock 'queue->other' here, and with another one elsewhere [safespawn.lock.CondMutex]}}
  mtx_unlock(&queue->other);
}

int good_one_lock(struct queue *queue, const struct timespec *until) {
  int rc = thrd_success;
  mtx_lock(&queue->lock);
  while (queue->length)
    cnd_wait(&queue->drained, &queue->lock);
  while (!queue->length && rc == thrd_success)
    rc = cnd_timedwait(&queue->drained, &queue->lock, until);
  mtx_unlock(&queue->lock);
  return rc;
}
