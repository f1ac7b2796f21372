// RUN: %safespawn_verify -fplugin-arg-safespawn-profile=strict %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note -Xclang -analyzer-config -Xclang safespawn:Profile=strict %s
#include "Inputs/threads.h"
#include <stdatomic.h>

struct pool {
  mtx_t lock;
  cnd_t changed;
  thrd_t threads[4];
  int stop;
  atomic_int closing;
};

static int worker(void *arg) {
  struct pool *pool = arg;
  mtx_lock(&pool->lock);
  while (!pool->stop && !pool->closing)
    cnd_wait(&pool->changed, &pool->lock); // expected-note{{a thread waits for it here}}
                                           // expected-note@-1{{tested and waited for here, with the lock}}
  mtx_unlock(&pool->lock);
  return 0;
}

int start(struct pool *pool) {
  for (int i = 0; i < 4; i++)
    if (thrd_create(&pool->threads[i], worker, pool) != thrd_success) // expected-note{{several such threads}}
      return -1;
  return 0;
}

void bad_one_is_told_to_stop(struct pool *pool) {
  mtx_lock(&pool->lock);
  pool->stop = 1; // expected-note{{'pool->stop' is set here}}
  cnd_signal(&pool->changed);
  // expected-warning@-1{{'cnd_signal' wakes one thread, and several wait for 'pool->stop' [safespawn.lock.LostWakeup]}}
  mtx_unlock(&pool->lock);
}

void bad_atomic(struct pool *pool) {
  atomic_store(&pool->closing, 1); // expected-warning{{'pool->closing' is changed without lock 'pool->lock'}}
  cnd_broadcast(&pool->changed); // expected-note{{the wake-up}}
}

void good_all_are_told(struct pool *pool) {
  mtx_lock(&pool->lock);
  pool->stop = 1;
  mtx_unlock(&pool->lock);
  cnd_broadcast(&pool->changed);
}
