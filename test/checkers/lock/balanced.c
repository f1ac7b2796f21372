// A function that gives back all that it takes, whichever way it goes, is passed by in its callers; one that leaves a
// lock otherwise than it was, on one way, is followed from each of them.
// RUN: %safespawn_verify %s
// RUN: %command check --stats --no-config %s -- -I%project/test > %t.out || true
// RUN: FileCheck %s --check-prefix=STATS < %t.out
// update is suspect, for a flag that it computes tells when it has locked, and not good_grow and good_shrink.
// STATS: total {{ *}}7 {{ *}}7 {{ *}}4 {{ *}}4
#include "Inputs/pthread.h"

struct cache {
  pthread_mutex_t mu;
  int shared, users, size;
};

int refill(struct cache *c);

static int update(struct cache *c, int by) {
  int locked = 0;
  if (c->shared && c->users > 1) {
    pthread_mutex_lock(&c->mu); // expected-warning{{lock 'c->mu' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}}
    locked = 1;
  }
  c->size += by;
  if (locked)
    pthread_mutex_unlock(&c->mu);
  return c->size;
}

int good_grow(struct cache *c) {
  if (refill(c))
    return update(c, 1);
  return update(c, 2);
}

int good_shrink(struct cache *c) {
  return refill(c) ? update(c, -1) : 0;
}

// Its caller holds the lock: that it is balanced says nothing of this.
int bad_grow_locked(struct cache *c) {
  c->shared = 1;
  c->users = 2;
  pthread_mutex_lock(&c->mu); // expected-note{{'c->mu' is taken here}}
  int size = update(c, 1);
  pthread_mutex_unlock(&c->mu);
  return size;
}

// On one way it gives back what it has not taken.
static int finish(struct cache *c, int by) {
  int done = 0;
  if (c->size > by) {
    pthread_mutex_unlock(&c->mu); // expected-note{{'c->mu' is released here}}
    done = 1;
  }
  return done;
}

int good_finishes(struct cache *c) {
  pthread_mutex_lock(&c->mu);
  if (!finish(c, 3))
    pthread_mutex_unlock(&c->mu);
  return 0;
}

int bad_finishes_twice(struct cache *c) {
  pthread_mutex_lock(&c->mu); // expected-note{{'c->mu' is taken here}}
  if (finish(c, 3))
    pthread_mutex_unlock(&c->mu); // expected-warning{{lock 'c->mu' is released, but was already released [safespawn.lock.NotHeld]}}
  else
    pthread_mutex_unlock(&c->mu);
  return 0;
}
