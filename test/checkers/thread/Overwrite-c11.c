// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/threads.h"

int work(void *arg);
int prepare(void);

int bad_one_variable_for_each_round(int n) {
  thrd_t t;
  int i;
  for (i = 0; i < n; i++)
    if (thrd_create(&t, work, NULL) != thrd_success)
    // expected-warning@-1{{spawn overwrites 't', which still holds a thread that is neither joined nor detached [safespawn.thread.Overwrite]}}
    // expected-note@-2{{'t' is spawned here}}
      abort();
  return i > 0 ? thrd_join(t, NULL) : 0;
}

int bad_two_spawns(thrd_t *out) {
  if (thrd_create(out, work, NULL) != thrd_success) // expected-note{{'*out' is spawned here}}
    return -1;
  return thrd_create(out, work, NULL);
  // expected-warning@-1{{spawn overwrites '*out', which still holds a thread that is neither joined nor detached [safespawn.thread.Overwrite]}}
}

int good_array(int n) {
  thrd_t t[64];
  for (int i = 0; i < n; i++)
    if (thrd_create(&t[i], work, NULL) != thrd_success)
      abort();
  for (int i = 0; i < n; i++)
    thrd_join(t[i], NULL);
  return 0;
}

int good_joined_in_the_round(int n) {
  thrd_t t;
  while (n-- > 0) {
    if (thrd_create(&t, work, NULL) != thrd_success)
      return -1;
    thrd_join(t, NULL);
  }
  return 0;
}

int good_failed_and_tried_again(void) {
  thrd_t t;
  int tries = 0;
  while (thrd_create(&t, work, NULL) != thrd_success)
    if (++tries == 3)
      return -1;
  return thrd_join(t, NULL);
}
