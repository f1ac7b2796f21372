// A function that goes on where a lock could not be taken, and only logs it, goes on as if it had been, and tells its
// caller nothing by that.
// RUN: %safespawn_verify %s
// RUN: %command check --stats --no-config %s -- -I%project/test > %t.out || true
// RUN: FileCheck %s --check-prefix=STATS < %t.out
// put gives back all that it takes, so that good_put_all needs no proof.
// STATS: total {{ *}}7 {{ *}}7 {{ *}}5 {{ *}}5
#include "Inputs/pthread.h"

void log_error(int error);

#define CHECKED(call)                                                                                                  \
  do {                                                                                                                 \
    const int error = (call);                                                                                          \
    if (error)                                                                                                         \
      log_error(error);                                                                                                \
  } while (0)

struct entry {
  pthread_rwlock_t lock;
  long id;
};

struct ref {
  struct entry *entry;
  long id;
};

// Returns 1 with all of them locked, 0 with none.
int good_locks_all(struct ref *refs, int count) {
  for (int i = 0; i < count; i++) {
    CHECKED(pthread_rwlock_rdlock(&refs[i].entry->lock));
    if (refs[i].id != refs[i].entry->id) {
      for (int j = 0; j <= i; j++)
        CHECKED(pthread_rwlock_unlock(&refs[j].entry->lock));
      return 0;
    }
  }
  return 1;
}

// Asked, a try that was refused tells what it tells elsewhere when the lock is held.
int bad_tries(struct entry *e, long id) {
  if (pthread_rwlock_tryrdlock(&e->lock)) // expected-note{{'e->lock' is taken here}}
    return 1;
  if (e->id == id) // expected-note{{'e->id == id' holds: taking the early return}}
    return 1; // expected-warning{{lock 'e->lock' is still held when 'bad_tries' returns [safespawn.lock.Leak]}}
  pthread_rwlock_unlock(&e->lock);
  return 0;
}

void bad_leaves(struct entry *e, long id) {
  CHECKED(pthread_rwlock_wrlock(&e->lock)); // expected-note{{'e->lock' is taken here}}
  if (e->id == id) // expected-note{{'e->id == id' holds: taking the early return}}
    return; // expected-warning{{lock 'e->lock' is still held when 'bad_leaves' returns [safespawn.lock.Leak]}}
  e->id = id;
  CHECKED(pthread_rwlock_unlock(&e->lock));
}

// Logged, and then acted on.
int good_asks_again(struct entry *e, long id) {
  const int error = pthread_rwlock_wrlock(&e->lock);
  if (error)
    log_error(error);
  e->id = id;
  if (!error)
    pthread_rwlock_unlock(&e->lock);
  return error;
}

int good_notes(struct entry *e, long id) {
  int failed = 0;
  if (pthread_rwlock_wrlock(&e->lock)) {
    log_error(1);
    failed = 1;
  }
  e->id = id;
  if (!failed)
    pthread_rwlock_unlock(&e->lock);
  return failed;
}

static int put(struct entry *e, long id) {
  int locked = 0;
  if (e->id > 1 && id > 1) {
    CHECKED(pthread_rwlock_wrlock(&e->lock));
    locked = 1;
  }
  e->id = id;
  if (locked)
    CHECKED(pthread_rwlock_unlock(&e->lock));
  return id < 0;
}

int good_put_all(struct ref *refs, int count) {
  int changed = 0;
  for (int i = 0; i < count; i++) {
    if (put(refs[i].entry, refs[i].id))
      return -1;
    changed += put(refs[i].entry, i);
  }
  return changed;
}
