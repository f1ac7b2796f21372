// RUN: %safespawn_verify -I%project/runtime/include %s
// RUN: %analyze_verify -I%project/runtime/include -Xclang -verify-ignore-unexpected=note %s
#include <errno.h>
#include <safespawn.h>
#include <stdlib.h>

int work(void *arg);
int prepare(void);
void keep(ss_scope *scope);
void use(void *data);

struct server {
  ss_scope scope;
  int running;
};

int bad_never_joined(void) {
  ss_scope s;
  int err = ss_scope_open(&s, NULL, SS_HERE); // expected-note{{'s' is opened here}}
  if (err)
    return err;
  return ss_spawn(&s, work, NULL); // expected-note{{'s' is given a task here}}
  // expected-warning@-1{{leaves 'bad_never_joined' with scope 's' not joined [safespawn.scope.Unjoined]}}
}

int bad_early_return(void) {
  ss_scope s;
  int err = ss_scope_open(&s, NULL, SS_HERE); // expected-note{{'s' is opened here}}
  if (err)
    return err;
  err = ss_spawn(&s, work, NULL); // expected-note{{'s' is given a task here}}
  if (err || prepare()) // expected-note{{'err' holds: 's' is not joined}}
    return -1; // expected-warning{{leaves 'bad_early_return' with scope 's' not joined [safespawn.scope.Unjoined]}}
  err = ss_scope_join(&s, NULL);
  ss_scope_fini(&s);
  return err;
}

int bad_without_a_task(int now) {
  ss_scope s;
  if (ss_scope_open(&s, NULL, SS_HERE)) // expected-note{{'s' is opened here}}
    return -1;
  if (!now) // expected-note{{'now' does not hold: taking the early return}}
    return 0; // expected-warning{{leaves 'bad_without_a_task' with scope 's' not joined [safespawn.scope.Unjoined]}}
  return ss_scope_join(&s, NULL);
}

int bad_unbound(void) {
  ss_scope s;
  const ss_scope_opts opts = {.flags = SS_UNBOUND};
  if (ss_scope_open(&s, &opts, SS_HERE)) // expected-note{{'s' is opened here}}
    return -1;
  return ss_spawn(&s, work, NULL); // expected-note{{'s' is given a task here}}
  // expected-warning@-1{{leaves 'bad_unbound' with scope 's' not joined [safespawn.scope.Unjoined]}}
}

static int open_one(ss_scope *s) { return ss_scope_open(s, NULL, SS_HERE); } // expected-note{{'s' is opened here}}

int bad_opened_by_a_helper(void) {
  ss_scope s;
  if (open_one(&s))
    return -1;
  return ss_spawn(&s, work, NULL); // expected-note{{'s' is given a task here}}
  // expected-warning@-1{{leaves 'bad_opened_by_a_helper' with scope 's' not joined [safespawn.scope.Unjoined]}}
}

int bad_timer_in_a_scope_from_elsewhere(ss_scope *scope) {
  ss_timer timer;
  int err = ss_timer_start(scope, &timer, 0, SS_MS(10), work, NULL); // expected-note{{'timer' is started here}}
  if (err)
    return err;
  return prepare(); // expected-warning{{leaves 'bad_timer_in_a_scope_from_elsewhere' with 'timer' running in a scope that goes on [safespawn.scope.Unjoined]}}
}

int bad_task_in_a_scope_from_elsewhere(ss_scope *scope) {
  ss_task task;
  if (ss_spawn_task(scope, &task, 0, work, NULL)) // expected-note{{'task' is started here}}
    return -1;
  if (prepare()) // expected-note{{'prepare' fails: taking the early return}}
    return -1; // expected-warning{{leaves 'bad_task_in_a_scope_from_elsewhere' with 'task' running in a scope that goes on [safespawn.scope.Unjoined]}}
  return ss_task_join(&task, NULL);
}

static ss_scope watchers;

int start_watching(void) {
  const ss_scope_opts opts = {.flags = SS_UNBOUND};
  int err = ss_scope_open(&watchers, &opts, SS_HERE); // expected-note{{the scope is opened here}}
  return err ? err : ss_spawn(&watchers, work, NULL);
}

void bad_stop_watching(void) {
  ss_scope_cancel(&watchers, 0, NULL); // expected-warning{{scope '&watchers' is cancelled here, and joined nowhere: its tasks may still run [safespawn.scope.Unjoined]}}
}

int good_joined_on_all_ways(void) {
  ss_scope s;
  int err = ss_scope_open(&s, NULL, SS_HERE);
  if (err)
    return err;
  err = ss_spawn(&s, work, NULL);
  if (err || prepare()) {
    ss_scope_cancel(&s, ECANCELED, "not wanted");
    err = ss_scope_join(&s, NULL);
  } else {
    err = ss_scope_join(&s, NULL);
  }
  ss_scope_fini(&s);
  return err;
}

