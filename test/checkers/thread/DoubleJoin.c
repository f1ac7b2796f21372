// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/pthread.h"

void *work(void *arg);
int prepare(void);
void refill(pthread_t *t);
void log_error(const char *text);

struct worker {
  pthread_t tid;
  int running;
};
void refill_worker(struct worker *w);

static void stop(struct worker *w) { pthread_join(w->tid, NULL); } // expected-note{{'w->tid' is first joined here}}

void bad_join_twice(pthread_t t) {
  pthread_join(t, NULL); // expected-note{{'t' is first joined here}}
  pthread_join(t, NULL); // expected-warning{{handle 't' is joined a second time [safespawn.thread.DoubleJoin]}}
}

void bad_join_then_detach(pthread_t t) {
  pthread_join(t, NULL); // expected-note{{'t' is first joined here}}
  pthread_detach(t); // expected-warning{{handle 't' is detached, but was already joined [safespawn.thread.DoubleJoin]}}
}

void bad_detach_then_join(pthread_t t) {
  pthread_detach(t); // expected-note{{'t' is first detached here}}
  pthread_join(t, NULL);
  // expected-warning@-1{{handle 't' is joined, but was already detached [safespawn.thread.DoubleJoin]}}
}

int bad_detach_twice(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL)) // expected-note{{'t' is spawned here}}
    return -1;
  pthread_detach(t); // expected-note{{'t' is first detached here}}
  return pthread_detach(t); // expected-warning{{handle 't' is detached a second time [safespawn.thread.DoubleJoin]}}
}

int bad_joined_on_a_path_before(void) {
  pthread_t t;
  int rc;
  if (pthread_create(&t, NULL, work, NULL)) // expected-note{{'t' is spawned here}}
    return -1;
  rc = prepare();
  if (rc < 0)
    pthread_join(t, NULL); // expected-note{{'t' is first joined here}}
  log_error("done");
  pthread_join(t, NULL); // expected-warning{{handle 't' is joined a second time [safespawn.thread.DoubleJoin]}}
  return rc;
}

int bad_goto_out_joins_again(void) {
  pthread_t t;
  int rc;
  if (pthread_create(&t, NULL, work, NULL)) // expected-note{{'t' is spawned here}}
    return -1;
  rc = prepare();
  if (rc)
    goto out;
  pthread_join(t, NULL); // expected-note{{'t' is first joined here}}
  rc = prepare();
out:
  pthread_join(t, NULL); // expected-warning{{handle 't' is joined a second time [safespawn.thread.DoubleJoin]}}
  return rc;
}

int bad_in_the_second_round(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL)) // expected-note{{'t' is spawned here}}
    return -1;
  for (int i = 0; i < 2; i++)
    pthread_join(t, NULL);
    // expected-warning@-1{{handle 't' is joined a second time [safespawn.thread.DoubleJoin]}}
    // expected-note@-2{{'t' is first joined here}}
  return 0;
}

struct pool {
  pthread_t tid[4];
};

void bad_always_the_first_element(struct pool *p) {
  for (int i = 0; i < 4; i++)
    pthread_join(p->tid[0], NULL);
    // expected-warning@-1{{handle 'p->tid[0]' is joined a second time [safespawn.thread.DoubleJoin]}}
    // expected-note@-2{{'p->tid[0]' is first joined here}}
}

int bad_join_of_a_detached_thread(void) {
  pthread_t t;
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  if (pthread_create(&t, &attr, work, NULL)) // expected-note{{'t' is spawned here, detached}}
    return -1;
  return pthread_join(t, NULL);
  // expected-warning@-1{{handle 't' is joined, but was already detached [safespawn.thread.DoubleJoin]}}
}

static void *on_its_own(void *arg) {
  pthread_detach(pthread_self());
  return arg;
}

int bad_join_of_a_thread_that_detached_itself(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, on_its_own, NULL)) // expected-note{{'t' is spawned here; 'on_its_own' detaches itself}}
    return -1;
  return pthread_join(t, NULL);
  // expected-warning@-1{{handle 't' is joined, but was already detached [safespawn.thread.DoubleJoin]}}
}

int bad_tried_and_joined(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL)) // expected-note{{'t' is spawned here}}
    return -1;
  if (pthread_tryjoin_np(t, NULL) == 0)
  // expected-note@-1{{joining 't' is tried here}}
  // expected-note@-2{{assuming that it succeeds}}
    log_error("already done");
  return pthread_join(t, NULL); // expected-warning{{handle 't' is joined a second time [safespawn.thread.DoubleJoin]}}
}

int bad_helper_joined_it(struct worker *w) {
  stop(w);
  return pthread_join(w->tid, NULL);
  // expected-warning@-1{{handle 'w->tid' is joined a second time [safespawn.thread.DoubleJoin]}}
}

int bad_through_a_copy(void) {
  pthread_t t, same;
  if (pthread_create(&t, NULL, work, NULL)) // expected-note{{'t' is spawned here}}
    return -1;
  same = t;
  pthread_join(same, NULL); // expected-note{{'t' is first joined here}}
  return pthread_detach(t);
  // expected-warning@-1{{handle 't' is detached, but was already joined [safespawn.thread.DoubleJoin]}}
}

