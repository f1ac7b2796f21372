// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/threads.h"

struct queue {
  int length;
  mtx_t lock; // expected-note 0+{{the lock is declared here}}
};

void take(struct queue queue);

void bad_assigned(struct queue *to, struct queue *from) {
  *to = *from;
  // expected-warning@-1{{assignment copies lock 'from->lock' by value: only the original works as one [safespawn.lock.Copy]}}
}

int bad_initialised(mtx_t *from) {
  mtx_t copy = *from; // expected-warning{{initialiser copies lock '*from' by value}}
  return mtx_lock(&copy) != thrd_success || mtx_unlock(&copy) != thrd_success;
}

void bad_passed(struct queue *from) {
  take(*from); // expected-warning{{call of 'take' copies lock 'from->lock' by value}}
}

struct queue bad_returned(void) {
  struct queue queue = {0};
  mtx_init(&queue.lock, mtx_plain);
  return queue; // expected-warning{{return copies lock 'queue.lock' by value}}
}

void bad_memcpy(struct queue *to, struct queue *from) {
  __builtin_memcpy(to, from, sizeof(*to)); // expected-warning{{'__builtin_memcpy' copies lock 'from->lock' by value}}
}

void bad_condition(cnd_t *to, cnd_t *from) {
  *to = *from; // expected-warning{{assignment copies condition '*from' by value}}
}

void bad_once(once_flag *to, once_flag *from) {
  *to = *from; // expected-warning{{assignment copies once control '*from' by value}}
}

once_flag good_once = ONCE_FLAG_INIT;

void good_literal(struct queue *to) { *to = (struct queue){.length = 1}; }

void good_made_anew(struct queue *to, struct queue *from) {
  *to = *from;
  mtx_init(&to->lock, mtx_plain);
}

void good_not_yet_made(struct queue *to) {
  struct queue queue = {0};
  *to = queue;
  mtx_init(&to->lock, mtx_plain);
}
