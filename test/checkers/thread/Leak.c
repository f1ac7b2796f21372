// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/pthread.h"

void *work(void *arg);
int prepare(void);
int still_wanted(void);
void register_thread(pthread_t t);
void usage(void) __attribute__((noreturn));
void log_error(const char *text);

struct worker {
  pthread_t tid;
  int number;
  int running;
  struct worker *next;
};
struct options {
  int threaded;
  int verbose;
};

static void die(const char *text) {
  perror(text);
  exit(1);
}

static int start_worker(pthread_t *t, void *arg) { return pthread_create(t, NULL, work, arg); }
// expected-note@-1{{'t' is spawned here}}

static void join_all(pthread_t *t, int n) {
  for (int i = 0; i < n; i++)
    pthread_join(t[i], NULL);
}

static void stop(struct worker *w) { pthread_join(w->tid, NULL); }

int bad_never_joined(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL)) // expected-note{{'t' is spawned here}}
    return -1;
  return prepare();
  // expected-warning@-1{{leaves 'bad_never_joined' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
}

int bad_early_return(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL) != 0) // expected-note{{'t' is spawned here}}
    return -1;
  if (prepare() < 0) // expected-note{{'prepare' fails: taking the early return}}
    return -1;
    // expected-warning@-1{{leaves 'bad_early_return' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
  pthread_join(t, NULL);
  return 0;
}

int bad_goto_past_the_join(void) {
  pthread_t t;
  char *buffer = malloc(100);
  int rc = -1;
  if (!buffer)
    return -1;
  if (pthread_create(&t, NULL, work, NULL)) // expected-note{{'t' is spawned here}}
    goto out;
  if (prepare() < 0) // expected-note{{'prepare' fails: 't' is not joined}}
    goto out;
  pthread_join(t, NULL);
  rc = 0;
out:
  free(buffer);
  return rc;
  // expected-warning@-1{{leaves 'bad_goto_past_the_join' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
}

int bad_first_of_two(void) {
  pthread_t a, b;
  if (pthread_create(&a, NULL, work, NULL)) // expected-note{{'a' is spawned here}}
    return -1;
  if (pthread_create(&b, NULL, work, NULL)) // expected-note{{'pthread_create' fails: taking the early return}}
    return -1;
    // expected-warning@-1{{leaves 'bad_first_of_two' with thread 'a' neither joined nor detached [safespawn.thread.Leak]}}
  pthread_join(a, NULL);
  pthread_join(b, NULL);
  return 0;
}

int bad_started_before_the_failure(void) {
  pthread_t t[4];
  for (int i = 0; i < 4; i++)
    if (pthread_create(&t[i], NULL, work, NULL))
    // expected-note@-1{{'t[i]' is spawned here}}
    // expected-note@-2{{'pthread_create' fails: taking the early return}}
      return -1;
      // expected-warning@-1{{leaves 'bad_started_before_the_failure' with thread 't[i]' neither joined nor detached [safespawn.thread.Leak]}}
  for (int i = 0; i < 4; i++)
    pthread_join(t[i], NULL);
  return 0;
}

void bad_end_of_the_function(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL) == 0) // expected-note{{'t' is spawned here}}
    prepare();
}
// expected-warning@-1{{leaves 'bad_end_of_the_function' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}

int bad_switch_on_the_result(void) {
  pthread_t t;
  switch (pthread_create(&t, NULL, work, NULL)) { // expected-note{{'t' is spawned here}}
  case 0:
    break;
  case EAGAIN:
    return 1;
  default:
    return 2;
  }
  return prepare();
  // expected-warning@-1{{leaves 'bad_switch_on_the_result' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
}

int bad_asserted(void) {
  pthread_t t;
  int rc = pthread_create(&t, NULL, work, NULL); // expected-note{{'t' is spawned here}}
  assert(rc == 0);
  return prepare();
  // expected-warning@-1{{leaves 'bad_asserted' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
}

