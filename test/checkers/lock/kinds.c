// Each kind of lock, in each way that it can be taken.
// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/pthread.h"

extern int pthread_rwlock_timedrdlock(pthread_rwlock_t *restrict lock, const struct timespec *restrict abstime);
extern int pthread_rwlock_timedwrlock(pthread_rwlock_t *restrict lock, const struct timespec *restrict abstime);
extern int pthread_rwlock_clockwrlock(pthread_rwlock_t *restrict lock, clockid_t clock,
                                      const struct timespec *restrict abstime);
extern int pthread_mutex_clocklock(pthread_mutex_t *restrict mutex, clockid_t clock,
                                   const struct timespec *restrict abstime);

int prepare(void);

struct table {
  pthread_mutex_t mu, robust, nest, checked;
  pthread_rwlock_t rw;
  pthread_spinlock_t spin;
  int rows;
};

// ---- read-write locks

int bad_reader(struct table *t) {
  if (pthread_rwlock_tryrdlock(&t->rw)) // expected-note{{'t->rw' is taken here}}
    return -1;
  if (!t->rows) // expected-note{{'t->rows' does not hold: taking the early return}}
    return -1; // expected-warning{{lock 't->rw' is still held when 'bad_reader' returns [safespawn.lock.Leak]}}
  return pthread_rwlock_unlock(&t->rw);
}

int bad_writer_with_a_limit(struct table *t, const struct timespec *until) {
  if (pthread_rwlock_timedwrlock(&t->rw, until)) // expected-note{{'t->rw' is taken here}}
    return -1;
  if (!t->rows) // expected-note{{'t->rows' does not hold: taking the early return}}
    return -1; // expected-warning{{lock 't->rw' is still held when 'bad_writer_with_a_limit' returns [safespawn.lock.Leak]}}
  return pthread_rwlock_unlock(&t->rw);
}

int bad_writer_waits_for_itself(struct table *t) {
  if (pthread_rwlock_trywrlock(&t->rw)) // expected-note{{'t->rw' is taken here}}
    return -1;
  pthread_rwlock_rdlock(&t->rw); // expected-warning{{lock 't->rw' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}}
  return pthread_rwlock_unlock(&t->rw);
}

void bad_reader_gives_back_twice(struct table *t) {
  pthread_rwlock_rdlock(&t->rw); // expected-note{{'t->rw' is taken here}}
  pthread_rwlock_unlock(&t->rw); // expected-note{{'t->rw' is released here}}
  pthread_rwlock_unlock(&t->rw); // expected-warning{{lock 't->rw' is released, but was already released [safespawn.lock.NotHeld]}}
}

void bad_reader_sleeps(struct table *t) {
  pthread_rwlock_rdlock(&t->rw); // expected-note{{'t->rw' is taken here}}
  sleep(1); // expected-warning{{'sleep' may wait while lock 't->rw' is held [safespawn.lock.Blocking]}}
  pthread_rwlock_unlock(&t->rw);
}

int good_reader_with_a_limit(struct table *t, const struct timespec *until) {
  int rc = pthread_rwlock_timedrdlock(&t->rw, until);
  if (rc == ETIMEDOUT)
    return rc;
  if (rc)
    return rc;
  return pthread_rwlock_unlock(&t->rw);
}

int good_writer_by_a_clock(struct table *t, clockid_t clock, const struct timespec *until) {
  if (pthread_rwlock_clockwrlock(&t->rw, clock, until) != 0)
    return -1;
  t->rows++;
  return pthread_rwlock_unlock(&t->rw);
}

int good_reader_becomes_a_writer(struct table *t) {
  pthread_rwlock_rdlock(&t->rw);
  int full = t->rows;
  pthread_rwlock_unlock(&t->rw);
  if (full)
    return -1;
  pthread_rwlock_wrlock(&t->rw);
  t->rows++;
  return pthread_rwlock_unlock(&t->rw);
}

int good_reader_or_writer(struct table *t, int writes) {
  if (writes)
    pthread_rwlock_wrlock(&t->rw);
  else
    pthread_rwlock_rdlock(&t->rw);
  int rows = t->rows;
  pthread_rwlock_unlock(&t->rw);
  return rows;
}

// ---- spin locks

int bad_spin(struct table *t) {
  if (pthread_spin_trylock(&t->spin)) // expected-note{{'t->spin' is taken here}}
    return -1;
  if (!t->rows) // expected-note{{'t->rows' does not hold: taking the early return}}
    return -1; // expected-warning{{lock 't->spin' is still held when 'bad_spin' returns [safespawn.lock.Leak]}}
  return pthread_spin_unlock(&t->spin);
}

