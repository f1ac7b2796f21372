// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/threads.h"

struct queue {
  mtx_t mu;
  cnd_t ready;
  int count;
};

void bad_released_before(struct queue *q) {
  mtx_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  int waiting = !q->count;
  mtx_unlock(&q->mu); // expected-note{{'q->mu' is released here}}
  while (waiting) {
    cnd_wait(&q->ready, &q->mu); // expected-warning{{a condition is waited for with lock 'q->mu', which is not held [safespawn.lock.CondMutex]}}
    waiting = !q->count;
  }
}

void good_held(struct queue *q) {
  mtx_lock(&q->mu);
  while (!q->count)
    cnd_wait(&q->ready, &q->mu);
  mtx_unlock(&q->mu);
}

void good_unknown_at_entry(struct queue *q) {
  while (!q->count)
    cnd_wait(&q->ready, &q->mu);
}
