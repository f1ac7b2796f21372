// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/pthread.h"

void *work(void *arg);
int prepare(void);
int start(const pthread_attr_t *attr);

int bad_detach_state_too_late(pthread_t *t) {
  pthread_attr_t attr;
  int rc;
  pthread_attr_init(&attr);
  rc = pthread_create(t, &attr, work, NULL); // expected-note{{'attr' is used here, for the last time}}
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_JOINABLE);
  // expected-warning@-1{{attribute 'attr' is set after the object that should have used it was made [safespawn.thread.LateConfig]}}
  pthread_attr_destroy(&attr);
  return rc;
}

int bad_stack_size_too_late(pthread_t *t) {
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  if (pthread_create(t, &attr, work, NULL) != 0) // expected-note{{'attr' is used here, for the last time}}
    return -1;
  if (pthread_attr_setstacksize(&attr, 1 << 20) != 0)
  // expected-warning@-1{{attribute 'attr' is set after the object that should have used it was made [safespawn.thread.LateConfig]}}
    return -1;
  pthread_attr_destroy(&attr);
  return 0;
}

int bad_mutex_type_too_late(pthread_mutex_t *lock) {
  pthread_mutexattr_t attr;
  pthread_mutexattr_init(&attr);
  pthread_mutex_init(lock, &attr); // expected-note{{'attr' is used here, for the last time}}
  pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
  // expected-warning@-1{{attribute 'attr' is set after the object that should have used it was made [safespawn.thread.LateConfig]}}
  return pthread_mutexattr_destroy(&attr);
}

int bad_clock_too_late(pthread_cond_t *changed) {
  pthread_condattr_t attr;
  pthread_condattr_init(&attr);
  pthread_cond_init(changed, &attr); // expected-note{{'attr' is used here, for the last time}}
  pthread_condattr_setclock(&attr, 1);
  // expected-warning@-1{{attribute 'attr' is set after the object that should have used it was made [safespawn.thread.LateConfig]}}
  return pthread_condattr_destroy(&attr);
}

void bad_sharing_too_late(pthread_rwlock_t *lock, pthread_barrier_t *barrier) {
  pthread_rwlockattr_t lock_attr;
  pthread_barrierattr_t barrier_attr;
  pthread_rwlockattr_init(&lock_attr);
  pthread_barrierattr_init(&barrier_attr);
  pthread_rwlock_init(lock, &lock_attr); // expected-note{{'lock_attr' is used here, for the last time}}
  pthread_barrier_init(barrier, &barrier_attr, 2); // expected-note{{'barrier_attr' is used here, for the last time}}
  pthread_rwlockattr_setpshared(&lock_attr, PTHREAD_PROCESS_SHARED);
  // expected-warning@-1{{attribute 'lock_attr' is set after the object that should have used it was made [safespawn.thread.LateConfig]}}
  pthread_barrierattr_setpshared(&barrier_attr, PTHREAD_PROCESS_SHARED);
  // expected-warning@-1{{attribute 'barrier_attr' is set after the object that should have used it was made [safespawn.thread.LateConfig]}}
}

int bad_after_the_last_of_two(pthread_t *a, pthread_t *b) {
  pthread_attr_t attr;
  int rc;
  pthread_attr_init(&attr);
  rc = pthread_create(a, &attr, work, NULL);
  if (rc == 0)
    rc = pthread_create(b, &attr, work, NULL); // expected-note{{'attr' is used here, for the last time}}
  pthread_attr_setguardsize(&attr, 4096);
  // expected-warning@-1{{attribute 'attr' is set after the object that should have used it was made [safespawn.thread.LateConfig]}}
  return rc;
}

int good_set_before(pthread_t *t) {
  pthread_attr_t attr;
  int rc;
  if (pthread_attr_init(&attr))
    return -1;
  pthread_attr_setstacksize(&attr, 1 << 20);
  pthread_attr_setguardsize(&attr, 4096);
  rc = pthread_create(t, &attr, work, NULL);
  pthread_attr_destroy(&attr);
  return rc;
}

int good_set_for_the_next(pthread_t *a, pthread_t *b) {
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  if (pthread_create(a, &attr, work, NULL))
    return -1;
  pthread_attr_setstacksize(&attr, 1 << 20);
  if (pthread_create(b, &attr, work, NULL))
    return -1;
  return pthread_attr_destroy(&attr);
}

int good_set_for_the_next_round(pthread_t *t, int n) {
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  for (int i = 0; i < n; i++) {
    if (pthread_create(&t[i], &attr, work, NULL))
      return -1;
    pthread_attr_setstacksize(&attr, (size_t)(i + 1) << 16);
  }
  return pthread_attr_destroy(&attr);
}

int good_made_anew(pthread_t *a, pthread_t *b) {
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  if (pthread_create(a, &attr, work, NULL))
    return -1;
  pthread_attr_destroy(&attr);
  pthread_attr_init(&attr);
  pthread_attr_setstacksize(&attr, 1 << 20);
  if (pthread_create(b, &attr, work, NULL))
    return -1;
  return pthread_attr_destroy(&attr);
}

int good_used_by_unknown_code(pthread_t *t) {
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  if (pthread_create(t, &attr, work, NULL))
    return -1;
  pthread_attr_setstacksize(&attr, 1 << 20);
  return start(&attr);
}

int good_attribute_of_the_caller(pthread_t *t, pthread_attr_t *attr) {
  if (pthread_create(t, attr, work, NULL))
    return -1;
  return pthread_attr_setstacksize(attr, 1 << 20);
}

static pthread_attr_t shared_attr;

int good_attribute_of_the_file(pthread_t *t) {
  if (pthread_create(t, &shared_attr, work, NULL))
    return -1;
  return pthread_attr_setstacksize(&shared_attr, 1 << 20);
}

int good_other_attribute(pthread_t *a, pthread_t *b) {
  pthread_attr_t first, second;
  pthread_attr_init(&first);
  pthread_attr_init(&second);
  if (pthread_create(a, &first, work, NULL))
    return -1;
  pthread_attr_setstacksize(&second, 1 << 20);
  return pthread_create(b, &second, work, NULL);
}

int good_only_set(void) {
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  pthread_attr_setstacksize(&attr, 1 << 20);
  return pthread_attr_destroy(&attr);
}

int good_only_read_afterwards(pthread_t *t, size_t *size) {
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  if (pthread_create(t, &attr, work, NULL))
    return -1;
  pthread_attr_getstacksize(&attr, size);
  return pthread_attr_destroy(&attr);
}

int good_set_when_it_was_not_used(pthread_t *a, int first) {
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  if (first)
    return pthread_create(a, &attr, work, NULL);
  pthread_attr_setstacksize(&attr, 1 << 20);
  return pthread_create(a, &attr, work, NULL);
}

int good_tried_again_with_less(pthread_t *t) {
  pthread_attr_t attr;
  int rc;
  pthread_attr_init(&attr);
  do {
    rc = pthread_create(t, &attr, work, NULL);
    if (rc)
      pthread_attr_setstacksize(&attr, 1 << 16);
  } while (rc == EAGAIN);
  return rc;
}
