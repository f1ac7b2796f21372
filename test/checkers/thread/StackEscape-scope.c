// What is lent to a task of a scope, and ends before the scope joins it.
// RUN: %safespawn_verify -I%project/runtime/include %s
// RUN: %analyze_verify -I%project/runtime/include -Xclang -verify-ignore-unexpected=note %s
#include <safespawn.h>
#include <stdlib.h>

struct job {
  char *text;
  int number;
};

int work(void *arg);
int prepare(void);
void release(struct job *job);
static int looks_at_nothing(void *arg) { return prepare(); }

int bad_cleanup_declared_after_the_scope(void) {
  SS_SCOPE(s, .name = "order");
  struct job job __attribute__((cleanup(release))) = {0}; // expected-note{{'job' is declared here, after the scope: what is declared last ends first}}
  if (s_rc)
    return s_rc;
  return ss_spawn(&s, work, &job); // expected-warning{{task gets the address of local 'job', which ends before scope 's' joins it [safespawn.thread.StackEscape]}}
}

int bad_joined_on_one_way_only(void) {
  SS_SCOPE(s, .name = "order");
  struct job job __attribute__((cleanup(release))) = {0}; // expected-note{{'job' is declared here, after the scope: what is declared last ends first}}
  if (s_rc)
    return s_rc;
  int err = ss_spawn(&s, work, &job.number); // expected-warning{{task gets the address of local 'job', which ends before scope 's' joins it [safespawn.thread.StackEscape]}}
  if (!err && prepare())
    return -1;
  return err ? err : ss_scope_join(&s, NULL);
}

int bad_ends_with_an_inner_block(void) {
  SS_SCOPE(s, .name = "inner");
  int err = s_rc;
  if (!err && prepare()) {
    struct job job = {0}; // expected-note{{'job' is declared here}}
    err = ss_spawn(&s, work, &job); // expected-warning{{task gets the address of local 'job', which ends before scope 's' joins it [safespawn.thread.StackEscape]}}
  }
  return err ? err : ss_scope_join(&s, NULL);
}

// The next round's object lies where this round's did: LoopArg has the say.
int bad_refilled_in_each_round(int n) {
  SS_SCOPE(s, .name = "rounds");
  int err = s_rc;
  for (int i = 0; !err && i < n; i++) {
    struct job job = {.number = i}; // expected-note{{'job' is changed here, before the next round}}
    err = ss_spawn(&s, work, &job); // expected-warning{{task gets the address of 'job', which the loop changes while the task runs [safespawn.thread.LoopArg]}}
  }
  return err ? err : ss_scope_join(&s, NULL);
}

int bad_induction_variable(int n) {
  SS_SCOPE(s, .name = "rounds");
  int err = s_rc;
  for (int i = 0; !err && i < n; i++) // expected-note{{'i' is changed here, before the next round}}
    err = ss_spawn(&s, work, &i); // expected-warning{{task gets the address of 'i', which the loop changes while the task runs [safespawn.thread.LoopArg]}}
  return err ? err : ss_scope_join(&s, NULL);
}

void bad_unchecked(void) {
  SS_SCOPE(s, .name = "unchecked");
  if (s_rc)
    return;
  ss_spawn(&s, work, NULL); // expected-warning{{result of the spawn is ignored: when it fails, no task runs [safespawn.thread.UncheckedSpawn]}}
  (void)ss_scope_join(&s, NULL);
}

int bad_scope_from_elsewhere(ss_scope *scope) {
  struct job job = {0}; // expected-note{{'job' is declared here}}
  int err = ss_spawn(scope, work, &job); // expected-warning{{task gets the address of local 'job', which ends before its scope has to join it [safespawn.thread.StackEscape]}}
  return err;
}

int good_declared_above(void) {
  struct job job __attribute__((cleanup(release))) = {0};
  SS_SCOPE(s, .name = "order");
  if (s_rc)
    return s_rc;
  return ss_spawn(&s, work, &job);
}

int good_joined_on_all_ways(void) {
  SS_SCOPE(s, .name = "joined");
  struct job job __attribute__((cleanup(release))) = {0};
  if (s_rc)
    return s_rc;
  int err = ss_spawn(&s, work, &job);
  if (err)
    return err;
  return ss_scope_join(&s, NULL);
}

// Without an end that runs code the memory is there as long as the block.
int good_plain_object_of_the_same_block(void) {
  SS_SCOPE(s, .name = "plain");
  struct job job = {0};
  if (s_rc)
    return s_rc;
  return ss_spawn(&s, work, &job);
}

int good_copied(int n) {
  SS_SCOPE(s, .name = "copied");
  int err = s_rc;
  for (int i = 0; !err && i < n; i++) {
    struct job job = {.number = i};
    err = ss_spawn_copy(&s, work, &job, sizeof(job));
  }
  return err ? err : ss_scope_join(&s, NULL);
}

int good_task_joined_in_the_block(int n) {
  SS_SCOPE(s, .name = "in turn");
  int err = s_rc;
  for (int i = 0; !err && i < n; i++) {
    struct job job = {.number = i};
    ss_task task;
    err = ss_spawn_task(&s, &task, 0, work, &job);
    if (!err)
      err = ss_task_join(&task, NULL);
  }
  return err ? err : ss_scope_join(&s, NULL);
}

int good_joined_before_the_return(ss_scope *scope) {
  struct job job = {0};
  int err = ss_spawn(scope, work, &job);
  if (err)
    return err;
  return ss_scope_join(scope, NULL);
}

int good_task_that_looks_at_nothing(ss_scope *scope) {
  struct job job = {0};
  return ss_spawn(scope, looks_at_nothing, &job);
}

int good_heap(ss_scope *scope) {
  struct job *job = calloc(1, sizeof(*job));
  return job ? ss_spawn(scope, work, job) : -1;
}
