// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/pthread.h"

void *work(void *arg);
int prepare(void);

struct worker {
  pthread_t tid;
  pthread_t helper;
  struct worker *next;
  int n;
};

void bad_joins_itself(void) {
  pthread_join(pthread_self(), NULL);
  // expected-warning@-1{{thread joins itself and waits forever [safespawn.thread.SelfJoin]}}
  // expected-note@-2{{the calling thread's own handle is taken here}}
}

int bad_joins_itself_by_name(void) {
  pthread_t me = pthread_self(); // expected-note{{the calling thread's own handle is taken here}}
  void *result;
  prepare();
  return pthread_join(me, &result);
  // expected-warning@-1{{thread joins itself and waits forever [safespawn.thread.SelfJoin]}}
}

static pthread_t cleaner;

static void *bad_entry_joins_its_global(void *arg) {
  prepare();
  pthread_join(cleaner, NULL); // expected-warning{{thread joins itself and waits forever [safespawn.thread.SelfJoin]}}
  return arg;
}

int start_cleaner(void) { return pthread_create(&cleaner, NULL, bad_entry_joins_its_global, NULL); }
// expected-note@-1{{this function runs in the thread that is spawned into 'cleaner' here}}

static void *bad_entry_joins_its_member(void *arg) {
  struct worker *w = arg;
  prepare();
  pthread_join(w->tid, NULL); // expected-warning{{thread joins itself and waits forever [safespawn.thread.SelfJoin]}}
  free(w);
  return NULL;
}

int start_member(struct worker *w) { return pthread_create(&w->tid, NULL, bad_entry_joins_its_member, w); }
// expected-note@-1{{this function runs in the thread that is spawned into 'w->tid' here}}

static pthread_t reaper;

static void stop_reaper(void) {
  pthread_join(reaper, NULL); // expected-warning{{thread joins itself and waits forever [safespawn.thread.SelfJoin]}}
}

static void *bad_entry_joins_through_a_helper(void *arg) {
  if (prepare() < 0)
    stop_reaper();
  return arg;
}

int start_reaper(void) { return pthread_create(&reaper, NULL, bad_entry_joins_through_a_helper, NULL); }
// expected-note@-1{{this function runs in the thread that is spawned into 'reaper' here}}

void good_detaches_itself(void) { pthread_detach(pthread_self()); }

static pthread_t writer;

static void *good_entry_with_a_guard(void *arg) {
  if (!pthread_equal(writer, pthread_self()))
    pthread_join(writer, NULL);
  return arg;
}

int start_writer(void) { return pthread_create(&writer, NULL, good_entry_with_a_guard, NULL); }

static pthread_t server;

static void *good_entry_that_returns_first(void *arg) {
  pthread_t me = pthread_self();
  if (pthread_equal(me, server))
    return arg;
  pthread_join(server, NULL);
  return NULL;
}

int start_server(void) { return pthread_create(&server, NULL, good_entry_that_returns_first, NULL); }

int good_guarded_own_handle(pthread_t t) {
  pthread_t me = pthread_self();
  if (pthread_equal(me, t))
    return 0;
  return pthread_join(t, NULL);
}

static pthread_t producer, consumer;

static void *good_entry_joins_another(void *arg) {
  pthread_join(producer, NULL);
  return arg;
}

int start_both(void) {
  if (pthread_create(&producer, NULL, work, NULL))
    return -1;
  return pthread_create(&consumer, NULL, good_entry_joins_another, NULL);
}

static void *good_entry_joins_its_helper(void *arg) {
  struct worker *w = arg;
  pthread_join(w->helper, NULL);
  return NULL;
}

int start_with_helper(struct worker *w) {
  if (pthread_create(&w->helper, NULL, work, w))
    return -1;
  return pthread_create(&w->tid, NULL, good_entry_joins_its_helper, w);
}

static void *good_entry_joins_the_next(void *arg) {
  struct worker *w = arg;
  if (w->next)
    pthread_join(w->next->tid, NULL);
  return NULL;
}

int start_chain(struct worker *w) { return pthread_create(&w->tid, NULL, good_entry_joins_the_next, w); }

static void *good_entry_spawns_and_joins(void *arg) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, arg))
    return NULL;
  pthread_join(t, NULL);
  return arg;
}

int start_nested(pthread_t *t) { return pthread_create(t, NULL, good_entry_spawns_and_joins, NULL); }

static struct worker workers[8];

static void *good_entry_joins_its_peers(void *arg) {
  struct worker *me = arg;
  for (int i = 0; i < 8; i++)
    if (&workers[i] != me)
      pthread_join(workers[i].tid, NULL);
  return NULL;
}

int start_peers(int i) { return pthread_create(&workers[i].tid, NULL, good_entry_joins_its_peers, &workers[i]); }
