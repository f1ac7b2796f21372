// RUN: %safespawn_verify -I%project/runtime/include %s
// RUN: %analyze_verify -I%project/runtime/include -Xclang -verify-ignore-unexpected=note %s
#include <errno.h>
#include <safespawn.h>

int leaf(void *arg);
int prepare(void);

struct job {
  ss_scope *scope;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  sem_t done;
  ss_queue *results;
  int left;
};

struct pool {
  ss_scope scope;
  sem_t done;
};

static int bad_joins_its_scope(void *arg) {
  struct job *job = arg;
  return ss_scope_join(job->scope, NULL); // expected-warning{{task joins the scope that it belongs to, and waits for itself [safespawn.scope.NestedLimit]}}
}

int spawns_one_that_joins(void) {
  SS_SCOPE(s, .name = "joins");
  struct job job = {.scope = &s};
  if (s_rc || ss_spawn(&s, bad_joins_its_scope, &job)) // expected-note{{'bad_joins_its_scope' is a task of the scope, spawned here}}
    return -1;
  return ss_scope_join(&s, NULL);
}

static int bad_joins_the_current_scope(void *arg) {
  if (prepare())
    return 0;
  return ss_scope_join(ss_scope_current(), NULL); // expected-warning{{task joins the scope that it belongs to, and waits for itself [safespawn.scope.NestedLimit]}}
}

static int bad_joins_what_it_was_given(void *arg) {
  ss_scope *scope = arg;
  return ss_scope_join(scope, NULL); // expected-warning{{task joins the scope that it belongs to, and waits for itself [safespawn.scope.NestedLimit]}}
}

int spawns_others_that_join(void) {
  SS_SCOPE(s, .name = "joins");
  if (s_rc || ss_spawn(&s, bad_joins_the_current_scope, NULL)) // expected-note{{'bad_joins_the_current_scope' is a task of the scope, spawned here}}
    return -1;
  if (ss_spawn(&s, bad_joins_what_it_was_given, &s)) // expected-note{{'bad_joins_what_it_was_given' is a task of the scope, spawned here}}
    return -1;
  return ss_scope_join(&s, NULL);
}

static int bad_waits_on_a_condition(void *arg) {
  struct job *job = arg;
  int err = ss_spawn(job->scope, leaf, job); // expected-note{{the other task is spawned here}}
  if (err)
    return err;
  pthread_mutex_lock(&job->lock);
  while (job->left)
    ss_cond_wait(&job->changed, &job->lock); // expected-warning{{task waits for one that it spawned into its own scope: with the limit reached, that one waits for the place of the first [safespawn.scope.NestedLimit]}}
  pthread_mutex_unlock(&job->lock);
  return 0;
}

int spawns_one_that_waits(void) {
  SS_SCOPE(s, .name = "waits", .limit = 4);
  struct job mine = {.scope = &s};
  if (s_rc || ss_spawn(&s, bad_waits_on_a_condition, &mine)) // expected-note{{'bad_waits_on_a_condition' is a task of the scope, spawned here}}
    return -1;
  return ss_scope_join(&s, NULL);
}

static int bad_waits_on_a_semaphore(void *arg) {
  struct pool *pool = arg;
  if (ss_spawn(&pool->scope, leaf, pool)) // expected-note{{the other task is spawned here}}
    return -1;
  return ss_sem_wait(&pool->done); // expected-warning{{task waits for one that it spawned into its own scope: with the limit reached, that one waits for the place of the first [safespawn.scope.NestedLimit]}}
}

int start(struct pool *pool) {
  const ss_scope_opts opts = {.flags = SS_UNBOUND, .limit = 2};
  int err = ss_scope_open(&pool->scope, &opts, SS_HERE);
  return err ? err : ss_spawn(&pool->scope, bad_waits_on_a_semaphore, pool); // expected-note{{'bad_waits_on_a_semaphore' is a task of the scope, spawned here}}
}

// ---- in functions that the task calls

static int wait_for(struct job *job) {
  return ss_sem_wait(&job->done); // expected-note{{the wait is here}}
}

static int bad_calls_what_waits(void *arg) {
  struct job *job = arg;
  int err = ss_spawn(job->scope, leaf, job); // expected-note{{the other task is spawned here}}
  return err ? err : wait_for(job); // expected-warning{{task waits for one that it spawned into its own scope: with the limit reached, that one waits for the place of the first [safespawn.scope.NestedLimit]}}
}

static int start_leaf(ss_scope *scope, struct job *job) {
  return ss_spawn(scope, leaf, job); // expected-note{{the other task is spawned here}}
}

static int bad_calls_what_spawns(void *arg) {
  struct job *mine = arg;
  if (start_leaf(mine->scope, mine)) // expected-note{{'start_leaf' is called here}}
    return -1;
  return ss_queue_push(mine->results, mine, SS_NEVER); // expected-warning{{task waits for one that it spawned into its own scope: with the limit reached, that one waits for the place of the first [safespawn.scope.NestedLimit]}}
}

static int spawn_and_wait(struct job *job) {
  if (ss_spawn(ss_scope_current(), leaf, job)) // expected-note{{the other task is spawned here}}
    return -1;
  return ss_sem_wait(&job->done); // expected-warning{{task waits for one that it spawned into its own scope: with the limit reached, that one waits for the place of the first [safespawn.scope.NestedLimit]}}
}

static int between(struct job *job) {
  return prepare() ? 0 : spawn_and_wait(job); // expected-note{{'spawn_and_wait' is called here}}
}

static int bad_calls_what_does_both(void *arg) {
  return between(arg); // expected-note{{'between' is called here}}
}

