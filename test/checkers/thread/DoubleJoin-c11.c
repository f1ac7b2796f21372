// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/threads.h"

int work(void *arg);
int prepare(void);
void refill(thrd_t *t);

void bad_join_twice(thrd_t t) {
  thrd_join(t, NULL); // expected-note{{'t' is first joined here}}
  thrd_join(t, NULL); // expected-warning{{handle 't' is joined a second time [safespawn.thread.DoubleJoin]}}
}

int bad_join_then_detach(void) {
  thrd_t t;
  if (thrd_create(&t, work, NULL) != thrd_success) // expected-note{{'t' is spawned here}}
    return -1;
  thrd_join(t, NULL); // expected-note{{'t' is first joined here}}
  return thrd_detach(t);
  // expected-warning@-1{{handle 't' is detached, but was already joined [safespawn.thread.DoubleJoin]}}
}

int bad_detach_then_join(void) {
  thrd_t t;
  int result;
  if (thrd_create(&t, work, NULL) != thrd_success) // expected-note{{'t' is spawned here}}
    return -1;
  thrd_detach(t); // expected-note{{'t' is first detached here}}
  return thrd_join(t, &result);
  // expected-warning@-1{{handle 't' is joined, but was already detached [safespawn.thread.DoubleJoin]}}
}

int bad_in_the_second_round(thrd_t t, int n) {
  while (n-- > 0)
    thrd_join(t, NULL);
    // expected-warning@-1{{handle 't' is joined a second time [safespawn.thread.DoubleJoin]}}
    // expected-note@-2{{'t' is first joined here}}
  return 0;
}

static int on_its_own(void *arg) {
  thrd_detach(thrd_current());
  return arg != NULL;
}

int bad_join_of_a_thread_that_detached_itself(void) {
  thrd_t t;
  if (thrd_create(&t, on_its_own, NULL) != thrd_success)
  // expected-note@-1{{'t' is spawned here; 'on_its_own' detaches itself}}
    return -1;
  return thrd_join(t, NULL);
  // expected-warning@-1{{handle 't' is joined, but was already detached [safespawn.thread.DoubleJoin]}}
}

void good_join_each(thrd_t a, thrd_t b) {
  thrd_join(a, NULL);
  thrd_join(b, NULL);
}

int good_first_join_failed(thrd_t t) {
  if (thrd_join(t, NULL) == thrd_success)
    return 0;
  return thrd_detach(t);
}

int good_filled_again(void) {
  thrd_t t;
  refill(&t);
  thrd_join(t, NULL);
  refill(&t);
  return thrd_join(t, NULL);
}

int good_each_element(thrd_t *t, int n) {
  for (int i = n - 1; i >= 0; i--)
    thrd_join(t[i], NULL);
  return 0;
}

int good_one_branch_each(thrd_t t, int wait) { return wait ? thrd_join(t, NULL) : thrd_detach(t); }