int good_left_to_fini(void) {
  ss_scope s;
  if (ss_scope_open(&s, NULL, SS_HERE))
    return -1;
  int err = ss_spawn(&s, work, NULL);
  ss_scope_fini(&s);
  return err;
}

int good_closed(void) {
  ss_scope s;
  if (ss_scope_open(&s, NULL, SS_HERE))
    return -1;
  int err = ss_spawn(&s, work, NULL);
  ss_scope_close(&s);
  return err;
}

int good_declared_scope(int now) {
  SS_SCOPE(s, .name = "declared");
  if (s_rc)
    return s_rc;
  int err = ss_spawn(&s, work, NULL);
  if (!now)
    return err;
  return ss_scope_join(&s, NULL);
}

int good_cleanup_of_ones_own(void) {
  ss_scope s __attribute__((cleanup(ss_scope_fini)));
  if (ss_scope_open(&s, NULL, SS_HERE))
    return -1;
  return ss_spawn(&s, work, NULL);
}

int good_open_failed(void) {
  ss_scope s;
  return ss_scope_open(&s, NULL, SS_HERE) ? -1 : ss_scope_join(&s, NULL);
}

int good_in_the_callers_memory(struct server *server) {
  const ss_scope_opts opts = {.flags = SS_UNBOUND};
  int err = ss_scope_open(&server->scope, &opts, SS_HERE);
  if (!err)
    err = ss_spawn(&server->scope, work, server);
  return err;
}

struct server *good_on_the_heap(void) {
  struct server *server = calloc(1, sizeof(*server));
  const ss_scope_opts opts = {.flags = SS_UNBOUND};
  if (!server || ss_scope_open(&server->scope, &opts, SS_HERE))
    return NULL;
  return server;
}

static ss_scope workers;

int good_static(void) {
  const ss_scope_opts opts = {.flags = SS_UNBOUND};
  return ss_scope_open(&workers, &opts, SS_HERE);
}

int good_stopped_and_joined(void) {
  ss_scope_cancel(&workers, 0, NULL);
  return ss_scope_join(&workers, NULL);
}

static ss_scope helpers;

int good_start_helpers(void) {
  const ss_scope_opts opts = {.flags = SS_UNBOUND};
  return ss_scope_open(&helpers, &opts, SS_HERE);
}

void good_joined_by_others(void) {
  ss_scope_cancel(&helpers, 0, NULL);
  keep(&helpers);
}

int good_handed_over(void) {
  ss_scope s;
  if (ss_scope_open(&s, NULL, SS_HERE))
    return -1;
  keep(&s);
  return 0;
}

static void finish(ss_scope *s) {
  (void)ss_scope_join(s, NULL);
  ss_scope_fini(s);
}

int good_joined_by_a_helper(void) {
  ss_scope s;
  if (ss_scope_open(&s, NULL, SS_HERE))
    return -1;
  int err = ss_spawn(&s, work, NULL);
  finish(&s);
  return err;
}

int good_timed_join(ss_time until) {
  ss_scope s;
  if (ss_scope_open(&s, NULL, SS_HERE))
    return -1;
  int err = ss_spawn(&s, work, NULL);
  if (!err)
    err = ss_scope_join_until(&s, until, NULL);
  else
    ss_scope_fini(&s);
  return err;
}

int good_process_ends(void) {
  ss_scope s;
  if (ss_scope_open(&s, NULL, SS_HERE))
    exit(1);
  if (ss_spawn(&s, work, NULL))
    abort();
  return ss_scope_join(&s, NULL);
}

int good_timer_of_the_same_block(void) {
  ss_timer timer;
  SS_SCOPE(s, .name = "timer");
  if (s_rc)
    return s_rc;
  int err = ss_timer_start(&s, &timer, 0, SS_MS(10), work, NULL);
  return err ? err : prepare();
}

int good_timer_stopped(ss_scope *scope) {
  ss_timer timer;
  int err = ss_timer_start(scope, &timer, 0, SS_MS(10), work, NULL);
  if (err)
    return err;
  err = prepare();
  ss_timer_stop(&timer);
  return err;
}

int good_task_by_its_scope(ss_scope *scope) {
  ss_task task;
  if (ss_spawn_task(scope, &task, 0, work, NULL))
    return -1;
  return ss_scope_join(scope, NULL);
}

static int join_that(ss_task *task) { return ss_task_join(task, NULL); }

int good_task_joined_by_a_helper(ss_scope *scope) {
  ss_task task;
  int err = ss_spawn_task(scope, &task, 0, work, NULL);
  return err ? err : join_that(&task);
}

int good_exit_joins(void) {
  ss_scope s;
  if (ss_scope_open(&s, NULL, SS_HERE))
    return -1;
  if (ss_spawn(&s, work, NULL))
    ss_fail(EAGAIN, "no thread for %s", "work");
  if (prepare())
    ss_exit(1);
  return ss_scope_join(&s, NULL);
}