pthread_t logger;

int bad_global(void) {
  pthread_join(logger, NULL); // expected-note{{'logger' is first joined here}}
  return pthread_join(logger, NULL);
  // expected-warning@-1{{handle 'logger' is joined a second time [safespawn.thread.DoubleJoin]}}
}

int bad_retry_after_success(struct worker *w) {
  int tries = 0;
again:
  if (pthread_join(w->tid, NULL) == 0 && tries++ < 2)
  // expected-warning@-1{{handle 'w->tid' is joined a second time [safespawn.thread.DoubleJoin]}}
  // expected-note@-2{{'w->tid' is first joined here}}
    goto again;
  return tries;
}

void good_join_each(pthread_t a, pthread_t b) {
  pthread_join(a, NULL);
  pthread_join(b, NULL);
}

int good_spawned_again_in_between(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL))
    return -1;
  pthread_join(t, NULL);
  if (pthread_create(&t, NULL, work, NULL))
    return -1;
  return pthread_join(t, NULL);
}

int good_spawned_again_by_a_helper(struct worker *w) {
  pthread_join(w->tid, NULL);
  if (pthread_create(&w->tid, NULL, work, w))
    return -1;
  stop(w);
  return 0;
}

int good_round_by_round(int n) {
  for (int i = 0; i < n; i++) {
    pthread_t t;
    if (pthread_create(&t, NULL, work, NULL))
      return -1;
    pthread_join(t, NULL);
  }
  return 0;
}

int good_each_element(pthread_t *t, int n) {
  for (int i = 0; i < n; i++)
    pthread_join(t[i], NULL);
  return 0;
}

int good_each_element_backwards(pthread_t *t, int n) {
  while (n-- > 0)
    pthread_join(t[n], NULL);
  return 0;
}

int good_each_by_pointer(pthread_t *t, pthread_t *end) {
  while (t != end)
    pthread_join(*t++, NULL);
  return 0;
}

void good_each_of_a_list(struct worker **all) {
  for (; *all; all++)
    pthread_join((*all)->tid, NULL);
}

struct node {
  pthread_t tid;
  struct node *next;
};

void good_each_node(struct node *head) {
  for (struct node *n = head; n; n = n->next)
    pthread_join(n->tid, NULL);
}

int good_elements_of_their_own(pthread_t t[2]) {
  pthread_join(t[0], NULL);
  return pthread_join(t[1], NULL);
}

int good_workers_of_their_own(struct worker *a, struct worker *b) {
  pthread_join(a->tid, NULL);
  return pthread_join(b->tid, NULL);
}

int good_one_branch_each(pthread_t t, int wait) {
  if (wait)
    return pthread_join(t, NULL);
  return pthread_detach(t);
}

int good_first_join_failed(pthread_t t) {
  if (pthread_join(t, NULL) != 0)
    return pthread_detach(t);
  return 0;
}

int good_tried_first(pthread_t t) {
  if (pthread_tryjoin_np(t, NULL) == 0)
    return 0;
  log_error("still busy");
  return pthread_join(t, NULL);
}

int good_tried_until_done(pthread_t t) {
  while (pthread_tryjoin_np(t, NULL) == EBUSY)
    sleep(1);
  return 0;
}

int good_timed_join_with_a_fallback(pthread_t t, const struct timespec *deadline) {
  int rc = pthread_timedjoin_np(t, NULL, deadline);
  if (rc == ETIMEDOUT)
    rc = pthread_detach(t);
  return rc;
}

int good_filled_by_unknown_code(void) {
  pthread_t t;
  refill(&t);
  pthread_join(t, NULL);
  refill(&t);
  return pthread_join(t, NULL);
}

int good_field_filled_by_unknown_code(struct worker *w) {
  pthread_join(w->tid, NULL);
  refill_worker(w);
  return pthread_join(w->tid, NULL);
}

pthread_t current;
void restart(void);

int good_global_filled_by_unknown_code(void) {
  pthread_join(current, NULL);
  restart();
  return pthread_join(current, NULL);
}

void good_flag_says_joined(struct worker *w) {
  if (prepare() < 0 && w->running) {
    pthread_join(w->tid, NULL);
    w->running = 0;
  }
  if (w->running)
    pthread_join(w->tid, NULL);
}

int good_local_flag_says_joined(pthread_t t) {
  int joined = 0;
  if (prepare() < 0) {
    pthread_join(t, NULL);
    joined = 1;
  }
  log_error("done");
  if (!joined)
    pthread_join(t, NULL);
  return 0;
}

int good_handle_moved(pthread_t a, pthread_t b) {
  pthread_join(a, NULL);
  a = b;
  return pthread_join(a, NULL);
}

int good_loop_leaves_after_the_join(struct worker *w, int n) {
  for (int i = 0; i < n; i++) {
    if (!w->running) {
      pthread_join(w->tid, NULL);
      break;
    }
    prepare();
  }
  return 0;
}
