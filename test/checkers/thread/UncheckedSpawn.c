// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/pthread.h"

void *work(void *arg);
int prepare(void);
void log_error(const char *text);
void check(int rc);

struct worker {
  pthread_t tid;
  int error;
};

static int start_worker(pthread_t *t, void *arg) { return pthread_create(t, NULL, work, arg); }

void bad_ignored(pthread_t *t) {
  pthread_create(t, NULL, work, NULL);
  // expected-warning@-1{{result of the spawn is ignored: when it fails, no thread runs and the handle is garbage [safespawn.thread.UncheckedSpawn]}}
}

void bad_ignored_in_a_loop(pthread_t *t, int n) {
  for (int i = 0; i < n; i++)
    pthread_create(&t[i], NULL, work, NULL);
    // expected-warning@-1{{result of the spawn is ignored: when it fails, no thread runs and the handle is garbage [safespawn.thread.UncheckedSpawn]}}
}

int bad_less_than_zero(pthread_t *t) {
  if (pthread_create(t, NULL, work, NULL) < 0)
  // expected-warning@-1{{test 'pthread_create(t, NULL, work, NULL) < 0' says nothing about the spawn: its errors are positive numbers [safespawn.thread.UncheckedSpawn]}}
  // expected-note@-2{{the result is tested here}}
    return -1;
  return 0;
}

int bad_minus_one(pthread_t *t) {
  int rc = pthread_create(t, NULL, work, NULL);
  // expected-warning@-1{{test 'rc == -1' says nothing about the spawn: its errors are positive numbers [safespawn.thread.UncheckedSpawn]}}
  if (rc == -1) { // expected-note{{the result is tested here}}
    perror("pthread_create");
    return -1;
  }
  return 0;
}

int bad_not_minus_one(pthread_t *t) {
  if (pthread_create(t, NULL, work, NULL) != -1)
  // expected-warning@-1{{test 'pthread_create(t, NULL, work, NULL) != -1' says nothing about the spawn: its errors are positive numbers [safespawn.thread.UncheckedSpawn]}}
  // expected-note@-2{{the result is tested here}}
    return 0;
  return -1;
}

int bad_at_least_zero(pthread_t *t) {
  int ok = pthread_create(t, NULL, work, NULL) >= 0;
  // expected-warning@-1{{test 'pthread_create(t, NULL, work, NULL) >= 0' says nothing about the spawn: its errors are positive numbers [safespawn.thread.UncheckedSpawn]}}
  // expected-note@-2{{the result is tested here}}
  return ok ? 0 : -1;
}

int bad_constant_on_the_left(pthread_t *t) {
  if (-1 == pthread_create(t, NULL, work, NULL))
  // expected-warning@-1{{test '-1 == pthread_create(t, NULL, work, NULL)' says nothing about the spawn: its errors are positive numbers [safespawn.thread.UncheckedSpawn]}}
  // expected-note@-2{{the result is tested here}}
    return -1;
  return 0;
}

int bad_assigned_and_less_than_zero(pthread_t *t) {
  int rc;
  if ((rc = pthread_create(t, NULL, work, NULL)) < 0)
  // expected-warning@-1{{test '(rc = pthread_create(t, NULL, work, NULL)) < 0' says nothing about the spawn: its errors are positive numbers [safespawn.thread.UncheckedSpawn]}}
  // expected-note@-2{{the result is tested here}}
    return -1;
  return 0;
}

void bad_stored_and_forgotten(pthread_t *t) {
  int rc = pthread_create(t, NULL, work, NULL);
  // expected-warning@-1{{result of the spawn is stored in 'rc' and never tested: when it fails, no thread runs and the handle is garbage [safespawn.thread.UncheckedSpawn]}}
  prepare();
}

int bad_overwritten_before_the_test(pthread_t *a, pthread_t *b) {
  int rc;
  rc = pthread_create(a, NULL, work, NULL);
  // expected-warning@-1{{result of the spawn is stored in 'rc' and never tested: when it fails, no thread runs and the handle is garbage [safespawn.thread.UncheckedSpawn]}}
  rc = pthread_create(b, NULL, work, NULL);
  if (rc != 0)
    return -1;
  return 0;
}

void bad_through_a_wrapper(pthread_t *t) {
  start_worker(t, NULL);
  // expected-warning@-1{{result of the spawn is ignored: when it fails, no thread runs and the handle is garbage [safespawn.thread.UncheckedSpawn]}}
}

int bad_wrapper_less_than_zero(pthread_t *t) {
  return start_worker(t, NULL) < 0 ? -1 : 0;
  // expected-warning@-1{{test 'start_worker(t, NULL) < 0' says nothing about the spawn: its errors are positive numbers [safespawn.thread.UncheckedSpawn]}}
  // expected-note@-2{{the result is tested here}}
}

int bad_left_of_a_comma(pthread_t *t) {
  return pthread_create(t, NULL, work, NULL), prepare();
  // expected-warning@-1{{result of the spawn is ignored: when it fails, no thread runs and the handle is garbage [safespawn.thread.UncheckedSpawn]}}
}

void bad_one_branch(pthread_t *t, int parallel) {
  if (parallel)
    pthread_create(t, NULL, work, NULL);
    // expected-warning@-1{{result of the spawn is ignored: when it fails, no thread runs and the handle is garbage [safespawn.thread.UncheckedSpawn]}}
  else
    work(NULL);
}

int bad_joined_anyway(void) {
  pthread_t t;
  pthread_create(&t, NULL, work, NULL);
  // expected-warning@-1{{result of the spawn is ignored: when it fails, no thread runs and the handle is garbage [safespawn.thread.UncheckedSpawn]}}
  pthread_join(t, NULL);
  return 0;
}

