// The system's own header: what Inputs/threads.h repeats is what the C library publishes.
// RUN: %safespawn_verify -std=c11 -fplugin-arg-safespawn-profile=strict %s
// RUN: %safespawn_verify -O2 -fplugin-arg-safespawn-profile=strict %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note -Xclang -analyzer-config -Xclang safespawn:Profile=strict %s
#include <stdlib.h>
#include <threads.h>

int work(void *arg);
int prepare(void);

int bad_leak(void) {
  thrd_t t;
  if (thrd_create(&t, work, NULL) != thrd_success) // expected-note{{'t' is spawned here}}
    return -1;
  return prepare();
  // expected-warning@-1{{leaves 'bad_leak' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
}

int bad_detached(void) {
  thrd_t t;
  if (thrd_create(&t, work, NULL) != thrd_success) // expected-note{{'t' is spawned here}}
    return -1;
  return thrd_detach(t);
  // expected-warning@-1{{thread is detached: nobody can wait for it, cancel it or see its error [safespawn.thread.Detached]}}
  // expected-note@-2{{'t' is detached here}}
}

int bad_double_join(thrd_t t) {
  thrd_join(t, NULL); // expected-note{{'t' is first joined here}}
  return thrd_join(t, NULL); // expected-warning{{handle 't' is joined a second time [safespawn.thread.DoubleJoin]}}
}

int bad_join_unspawned(void) {
  thrd_t t; // expected-note{{'t' is declared here, and no spawn fills it on this path}}
  return thrd_join(t, NULL);
  // expected-warning@-1{{handle 't' is joined, but no thread was spawned into it [safespawn.thread.JoinUnspawned]}}
}

int bad_overwrite(thrd_t *t) {
  if (thrd_create(t, work, NULL) != thrd_success) // expected-note{{'*t' is spawned here}}
    return -1;
  return thrd_create(t, work, NULL);
  // expected-warning@-1{{spawn overwrites '*t', which still holds a thread that is neither joined nor detached [safespawn.thread.Overwrite]}}
}

void bad_self_join(void) {
  thrd_join(thrd_current(), NULL);
  // expected-warning@-1{{thread joins itself and waits forever [safespawn.thread.SelfJoin]}}
  // expected-note@-2{{the calling thread's own handle is taken here}}
}

int bad_stack_escape(thrd_t *t) {
  int number = prepare();
  return thrd_create(t, work, &number);
  // expected-warning@-1{{thread '*t' gets the address of local 'number' and may outlive 'bad_stack_escape' [safespawn.thread.StackEscape]}}
  // expected-note@-2{{'bad_stack_escape' ends here, and 'number' with it}}
}

void bad_unchecked_spawn(thrd_t *t) {
  thrd_create(t, work, NULL);
  // expected-warning@-1{{result of the spawn is ignored: when it fails, no thread runs and the handle is garbage [safespawn.thread.UncheckedSpawn]}}
}

int bad_loop_arg_and_too_many_handles(void) {
  static thrd_t t[4]; // expected-note{{'t' is declared here}}
  static int i;
  for (i = 0; i <= 4; i++) // expected-note{{'i' is changed here, before the next round}}
    if (thrd_create(&t[i], work, &i) != thrd_success)
    // expected-warning@-1{{thread gets the address of 'i', which the loop changes while the thread runs [safespawn.thread.LoopArg]}}
    // expected-warning@-2{{loop spawns into 't[4]', but the array has 4 elements [safespawn.thread.TooManyHandles]}}
      return -1;
  return 0;
}

int good_joined(void) {
  thrd_t t;
  int result;
  if (thrd_create(&t, work, NULL) != thrd_success)
    return -1;
  if (prepare())
    exit(1);
  return thrd_join(t, &result) == thrd_success ? result : -1;
}

static thrd_t writer;

static int good_self_join_behind_a_guard(void *arg) {
  if (!thrd_equal(writer, thrd_current()))
    thrd_join(writer, NULL);
  return arg != NULL;
}

int start_writer(void) { return thrd_create(&writer, good_self_join_behind_a_guard, NULL); }
