// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/threads.h"

int work(void *arg);
int prepare(void);
void register_thread(thrd_t t);

struct worker {
  thrd_t thread;
  int running;
};

int bad_never_joined(void) {
  thrd_t t;
  if (thrd_create(&t, work, NULL) != thrd_success) // expected-note{{'t' is spawned here}}
    return -1;
  return prepare();
  // expected-warning@-1{{leaves 'bad_never_joined' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
}

int bad_early_return(void) {
  thrd_t t;
  if (thrd_create(&t, work, NULL) != thrd_success) // expected-note{{'t' is spawned here}}
    return -1;
  if (prepare() < 0) // expected-note{{'prepare' fails: taking the early return}}
    return -1;
    // expected-warning@-1{{leaves 'bad_early_return' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
  return thrd_join(t, NULL) == thrd_success ? 0 : -1;
}

int bad_switch_on_the_result(void) {
  thrd_t t;
  switch (thrd_create(&t, work, NULL)) { // expected-note{{'t' is spawned here}}
  case thrd_success:
    break;
  case thrd_nomem:
    return -1;
  default:
    return -2;
  }
  return prepare();
  // expected-warning@-1{{leaves 'bad_switch_on_the_result' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
}

int bad_first_of_two(void) {
  thrd_t a, b;
  if (thrd_create(&a, work, NULL) != thrd_success) // expected-note{{'a' is spawned here}}
    return -1;
  if (thrd_create(&b, work, NULL) != thrd_success) // expected-note{{'thrd_create' fails: taking the early return}}
    return -1;
    // expected-warning@-1{{leaves 'bad_first_of_two' with thread 'a' neither joined nor detached [safespawn.thread.Leak]}}
  thrd_join(a, NULL);
  thrd_join(b, NULL);
  return 0;
}

int bad_entry_that_ends_itself(void *arg) {
  thrd_t helper;
  if (thrd_create(&helper, work, arg) != thrd_success) // expected-note{{'helper' is spawned here}}
    return 1;
  if (prepare()) // expected-note{{'prepare()' holds: taking the early return}}
    thrd_exit(2);
    // expected-warning@-1{{leaves 'bad_entry_that_ends_itself' with thread 'helper' neither joined nor detached [safespawn.thread.Leak]}}
  return thrd_join(helper, NULL);
}

int good_spawn_failed(void) {
  thrd_t t;
  int rc = thrd_create(&t, work, NULL);
  if (rc == thrd_nomem || rc == thrd_error)
    return -1;
  if (rc != thrd_success)
    return -2;
  return thrd_join(t, NULL);
}

int good_joined_on_each_path(void) {
  thrd_t t;
  int result;
  if (thrd_create(&t, work, NULL) != thrd_success)
    return -1;
  if (prepare() < 0) {
    thrd_join(t, NULL);
    return -1;
  }
  if (thrd_join(t, &result) != thrd_success)
    return -1;
  return result;
}

int good_detached(void) {
  thrd_t t;
  if (thrd_create(&t, work, NULL) == thrd_success)
    return thrd_detach(t);
  return -1;
}

static int on_its_own(void *arg) {
  thrd_detach(thrd_current());
  free(arg);
  return 0;
}

int good_entry_detaches_itself(void *arg) {
  thrd_t t;
  return thrd_create(&t, on_its_own, arg) == thrd_success;
}

int good_pointer_parameter(struct worker *w) {
  if (thrd_create(&w->thread, work, w) != thrd_success)
    return -1;
  w->running = 1;
  return 0;
}

thrd_t good_returned(void) {
  thrd_t t;
  if (thrd_create(&t, work, NULL) != thrd_success)
    abort();
  return t;
}

int good_passed_to_an_unknown_function(void) {
  thrd_t t;
  if (thrd_create(&t, work, NULL) != thrd_success)
    return -1;
  register_thread(t);
  return 0;
}

int good_process_ends(void) {
  thrd_t t;
  if (thrd_create(&t, work, NULL) != thrd_success)
    exit(1);
  if (prepare())
    exit(2);
  return thrd_join(t, NULL);
}

int good_loops(int n) {
  thrd_t t[64];
  int started = 0;
  while (started < n && thrd_create(&t[started], work, NULL) == thrd_success)
    started++;
  for (int i = started; i-- > 0;)
    thrd_join(t[i], NULL);
  return started;
}

// What is handed on under a condition that its callers keep.
static int start_into(thrd_t *out) {
  thrd_t t;
  int rc = thrd_create(&t, work, NULL);
  if (rc == 0 && out)
    *out = t;
  return rc;
}

int good_fills_in(thrd_t *of, int n) { return start_into(&of[n]); }

// A handle goes where what it lies in goes.
static int start_in_struct(struct worker *out) {
  struct worker w = {0};
  int rc = thrd_create(&w.thread, work, NULL);
  if (rc == 0 && out)
    *out = w;
  return rc;
}

int good_fills_in_struct(struct worker *of, int n) { return start_in_struct(&of[n]); }

static int start_in_array(thrd_t *out) {
  thrd_t t[1];
  int rc = thrd_create(&t[0], work, NULL);
  if (rc == 0 && out)
    *out = t[0];
  return rc;
}

int good_fills_in_from_array(thrd_t *of, int n) { return start_in_array(&of[n]); }

static int start_registered(int wanted) {
  thrd_t t;
  if (thrd_create(&t, work, NULL))
    return -1;
  if (wanted)
    register_thread(t);
  return 0;
}

int good_registers(void) { return start_registered(1); }

int bad_registers_not(void) {
  thrd_t t;
  if (thrd_create(&t, work, NULL)) // expected-note{{'t' is spawned here}}
    return -1;
  if (prepare()) // expected-note 0+{{}}
    register_thread(t);
  return 0; // expected-warning{{leaves 'bad_registers_not' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
}

int main(void) { // a good one too: the process ends with it
  thrd_t t;
  return thrd_create(&t, work, NULL);
}