int bad_spin_while_waiting(struct table *t, pthread_t worker) {
  pthread_spin_lock(&t->spin); // expected-note{{'t->spin' is taken here}}
  int rc = pthread_join(worker, NULL); // expected-warning{{'pthread_join' may wait while lock 't->spin' is held [safespawn.lock.Blocking]}}
  pthread_spin_unlock(&t->spin);
  return rc;
}

int good_spin(struct table *t) {
  while (pthread_spin_trylock(&t->spin) == EBUSY)
    prepare();
  t->rows++;
  return pthread_spin_unlock(&t->spin);
}

// ---- locks with a limit

int bad_by_a_clock(struct table *t, clockid_t clock, const struct timespec *until) {
  if (pthread_mutex_clocklock(&t->mu, clock, until)) // expected-note{{'t->mu' is taken here}}
    return -1;
  if (!t->rows) // expected-note{{'t->rows' does not hold: taking the early return}}
    return -1; // expected-warning{{lock 't->mu' is still held when 'bad_by_a_clock' returns [safespawn.lock.Leak]}}
  return pthread_mutex_unlock(&t->mu);
}

int good_limit_while_held(struct table *t, const struct timespec *until) {
  pthread_mutex_lock(&t->mu);
  int rc = pthread_mutex_timedlock(&t->mu, until);
  pthread_mutex_unlock(&t->mu);
  return rc;
}

// ---- robust locks: when the last owner died, the lock is held all the same

int make(struct table *t) {
  pthread_mutexattr_t attr;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
  if (pthread_mutex_init(&t->robust, &attr))
    return -1;
  pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
  if (pthread_mutex_init(&t->nest, &attr))
    return -1;
  pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
  return pthread_mutex_init(&t->checked, &attr);
}

int good_owner_died(struct table *t) {
  int rc = pthread_mutex_lock(&t->robust);
  if (rc == EOWNERDEAD)
    rc = pthread_mutex_consistent(&t->robust);
  if (rc)
    return rc;
  int rows = t->rows;
  pthread_mutex_unlock(&t->robust);
  return rows;
}

int good_owner_died_and_given_up(struct table *t) {
  switch (pthread_mutex_lock(&t->robust)) {
  case EOWNERDEAD:
    t->rows = 0;
    pthread_mutex_consistent(&t->robust);
    pthread_mutex_unlock(&t->robust);
    return -1;
  case 0:
    pthread_mutex_unlock(&t->robust);
    return 0;
  default:
    return -1;
  }
}

int bad_robust(struct table *t) {
  int rc = pthread_mutex_lock(&t->robust); // expected-note{{'t->robust' is taken here}}
  if (rc == EOWNERDEAD)
    pthread_mutex_consistent(&t->robust);
  else if (rc)
    return rc;
  if (!t->rows) // expected-note{{'t->rows' does not hold: taking the early return}}
    return -1; // expected-warning{{lock 't->robust' is still held when 'bad_robust' returns [safespawn.lock.Leak]}}
  pthread_mutex_unlock(&t->robust);
  return 0;
}

// ---- recursive and checking locks are given back as well

int bad_recursive(struct table *t) {
  pthread_mutex_lock(&t->nest); // expected-note{{'t->nest' is taken here}}
  if (!t->rows) // expected-note{{'t->rows' does not hold: taking the early return}}
    return -1; // expected-warning{{lock 't->nest' is still held when 'bad_recursive' returns [safespawn.lock.Leak]}}
  pthread_mutex_unlock(&t->nest);
  return 0;
}

int bad_checked(struct table *t) {
  if (pthread_mutex_lock(&t->checked)) // expected-note{{'t->checked' is taken here}}
    return -1;
  if (!t->rows) // expected-note{{'t->rows' does not hold: taking the early return}}
    return -1; // expected-warning{{lock 't->checked' is still held when 'bad_checked' returns [safespawn.lock.Leak]}}
  return pthread_mutex_unlock(&t->checked);
}

int good_recursive(struct table *t) {
  pthread_mutex_lock(&t->nest);
  pthread_mutex_lock(&t->nest);
  int rows = t->rows;
  pthread_mutex_unlock(&t->nest);
  pthread_mutex_unlock(&t->nest);
  return rows;
}

// ---- what was refused was not taken

void bad_refused_at_first(struct table *t) {
  if (pthread_rwlock_trywrlock(&t->rw) == 0)
    exit(1);
  if (pthread_rwlock_trywrlock(&t->rw) != 0) // expected-note{{'t->rw' is taken here}}
    exit(1);
  sleep(1); // expected-warning{{'sleep' may wait while lock 't->rw' is held [safespawn.lock.Blocking]}}
  pthread_rwlock_unlock(&t->rw);
}