int bad_through_a_wrapper(void *arg) {
  pthread_t t;
  if (start_worker(&t, arg) != 0)
    return -1;
  return prepare();
  // expected-warning@-1{{leaves 'bad_through_a_wrapper' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
}

static pthread_t start_thread(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL)) // expected-note{{'t' is spawned here}}
    die("pthread_create");
  return t;
}

int bad_got_from_a_wrapper(void) {
  pthread_t mine = start_thread();
  if (prepare()) // expected-note{{'prepare' fails: taking the early return}}
    return -1;
    // expected-warning@-1{{leaves 'bad_got_from_a_wrapper' with thread 'mine' neither joined nor detached [safespawn.thread.Leak]}}
  pthread_join(mine, NULL);
  return 0;
}

int bad_joined_only_on_request(int wait) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL)) // expected-note{{'t' is spawned here}}
    return -1;
  if (wait) // expected-note{{'wait' does not hold: 't' is not joined}}
    pthread_join(t, NULL);
  return 0;
  // expected-warning@-1{{leaves 'bad_joined_only_on_request' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
}

int bad_in_a_local_struct(void) {
  struct worker w = {0};
  if (pthread_create(&w.tid, NULL, work, NULL)) // expected-note{{'w.tid' is spawned here}}
    return -1;
  return prepare();
  // expected-warning@-1{{leaves 'bad_in_a_local_struct' with thread 'w.tid' neither joined nor detached [safespawn.thread.Leak]}}
}

static int begin(struct worker *w, int number) {
  w->number = number;
  if (pthread_create(&w->tid, NULL, work, NULL)) { // expected-note{{'w->tid' is spawned here}}
    log_error("no thread");
    return -1;
  }
  w->running = 1;
  return 0;
}

int bad_started_by_a_helper(void) {
  struct worker w;
  if (begin(&w, 1) < 0)
    return -1;
  if (prepare() < 0) // expected-note{{'prepare' fails: taking the early return}}
    return -1;
    // expected-warning@-1{{leaves 'bad_started_by_a_helper' with thread 'w.tid' neither joined nor detached [safespawn.thread.Leak]}}
  stop(&w);
  return 0;
}

void *bad_entry_that_ends_itself(void *arg) {
  pthread_t helper;
  if (pthread_create(&helper, NULL, work, arg)) // expected-note{{'helper' is spawned here}}
    return NULL;
  if (prepare()) // expected-note{{'prepare()' holds: taking the early return}}
    pthread_exit(NULL);
    // expected-warning@-1{{leaves 'bad_entry_that_ends_itself' with thread 'helper' neither joined nor detached [safespawn.thread.Leak]}}
  pthread_join(helper, NULL);
  return NULL;
}

int bad_cancelled_is_not_joined(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL)) // expected-note{{'t' is spawned here}}
    return -1;
  pthread_cancel(t);
  return 0;
  // expected-warning@-1{{leaves 'bad_cancelled_is_not_joined' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
}

int bad_named_and_signalled(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL)) // expected-note{{'t' is spawned here}}
    return -1;
  pthread_setname_np(t, "worker");
  pthread_kill(t, 10);
  return 0;
  // expected-warning@-1{{leaves 'bad_named_and_signalled' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
}

#define SIGKILL 9
int good_process_is_killed(void) { // the signal is one thread's, its effect is not
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL))
    return -1;
  pthread_kill(t, SIGKILL);
  return 0;
}

int bad_printed(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL)) // expected-note{{'t' is spawned here}}
    return -1;
  printf("started %lu\n", t);
  return 0;
  // expected-warning@-1{{leaves 'bad_printed' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
}

int bad_timed_join_gives_up(const struct timespec *deadline) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL)) // expected-note{{'t' is spawned here}}
    return -1;
  if (pthread_timedjoin_np(t, NULL, deadline) != 0)
  // expected-note@-1{{joining 't' is tried here}}
  // expected-note@-2{{'pthread_timedjoin_np' fails: taking the early return}}
    return -1;
    // expected-warning@-1{{leaves 'bad_timed_join_gives_up' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
  return 0;
}

