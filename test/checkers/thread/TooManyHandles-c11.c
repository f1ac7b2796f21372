// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/threads.h"

int work(void *arg);

static thrd_t t[4]; // expected-note{{'t' is declared here}}
static int numbers[2]; // expected-note{{'numbers' is declared here}}

void bad_bound_too_large(void) {
  for (int i = 0; i < 5; i++)
    if (thrd_create(&t[i], work, NULL) != thrd_success)
    // expected-warning@-1{{loop spawns into 't[4]', but the array has 4 elements [safespawn.thread.TooManyHandles]}}
      abort();
}

void bad_arguments_too_few(void) {
  for (int i = 0; i < 4; i++)
    if (thrd_create(&t[i], work, &numbers[i]) != thrd_success)
    // expected-warning@-1{{loop hands 'numbers[3]' to a thread, but the array has 2 elements [safespawn.thread.TooManyHandles]}}
      abort();
}

void good_as_many(void) {
  for (int i = 0; i < 4; i++)
    if (thrd_create(&t[i], work, NULL) != thrd_success)
      abort();
}
