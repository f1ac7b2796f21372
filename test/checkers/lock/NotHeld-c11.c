// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/threads.h"

int prepare(void);

struct queue {
  mtx_t mu;
  int closed;
};

int bad_twice(struct queue *q) {
  mtx_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  if (q->closed)
    mtx_unlock(&q->mu); // expected-note{{'q->mu' is released here}}
  return mtx_unlock(&q->mu); // expected-warning{{lock 'q->mu' is released, but was already released [safespawn.lock.NotHeld]}}
}

int bad_never_taken(struct queue *q) {
  if (mtx_init(&q->mu, mtx_plain) != thrd_success) // expected-note{{'q->mu' is initialised here}}
    return -1;
  mtx_unlock(&q->mu); // expected-warning{{lock 'q->mu' is released, but was never taken [safespawn.lock.NotHeld]}}
  return 0;
}

int good_unknown_at_entry(struct queue *q) { return mtx_unlock(&q->mu); }

int good_tried(struct queue *q) {
  const int got = mtx_trylock(&q->mu) == thrd_success;
  prepare();
  if (got)
    mtx_unlock(&q->mu);
  return got;
}

static mtx_t *channels[8];
void *allocate(unsigned long size);

static mtx_t *channel(int n) {
  if (channels[n])
    return channels[n];
  channels[n] = allocate(sizeof(mtx_t));
  mtx_init(channels[n], mtx_plain);
  return channels[n];
}

int good_made_when_first_asked_for(int n) { return mtx_lock(channel(n)); }
int good_made_by_whoever_took_it(int n) { return mtx_unlock(channel(n)); }
