// What triage sees through, so that nobody has to prove it.
// RUN: %safespawn_verify %s
// RUN: %command check --stats --no-config %s -- -I%project/test > %t.out
// RUN: FileCheck %s --check-prefix=STATS < %t.out
// All but join_all, for its handles.
// STATS: total {{ *}}11 {{ *}}11 {{ *}}1 {{ *}}1
// expected-no-diagnostics
#include "Inputs/pthread.h"

struct gate {
  pthread_mutex_t mu;
  pthread_cond_t opened;
  int open;
};

static pthread_mutex_t start = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t started = PTHREAD_COND_INITIALIZER;
static int running;

// A wait gives back the lock that its caller holds.
static void wait_for(int count) {
  while (running < count)
    pthread_cond_wait(&started, &start);
}

void good_waits_in_a_helper(int count) {
  pthread_mutex_lock(&start);
  wait_for(count);
  pthread_mutex_unlock(&start);
}

static void pass(struct gate *g) {
  while (!g->open)
    pthread_cond_wait(&g->opened, &g->mu);
}

void good_waits_by_a_parameter(struct gate *g) {
  pthread_mutex_lock(&g->mu);
  pass(g);
  pthread_mutex_unlock(&g->mu);
}

void good_waits_twice(struct gate *g) {
  good_waits_by_a_parameter(g);
  good_waits_in_a_helper(2);
}

// What a caller cannot name is another lock, for it has another name.
static pthread_mutex_t shard[8];

static void count_in(unsigned hash, int *counters) {
  unsigned which = hash % 8;
  pthread_mutex_lock(&shard[which]);
  counters[which]++;
  pthread_mutex_unlock(&shard[which]);
}

void good_counts_while_holding(struct gate *g, unsigned hash, int *counters) {
  pthread_mutex_lock(&g->mu);
  count_in(hash, counters);
  pthread_mutex_unlock(&g->mu);
}

// Who joins some of the threads joins all of them, and nobody uses the locks any more.
static pthread_t workers[4];
static pthread_mutex_t work = PTHREAD_MUTEX_INITIALIZER;

static void *do_work(void *arg) {
  pthread_mutex_lock(&work);
  running--;
  pthread_mutex_unlock(&work);
  return arg;
}

static int start_all(void) {
  for (int i = 0; i < 4; i++)
    if (pthread_create(&workers[i], NULL, do_work, NULL))
      return -1;
  return 0;
}

static void join_all(void) {
  for (int i = 0; i < 4; i++)
    pthread_join(workers[i], NULL);
  pthread_mutex_destroy(&work);
}

int good_ends_its_lock_behind_its_threads(void) {
  if (start_all())
    return -1;
  join_all();
  return 0;
}
