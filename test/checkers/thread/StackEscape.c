// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/pthread.h"

void *work(void *arg);
int prepare(void);
void log_error(const char *text);

struct job {
  int number;
  char *name;
};
struct worker {
  pthread_t tid;
  struct job *job;
  int number;
};
struct start {
  int number;
  int copied_flag;
  sem_t copied;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  pthread_barrier_t barrier;
};

static void join_all(pthread_t *t, int n) {
  for (int i = 0; i < n; i++)
    pthread_join(t[i], NULL);
}

int bad_detached(void) {
  pthread_t t;
  struct job job = {.number = 1};
  if (pthread_create(&t, NULL, work, &job))
  // expected-warning@-1{{thread 't' gets the address of local 'job' and may outlive 'bad_detached' [safespawn.thread.StackEscape]}}
    return -1;
  pthread_detach(t); // expected-note{{'t' is detached here}}
  return 0; // expected-note{{'bad_detached' ends here, and 'job' with it}}
}

int bad_never_joined(void) {
  pthread_t t;
  int number = 1;
  if (pthread_create(&t, NULL, work, &number))
  // expected-warning@-1{{thread 't' gets the address of local 'number' and may outlive 'bad_never_joined' [safespawn.thread.StackEscape]}}
    return -1;
  return prepare(); // expected-note{{'bad_never_joined' ends here, and 'number' with it}}
}

int bad_early_return(int number) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, &number))
  // expected-warning@-1{{thread 't' gets the address of local 'number' and may outlive 'bad_early_return' [safespawn.thread.StackEscape]}}
    return -1;
  if (prepare() < 0) // expected-note{{'prepare' fails: taking the early return}}
    return -1; // expected-note{{'bad_early_return' ends here, and 'number' with it}}
  pthread_join(t, NULL);
  return 0;
}

int bad_detached_by_attribute(void) {
  pthread_t t;
  pthread_attr_t attr;
  char name[16] = "worker";
  int rc;
  pthread_attr_init(&attr);
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  rc = pthread_create(&t, &attr, work, name);
  // expected-warning@-1{{thread 't' gets the address of local 'name' and may outlive 'bad_detached_by_attribute' [safespawn.thread.StackEscape]}}
  pthread_attr_destroy(&attr);
  return rc; // expected-note{{'bad_detached_by_attribute' ends here, and 'name' with it}}
}

static void *on_its_own(void *arg) {
  pthread_detach(pthread_self());
  printf("%d\n", *(int *)arg);
  return NULL;
}

int bad_entry_detaches_itself(void) {
  pthread_t t;
  int number = 1;
  return pthread_create(&t, NULL, on_its_own, &number);
  // expected-warning@-1{{thread 't' gets the address of local 'number' and may outlive 'bad_entry_detaches_itself' [safespawn.thread.StackEscape]}}
  // expected-note@-2{{'bad_entry_detaches_itself' ends here, and 'number' with it}}
}

int bad_handle_for_the_caller(pthread_t *out) {
  struct job job = {.number = 1};
  return pthread_create(out, NULL, work, &job);
  // expected-warning@-1{{thread '*out' gets the address of local 'job' and may outlive 'bad_handle_for_the_caller' [safespawn.thread.StackEscape]}}
  // expected-note@-2{{'bad_handle_for_the_caller' ends here, and 'job' with it}}
}

pthread_t bad_handle_returned(void) {
  pthread_t t;
  struct job job = {.number = 1};
  if (pthread_create(&t, NULL, work, &job))
  // expected-warning@-1{{thread 't' gets the address of local 'job' and may outlive 'bad_handle_returned' [safespawn.thread.StackEscape]}}
    exit(1);
  return t; // expected-note{{'bad_handle_returned' ends here, and 'job' with it}}
}

static pthread_t logger;

int bad_handle_in_a_global(void) {
  struct job job = {.number = 1};
  return pthread_create(&logger, NULL, work, &job);
  // expected-warning@-1{{thread 'logger' gets the address of local 'job' and may outlive 'bad_handle_in_a_global' [safespawn.thread.StackEscape]}}
  // expected-note@-2{{'bad_handle_in_a_global' ends here, and 'job' with it}}
}

int bad_member(pthread_t *out) {
  struct job job = {.number = 1};
  return pthread_create(out, NULL, work, &job.number);
  // expected-warning@-1{{thread '*out' gets the address of local 'job' and may outlive 'bad_member' [safespawn.thread.StackEscape]}}
  // expected-note@-2{{'bad_member' ends here, and 'job' with it}}
}

int bad_struct_that_points_to_it(struct worker *w) {
  struct job job = {.number = 1};
  w->job = &job;
  return pthread_create(&w->tid, NULL, work, w);
  // expected-warning@-1{{thread 'w->tid' gets the address of local 'job' and may outlive 'bad_struct_that_points_to_it' [safespawn.thread.StackEscape]}}
  // expected-note@-2{{'bad_struct_that_points_to_it' ends here, and 'job' with it}}
}

