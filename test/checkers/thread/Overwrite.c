// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/pthread.h"

void *work(void *arg);
int prepare(void);
void register_thread(pthread_t t);
void register_place(pthread_t *t);

struct worker {
  pthread_t tid;
  struct worker *next;
};
struct pool {
  pthread_t tid[16];
  pthread_t control;
  int n;
};

int bad_one_variable_for_each_round(int n) {
  pthread_t t;
  for (int i = 0; i < n; i++)
    if (pthread_create(&t, NULL, work, NULL))
    // expected-warning@-1{{spawn overwrites 't', which still holds a thread that is neither joined nor detached [safespawn.thread.Overwrite]}}
    // expected-note@-2{{'t' is spawned here}}
      exit(1);
  if (n > 0)
    pthread_join(t, NULL);
  return 0;
}

int bad_two_spawns(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL)) // expected-note{{'t' is spawned here}}
    exit(1);
  if (pthread_create(&t, NULL, work, NULL))
  // expected-warning@-1{{spawn overwrites 't', which still holds a thread that is neither joined nor detached [safespawn.thread.Overwrite]}}
    exit(1);
  pthread_join(t, NULL);
  return 0;
}

int bad_member(struct pool *p) {
  if (pthread_create(&p->control, NULL, work, NULL)) // expected-note{{'p->control' is spawned here}}
    return -1;
  return pthread_create(&p->control, NULL, work, NULL);
  // expected-warning@-1{{spawn overwrites 'p->control', which still holds a thread that is neither joined nor detached [safespawn.thread.Overwrite]}}
}

int bad_one_element_for_each_round(void) {
  pthread_t t[4];
  for (int i = 0; i < 4; i++)
    if (pthread_create(&t[0], NULL, work, NULL))
    // expected-warning@-1{{spawn overwrites 't[0]', which still holds a thread that is neither joined nor detached [safespawn.thread.Overwrite]}}
    // expected-note@-2{{'t[0]' is spawned here}}
      exit(1);
  for (int i = 0; i < 4; i++)
    pthread_join(t[i], NULL);
  return 0;
}

pthread_t logger;

int bad_global(void) {
  if (pthread_create(&logger, NULL, work, NULL)) // expected-note{{'logger' is spawned here}}
    return -1;
  return pthread_create(&logger, NULL, work, NULL);
  // expected-warning@-1{{spawn overwrites 'logger', which still holds a thread that is neither joined nor detached [safespawn.thread.Overwrite]}}
}

static int start_worker(pthread_t *t) { return pthread_create(t, NULL, work, NULL); }
// expected-note@-1{{'t' is spawned here}}

int bad_through_a_wrapper(void) {
  pthread_t t;
  if (start_worker(&t))
    exit(1);
  if (start_worker(&t))
  // expected-warning@-1{{spawn overwrites 't', which still holds a thread that is neither joined nor detached [safespawn.thread.Overwrite]}}
    exit(1);
  return pthread_join(t, NULL);
}

int bad_through_a_parameter(pthread_t *out) {
  for (int i = 0; i < 2; i++)
    if (pthread_create(out, NULL, work, NULL))
    // expected-warning@-1{{spawn overwrites '*out', which still holds a thread that is neither joined nor detached [safespawn.thread.Overwrite]}}
    // expected-note@-2{{'*out' is spawned here}}
      return -1;
  return 0;
}

int bad_joined_on_one_path(int wait) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL)) // expected-note{{'t' is spawned here}}
    exit(1);
  if (wait)
    pthread_join(t, NULL);
  if (pthread_create(&t, NULL, work, NULL))
  // expected-warning@-1{{spawn overwrites 't', which still holds a thread that is neither joined nor detached [safespawn.thread.Overwrite]}}
    exit(1);
  return pthread_join(t, NULL);
}

int good_array(int n) {
  pthread_t t[64];
  for (int i = 0; i < n; i++)
    if (pthread_create(&t[i], NULL, work, NULL))
      exit(1);
  for (int i = 0; i < n; i++)
    pthread_join(t[i], NULL);
  return 0;
}

int good_joined_in_the_round(int n) {
  pthread_t t;
  for (int i = 0; i < n; i++) {
    if (pthread_create(&t, NULL, work, NULL))
      return -1;
    prepare();
    pthread_join(t, NULL);
  }
  return 0;
}

