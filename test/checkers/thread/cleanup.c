// What the cleanup attribute does at the end of a scope: a handle that it gives up, and one that it has nothing to do with.
//
// RUN: %safespawn_verify %s
#include "Inputs/pthread.h"

void *work(void *argument);
int prepare(void);

static void join_it(pthread_t *thread) { pthread_join(*thread, NULL); }
static void nothing(int *unused) { (void)unused; }

int good_joined_by_cleanup(void) {
  pthread_t started;
  if (pthread_create(&started, NULL, work, NULL))
    return -1;
  __attribute__((cleanup(join_it))) pthread_t t = started;
  return prepare();
}

int good_spawned_into_cleanup(void) {
  __attribute__((cleanup(join_it))) pthread_t t;
  if (pthread_create(&t, NULL, work, NULL))
    return -1;
  return prepare();
}

int bad_behind_another_cleanup(void) {
  __attribute__((cleanup(nothing))) int held = 0;
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL)) // expected-note{{'t' is spawned here}}
    return -1;
  return prepare();
  // expected-warning@-1{{leaves 'bad_behind_another_cleanup' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
}

int bad_tried_until_it_works(void) {
  pthread_t t;
  for (int i = 0; i < 100; i++)
    if (pthread_create(&t, NULL, work, NULL) == 0) // expected-note{{'t' is spawned here}}
      // expected-note@-1{{'pthread_create(&t, NULL, work, NULL) == 0' holds: taking the early return}}
      return 0;
  // expected-warning@-1{{leaves 'bad_tried_until_it_works' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
  return -1;
}
