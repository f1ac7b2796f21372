// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/threads.h"

int prepare(void);

struct queue {
  mtx_t mu;
  int closed;
};

static mtx_t table;

int bad_early_return(struct queue *q) {
  if (mtx_lock(&q->mu) != thrd_success) // expected-note{{'q->mu' is taken here}}
    return -1;
  if (prepare() < 0) // expected-note{{'prepare' fails: taking the early return}}
    return -1; // expected-warning{{lock 'q->mu' is still held when 'bad_early_return' returns [safespawn.lock.Leak]}}
  mtx_unlock(&q->mu);
  return 0;
}

int bad_timed(struct queue *q, const struct timespec *until) {
  if (mtx_timedlock(&q->mu, until) != thrd_success) // expected-note{{'q->mu' is taken here}}
    return thrd_timedout;
  if (q->closed) // expected-note{{'q->closed' holds: taking the early return}}
    return thrd_error; // expected-warning{{lock 'q->mu' is still held when 'bad_timed' returns [safespawn.lock.Leak]}}
  mtx_unlock(&q->mu);
  return thrd_success;
}

int bad_end_of_the_thread(void *arg) {
  mtx_lock(&table); // expected-note{{'table' is taken here}}
  if (!arg) // expected-note{{'arg' does not hold: taking the early return}}
    thrd_exit(1); // expected-warning{{lock 'table' is still held when the thread ends [safespawn.lock.Leak]}}
  mtx_unlock(&table);
  return 0;
}

int good_each_path(struct queue *q) {
  if (mtx_lock(&q->mu) != thrd_success)
    return -1;
  if (prepare() < 0) {
    mtx_unlock(&q->mu);
    return -1;
  }
  return mtx_unlock(&q->mu) == thrd_success ? 0 : -1;
}

int good_tried(struct queue *q) {
  switch (mtx_trylock(&q->mu)) {
  case thrd_success:
    break;
  case thrd_busy:
    return 0;
  default:
    return -1;
  }
  mtx_unlock(&q->mu);
  return 1;
}

int good_holds_it_on_success(struct queue *q) {
  if (mtx_lock(&q->mu) != thrd_success)
    return thrd_error;
  if (!q->closed)
    return thrd_success;
  mtx_unlock(&q->mu);
  return thrd_error;
}
