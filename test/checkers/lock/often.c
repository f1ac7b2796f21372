// A function is followed from wherever it is called, however often that is.
// RUN: %safespawn_verify %s
#include "Inputs/pthread.h"

struct queue {
  pthread_mutex_t mu;
  int length, limit, on;
};

static int take(struct queue *q, int how) {
  if (how == 1 && q->on == 1)
    return 0;
  if (how == 2 && q->on == 2)
    return 0;
  if (how == 3 && q->on == 3)
    return 0;
  if (how == 4 && q->on == 4)
    return 0;
  if (how == 5 && q->on == 5)
    return 0;
  if (how == 6 && q->on == 6)
    return 0;
  pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  return 1;
}

#define GOOD(N)                                                                                                        \
  void good_##N(struct queue *q, int how) {                                                                            \
    if (q->length > N && take(q, how))                                                                                 \
      pthread_mutex_unlock(&q->mu);                                                                                    \
  }
#define FIVE(N) GOOD(N##0) GOOD(N##1) GOOD(N##2) GOOD(N##3) GOOD(N##4)
FIVE(1)
FIVE(2)
FIVE(3)
FIVE(4)
FIVE(5)
FIVE(6)
FIVE(7)
FIVE(8)

int bad_keeps(struct queue *q, int how) {
  if (!take(q, how)) // expected-note 0+{{}}
    return 0;
  if (q->length) // expected-note 0+{{}}
    return -1; // expected-warning{{lock 'q->mu' is still held when 'bad_keeps' returns [safespawn.lock.Leak]}}
  pthread_mutex_unlock(&q->mu);
  return 0;
}
