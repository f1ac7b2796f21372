// RUN: %safespawn_verify -I%project/runtime/include %s
// RUN: %analyze_verify -I%project/runtime/include -Xclang -verify-ignore-unexpected=note %s
#include <errno.h>
#include <safespawn.h>

int work(void *arg);
void *make(void *arg);
int prepare(void);
void show(const ss_error *error);

struct pool {
  ss_scope scope;
};

int bad_ignored(void) {
  SS_SCOPE(s, .name = "ignored");
  if (s_rc || ss_spawn(&s, work, NULL))
    return -1;
  ss_scope_join(&s, NULL); // expected-warning{{result of the join of scope 's' is ignored: nobody learns that a task failed [safespawn.scope.DroppedError]}}
  return 0;
}

int bad_never_looked_at(void) {
  SS_SCOPE(s, .name = "stored");
  if (s_rc || ss_spawn(&s, work, NULL))
    return -1;
  int err = ss_scope_join(&s, NULL); // expected-warning{{result of the join of scope 's' is stored in 'err' and never tested: nobody learns that a task failed [safespawn.scope.DroppedError]}}
  err = prepare();
  return err;
}

void bad_stop(struct pool *pool) {
  ss_scope_close(&pool->scope);
  ss_scope_join(&pool->scope, NULL); // expected-warning{{result of the join of scope '&pool->scope' is ignored: nobody learns that a task failed [safespawn.scope.DroppedError]}}
}

int bad_by_a_handed_scope(ss_scope *scope) {
  if (ss_spawn(scope, work, NULL))
    return -1;
  ss_scope_join(scope, NULL); // expected-warning{{result of the join of scope 'scope' is ignored: nobody learns that a task failed [safespawn.scope.DroppedError]}}
  return 0;
}

static int may_fail(void *arg) { return arg ? 0 : EINVAL; }

int bad_task_that_may_fail(void) {
  SS_SCOPE(s, .name = "may fail");
  if (s_rc || ss_spawn(&s, may_fail, NULL))
    return -1;
  ss_scope_join(&s, NULL); // expected-warning{{result of the join of scope 's' is ignored: nobody learns that a task failed [safespawn.scope.DroppedError]}}
  return 0;
}

static void check(void *arg) {
  if (!arg)
    ss_fail(EINVAL, "nothing to do");
}

static void *fails_from_below(void *arg) {
  check(arg);
  return arg;
}

int bad_task_that_fails_from_below(void *arg) {
  SS_SCOPE(s, .name = "below");
  if (s_rc || ss_spawn_ptr(&s, fails_from_below, arg))
    return -1;
  ss_scope_join(&s, NULL); // expected-warning{{result of the join of scope 's' is ignored: nobody learns that a task failed [safespawn.scope.DroppedError]}}
  return 0;
}

static int count(void *arg) {
  ++*(int *)arg;
  return 0;
}

int bad_deadline_that_cuts_the_work_off(int *number) {
  SS_SCOPE(s, .name = "deadline", .deadline = ss_after(SS_SEC(1)));
  if (s_rc || ss_spawn(&s, count, number))
    return -1;
  ss_scope_join(&s, NULL); // expected-warning{{result of the join of scope 's' is ignored: nobody learns that a task failed [safespawn.scope.DroppedError]}}
  return *number;
}

int good_returned(void) {
  SS_SCOPE(s, .name = "returned");
  if (s_rc || ss_spawn(&s, work, NULL))
    return -1;
  return ss_scope_join(&s, NULL);
}

int good_tested(void) {
  SS_SCOPE(s, .name = "tested");
  if (s_rc || ss_spawn(&s, work, NULL))
    return -1;
  int err = ss_scope_join(&s, NULL);
  if (err)
    return err;
  return prepare();
}

void good_the_error_itself(void) {
  ss_error first = {0};
  SS_SCOPE(s, .name = "error");
  if (s_rc || ss_spawn(&s, work, NULL))
    return;
  ss_scope_join(&s, &first);
  show(&first);
}

void good_list_of_errors(void) {
  ss_error errors[8];
  SS_SCOPE(s, .name = "errors", .flags = SS_SUPERVISE);
  if (s_rc || ss_spawn(&s, work, NULL))
    return;
  ss_scope_join(&s, NULL);
  if (ss_scope_errors(&s, errors, 8))
    show(&errors[0]);
}

void good_on_purpose(void) {
  SS_SCOPE(s, .name = "on purpose");
  if (s_rc || ss_spawn(&s, work, NULL))
    return;
  (void)ss_scope_join(&s, NULL);
}

int good_another_error_is_told(void) {
  ss_scope s;
  int err = ss_scope_open(&s, NULL, SS_HERE);
  if (err)
    return err;
  err = ss_spawn(&s, work, NULL);
  if (err) {
    ss_scope_join(&s, NULL);
    ss_scope_fini(&s);
    return err;
  }
  err = ss_scope_join(&s, NULL);
  ss_scope_fini(&s);
  return err;
}

void good_cancelled_before(struct pool *pool) {
  ss_scope_cancel(&pool->scope, 0, NULL);
  ss_scope_join(&pool->scope, NULL);
  ss_scope_fini(&pool->scope);
}

int good_tasks_that_cannot_fail(int *number) {
  SS_SCOPE(s, .name = "count");
  if (s_rc || ss_spawn(&s, count, number) || ss_spawn(&s, count, number + 1))
    return -1;
  ss_scope_join(&s, NULL);
  return number[0] + number[1];
}

int good_results_that_are_values(void) {
  SS_SCOPE(s, .name = "values", .flags = SS_SUPERVISE);
  ss_task task;
  if (s_rc || ss_spawn_task_ptr(&s, &task, SS_TASK_FRESH, make, NULL))
    return -1;
  ss_scope_join(&s, NULL);
  return 0;
}