int bad_in_an_inner_block(int parallel) {
  if (parallel) {
    pthread_t t;
    if (pthread_create(&t, NULL, work, NULL)) // expected-note{{'t' is spawned here}}
      return -1;
  }
  return prepare();
  // expected-warning@-1{{leaves 'bad_in_an_inner_block' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
}

int bad_only_copied(void) {
  pthread_t t, same;
  if (pthread_create(&t, NULL, work, NULL)) // expected-note{{'t' is spawned here}}
    return -1;
  same = t;
  printf("%lu\n", same);
  return 0;
  // expected-warning@-1{{leaves 'bad_only_copied' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
}

#define CHECK(call)                                                                                                    \
  do {                                                                                                                 \
    int check_rc = (call);                                                                                             \
    if (check_rc) {                                                                                                    \
      log_error(#call);                                                                                                \
      return check_rc;                                                                                                 \
    }                                                                                                                  \
  } while (0)

int bad_checked_by_a_macro(void) {
  pthread_t t;
  CHECK(pthread_create(&t, NULL, work, NULL)); // expected-note{{'t' is spawned here}}
  prepare();
  return 0;
  // expected-warning@-1{{leaves 'bad_checked_by_a_macro' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
}

int bad_leaves_the_loop(int n) {
  pthread_t t;
  for (int i = 0; i < n; i++) {
    if (pthread_create(&t, NULL, work, NULL)) // expected-note{{'t' is spawned here}}
      break;
    if (!still_wanted()) // expected-note{{'still_wanted()' does not hold: taking the early return}}
      return i;
      // expected-warning@-1{{leaves 'bad_leaves_the_loop' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
    pthread_join(t, NULL);
  }
  return n;
}

int bad_other_guard(const struct options *o) {
  pthread_t t;
  if (o->threaded && pthread_create(&t, NULL, work, NULL)) // expected-note{{'t' is spawned here}}
    return -1;
  prepare();
  if (o->threaded && o->verbose) // expected-note{{'o->threaded && o->verbose' does not hold: 't' is not joined}}
    pthread_join(t, NULL);
  return 0;
  // expected-warning@-1{{leaves 'bad_other_guard' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
}

static void start_and_forget(void *arg) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, arg)) // expected-note{{'t' is spawned here}}
    log_error("no thread");
} // expected-warning{{leaves 'start_and_forget' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}

void bad_in_a_helper(void *arg) { start_and_forget(arg); }

int good_spawn_failed(void) {
  pthread_t t;
  int rc = pthread_create(&t, NULL, work, NULL);
  if (rc != 0) {
    log_error(strerror(rc));
    return -1;
  }
  pthread_join(t, NULL);
  return 0;
}

int good_spawn_failed_in_the_condition(void) {
  pthread_t t;
  int rc;
  if ((rc = pthread_create(&t, NULL, work, NULL)) != 0)
    return rc;
  return pthread_join(t, NULL);
}

int good_joined_on_each_path(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL))
    return -1;
  if (prepare() < 0) {
    pthread_join(t, NULL);
    return -1;
  }
  pthread_join(t, NULL);
  return 0;
}

int good_joined_in_the_expression(void) {
  pthread_t t;
  return pthread_create(&t, NULL, work, NULL) || pthread_join(t, NULL);
}

int good_detached(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL))
    return -1;
  return pthread_detach(t);
}

int good_detached_by_attribute(void) {
  pthread_t t;
  pthread_attr_t attr;
  int rc;
  if (pthread_attr_init(&attr))
    return -1;
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  rc = pthread_create(&t, &attr, work, NULL);
  pthread_attr_destroy(&attr);
  return rc;
}

static pthread_attr_t detached_attr;

