// RUN: %safespawn_verify -I%project/runtime/include %s
// RUN: %analyze_verify -I%project/runtime/include -Xclang -verify-ignore-unexpected=note %s
#include <errno.h>
#include <safespawn.h>
#include <setjmp.h>
#include <stdlib.h>
#include <threads.h>

int work(void *arg);
int prepare(void);
void expect(int value, int expected);

static jmp_buf escape;

int bad_spawn_after_join(void) {
  SS_SCOPE(s, .name = "late"); // expected-note{{'s' is opened here}}
  if (s_rc || ss_spawn(&s, work, NULL)) // expected-note{{'s' is given a task here}}
    return -1;
  int err = ss_scope_join(&s, NULL); // expected-note{{'s' is joined here}}
  if (err)
    return err;
  return ss_spawn(&s, work, NULL); // expected-warning{{a task is spawned into scope 's', which was already joined [safespawn.scope.Order]}}
}

int bad_join_before_the_first_spawn(void) {
  SS_SCOPE(s, .name = "early"); // expected-note{{'s' is opened here}}
  if (s_rc)
    return s_rc;
  int err = ss_scope_join(&s, NULL); // expected-note{{'s' is joined here}}
  if (!err)
    err = ss_spawn(&s, work, NULL); // expected-warning{{a task is spawned into scope 's', which was joined before its first task [safespawn.scope.Order]}}
  return err;
}

int bad_spawn_after_close(void) {
  SS_SCOPE(s, .name = "closed"); // expected-note{{'s' is opened here}}
  if (s_rc)
    return s_rc;
  ss_scope_close(&s); // expected-note{{'s' is closed here}}
  int err = ss_spawn(&s, work, NULL); // expected-warning{{a task is spawned into scope 's', which is closed [safespawn.scope.Order]}}
  return err ? err : ss_scope_join(&s, NULL);
}

int bad_joined_in_each_round(int n) {
  SS_SCOPE(s, .name = "rounds"); // expected-note{{'s' is opened here}}
  int err = s_rc;
  for (int i = 0; !err && i < n; i++) {
    err = ss_spawn(&s, work, NULL); // expected-warning{{a task is spawned into scope 's', which was already joined [safespawn.scope.Order]}}
    // expected-note@-1{{'s' is given a task here}}
    if (!err)
      err = ss_scope_join(&s, NULL); // expected-note{{'s' is joined here}}
  }
  return err;
}

int bad_limit_after_open(void) {
  ss_scope s;
  ss_scope_opts opts = {.name = "limit"};
  if (ss_scope_open(&s, &opts, SS_HERE)) // expected-note{{the scope is opened here}}
    return -1;
  int err = ss_spawn(&s, work, NULL);
  opts.limit = 4; // expected-warning{{'opts.limit' is set after the scope was opened, and has no effect [safespawn.scope.Order]}}
  if (!err)
    err = ss_spawn(&s, work, NULL);
  ss_scope_fini(&s);
  return err;
}

int bad_deadline_after_open(void) {
  ss_scope s;
  ss_scope_opts opts = {.name = "deadline"};
  if (ss_scope_open(&s, &opts, SS_HERE)) // expected-note{{the scope is opened here}}
    return -1;
  opts.deadline = ss_after(SS_SEC(1)); // expected-warning{{'opts.deadline' is set after the scope was opened, and has no effect [safespawn.scope.Order]}}
  int err = ss_spawn(&s, work, NULL);
  ss_scope_fini(&s);
  return err;
}

int bad_longjmp(void) {
  SS_SCOPE(s, .name = "jump"); // expected-note{{'s' is opened here}}
  if (s_rc || ss_spawn(&s, work, NULL)) // expected-note{{'s' is given a task here}}
    return -1;
  if (prepare())
    longjmp(escape, 1); // expected-warning{{'longjmp' leaves scope 's' without joining its tasks [safespawn.scope.Order]}}
  return ss_scope_join(&s, NULL);
}

int bad_longjmp_out_of_the_inner_block(void) {
  jmp_buf here;
  if (setjmp(here))
    return -1;
  SS_SCOPE(s, .name = "jump"); // expected-note{{'s' is opened here}}
  if (s_rc)
    return s_rc;
  if (prepare())
    longjmp(here, 1); // expected-warning{{'longjmp' leaves scope 's' without joining its tasks [safespawn.scope.Order]}}
  return ss_scope_join(&s, NULL);
}

static void give_up(void) {
  longjmp(escape, 1); // expected-warning{{'longjmp' leaves scope 's' without joining its tasks [safespawn.scope.Order]}}
}

int bad_longjmp_in_a_helper(void) {
  SS_SCOPE(s, .name = "jump"); // expected-note{{'s' is opened here}}
  if (s_rc)
    return s_rc;
  if (prepare())
    give_up();
  return ss_scope_join(&s, NULL);
}