static int join_it(ss_scope *scope) {
  return ss_scope_join(scope, NULL); // expected-warning{{task joins the scope that it belongs to, and waits for itself [safespawn.scope.NestedLimit]}}
}

static int bad_calls_what_joins(void *arg) {
  struct job *job = arg;
  return join_it(job->scope); // expected-note{{'join_it' is called here}}
}

int spawns_those_that_call(void) {
  struct job job = {0};
  SS_SCOPE(s, .name = "calls", .limit = 2);
  job.scope = &s;
  if (s_rc || ss_spawn(&s, bad_calls_what_waits, &job)) // expected-note{{'bad_calls_what_waits' is a task of the scope, spawned here}}
    return -1;
  if (ss_spawn(&s, bad_calls_what_spawns, &job)) // expected-note{{'bad_calls_what_spawns' is a task of the scope, spawned here}}
    return -1;
  if (ss_spawn(&s, bad_calls_what_does_both, &job)) // expected-note{{'bad_calls_what_does_both' is a task of the scope, spawned here}}
    return -1;
  if (ss_spawn(&s, bad_calls_what_joins, &job)) // expected-note{{'bad_calls_what_joins' is a task of the scope, spawned here}}
    return -1;
  return ss_scope_join(&s, NULL);
}

static int fetch_all(struct job *job) {
  SS_SCOPE(inner, .name = "inner");
  if (inner_rc || ss_spawn(&inner, leaf, job))
    return -1;
  ss_sem_wait(&job->done);
  return ss_scope_join(&inner, NULL);
}

// What waits there waits for the tasks of its own scope.
static int good_calls_what_opens_a_scope(void *arg) {
  struct job *job = arg;
  int err = ss_spawn(job->scope, leaf, job);
  return err ? err : fetch_all(job);
}

static int good_waits_before_it_spawns(void *arg) {
  struct job *job = arg;
  int err = ss_sem_wait(&job->done);
  return err ? err : ss_spawn(job->scope, leaf, job);
}

static int put(ss_scope *scope, struct job *job) {
  int err = ss_spawn(scope, leaf, job);
  return err ? err : ss_sem_wait(&job->done);
}

static int good_calls_what_spawns_into_another(void *arg) {
  struct job *job = arg;
  SS_SCOPE(inner, .name = "inner");
  return inner_rc ? -1 : put(&inner, job);
}

static int join_current(void) { return ss_scope_join(ss_scope_current(), NULL); }

// It finds the scope that is open by then.
static int good_joins_what_it_opened(void *arg) {
  SS_SCOPE(inner, .name = "inner");
  if (inner_rc || ss_spawn(&inner, leaf, arg))
    return -1;
  return join_current();
}

static int join_that(ss_task *task) { return ss_task_join(task, NULL); }

static int good_calls_what_joins_the_task(void *arg) {
  struct job *job = arg;
  ss_task task;
  int err = ss_spawn_task(job->scope, &task, 0, leaf, job);
  return err ? err : join_that(&task);
}

int good_that_call(void) {
  struct job job = {0};
  SS_SCOPE(s, .name = "calls", .limit = 2);
  job.scope = &s;
  if (s_rc || ss_spawn(&s, good_calls_what_opens_a_scope, &job) || ss_spawn(&s, good_waits_before_it_spawns, &job) ||
      ss_spawn(&s, good_calls_what_spawns_into_another, &job) || ss_spawn(&s, good_joins_what_it_opened, &job) ||
      ss_spawn(&s, good_calls_what_joins_the_task, &job))
    return -1;
  return ss_scope_join(&s, NULL);
}

// ---- where it may

static int good_joins_its_own_inner_scope(void *arg) {
  SS_SCOPE(inner, .name = "inner", .limit = 2);
  if (inner_rc || ss_spawn(&inner, leaf, arg))
    return -1;
  return ss_scope_join(&inner, NULL);
}

// The join of a task that still waits for its place starts it.
static int good_joins_a_task(void *arg) {
  struct job *job = arg;
  ss_task task;
  int err = ss_spawn_task(job->scope, &task, 0, leaf, job);
  return err ? err : ss_task_join(&task, NULL);
}

static int good_spawns_and_goes_on(void *arg) {
  struct job *job = arg;
  return ss_spawn(job->scope, leaf, job);
}

int good_limited(void) {
  struct job job = {0};
  SS_SCOPE(s, .name = "limited", .limit = 2);
  job.scope = &s;
  if (s_rc || ss_spawn(&s, good_joins_its_own_inner_scope, &job) || ss_spawn(&s, good_joins_a_task, &job) ||
      ss_spawn(&s, good_spawns_and_goes_on, &job))
    return -1;
  return ss_scope_join(&s, NULL);
}

static int good_waits_without_a_limit(void *arg) {
  struct job *job = arg;
  if (ss_spawn(job->scope, leaf, job))
    return -1;
  return ss_sem_wait(&job->done);
}

int good_unlimited(void) {
  struct job job = {0};
  SS_SCOPE(s, .name = "unlimited");
  job.scope = &s;
  if (s_rc || ss_spawn(&s, good_waits_without_a_limit, &job))
    return -1;
  return ss_scope_join(&s, NULL);
}

static int good_waits_for_another_scope(void *arg) {
  struct job *job = arg;
  if (ss_spawn(job->scope, leaf, job))
    return -1;
  return ss_sem_wait(&job->done);
}

int good_two_scopes(ss_scope *other) {
  struct job job = {.scope = other};
  SS_SCOPE(s, .name = "limited", .limit = 2);
  if (s_rc || ss_spawn(&s, good_waits_for_another_scope, &job))
    return -1;
  return ss_scope_join(&s, NULL);
}