int good_detached_in_the_round(int n) {
  pthread_t t;
  while (n-- > 0) {
    if (pthread_create(&t, NULL, work, NULL))
      return -1;
    pthread_detach(t);
  }
  return 0;
}

int good_detached_by_attribute(int n) {
  pthread_t t;
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  while (n-- > 0)
    if (pthread_create(&t, &attr, work, NULL))
      return -1;
  pthread_attr_destroy(&attr);
  return 0;
}

static void *on_its_own(void *arg) {
  pthread_detach(pthread_self());
  return arg;
}

int good_entry_detaches_itself(void) {
  pthread_t t;
  for (;;) {
    if (!prepare())
      return 0;
    if (pthread_create(&t, NULL, on_its_own, NULL))
      return -1;
  }
}

int good_failed_and_tried_again(void) {
  pthread_t t;
  while (pthread_create(&t, NULL, work, NULL) != 0)
    sleep(1);
  return pthread_join(t, NULL);
}

int good_second_try_without_attribute(const pthread_attr_t *attr) {
  pthread_t t;
  int rc = pthread_create(&t, attr, work, NULL);
  if (rc != 0)
    rc = pthread_create(&t, NULL, work, NULL);
  if (rc != 0)
    return rc;
  return pthread_join(t, NULL);
}

int good_copied_first(int n) {
  pthread_t t, all[64];
  for (int i = 0; i < n; i++) {
    if (pthread_create(&t, NULL, work, NULL))
      exit(1);
    all[i] = t;
  }
  for (int i = 0; i < n; i++)
    pthread_join(all[i], NULL);
  return 0;
}

int good_copied_to_another_variable(void) {
  pthread_t t, first;
  if (pthread_create(&t, NULL, work, NULL))
    exit(1);
  first = t;
  if (pthread_create(&t, NULL, work, NULL))
    exit(1);
  pthread_join(first, NULL);
  pthread_join(t, NULL);
  return 0;
}

int good_stored_in_a_pool(struct pool *p, int n) {
  pthread_t t;
  while (n-- > 0) {
    if (pthread_create(&t, NULL, work, NULL))
      return -1;
    p->tid[p->n++] = t;
  }
  return 0;
}

int good_pool_grows(struct pool *p, int n) {
  while (n-- > 0) {
    if (pthread_create(&p->tid[p->n], NULL, work, NULL))
      return -1;
    p->n++;
  }
  return 0;
}

int good_registered_elsewhere(int n) {
  pthread_t t;
  while (n-- > 0) {
    if (pthread_create(&t, NULL, work, NULL))
      return -1;
    register_thread(t);
  }
  return 0;
}

int good_place_known_elsewhere(int n) {
  pthread_t t;
  while (n-- > 0) {
    if (pthread_create(&t, NULL, work, NULL))
      return -1;
    register_place(&t);
  }
  return 0;
}

struct worker *good_list(int n) {
  struct worker *head = NULL;
  while (n-- > 0) {
    struct worker *w = malloc(sizeof *w);
    if (!w || pthread_create(&w->tid, NULL, work, NULL))
      exit(1);
    w->next = head;
    head = w;
  }
  return head;
}

int good_one_branch_each(int fast) {
  pthread_t t;
  int rc;
  if (fast)
    rc = pthread_create(&t, NULL, work, NULL);
  else
    rc = pthread_create(&t, NULL, on_its_own, NULL);
  if (rc)
    return rc;
  if (fast)
    pthread_join(t, NULL);
  return 0;
}

int good_after_the_join(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL))
    return -1;
  pthread_join(t, NULL);
  if (pthread_create(&t, NULL, work, NULL))
    return -1;
  pthread_join(t, NULL);
  return 0;
}

int good_restarted_by_unknown_code(struct pool *p, void (*wait_for)(struct pool *)) {
  if (pthread_create(&p->control, NULL, work, p))
    return -1;
  wait_for(p);
  return pthread_create(&p->control, NULL, work, p);
}

int good_pointer_moves_on(pthread_t *t, int n) {
  while (n-- > 0)
    if (pthread_create(t++, NULL, work, NULL))
      return -1;
  return 0;
}

int good_structs_in_an_array(struct worker *w, int n) {
  for (int i = 0; i < n; i++)
    if (pthread_create(&w[i].tid, NULL, work, &w[i]))
      return -1;
  return 0;
}