void *bad_thread_ends(void *arg) {
  SS_SCOPE(s, .name = "exit"); // expected-note{{'s' is opened here}}
  if (s_rc || ss_spawn(&s, work, arg)) // expected-note{{'s' is given a task here}}
    return NULL;
  pthread_exit(NULL); // expected-warning{{'pthread_exit' leaves scope 's' without joining its tasks [safespawn.scope.Order]}}
}

int bad_thread_of_c11_ends(void *arg) {
  SS_SCOPE(s, .name = "exit"); // expected-note{{'s' is opened here}}
  if (s_rc || ss_spawn(&s, work, arg)) // expected-note{{'s' is given a task here}}
    return -1;
  thrd_exit(0); // expected-warning{{'thrd_exit' leaves scope 's' without joining its tasks [safespawn.scope.Order]}}
}

int bad_two_scopes(void) {
  SS_SCOPE(outer, .name = "outer");
  if (outer_rc)
    return outer_rc;
  SS_SCOPE(inner, .name = "inner"); // expected-note{{'inner' is opened here}}
  if (inner_rc)
    return inner_rc;
  longjmp(escape, 1); // expected-warning{{'longjmp' leaves scope 'inner' without joining its tasks [safespawn.scope.Order]}}
}

int good_join_last(int n) {
  SS_SCOPE(s, .name = "good", .limit = 4);
  int err = s_rc;
  for (int i = 0; !err && i < n; i++)
    err = ss_spawn(&s, work, NULL);
  return err ? err : ss_scope_join(&s, NULL);
}

int good_no_task_at_all(void) {
  SS_SCOPE(s, .name = "empty");
  return s_rc ? s_rc : ss_scope_join(&s, NULL);
}

int good_new_scope_in_each_round(int n) {
  int err = 0;
  for (int i = 0; !err && i < n; i++) {
    SS_SCOPE(s, .name = "round");
    err = s_rc ? s_rc : ss_spawn(&s, work, NULL);
    if (!err)
      err = ss_scope_join(&s, NULL);
  }
  return err;
}

int good_opened_again(void) {
  ss_scope s;
  int err = 0;
  for (int i = 0; !err && i < 2; i++) {
    if (ss_scope_open(&s, NULL, SS_HERE))
      return -1;
    err = ss_spawn(&s, work, NULL);
    int failed = ss_scope_join(&s, NULL);
    ss_scope_fini(&s);
    err = err ? err : failed;
  }
  return err;
}

int good_earlier_deadline(void) {
  SS_SCOPE(s, .name = "deadline", .deadline = ss_after(SS_SEC(10)));
  if (s_rc || ss_spawn(&s, work, NULL))
    return -1;
  ss_scope_set_deadline(&s, ss_after(SS_SEC(1)));
  return ss_scope_join(&s, NULL);
}

int good_options_for_the_next_one(void) {
  ss_scope a, b;
  ss_scope_opts opts = {.name = "a"};
  if (ss_scope_open(&a, &opts, SS_HERE))
    return -1;
  int err = ss_spawn(&a, work, NULL);
  opts.limit = 4;
  if (!ss_scope_open(&b, &opts, SS_HERE)) {
    err = err ? err : ss_spawn(&b, work, NULL);
    ss_scope_fini(&b);
  }
  ss_scope_fini(&a);
  return err;
}

int good_still_open_after_a_timeout(ss_time until) {
  SS_SCOPE(s, .name = "patient");
  if (s_rc || ss_spawn(&s, work, NULL))
    return -1;
  if (ss_scope_join_until(&s, until, NULL) == ETIMEDOUT) {
    if (ss_spawn(&s, work, NULL))
      return -1;
  }
  return ss_scope_join(&s, NULL);
}

void good_meant_to_be_refused(void) {
  SS_SCOPE(s, .name = "refused");
  if (s_rc)
    return;
  ss_scope_close(&s);
  expect(ss_spawn(&s, work, NULL), EPIPE);
  if (ss_spawn(&s, work, NULL) != EPIPE)
    abort();
}

int good_jump_inside_of_the_block(void) {
  jmp_buf again;
  SS_SCOPE(s, .name = "inside");
  if (s_rc || ss_spawn(&s, work, NULL))
    return -1;
  if (!setjmp(again) && prepare())
    longjmp(again, 1);
  return ss_scope_join(&s, NULL);
}

int good_jump_after_the_join(void) {
  SS_SCOPE(s, .name = "after");
  if (s_rc || ss_spawn(&s, work, NULL))
    return -1;
  if (ss_scope_join(&s, NULL))
    longjmp(escape, 1);
  return 0;
}

int good_ended_by_the_runtime(void) {
  SS_SCOPE(s, .name = "exit");
  if (s_rc || ss_spawn(&s, work, NULL))
    return -1;
  if (prepare())
    ss_fail(EINVAL, "not prepared");
  if (prepare())
    ss_exit(1);
  return ss_scope_join(&s, NULL);
}

void good_unbound_scope_outlives_its_thread(ss_scope *s) {
  const ss_scope_opts opts = {.flags = SS_UNBOUND};
  if (ss_scope_open(s, &opts, SS_HERE) || ss_spawn(s, work, NULL))
    return;
  pthread_exit(NULL);
}
