// RUN: %safespawn_verify -fplugin-arg-safespawn-profile=strict %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note -Xclang -analyzer-config -Xclang safespawn:Profile=strict %s
#include "Inputs/pthread.h"

void *work(void *arg);
int prepare(void);
void log_error(const char *text);

static int start_worker(pthread_t *t, void *arg) { return pthread_create(t, NULL, work, arg); }
// expected-note@-1{{'t' is spawned here}}

int bad_by_attribute(void) {
  pthread_t t;
  pthread_attr_t attr;
  int rc;
  pthread_attr_init(&attr);
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  // expected-note@-1{{the attribute is told here to make threads detached}}
  rc = pthread_create(&t, &attr, work, NULL);
  // expected-warning@-1{{thread is spawned detached: nobody can wait for it, cancel it or see its error [safespawn.thread.Detached]}}
  pthread_attr_destroy(&attr);
  return rc;
}

int bad_right_after_the_spawn(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL)) // expected-note{{'t' is spawned here}}
    return -1;
  return pthread_detach(t);
  // expected-warning@-1{{thread is detached: nobody can wait for it, cancel it or see its error [safespawn.thread.Detached]}}
  // expected-note@-2{{'t' is detached here}}
}

int bad_where_the_spawn_worked(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL) == 0) // expected-note{{'t' is spawned here}}
    pthread_detach(t);
    // expected-warning@-1{{thread is detached: nobody can wait for it, cancel it or see its error [safespawn.thread.Detached]}}
    // expected-note@-2{{'t' is detached here}}
  else
    log_error("no thread");
  return 0;
}

void *bad_entry_detaches_itself(void *arg) {
  pthread_detach(pthread_self());
  // expected-warning@-1{{thread detaches itself: nobody can wait for it, cancel it or see its error [safespawn.thread.Detached]}}
  // expected-note@-2{{the calling thread's own handle is taken here}}
  prepare();
  return arg;
}

int start_entry(void) {
  pthread_t t;
  return pthread_create(&t, NULL, bad_entry_detaches_itself, NULL);
}

void *bad_entry_detaches_itself_by_name(void *arg) {
  pthread_t me = pthread_self(); // expected-note{{the calling thread's own handle is taken here}}
  pthread_detach(me);
  // expected-warning@-1{{thread detaches itself: nobody can wait for it, cancel it or see its error [safespawn.thread.Detached]}}
  return arg;
}

int bad_through_a_wrapper(void *arg) {
  pthread_t t;
  if (start_worker(&t, arg))
    return -1;
  pthread_detach(t);
  // expected-warning@-1{{thread is detached: nobody can wait for it, cancel it or see its error [safespawn.thread.Detached]}}
  // expected-note@-2{{'t' is detached here}}
  return 0;
}

int bad_handle_of_a_global(void) {
  static pthread_t logger;
  if (pthread_create(&logger, NULL, work, NULL)) // expected-note{{'logger' is spawned here}}
    return -1;
  return pthread_detach(logger);
  // expected-warning@-1{{thread is detached: nobody can wait for it, cancel it or see its error [safespawn.thread.Detached]}}
  // expected-note@-2{{'logger' is detached here}}
}

int bad_in_a_loop(int n) {
  for (int i = 0; i < n; i++) {
    pthread_t t;
    if (pthread_create(&t, NULL, work, (void *)(intptr_t)i)) // expected-note{{'t' is spawned here}}
      return -1;
    pthread_detach(t);
    // expected-warning@-1{{thread is detached: nobody can wait for it, cancel it or see its error [safespawn.thread.Detached]}}
    // expected-note@-2{{'t' is detached here}}
  }
  return 0;
}

static void set_up(pthread_attr_t *attr) {
  pthread_attr_init(attr);
  pthread_attr_setdetachstate(attr, PTHREAD_CREATE_DETACHED);
  // expected-note@-1{{the attribute is told here to make threads detached}}
}

int bad_attribute_set_by_a_helper(void) {
  pthread_t t;
  pthread_attr_t attr;
  set_up(&attr);
  return pthread_create(&t, &attr, work, NULL);
  // expected-warning@-1{{thread is spawned detached: nobody can wait for it, cancel it or see its error [safespawn.thread.Detached]}}
}

int good_joined(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL))
    return -1;
  return pthread_join(t, NULL);
}

int good_joinable_by_attribute(void) {
  pthread_t t;
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_JOINABLE);
  if (pthread_create(&t, &attr, work, NULL))
    return -1;
  return pthread_join(t, NULL);
}

int good_joinable_again(void) {
  pthread_t t;
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_JOINABLE);
  if (pthread_create(&t, &attr, work, NULL))
    return -1;
  return pthread_join(t, NULL);
}

int good_attribute_made_anew(void) {
  pthread_t t;
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  pthread_attr_destroy(&attr);
  pthread_attr_init(&attr);
  if (pthread_create(&t, &attr, work, NULL))
    return -1;
  return pthread_join(t, NULL);
}

int good_attribute_from_elsewhere(pthread_t *t, const pthread_attr_t *attr) {
  return pthread_create(t, attr, work, NULL);
}

int good_fallback_of_a_timed_join(const struct timespec *deadline) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL))
    return -1;
  prepare();
  if (pthread_timedjoin_np(t, NULL, deadline) == 0)
    return 0;
  log_error("the worker does not answer");
  return pthread_detach(t);
}

int good_fallback_with_its_result(const struct timespec *deadline) {
  pthread_t t;
  int rc;
  if (pthread_create(&t, NULL, work, NULL))
    return -1;
  rc = pthread_clockjoin_np(t, NULL, 1, deadline);
  if (rc == ETIMEDOUT) {
    pthread_detach(t);
    return rc;
  }
  if (rc != 0)
    pthread_join(t, NULL);
  return rc;
}

int good_fallback_of_a_try(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL))
    return -1;
  prepare();
  if (pthread_tryjoin_np(t, NULL) == EBUSY)
    pthread_detach(t);
  return 0;
}

int good_fallback_for_a_handle_from_elsewhere(pthread_t t, const struct timespec *deadline) {
  if (pthread_timedjoin_np(t, NULL, deadline) != 0)
    return pthread_detach(t);
  return 0;
}

int good_detaches_what_others_started(pthread_t t) { return pthread_detach(t); }