int good_attribute_set_elsewhere(void) {
  pthread_t t;
  return pthread_create(&t, &detached_attr, work, NULL);
}

int good_attribute_from_the_caller(const pthread_attr_t *attr) {
  pthread_t t;
  if (pthread_create(&t, attr, work, NULL))
    return -1;
  return 0;
}

static void make_detached(pthread_attr_t *attr) {
  pthread_attr_init(attr);
  pthread_attr_setdetachstate(attr, PTHREAD_CREATE_DETACHED);
}

int good_attribute_set_by_a_helper(void) {
  pthread_t t;
  pthread_attr_t attr;
  make_detached(&attr);
  if (pthread_create(&t, &attr, work, NULL))
    return -1;
  return 0;
}

void fill_attr(pthread_attr_t *attr);

int good_attribute_filled_by_unknown_code(void) {
  pthread_t t;
  pthread_attr_t attr;
  fill_attr(&attr);
  if (pthread_create(&t, &attr, work, NULL))
    return -1;
  return 0;
}

static void *on_its_own(void *arg) {
  pthread_detach(pthread_self());
  free(arg);
  return NULL;
}

int good_entry_detaches_itself(void *arg) {
  pthread_t t;
  if (pthread_create(&t, NULL, on_its_own, arg))
    return -1;
  return 0;
}

static void leave_alone(void *arg) {
  pthread_detach(pthread_self());
  free(arg);
}

static void *by_its_handler(void *arg) {
  void (*handler)(void *) = leave_alone; // as pthread_cleanup_push keeps it
  work(arg);
  handler(arg);
  return NULL;
}

static pthread_t newest;

static void *says_who_it_is(void *arg) {
  newest = pthread_self(); // who stops it joins that
  return work(arg);
}

static void *only_asks(void *arg) {
  pthread_t me = pthread_self();
  return pthread_equal(me, newest) ? arg : work(arg);
}

int good_handler_detaches(void *arg) {
  pthread_t t;
  return pthread_create(&t, NULL, by_its_handler, arg);
}

int good_tells_its_handle(void *arg) {
  pthread_t t;
  return pthread_create(&t, NULL, says_who_it_is, arg);
}

int bad_asks_for_its_handle(void *arg) {
  pthread_t t;
  return pthread_create(&t, NULL, only_asks, arg); // expected-note{{'t' is spawned here}}
  // expected-warning@-1{{leaves 'bad_asks_for_its_handle' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
}

// The start routine is a parameter: those that the calls in this file pass count.
static int good_start(void *(*entry)(void *), void *arg) {
  pthread_t t;
  int err = pthread_create(&t, NULL, entry, arg);
  if (err)
    log_error("no thread");
  return err;
}

int starts_some(void *arg) { return good_start(by_its_handler, arg) | good_start(says_who_it_is, arg); }

static int bad_start(void *(*entry)(void *), void *arg) {
  pthread_t t;
  int err = pthread_create(&t, NULL, entry, arg); // expected-note{{'t' is spawned here}}
  if (err)
    log_error("no thread");
  return err; // expected-warning{{leaves 'bad_start' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
}

int starts_others(void *arg) { return bad_start(only_asks, arg); }

pthread_t logger;

int good_global(void) {
  if (pthread_create(&logger, NULL, work, NULL))
    return -1;
  return prepare();
}

int good_stored_in_a_global(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL))
    return -1;
  logger = t;
  return 0;
}

int good_static_local(void) {
  static pthread_t t;
  static int started;
  if (!started && pthread_create(&t, NULL, work, NULL) == 0)
    started = 1;
  return started;
}

struct worker *good_heap_object(void) {
  struct worker *w = malloc(sizeof *w);
  if (!w)
    return NULL;
  if (pthread_create(&w->tid, NULL, work, NULL)) {
    free(w);
    return NULL;
  }
  return w;
}

struct worker *all_workers;

