// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/pthread.h"

void *work(void *arg);
int prepare(void);
void log_error(const char *text);
int start_elsewhere(pthread_t *t);
pthread_t find_thread(const char *name);

struct worker {
  pthread_t tid;
  int running;
};
int start_worker(struct worker *w);

int bad_never_spawned(void) {
  pthread_t t; // expected-note{{'t' is declared here, and no spawn fills it on this path}}
  return pthread_join(t, NULL);
  // expected-warning@-1{{handle 't' is joined, but no thread was spawned into it [safespawn.thread.JoinUnspawned]}}
}

int bad_detached_unspawned(void) {
  pthread_t t; // expected-note{{'t' is declared here, and no spawn fills it on this path}}
  return pthread_detach(t);
  // expected-warning@-1{{handle 't' is detached, but no thread was spawned into it [safespawn.thread.JoinUnspawned]}}
}

int bad_cancelled_unspawned(void) {
  pthread_t t; // expected-note{{'t' is declared here, and no spawn fills it on this path}}
  return pthread_cancel(t);
  // expected-warning@-1{{handle 't' is cancelled, but no thread was spawned into it [safespawn.thread.JoinUnspawned]}}
}

int bad_joined_before_the_spawn(void) {
  pthread_t t; // expected-note{{'t' is declared here, and no spawn fills it on this path}}
  int rc;
  pthread_join(t, NULL);
  // expected-warning@-1{{handle 't' is joined, but no thread was spawned into it [safespawn.thread.JoinUnspawned]}}
  rc = pthread_create(&t, NULL, work, NULL);
  if (rc == 0)
    pthread_detach(t);
  return rc;
}

int bad_spawned_on_one_path(int wanted) {
  pthread_t t; // expected-note{{'t' is declared here, and no spawn fills it on this path}}
  if (wanted && pthread_create(&t, NULL, work, NULL))
    return -1;
  prepare();
  return pthread_join(t, NULL);
  // expected-warning@-1{{handle 't' is joined, but no thread was spawned into it [safespawn.thread.JoinUnspawned]}}
}

int bad_spawn_failed(void) {
  pthread_t t;
  int rc = pthread_create(&t, NULL, work, NULL); // expected-note{{'t' is spawned here}}
  if (rc != 0) // expected-note{{assuming that the spawn fails}}
    log_error("no thread");
  prepare();
  return pthread_join(t, NULL);
  // expected-warning@-1{{handle 't' is joined, but its spawn failed on this path [safespawn.thread.JoinUnspawned]}}
}

int bad_clean_up_after_the_failure(void) {
  pthread_t t;
  int rc = pthread_create(&t, NULL, work, NULL); // expected-note{{'t' is spawned here}}
  if (rc) // expected-note{{assuming that the spawn fails}}
    goto out;
  rc = prepare();
out:
  pthread_join(t, NULL);
  // expected-warning@-1{{handle 't' is joined, but its spawn failed on this path [safespawn.thread.JoinUnspawned]}}
  return rc;
}

int bad_cancelled_after_the_failure(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL) != 0) {
  // expected-note@-1{{'t' is spawned here}}
  // expected-note@-2{{assuming that the spawn fails}}
    pthread_cancel(t);
    // expected-warning@-1{{handle 't' is cancelled, but its spawn failed on this path [safespawn.thread.JoinUnspawned]}}
    return -1;
  }
  return pthread_join(t, NULL);
}

int bad_detached_after_the_failure(void) {
  pthread_t t;
  int rc = pthread_create(&t, NULL, work, NULL); // expected-note{{'t' is spawned here}}
  if (rc) // expected-note{{assuming that the spawn fails}}
    log_error(strerror(rc));
  pthread_detach(t);
  // expected-warning@-1{{handle 't' is detached, but its spawn failed on this path [safespawn.thread.JoinUnspawned]}}
  return rc;
}

int bad_set_to_zero(void) {
  pthread_t t = 0; // expected-note{{'t' is declared here, and no spawn fills it on this path}}
  if (prepare())
    return pthread_join(t, NULL);
    // expected-warning@-1{{handle 't' is joined, but no thread was spawned into it [safespawn.thread.JoinUnspawned]}}
  if (pthread_create(&t, NULL, work, NULL))
    return -1;
  return pthread_join(t, NULL);
}

int bad_member_never_spawned(void) {
  struct worker w; // expected-note{{'w' is declared here, and no spawn fills it on this path}}
  w.running = 0;
  return pthread_join(w.tid, NULL);
  // expected-warning@-1{{handle 'w.tid' is joined, but no thread was spawned into it [safespawn.thread.JoinUnspawned]}}
}

int bad_second_of_two(void) {
  pthread_t reader, writer; // expected-note{{'writer' is declared here, and no spawn fills it on this path}}
  if (pthread_create(&reader, NULL, work, NULL))
    return -1;
  pthread_join(reader, NULL);
  pthread_join(writer, NULL);
  // expected-warning@-1{{handle 'writer' is joined, but no thread was spawned into it [safespawn.thread.JoinUnspawned]}}
  return 0;
}

static void stop(pthread_t *t) {
  pthread_join(*t, NULL);
  // expected-warning@-1{{handle 't' is joined, but no thread was spawned into it [safespawn.thread.JoinUnspawned]}}
}

int bad_in_a_helper(int wanted) {
  pthread_t t; // expected-note{{'t' is declared here, and no spawn fills it on this path}}
  if (wanted && pthread_create(&t, NULL, work, NULL))
    return -1;
  stop(&t);
  return 0;
}

