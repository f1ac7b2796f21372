// RUN: %safespawn_verify -fplugin-arg-safespawn-profile=strict %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note -Xclang -analyzer-config -Xclang safespawn:Profile=strict %s
#include "Inputs/threads.h"

int work(void *arg);

int bad_right_after_the_spawn(void) {
  thrd_t t;
  if (thrd_create(&t, work, NULL) != thrd_success) // expected-note{{'t' is spawned here}}
    return -1;
  return thrd_detach(t);
  // expected-warning@-1{{thread is detached: nobody can wait for it, cancel it or see its error [safespawn.thread.Detached]}}
  // expected-note@-2{{'t' is detached here}}
}

int bad_entry_detaches_itself(void *arg) {
  thrd_detach(thrd_current());
  // expected-warning@-1{{thread detaches itself: nobody can wait for it, cancel it or see its error [safespawn.thread.Detached]}}
  // expected-note@-2{{the calling thread's own handle is taken here}}
  return work(arg);
}

int good_joined(void) {
  thrd_t t;
  if (thrd_create(&t, work, NULL) != thrd_success)
    return -1;
  return thrd_join(t, NULL);
}

int good_detaches_what_others_started(thrd_t t) { return thrd_detach(t); }