int good_heap_object_in_a_list(void) {
  struct worker *w = calloc(1, sizeof *w);
  pthread_t t;
  if (!w)
    return -1;
  if (pthread_create(&t, NULL, work, w)) {
    free(w);
    return -1;
  }
  w->tid = t;
  w->next = all_workers;
  all_workers = w;
  return 0;
}

int good_pointer_parameter(pthread_t *out) {
  if (pthread_create(out, NULL, work, NULL))
    return -1;
  return prepare();
}

int good_copied_to_a_pointer_parameter(pthread_t *out) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL))
    return -1;
  *out = t;
  return 0;
}

int good_field_of_a_parameter(struct worker *w) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, w))
    return -1;
  w->tid = t;
  w->running = 1;
  return 0;
}

int good_copied_by_memcpy(struct worker *w) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, w))
    return -1;
  memcpy(&w->tid, &t, sizeof t);
  return 0;
}

int good_whole_struct_stored(struct worker *w) {
  struct worker fresh = {.number = 1};
  if (pthread_create(&fresh.tid, NULL, work, NULL))
    return -1;
  *w = fresh;
  return 0;
}

int good_compound_literal_stored(struct worker *w) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL))
    return -1;
  *w = (struct worker){.tid = t, .running = 1};
  return 0;
}

pthread_t good_returned(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL))
    die("pthread_create");
  return t;
}

struct worker good_returned_in_a_struct(void) {
  struct worker w = {0};
  if (pthread_create(&w.tid, NULL, work, NULL) == 0)
    w.running = 1;
  return w;
}

int good_passed_to_an_unknown_function(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL))
    return -1;
  register_thread(t);
  return 0;
}

void register_place(pthread_t *t);

int good_place_passed_to_an_unknown_function(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL))
    return -1;
  register_place(&t);
  return 0;
}

void shut_down(struct worker *w);

int good_struct_passed_to_an_unknown_function(void) {
  struct worker w;
  if (pthread_create(&w.tid, NULL, work, NULL))
    return -1;
  shut_down(&w);
  return 0;
}

int good_passed_to_a_callback(void (*finish)(pthread_t)) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL))
    return -1;
  finish(t);
  return 0;
}

int good_process_ends(int argc) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL))
    err(1, "pthread_create");
  if (argc > 3)
    exit(1);
  if (argc > 2)
    abort();
  if (argc > 1)
    usage();
  if (prepare() < 0)
    die("prepare");
  if (prepare() < 0)
    _exit(1);
  pthread_join(t, NULL);
  return 0;
}

#define PTOK(call)                                                                                                     \
  do {                                                                                                                 \
    int ptok_rc = (call);                                                                                              \
    if (ptok_rc)                                                                                                       \
      die(#call);                                                                                                      \
  } while (0)

void good_checked_by_a_macro(void) {
  pthread_t t;
  PTOK(pthread_create(&t, NULL, work, NULL));
  prepare();
  PTOK(pthread_join(t, NULL));
}

int good_join_fails(void) {
  pthread_t t;
  void *result;
  if (pthread_create(&t, NULL, work, NULL))
    return -1;
  if (pthread_join(t, &result) != 0)
    return -1;
  return result == NULL;
}

int good_timed_join_with_a_fallback(const struct timespec *deadline) {
  pthread_t t;
  int rc;
  if (pthread_create(&t, NULL, work, NULL))
    return -1;
  rc = pthread_timedjoin_np(t, NULL, deadline);
  if (rc == ETIMEDOUT) {
    pthread_detach(t);
    return -1;
  }
  if (rc != 0)
    pthread_join(t, NULL);
  return 0;
}

int good_joined_by_trying(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL))
    return -1;
  while (pthread_tryjoin_np(t, NULL) == EBUSY)
    prepare();
  return 0;
}

int good_goto_out_with_a_flag(void) {
  pthread_t t;
  int started = 0, rc = -1;
  if (prepare())
    goto out;
  if (pthread_create(&t, NULL, work, NULL))
    goto out;
  started = 1;
  if (prepare())
    goto out;
  rc = 0;
out:
  if (started)
    pthread_join(t, NULL);
  return rc;
}

