// A function that goes on where a lock could not be taken, and only logs it, tells its caller nothing by that.
// RUN: %safespawn_verify %s
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