int bad_fresh_struct_that_points_to_it(pthread_t *out) {
  int number = 1;
  struct job *job = malloc(sizeof *job);
  if (!job)
    return -1;
  job->name = (char *)&number;
  return pthread_create(out, NULL, work, job);
  // expected-warning@-1{{thread '*out' gets the address of local 'number' and may outlive 'bad_fresh_struct_that_points_to_it' [safespawn.thread.StackEscape]}}
  // expected-note@-2{{'bad_fresh_struct_that_points_to_it' ends here, and 'number' with it}}
}

int bad_timed_join_gives_up(const struct timespec *deadline) {
  pthread_t t;
  struct job job = {.number = 1};
  if (pthread_create(&t, NULL, work, &job))
  // expected-warning@-1{{thread 't' gets the address of local 'job' and may outlive 'bad_timed_join_gives_up' [safespawn.thread.StackEscape]}}
    return -1;
  if (pthread_timedjoin_np(t, NULL, deadline) != 0) // expected-note{{joining 't' is tried here}}
    pthread_detach(t); // expected-note{{'t' is detached here}}
  return 0; // expected-note{{'bad_timed_join_gives_up' ends here, and 'job' with it}}
}

void *bad_entry_that_ends_itself(void *arg) {
  pthread_t t;
  struct job job = {.name = arg};
  if (pthread_create(&t, NULL, work, &job))
  // expected-warning@-1{{thread 't' gets the address of local 'job' and may outlive 'bad_entry_that_ends_itself' [safespawn.thread.StackEscape]}}
    return NULL;
  if (prepare()) // expected-note{{'prepare()' holds: taking the early return}}
    pthread_exit(NULL); // expected-note{{'bad_entry_that_ends_itself' ends here, and 'job' with it}}
  pthread_join(t, NULL);
  return NULL;
}

static void *goes_on_using(void *arg) {
  struct start *s = arg;
  sem_post(&s->copied);
  printf("%d\n", s->number);
  return NULL;
}

int bad_hand_shake_too_early(pthread_t *out) {
  struct start s = {.number = 1};
  sem_init(&s.copied, 0, 0);
  if (pthread_create(out, NULL, goes_on_using, &s))
  // expected-warning@-1{{thread '*out' gets the address of local 's' and may outlive 'bad_hand_shake_too_early' [safespawn.thread.StackEscape]}}
    return -1;
  sem_wait(&s.copied);
  return 0; // expected-note{{'bad_hand_shake_too_early' ends here, and 's' with it}}
}

static void *copies(void *arg) {
  struct start *s = arg;
  int number = s->number;
  sem_post(&s->copied);
  printf("%d\n", number);
  return NULL;
}

int bad_waits_on_one_path(pthread_t *out, int hurry) {
  struct start s = {.number = 1};
  sem_init(&s.copied, 0, 0);
  if (pthread_create(out, NULL, copies, &s))
  // expected-warning@-1{{thread '*out' gets the address of local 's' and may outlive 'bad_waits_on_one_path' [safespawn.thread.StackEscape]}}
    return -1;
  if (hurry) // expected-note{{'hurry' holds: taking the early return}}
    return 0; // expected-note{{'bad_waits_on_one_path' ends here, and 's' with it}}
  sem_wait(&s.copied);
  return 0;
}

int bad_workers_struct_itself(void) {
  struct worker w = {.number = 1};
  if (pthread_create(&w.tid, NULL, work, &w))
  // expected-warning@-1{{thread 'w.tid' gets the address of local 'w' and may outlive 'bad_workers_struct_itself' [safespawn.thread.StackEscape]}}
    return -1;
  if (prepare() < 0) // expected-note{{'prepare' fails: taking the early return}}
    return -1; // expected-note{{'bad_workers_struct_itself' ends here, and 'w' with it}}
  pthread_join(w.tid, NULL);
  return 0;
}

int good_joined(void) {
  pthread_t t;
  struct job job = {.number = 1};
  if (pthread_create(&t, NULL, work, &job))
    return -1;
  prepare();
  pthread_join(t, NULL);
  return job.number;
}

int good_joined_on_each_path(void) {
  struct worker w = {.number = 1};
  int rc;
  if (pthread_create(&w.tid, NULL, work, &w))
    return -1;
  rc = prepare();
  if (rc)
    goto out;
  rc = prepare();
out:
  pthread_join(w.tid, NULL);
  return rc;
}

int good_all_joined(int n) {
  pthread_t t[16];
  struct job jobs[16];
  for (int i = 0; i < n; i++) {
    jobs[i].number = i;
    if (pthread_create(&t[i], NULL, work, &jobs[i]))
      exit(1);
  }
  join_all(t, n);
  return 0;
}

int good_workers_joined(int n) {
  struct worker w[16];
  int started;
  for (started = 0; started < n; started++) {
    w[started].number = started;
    if (pthread_create(&w[started].tid, NULL, work, &w[started]))
      break;
  }
  for (int i = 0; i < started; i++)
    pthread_join(w[i].tid, NULL);
  return started;
}

int good_spawn_failed(void) {
  pthread_t t;
  int number = 1;
  if (pthread_create(&t, NULL, work, &number) != 0) {
    log_error("no thread");
    return -1;
  }
  return pthread_join(t, NULL);
}