int good_goto_labels(void) {
  pthread_t a, b;
  int rc;
  rc = pthread_create(&a, NULL, work, NULL);
  if (rc)
    return rc;
  rc = pthread_create(&b, NULL, work, NULL);
  if (rc)
    goto join_a;
  rc = prepare();
  pthread_join(b, NULL);
join_a:
  pthread_join(a, NULL);
  return rc;
}

int good_result_as_the_flag(void) {
  pthread_t t;
  int failed = pthread_create(&t, NULL, work, NULL);
  if (failed)
    log_error("goes on without a thread");
  prepare();
  if (!failed)
    pthread_join(t, NULL);
  return 0;
}

int good_result_compared_as_the_flag(void) {
  pthread_t t;
  const _Bool running = pthread_create(&t, NULL, work, NULL) == 0;
  prepare();
  if (running)
    pthread_join(t, NULL);
  return 0;
}

int good_same_guard(int threaded) {
  pthread_t t;
  if (threaded && pthread_create(&t, NULL, work, NULL))
    return -1;
  prepare();
  if (threaded)
    pthread_join(t, NULL);
  return 0;
}

int good_same_guard_read_again(struct options *o) {
  pthread_t t;
  if (o->threaded)
    if (pthread_create(&t, NULL, work, NULL))
      return -1;
  prepare();
  log_error("done");
  if (o->threaded)
    pthread_join(t, NULL);
  return 0;
}

int threads_wanted;

int good_same_global_guard(void) {
  pthread_t t;
  if (threads_wanted > 1) {
    if (pthread_create(&t, NULL, work, NULL))
      return -1;
  }
  prepare();
  if (threads_wanted > 1)
    pthread_join(t, NULL);
  return 0;
}

int good_guard_left_early(const struct options *o) {
  pthread_t t;
  if (o->threaded && pthread_create(&t, NULL, work, NULL))
    return -1;
  prepare();
  if (!o->threaded)
    return 0;
  pthread_join(t, NULL);
  return 0;
}

int good_handle_as_the_flag(int wanted) {
  pthread_t t = 0;
  if (wanted && pthread_create(&t, NULL, work, NULL))
    t = 0;
  prepare();
  if (t)
    pthread_join(t, NULL);
  return 0;
}

int good_pointer_as_the_flag(int wanted) {
  pthread_t t, *running = NULL;
  if (wanted && pthread_create(&t, NULL, work, NULL) == 0)
    running = &t;
  prepare();
  if (running)
    pthread_join(*running, NULL);
  return 0;
}

enum { N = 4 };

int good_loops(void) {
  pthread_t t[N];
  for (int i = 0; i < N; i++)
    if (pthread_create(&t[i], NULL, work, NULL))
      die("pthread_create");
  for (int i = 0; i < N; i++)
    pthread_join(t[i], NULL);
  return 0;
}

int good_loop_down(int n) {
  pthread_t t[64];
  int i;
  for (i = 0; i < n; i++)
    if (pthread_create(&t[i], NULL, work, NULL))
      die("pthread_create");
  for (i = n - 1; i >= 0; i--)
    pthread_join(t[i], NULL);
  return 0;
}

int good_loop_while_n(int n) {
  pthread_t t[64];
  for (int i = 0; i < n; i++)
    if (pthread_create(&t[i], NULL, work, NULL))
      die("pthread_create");
  while (n--)
    pthread_join(t[n], NULL);
  return 0;
}

