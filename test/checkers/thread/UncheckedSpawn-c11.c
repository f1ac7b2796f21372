// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/threads.h"

int work(void *arg);
void check(int rc);

void bad_ignored(thrd_t *t) {
  thrd_create(t, work, NULL);
  // expected-warning@-1{{result of the spawn is ignored: when it fails, no thread runs and the handle is garbage [safespawn.thread.UncheckedSpawn]}}
}

int bad_less_than_zero(thrd_t *t) {
  if (thrd_create(t, work, NULL) < 0)
  // expected-warning@-1{{test 'thrd_create(t, work, NULL) < 0' says nothing about the spawn: it returns 'thrd_success' when it works, and nothing negative when it fails [safespawn.thread.UncheckedSpawn]}}
  // expected-note@-2{{the result is tested here}}
    return -1;
  return 0;
}

int bad_stored_and_forgotten(thrd_t *t) {
  int rc = thrd_create(t, work, NULL);
  // expected-warning@-1{{result of the spawn is stored in 'rc' and never tested: when it fails, no thread runs and the handle is garbage [safespawn.thread.UncheckedSpawn]}}
  return 0;
}

void good_void(thrd_t *t) { (void)thrd_create(t, work, NULL); }

int good_compared(thrd_t *t) {
  if (thrd_create(t, work, NULL) != thrd_success)
    return -1;
  return 0;
}

int good_compared_with_the_errors(thrd_t *t) {
  int rc = thrd_create(t, work, NULL);
  if (rc == thrd_nomem || rc == thrd_error)
    return -1;
  return 0;
}

int good_compared_with_an_error(thrd_t *t) { return thrd_create(t, work, NULL) == thrd_error ? -1 : 0; }

void good_given_to_a_function(thrd_t *t) { check(thrd_create(t, work, NULL)); }
