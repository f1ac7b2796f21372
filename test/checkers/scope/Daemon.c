// RUN: %safespawn_verify -I%project/runtime/include %s
// RUN: %analyze_verify -I%project/runtime/include -Xclang -verify-ignore-unexpected=note %s
#include <errno.h>
#include <safespawn.h>

int work(void *arg);
void beat(void);
int accept_one(int fd);

static int bad_heartbeat(void *arg) {
  for (;;) { // expected-note 2{{the loop of 'bad_heartbeat'}}
    beat();
    ss_sleep(SS_SEC(1));
  }
}

int bad_never_ends(void) {
  SS_SCOPE(s, .name = "never");
  if (s_rc || ss_spawn(&s, work, NULL))
    return -1;
  if (ss_spawn(&s, bad_heartbeat, NULL))
  // expected-warning@-1{{task 'bad_heartbeat' goes on until it is cancelled, and its scope is joined without that: the join waits for ever [safespawn.scope.Daemon]}}
    return -1;
  return ss_scope_join(&s, NULL); // expected-note{{the scope is joined here}}
}

static int bad_until_stopped(void *arg) {
  while (!ss_cancelled()) { // expected-note{{the loop of 'bad_until_stopped'}}
    beat();
    if (ss_sleep(SS_SEC(1)) != 0)
      break;
  }
  return 0;
}

int bad_ends_only_when_cancelled(void) {
  SS_SCOPE(s, .name = "watch");
  if (s_rc || ss_spawn(&s, work, NULL) || ss_spawn(&s, bad_until_stopped, NULL))
  // expected-warning@-1{{task 'bad_until_stopped' goes on until it is cancelled, and its scope is joined without that: the join waits for ever [safespawn.scope.Daemon]}}
    return -1;
  return ss_scope_join(&s, NULL); // expected-note{{the scope is joined here}}
}

static int bad_ticks(void *arg) {
  ss_ticker *ticker = arg;
  int err;
  for (;;) { // expected-note{{the loop of 'bad_ticks'}}
    if ((err = ss_ticker_wait(ticker, NULL)))
      return err;
    beat();
  }
}

int bad_ticker(ss_ticker *ticker) {
  SS_SCOPE(s, .name = "ticks");
  if (s_rc || ss_spawn(&s, work, NULL) || ss_spawn(&s, bad_ticks, ticker))
  // expected-warning@-1{{task 'bad_ticks' goes on until it is cancelled, and its scope is joined without that: the join waits for ever [safespawn.scope.Daemon]}}
    return -1;
  return ss_scope_join(&s, NULL); // expected-note{{the scope is joined here}}
}

int bad_cancelled_too_late(void) {
  SS_SCOPE(s, .name = "late");
  if (s_rc || ss_spawn(&s, bad_heartbeat, NULL))
  // expected-warning@-1{{task 'bad_heartbeat' goes on until it is cancelled, and its scope is joined without that: the join waits for ever [safespawn.scope.Daemon]}}
    return -1;
  int err = ss_scope_join(&s, NULL); // expected-note{{the scope is joined here}}
  ss_scope_cancel(&s, 0, NULL);
  return err;
}

static int heartbeat(void *arg) {
  while (!ss_sleep(SS_SEC(1)))
    beat();
  return 0;
}

int good_cancelled_first(void) {
  SS_SCOPE(s, .name = "first");
  if (s_rc || ss_spawn(&s, heartbeat, NULL))
    return -1;
  int err = work(NULL);
  ss_scope_cancel(&s, 0, NULL);
  int failed = ss_scope_join(&s, NULL);
  return err ? err : failed;
}

int good_background_task(void) {
  SS_SCOPE(s, .name = "background");
  const ss_task_opts opts = {.flags = SS_TASK_BACKGROUND};
  if (s_rc || ss_spawn(&s, work, NULL) || ss_spawn_at(&s, NULL, &opts, heartbeat, NULL, SS_HERE))
    return -1;
  return ss_scope_join(&s, NULL);
}

int good_background_by_flag(void) {
  SS_SCOPE(s, .name = "flag");
  if (s_rc || ss_spawn(&s, work, NULL) || ss_spawn_task(&s, NULL, SS_TASK_BACKGROUND, heartbeat, NULL))
    return -1;
  return ss_scope_join(&s, NULL);
}

int good_deadline(void) {
  SS_SCOPE(s, .name = "deadline", .deadline = ss_after(SS_SEC(5)));
  if (s_rc || ss_spawn(&s, heartbeat, NULL))
    return -1;
  return ss_scope_join(&s, NULL);
}

int good_deadline_set_later(void) {
  SS_SCOPE(s, .name = "deadline");
  if (s_rc || ss_spawn(&s, heartbeat, NULL))
    return -1;
  ss_scope_set_deadline(&s, ss_after(SS_SEC(5)));
  return ss_scope_join(&s, NULL);
}

int good_task_cancelled(void) {
  SS_SCOPE(s, .name = "one");
  ss_task task;
  if (s_rc || ss_spawn_task(&s, &task, 0, heartbeat, NULL))
    return -1;
  int err = work(NULL);
  ss_task_cancel(&task, 0, NULL);
  int failed = ss_scope_join(&s, NULL);
  return err ? err : failed;
}

int good_left_without_a_join(void) {
  SS_SCOPE(s, .name = "left");
  if (s_rc || ss_spawn(&s, heartbeat, NULL))
    return -1;
  return work(NULL);
}

static int reads_to_the_end(void *arg) {
  char byte;
  for (;;)
    if (ss_read(*(int *)arg, &byte, 1) <= 0)
      return 0;
}

int good_ends_by_itself(int *fd) {
  SS_SCOPE(s, .name = "reads");
  if (s_rc || ss_spawn(&s, reads_to_the_end, fd))
    return -1;
  return ss_scope_join(&s, NULL);
}

static int serve(void *arg) {
  for (;;) {
    int err = accept_one(*(int *)arg);
    if (err)
      return err;
  }
}

// The server ends by failing, which cancels its heartbeat.
int good_sibling_ends_by_failing(int *fd) {
  SS_SCOPE(s, .name = "server");
  if (s_rc || ss_spawn(&s, serve, fd) || ss_spawn(&s, heartbeat, NULL))
    return -1;
  return ss_scope_join(&s, NULL);
}

struct search {
  ss_scope *scope;
  int found;
};

static int finds(void *arg) {
  struct search *search = arg;
  search->found = work(NULL);
  ss_scope_cancel(search->scope, 0, NULL);
  return 0;
}

int good_cancelled_by_a_task(void) {
  struct search search = {0};
  SS_SCOPE(s, .name = "search");
  search.scope = &s;
  if (s_rc || ss_spawn(&s, finds, &search) || ss_spawn(&s, heartbeat, NULL))
    return -1;
  return ss_scope_join(&s, NULL);
}
