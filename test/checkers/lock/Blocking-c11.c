// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/threads.h"

struct queue {
  mtx_t mu, other;
  cnd_t ready;
  thrd_t worker;
  int count;
};

void bad_sleep(struct queue *q, const struct timespec *second) {
  mtx_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  thrd_sleep(second, NULL); // expected-warning{{'thrd_sleep' may wait while lock 'q->mu' is held [safespawn.lock.Blocking]}}
  mtx_unlock(&q->mu);
}

int bad_join(struct queue *q) {
  int result = 0;
  mtx_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  thrd_join(q->worker, &result); // expected-warning{{'thrd_join' may wait while lock 'q->mu' is held [safespawn.lock.Blocking]}}
  mtx_unlock(&q->mu);
  return result;
}

void bad_condition_with_another_lock(struct queue *q) {
  mtx_lock(&q->other); // expected-note{{'q->other' is taken here}}
  mtx_lock(&q->mu);
  while (!q->count)
    cnd_wait(&q->ready, &q->mu); // expected-warning{{'cnd_wait' may wait while lock 'q->other' is held [safespawn.lock.Blocking]}}
  mtx_unlock(&q->mu);
  mtx_unlock(&q->other);
}

void good_bounded(struct queue *q, const struct timespec *until) {
  mtx_lock(&q->other);
  mtx_lock(&q->mu);
  while (!q->count)
    if (cnd_timedwait(&q->ready, &q->mu, until) == thrd_timedout)
      break;
  mtx_unlock(&q->mu);
  mtx_unlock(&q->other);
}

void good_its_own_lock(struct queue *q) {
  mtx_lock(&q->mu);
  while (!q->count)
    cnd_wait(&q->ready, &q->mu);
  mtx_unlock(&q->mu);
}