int good_loop_that_takes_back(int n) {
  pthread_t t[64];
  int i, rc = 0;
  for (i = 0; i < n; i++) {
    rc = pthread_create(&t[i], NULL, work, NULL);
    if (rc)
      break;
  }
  while (i > 0)
    pthread_join(t[--i], NULL);
  return rc;
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

int good_started_flags(int n) {
  struct worker w[16];
  for (int i = 0; i < n; i++)
    w[i].running = pthread_create(&w[i].tid, NULL, work, NULL) == 0;
  for (int i = 0; i < n; i++)
    if (w[i].running)
      pthread_join(w[i].tid, NULL);
  return 0;
}

int good_join_all(int n) {
  pthread_t t[64];
  for (int i = 0; i < n; i++)
    if (start_worker(&t[i], NULL) != 0) {
      join_all(t, i);
      return -1;
    }
  join_all(t, n);
  return 0;
}

int good_pointers_into_the_array(void) {
  pthread_t t[N];
  for (pthread_t *p = t; p < t + N; p++)
    if (pthread_create(p, NULL, work, NULL))
      die("pthread_create");
  for (pthread_t *p = t; p < t + N; p++)
    pthread_join(*p, NULL);
  return 0;
}

int good_pointer_arithmetic(int n) {
  pthread_t t[N];
  for (int i = 0; i < n; i++)
    if (pthread_create(t + i, NULL, work, NULL))
      die("pthread_create");
  for (int i = 0; i < n; i++)
    pthread_join(*(t + i), NULL);
  return 0;
}

int good_array_of_its_length(int n) {
  pthread_t t[n];
  for (int i = 0; i < n; i++)
    if (pthread_create(&t[i], NULL, work, NULL))
      die("pthread_create");
  for (int i = 0; i < n; i++)
    pthread_join(t[i], NULL);
  return 0;
}

int good_array_on_the_heap(int n) {
  pthread_t *t = calloc(n, sizeof *t);
  if (!t)
    return -1;
  for (int i = 0; i < n; i++)
    if (pthread_create(&t[i], NULL, work, NULL))
      die("pthread_create");
  for (int i = 0; i < n; i++)
    pthread_join(t[i], NULL);
  free(t);
  return 0;
}

int good_loops_do_while(int n) {
  pthread_t t[64];
  int i = 0;
  do {
    if (pthread_create(&t[i], NULL, work, NULL))
      die("pthread_create");
  } while (++i < n);
  do {
    pthread_join(t[--i], NULL);
  } while (i > 0);
  return 0;
}

int good_two_arrays(int n) {
  pthread_t readers[8], writers[8];
  for (int i = 0; i < n; i++) {
    if (pthread_create(&readers[i], NULL, work, NULL))
      die("pthread_create");
    if (pthread_create(&writers[i], NULL, work, NULL))
      die("pthread_create");
  }
  for (int i = 0; i < n; i++) {
    pthread_join(readers[i], NULL);
    pthread_join(writers[i], NULL);
  }
  return 0;
}

int good_all_but_the_first(int n) {
  pthread_t t[64];
  for (int i = 1; i < n; i++)
    if (pthread_create(&t[i], NULL, work, NULL))
      die("pthread_create");
  work(NULL);
  for (int i = 1; i < n; i++)
    pthread_join(t[i], NULL);
  return 0;
}

int good_joined_by_a_helper(void) {
  struct worker w;
  if (pthread_create(&w.tid, NULL, work, NULL))
    return -1;
  prepare();
  stop(&w);
  return 0;
}

static void join_if_running(struct worker *w) {
  if (w->running) {
    pthread_join(w->tid, NULL);
    w->running = 0;
  }
}

int good_joined_if_running(int wanted) {
  struct worker w = {.running = 0};
  if (wanted) {
    if (pthread_create(&w.tid, NULL, work, NULL))
      return -1;
    w.running = 1;
  }
  prepare();
  join_if_running(&w);
  return 0;
}

static int try_to_start(struct worker *w) {
  w->running = 0;
  if (pthread_create(&w->tid, NULL, work, NULL)) {
    log_error("no thread");
    return 0;
  }
  w->running = 1;
  return 1;
}

int good_started_by_a_helper(void) {
  struct worker w;
  int ok = try_to_start(&w);
  prepare();
  if (ok)
    stop(&w);
  return ok;
}

int good_joined_through_a_copy(void) {
  pthread_t t;
  struct worker w;
  if (pthread_create(&t, NULL, work, NULL))
    return -1;
  w.tid = t;
  pthread_join(w.tid, NULL);
  return 0;
}

static void join_at_end(pthread_t *t) { pthread_join(*t, NULL); }

int good_cleanup_attribute(void) {
  __attribute__((cleanup(join_at_end))) pthread_t t;
  if (pthread_create(&t, NULL, work, NULL))
    die("pthread_create");
  return prepare();
}

union name {
  pthread_t thread;
  pthread_t id;
  void *opaque;
  struct {
    pthread_t thread;
    int number;
  } numbered;
};

int good_joined_by_another_member(void) {
  union name n;
  if (pthread_create(&n.numbered.thread, NULL, work, NULL))
    return -1;
  return pthread_join(n.id, NULL);
}

void *good_returned_by_another_member(void) {
  union name n;
  if (pthread_create(&n.thread, NULL, work, NULL))
    return NULL;
  return n.opaque;
}

int bad_in_a_union(void) {
  union name n;
  n.numbered.number = 1;
  if (pthread_create(&n.numbered.thread, NULL, work, NULL)) // expected-note{{'n.numbered.thread' is spawned here}}
    return -1;
  return n.numbered.number;
  // expected-warning@-1{{leaves 'bad_in_a_union' with thread 'n.numbered.thread' neither joined nor detached [safespawn.thread.Leak]}}
}

int good_endless(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL))
    return -1;
  for (;;)
    prepare();
}

