// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/threads.h"

int work(void *arg);

struct worker {
  thrd_t thread;
};

void bad_joins_itself(void) {
  thrd_join(thrd_current(), NULL);
  // expected-warning@-1{{thread joins itself and waits forever [safespawn.thread.SelfJoin]}}
  // expected-note@-2{{the calling thread's own handle is taken here}}
}

static int bad_entry_joins_its_member(void *arg) {
  struct worker *w = arg;
  return thrd_join(w->thread, NULL);
  // expected-warning@-1{{thread joins itself and waits forever [safespawn.thread.SelfJoin]}}
}

int start_member(struct worker *w) { return thrd_create(&w->thread, bad_entry_joins_its_member, w); }
// expected-note@-1{{this function runs in the thread that is spawned into 'w->thread' here}}

static thrd_t writer;

static int good_entry_with_a_guard(void *arg) {
  if (thrd_equal(writer, thrd_current()))
    return 0;
  return thrd_join(writer, NULL) == thrd_success && arg;
}

int start_writer(void) { return thrd_create(&writer, good_entry_with_a_guard, NULL); }

static thrd_t producer, consumer;

static int good_entry_joins_another(void *arg) {
  thrd_join(producer, NULL);
  return arg != NULL;
}

int start_both(void) {
  if (thrd_create(&producer, work, NULL) != thrd_success)
    return -1;
  return thrd_create(&consumer, good_entry_joins_another, NULL);
}