int good_static_object(void) {
  pthread_t t;
  static struct job job;
  if (pthread_create(&t, NULL, work, &job))
    return -1;
  return pthread_detach(t);
}

static struct job global_job;

int good_global_object(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, &global_job))
    return -1;
  return pthread_detach(t);
}

int good_heap_object(int number) {
  pthread_t t;
  struct job *job = malloc(sizeof *job);
  if (!job)
    return -1;
  job->number = number;
  if (pthread_create(&t, NULL, work, job)) {
    free(job);
    return -1;
  }
  return pthread_detach(t);
}

int good_heap_object_with_a_copy(const char *name) {
  pthread_t t;
  struct job local = {.name = (char *)name}, *job = malloc(sizeof *job);
  if (!job)
    return -1;
  *job = local;
  if (pthread_create(&t, NULL, work, job)) {
    free(job);
    return -1;
  }
  return pthread_detach(t);
}

int good_no_argument(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL))
    return -1;
  return pthread_detach(t);
}

int good_by_value(int fd) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, (void *)(intptr_t)fd))
    return -1;
  return pthread_detach(t);
}

int good_string_literal(void) {
  pthread_t t;
  char *name = "worker";
  if (pthread_create(&t, NULL, work, name))
    return -1;
  return pthread_detach(t);
}

int good_callers_object(struct job *job, pthread_t *out) { return pthread_create(out, NULL, work, job); }

static int start_job(struct worker *w, struct job *job) {
  w->job = job;
  return pthread_create(&w->tid, NULL, work, w);
}

int good_helper_starts_caller_joins(void) {
  struct worker w;
  struct job job = {.number = 1};
  if (start_job(&w, &job))
    return -1;
  pthread_join(w.tid, NULL);
  return 0;
}

static void *copies_before_it_posts(void *arg) {
  struct start *s = arg;
  int number = s->number;
  sem_post(&s->copied);
  printf("%d\n", number);
  return NULL;
}

int good_hand_shake_by_semaphore(void) {
  pthread_t t;
  struct start s = {.number = 1};
  sem_init(&s.copied, 0, 0);
  if (pthread_create(&t, NULL, copies_before_it_posts, &s))
    return -1;
  pthread_detach(t);
  sem_wait(&s.copied);
  sem_destroy(&s.copied);
  return 0;
}

static void *copies_before_it_signals(void *arg) {
  struct start *s = arg;
  int number = s->number;
  pthread_mutex_lock(&s->lock);
  s->copied_flag = 1;
  pthread_cond_signal(&s->changed);
  pthread_mutex_unlock(&s->lock);
  printf("%d\n", number);
  return NULL;
}

int good_hand_shake_by_condition(void) {
  pthread_t t;
  struct start s = {.number = 1, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
  if (pthread_create(&t, NULL, copies_before_it_signals, &s))
    return -1;
  pthread_detach(t);
  pthread_mutex_lock(&s.lock);
  while (!s.copied_flag)
    pthread_cond_wait(&s.changed, &s.lock);
  pthread_mutex_unlock(&s.lock);
  return 0;
}

static void *copies_before_the_barrier(void *arg) {
  struct start *s = arg;
  int number = s->number;
  pthread_barrier_wait(&s->barrier);
  printf("%d\n", number);
  return NULL;
}

int good_hand_shake_by_barrier(pthread_t *out) {
  struct start s = {.number = 1};
  pthread_barrier_init(&s.barrier, NULL, 2);
  if (pthread_create(out, NULL, copies_before_the_barrier, &s))
    return -1;
  pthread_barrier_wait(&s.barrier);
  return 0;
}

int good_hand_shake_with_unknown_entry(pthread_t *out, sem_t *ready) {
  int number = 1;
  if (pthread_create(out, NULL, work, &number))
    return -1;
  sem_wait(ready);
  return 0;
}

int good_process_ends(void) {
  pthread_t t;
  int number = 1;
  if (pthread_create(&t, NULL, work, &number))
    exit(1);
  prepare();
  exit(0);
}

int good_endless(void) {
  pthread_t t;
  int number = 1;
  if (pthread_create(&t, NULL, work, &number))
    return -1;
  pthread_detach(t);
  for (;;)
    sleep(1);
}

int good_timed_join_with_a_real_one(const struct timespec *deadline) {
  pthread_t t;
  struct job job = {.number = 1};
  if (pthread_create(&t, NULL, work, &job))
    return -1;
  if (pthread_timedjoin_np(t, NULL, deadline) != 0) {
    pthread_cancel(t);
    pthread_join(t, NULL);
  }
  return 0;
}

int good_same_guard(int threaded) {
  pthread_t t;
  struct job job = {.number = 1};
  if (threaded) {
    if (pthread_create(&t, NULL, work, &job))
      return -1;
  } else {
    work(&job);
  }
  prepare();
  if (threaded)
    pthread_join(t, NULL);
  return 0;
}

int main(void) { // a good one too: its frame lives as long as the process
  pthread_t t;
  struct job job = {.number = 1};
  if (pthread_create(&t, NULL, work, &job))
    return 1;
  pthread_detach(t);
  return prepare();
}
