// A defect of a function that others may call is said once, in its own words, however many callers show it again.
// RUN: %safespawn_verify %s
#include "Inputs/pthread.h"

struct queue {
  pthread_mutex_t mu;
  int closed;
};

int prepare(struct queue *q);

int bad_leaks(struct queue *q) {
  pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  if (prepare(q)) // expected-note{{'prepare' fails: taking the early return}}
    return -1; // expected-warning{{lock 'q->mu' is still held when 'bad_leaks' returns [safespawn.lock.Leak]}}
  pthread_mutex_unlock(&q->mu);
  return 0;
}

void bad_releases_again(struct queue *q) {
  pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  if (prepare(q))
    pthread_mutex_unlock(&q->mu); // expected-note{{'q->mu' is released here}}
  pthread_mutex_unlock(&q->mu); // expected-warning{{lock 'q->mu' is released, but was already released [safespawn.lock.NotHeld]}}
}

int good_calls_them(struct queue *first) {
  pthread_mutex_lock(&first->mu);
  first->closed = 1;
  pthread_mutex_unlock(&first->mu);
  bad_releases_again(first);
  return bad_leaks(first);
}

int good_calls_them_too(struct queue *last) {
  pthread_mutex_lock(&last->mu);
  last->closed = 0;
  pthread_mutex_unlock(&last->mu);
  if (bad_leaks(last) < 0)
    return -1;
  bad_releases_again(last);
  return 0;
}

// Of a function that only others of this file call, in the words of one of them.
static void bad_keeps(struct queue *which, int closing) {
  pthread_mutex_lock(&which->mu); // expected-note{{'a->mu' is taken here}}
  if (prepare(which)) // expected-note{{'prepare(which)' holds: taking the early return}}
    return; // expected-warning{{lock 'a->mu' is still held when 'bad_keeps' returns [safespawn.lock.Leak]}}
  which->closed = closing;
  pthread_mutex_unlock(&which->mu);
}

void calls_for_one(struct queue *a) { bad_keeps(a, 1); }

void calls_for_another(struct queue *b) { bad_keeps(b, 0); }