int bad_tried_unspawned(void) {
  pthread_t t; // expected-note{{'t' is declared here, and no spawn fills it on this path}}
  return pthread_tryjoin_np(t, NULL);
  // expected-warning@-1{{handle 't' is joined, but no thread was spawned into it [safespawn.thread.JoinUnspawned]}}
}

int good_spawned(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL))
    return -1;
  return pthread_join(t, NULL);
}

int good_parameter(pthread_t t) { return pthread_join(t, NULL); }

int good_member_of_a_parameter(struct worker *w) {
  if (!w->running)
    return 0;
  return pthread_join(w->tid, NULL);
}

pthread_t logger;
static pthread_t reader;

int good_global(void) {
  pthread_join(logger, NULL);
  return pthread_join(reader, NULL);
}

int good_static_local(int start) {
  static pthread_t t;
  if (start)
    return pthread_create(&t, NULL, work, NULL);
  return pthread_join(t, NULL);
}

int good_filled_by_unknown_code(void) {
  pthread_t t;
  if (start_elsewhere(&t) < 0)
    return -1;
  return pthread_join(t, NULL);
}

int good_member_filled_by_unknown_code(void) {
  struct worker w;
  if (start_worker(&w))
    return -1;
  return pthread_join(w.tid, NULL);
}

int good_got_from_unknown_code(void) {
  pthread_t t = find_thread("logger");
  return pthread_join(t, NULL);
}

int good_copied_in(const pthread_t *from) {
  pthread_t t;
  memcpy(&t, from, sizeof t);
  return pthread_join(t, NULL);
}

int good_same_guard(int wanted) {
  pthread_t t;
  if (wanted)
    if (pthread_create(&t, NULL, work, NULL))
      return -1;
  prepare();
  if (wanted)
    pthread_join(t, NULL);
  return 0;
}

struct options {
  int threaded;
};

int good_same_guard_read_again(const struct options *o) {
  pthread_t t;
  if (o->threaded && pthread_create(&t, NULL, work, NULL))
    return -1;
  prepare();
  log_error("done");
  if (o->threaded)
    pthread_join(t, NULL);
  return 0;
}

int good_started_flag(void) {
  pthread_t t;
  int started = 0;
  if (prepare() == 0 && pthread_create(&t, NULL, work, NULL) == 0)
    started = 1;
  prepare();
  if (started)
    pthread_join(t, NULL);
  return started;
}

int good_goto_out_with_a_flag(void) {
  pthread_t t;
  int started = 0, rc;
  rc = prepare();
  if (rc)
    goto out;
  rc = pthread_create(&t, NULL, work, NULL);
  if (rc)
    goto out;
  started = 1;
  rc = prepare();
out:
  if (started)
    pthread_join(t, NULL);
  return rc;
}

int good_result_kept(void) {
  pthread_t t;
  int rc = pthread_create(&t, NULL, work, NULL);
  prepare();
  if (rc == 0)
    pthread_join(t, NULL);
  return rc;
}

int good_result_kept_in_a_member(struct worker *w) {
  w->running = !pthread_create(&w->tid, NULL, work, NULL);
  prepare();
  return w->running ? pthread_join(w->tid, NULL) : -1;
}

int good_switch(void) {
  pthread_t t;
  switch (pthread_create(&t, NULL, work, NULL)) {
  case 0:
    return pthread_join(t, NULL);
  case EAGAIN:
    log_error("too many threads");
    return 1;
  default:
    return -1;
  }
}

int good_handle_as_the_flag(int wanted) {
  pthread_t t = 0;
  if (wanted && pthread_create(&t, NULL, work, NULL))
    return -1;
  prepare();
  if (t != 0)
    pthread_join(t, NULL);
  return 0;
}

int good_zeroed_with_a_guard(int wanted) {
  struct worker w;
  memset(&w, 0, sizeof w);
  if (wanted) {
    if (pthread_create(&w.tid, NULL, work, NULL))
      return -1;
    w.running = 1;
  }
  if (w.running)
    pthread_join(w.tid, NULL);
  return 0;
}

int good_retried(void) {
  pthread_t t;
  int rc;
  while ((rc = pthread_create(&t, NULL, work, NULL)) == EAGAIN)
    sleep(1);
  if (rc)
    return -1;
  return pthread_join(t, NULL);
}

int good_takes_back_what_was_started(int n) {
  pthread_t t[64];
  int i;
  for (i = 0; i < n; i++)
    if (pthread_create(&t[i], NULL, work, NULL))
      break;
  while (i-- > 0)
    pthread_join(t[i], NULL);
  return 0;
}

int good_number_of_started(int n) {
  pthread_t t[64];
  int started = 0;
  for (int i = 0; i < n; i++)
    if (pthread_create(&t[started], NULL, work, NULL) == 0)
      started++;
  for (int i = 0; i < started; i++)
    pthread_join(t[i], NULL);
  return started;
}

int good_loops_with_one_bound(int n) {
  pthread_t t[64];
  for (int i = 0; i < n; i++)
    if (pthread_create(&t[i], NULL, work, NULL))
      exit(1);
  for (int i = 0; i < n; i++)
    pthread_join(t[i], NULL);
  return 0;
}

int good_only_told_apart(pthread_t *others, int n) {
  pthread_t me = pthread_self();
  for (int i = 0; i < n; i++)
    if (!pthread_equal(me, others[i]))
      pthread_join(others[i], NULL);
  return 0;
}

int bad_unchecked_is_the_better_story(void) {
  pthread_t t;
  pthread_create(&t, NULL, work, NULL);
  // expected-warning@-1{{result of the spawn is ignored: when it fails, no thread runs and the handle is garbage [safespawn.thread.UncheckedSpawn]}}
  return pthread_join(t, NULL);
}
