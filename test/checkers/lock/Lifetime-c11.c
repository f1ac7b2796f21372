// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/threads.h"

int prepare(void);
void setup(void);

struct queue {
  mtx_t mu;
  cnd_t ready;
  int count;
};

int bad_automatic(void) {
  mtx_t m;
  return mtx_lock(&m); // expected-warning{{lock 'm' is used, but was never initialised [safespawn.lock.Lifetime]}}
}

void bad_once(void) {
  once_flag once;
  call_once(&once, setup); // expected-warning{{once control 'once' is used, but was never initialised [safespawn.lock.Lifetime]}}
}

void bad_use_after_destroy(struct queue *q) {
  cnd_destroy(&q->ready); // expected-note{{'q->ready' is destroyed here}}
  cnd_broadcast(&q->ready); // expected-warning{{condition 'q->ready' is used after it was destroyed [safespawn.lock.Lifetime]}}
}

int bad_made_twice(struct queue *q) {
  if (mtx_init(&q->mu, mtx_plain) != thrd_success) // expected-note{{'q->mu' is initialised here}}
    return -1;
  return mtx_init(&q->mu, mtx_timed); // expected-warning{{lock 'q->mu' is initialised a second time [safespawn.lock.Lifetime]}}
}

void bad_destroyed_while_held(struct queue *q) {
  mtx_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  mtx_destroy(&q->mu); // expected-warning{{lock 'q->mu' is destroyed while it is held [safespawn.lock.Lifetime]}}
}

int bad_made_again_after_use(struct queue *q) {
  if (mtx_init(&q->mu, mtx_plain) != thrd_success) // expected-note{{'q->mu' is initialised here}}
    return -1;
  mtx_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  q->count = 0;
  mtx_unlock(&q->mu); // expected-note{{'q->mu' is released here}}
  return mtx_init(&q->mu, mtx_plain); // expected-warning{{lock 'q->mu' is initialised a second time [safespawn.lock.Lifetime]}}
}

void bad_freed_while_held(struct queue *q) {
  mtx_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  q->count = 0;
  free(q); // expected-warning{{lock 'q->mu' is freed while it is held [safespawn.lock.Lifetime]}}
}

static int consume(void *arg) {
  struct queue *q = arg;
  mtx_lock(&q->mu);
  q->count--;
  mtx_unlock(&q->mu);
  return 0;
}

int bad_destroyed_before_the_join(struct queue *q) {
  thrd_t t;
  if (thrd_create(&t, consume, q) != thrd_success) // expected-note{{the thread is started here}}
    return -1;
  mtx_destroy(&q->mu); // expected-warning{{lock 'q->mu' is destroyed while the thread that runs 'consume' may use it [safespawn.lock.Lifetime]}}
  return thrd_join(t, NULL);
}

int good_destroyed_after_the_join(struct queue *q) {
  thrd_t t;
  if (thrd_create(&t, consume, q) != thrd_success)
    return -1;
  thrd_join(t, NULL);
  mtx_destroy(&q->mu);
  return 0;
}

void good_freed_after_unlock(struct queue *q) {
  mtx_lock(&q->mu);
  q->count = 0;
  mtx_unlock(&q->mu);
  free(q);
}

int good_made_and_destroyed(struct queue *q) {
  if (mtx_init(&q->mu, mtx_plain) != thrd_success)
    return -1;
  if (cnd_init(&q->ready) != thrd_success) {
    mtx_destroy(&q->mu);
    return -1;
  }
  mtx_lock(&q->mu);
  q->count = prepare();
  mtx_unlock(&q->mu);
  cnd_destroy(&q->ready);
  mtx_destroy(&q->mu);
  return 0;
}

void good_static_initialiser(void) {
  static once_flag once = ONCE_FLAG_INIT;
  once_flag own = ONCE_FLAG_INIT;
  call_once(&once, setup);
  call_once(&own, setup);
}