void good_void(pthread_t *t) { (void)pthread_create(t, NULL, work, NULL); }

void good_stored_and_voided(pthread_t *t) {
  int rc = pthread_create(t, NULL, work, NULL);
  (void)rc;
}

int good_tested(pthread_t *t) {
  if (pthread_create(t, NULL, work, NULL))
    return -1;
  return 0;
}

int good_tested_with_not(pthread_t *t) {
  if (!pthread_create(t, NULL, work, NULL))
    return 0;
  return -1;
}

int good_not_zero(pthread_t *t) { return pthread_create(t, NULL, work, NULL) != 0 ? -1 : 0; }

int good_greater_than_zero(pthread_t *t) {
  if (pthread_create(t, NULL, work, NULL) > 0)
    return -1;
  return 0;
}

int good_stored_and_tested(pthread_t *t) {
  int rc = pthread_create(t, NULL, work, NULL);
  prepare();
  if (rc == 0)
    return 0;
  log_error(strerror(rc));
  return -1;
}

int good_assigned_and_tested(pthread_t *t) {
  int rc;
  if ((rc = pthread_create(t, NULL, work, NULL)) != 0)
    return rc;
  return 0;
}

int good_compared_with_two(pthread_t *t) {
  int rc = pthread_create(t, NULL, work, NULL);
  if (rc < 0 || rc > 0)
    return -1;
  return 0;
}

int good_switch(pthread_t *t) {
  switch (pthread_create(t, NULL, work, NULL)) {
  case 0:
    return 0;
  case EAGAIN:
    return 1;
  default:
    return -1;
  }
}

int good_stored_and_switched(pthread_t *t) {
  int rc = pthread_create(t, NULL, work, NULL);
  switch (rc) {
  case 0:
    return 0;
  default:
    return -1;
  }
}

int good_returned(pthread_t *t) { return pthread_create(t, NULL, work, NULL); }

int good_stored_and_returned(pthread_t *t) {
  int rc = pthread_create(t, NULL, work, NULL);
  prepare();
  return rc;
}

int good_negated_and_returned(pthread_t *t) { return -pthread_create(t, NULL, work, NULL); }

void good_asserted(pthread_t *t) {
  int rc = pthread_create(t, NULL, work, NULL);
  assert(rc == 0);
}

void good_given_to_a_function(pthread_t *t) { check(pthread_create(t, NULL, work, NULL)); }

void good_stored_elsewhere(struct worker *w, pthread_t *t, int *error) {
  w->error = pthread_create(&w->tid, NULL, work, w);
  *error = pthread_create(t, NULL, work, w);
}

static int last_error;

void good_stored_in_a_global(pthread_t *t) { last_error = pthread_create(t, NULL, work, NULL); }

int good_gathered(pthread_t *t, int n) {
  int failed = 0;
  for (int i = 0; i < n; i++)
    failed |= pthread_create(&t[i], NULL, work, NULL);
  return failed;
}

int good_counted(pthread_t *t, int n) {
  int started = 0;
  for (int i = 0; i < n; i++)
    started += !pthread_create(&t[i], NULL, work, NULL);
  return started;
}

int good_tested_in_the_next_round(pthread_t *t, int n) {
  int rc = 0;
  for (int i = 0; i < n && rc == 0; i++)
    rc = pthread_create(&t[i], NULL, work, NULL);
  return 0;
}

int good_or(pthread_t *t) {
  if (prepare() || pthread_create(t, NULL, work, NULL))
    return -1;
  return 0;
}

int good_conditional(pthread_t *t, int parallel) {
  int rc = parallel ? pthread_create(t, NULL, work, NULL) : 0;
  return rc == 0;
}

int good_tried_again(pthread_t *t) {
  while (pthread_create(t, NULL, work, NULL) == EAGAIN)
    sleep(1);
  return 0;
}

static int start_or_minus_one(pthread_t *t) {
  int rc = pthread_create(t, NULL, work, NULL);
  if (rc != 0) {
    log_error(strerror(rc));
    return -1;
  }
  return 0;
}

int good_wrapper_with_its_own_errors(pthread_t *t) {
  if (start_or_minus_one(t) < 0)
    return -1;
  return 0;
}

static int start_as_a_condition(pthread_t *t) { return pthread_create(t, NULL, work, NULL) ? -1 : 0; }

int good_wrapper_that_maps_the_result(pthread_t *t) {
  if (start_as_a_condition(t) == -1)
    return -1;
  return 0;
}

static int start_negated(pthread_t *t) { return -pthread_create(t, NULL, work, NULL); }

int good_wrapper_that_negates(pthread_t *t) { return start_negated(t) < 0 ? -1 : 0; }

static void start_or_die(pthread_t *t) {
  if (pthread_create(t, NULL, work, NULL))
    abort();
}

void good_wrapper_without_result(pthread_t *t) { start_or_die(t); }

#define CHECK(call)                                                                                                    \
  do {                                                                                                                 \
    int check_rc = (call);                                                                                             \
    if (check_rc)                                                                                                      \
      check(check_rc);                                                                                                 \
  } while (0)

void good_checked_by_a_macro(pthread_t *t) { CHECK(pthread_create(t, NULL, work, NULL)); }

#define VALUE_OF(call) ({ int value = (call); value; })

int good_statement_expression(pthread_t *t) {
  if (VALUE_OF(pthread_create(t, NULL, work, NULL)))
    return -1;
  return 0;
}
