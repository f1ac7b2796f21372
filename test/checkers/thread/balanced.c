// A function that waits for all threads that it starts, and for no others, is passed by in its callers; one that leaves a
// thread running is followed from each of them.
// RUN: %safespawn_verify %s
// RUN: %command check --stats --no-config %s -- -I%project/test > %t.out || true
// RUN: FileCheck %s --check-prefix=STATS < %t.out
// run_all is suspect, for what it lends to its threads, and not good_runs_one and good_runs_two, who give it what it lends.
// STATS: total {{ *}}9 {{ *}}9 {{ *}}5 {{ *}}5
#include "Inputs/pthread.h"

void *malloc(unsigned long size);
void free(void *memory);

struct job {
  pthread_t thread;
  struct shared *with;
};

struct shared {
  int count, step;
};

void *worker(void *job);

static int run_all(struct shared *with, int count) {
  struct job *jobs = malloc(count * sizeof *jobs);
  int error = 0;
  if (!jobs)
    return -1;
  for (int i = 0; i < count; i++) {
    jobs[i].with = with;
    if (pthread_create(&jobs[i].thread, 0, worker, with)) {
      count = i;
      error = -1;
      break;
    }
  }
  for (int i = 0; i < count; i++)
    pthread_join(jobs[i].thread, 0);
  free(jobs);
  return error;
}

int good_runs_one(int step) {
  struct shared with = {0, step};
  return run_all(&with, 1) ? -1 : with.count;
}

int good_runs_two(int step) {
  struct shared with = {0, step};
  if (step < 0)
    return 0;
  return run_all(&with, 2) ? -1 : with.count;
}

static pthread_t left;

static int leave(struct shared *with) {
  return pthread_create(&left, 0, worker, with); // expected-warning{{thread 'left' gets the address of local 'with' and may outlive 'bad_leaves' [safespawn.thread.StackEscape]}}
}

int bad_leaves(int step) {
  struct shared with = {0, step};
  return leave(&with); // expected-note{{'bad_leaves' ends here, and 'with' with it}}
}

void stop(void) { pthread_join(left, 0); }

// What is too long to be followed may join others' threads: nobody has seen that finish joins only its own.
int step(int count);

struct worker {
  pthread_t thread;
  struct worker *next;
};

struct pool {
  struct worker *first;
};

#define FOUR_TIMES(s) s s s s
#define OFTEN(s) FOUR_TIMES(FOUR_TIMES(FOUR_TIMES(s)))

static void stop_last(struct pool *p, int count) {
  OFTEN(if (step(count)) count++;)
  struct worker *last = p->first;
  while (last->next)
    last = last->next;
  pthread_join(last->thread, 0);
}

static int finish(struct pool *p, int count) {
  pthread_t helpers[4];
  struct shared with = {0, 1};
  int started = 0;
  for (; started < count; started++)
    if (pthread_create(&helpers[started], 0, worker, &with))
      break;
  for (int i = 0; i < started; i++)
    pthread_join(helpers[i], 0);
  stop_last(p, count);
  return with.count;
}

int good_finishes(void) {
  struct worker own = {0};
  struct pool p = {&own};
  if (pthread_create(&own.thread, 0, worker, 0))
    return -1;
  return finish(&p, 2);
}