void *good_entry_with_a_helper(void *arg) {
  pthread_t helper;
  if (pthread_create(&helper, NULL, work, arg))
    pthread_exit(NULL);
  pthread_join(helper, NULL);
  pthread_exit(NULL);
}

// Where the flag is not set the process ends: that it may be set is seen all the same.
int bad_behind_a_flag(void) {
  pthread_t t;
  int seen = 0;
  if (pthread_create(&t, NULL, work, NULL)) // expected-note{{'t' is spawned here}}
    return -1;
  while (prepare() > 0) {
    if (seen)
      exit(1);
    seen = 1;
  }
  if (!seen) // expected-note 0+{{}}
    exit(1);
  return 0; // expected-warning{{leaves 'bad_behind_a_flag' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
}

// What is handed on under a condition that its callers keep.
static int start_into(pthread_t *out) {
  pthread_t t;
  int rc = pthread_create(&t, NULL, work, NULL);
  if (rc == 0 && out)
    *out = t;
  return rc;
}

int good_fills_in(pthread_t *of, int n) { return start_into(&of[n]); }

// A handle goes where what it lies in goes.
static int start_in_struct(struct worker *out) {
  struct worker w = {0};
  int rc = pthread_create(&w.tid, NULL, work, NULL);
  if (rc == 0 && out)
    *out = w;
  return rc;
}

int good_fills_in_struct(struct worker *of, int n) { return start_in_struct(&of[n]); }

static int start_in_array(pthread_t *out) {
  pthread_t t[1];
  int rc = pthread_create(&t[0], NULL, work, NULL);
  if (rc == 0 && out)
    *out = t[0];
  return rc;
}

int good_fills_in_from_array(pthread_t *of, int n) { return start_in_array(&of[n]); }

static int start_registered(int wanted) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL))
    return -1;
  if (wanted)
    register_thread(t);
  return 0;
}

int good_registers(void) { return start_registered(1); }

int bad_registers_not(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL)) // expected-note{{'t' is spawned here}}
    return -1;
  if (prepare()) // expected-note 0+{{}}
    register_thread(t);
  return 0; // expected-warning{{leaves 'bad_registers_not' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
}

int main(void) { // a good one too: the process ends with it
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL))
    return 1;
  return prepare();
}
