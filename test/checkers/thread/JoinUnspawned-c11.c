// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/threads.h"

int work(void *arg);
int prepare(void);

int bad_never_spawned(void) {
  thrd_t t; // expected-note{{'t' is declared here, and no spawn fills it on this path}}
  return thrd_join(t, NULL);
  // expected-warning@-1{{handle 't' is joined, but no thread was spawned into it [safespawn.thread.JoinUnspawned]}}
}

int bad_detached_unspawned(int wanted) {
  thrd_t t; // expected-note{{'t' is declared here, and no spawn fills it on this path}}
  if (wanted && thrd_create(&t, work, NULL) != thrd_success)
    return -1;
  return thrd_detach(t);
  // expected-warning@-1{{handle 't' is detached, but no thread was spawned into it [safespawn.thread.JoinUnspawned]}}
}

int bad_spawn_failed(void) {
  thrd_t t;
  int rc = thrd_create(&t, work, NULL); // expected-note{{'t' is spawned here}}
  if (rc != thrd_success) // expected-note{{assuming that the spawn fails}}
    prepare();
  thrd_join(t, NULL);
  // expected-warning@-1{{handle 't' is joined, but its spawn failed on this path [safespawn.thread.JoinUnspawned]}}
  return rc;
}

int bad_joined_when_out_of_memory(void) {
  thrd_t t;
  int rc = thrd_create(&t, work, NULL); // expected-note{{'t' is spawned here}}
  if (rc == thrd_error)
    return -1;
  if (rc == thrd_nomem) // expected-note{{assuming that the spawn fails}}
    thrd_join(t, NULL);
    // expected-warning@-1{{handle 't' is joined, but its spawn failed on this path [safespawn.thread.JoinUnspawned]}}
  else if (rc == thrd_success)
    thrd_join(t, NULL);
  return 0;
}

int good_spawned(void) {
  thrd_t t;
  int result = -1;
  if (thrd_create(&t, work, NULL) == thrd_success)
    thrd_join(t, &result);
  return result;
}

int good_parameter(thrd_t t) { return thrd_join(t, NULL); }

int good_same_guard(int wanted) {
  thrd_t t;
  if (wanted && thrd_create(&t, work, NULL) != thrd_success)
    return -1;
  prepare();
  if (wanted)
    thrd_join(t, NULL);
  return 0;
}

int good_takes_back_what_was_started(int n) {
  thrd_t t[64];
  int i;
  for (i = 0; i < n; i++)
    if (thrd_create(&t[i], work, NULL) != thrd_success)
      break;
  while (--i >= 0)
    thrd_join(t[i], NULL);
  return 0;
}
