// The system's own headers: what Inputs/pthread.h repeats is what the C library publishes, with or without GNU's part.
// RUN: %safespawn_verify -D_GNU_SOURCE -fplugin-arg-safespawn-profile=strict %s
// RUN: %safespawn_verify -D_FORTIFY_SOURCE=2 -O2 -fplugin-arg-safespawn-profile=strict %s
// RUN: %safespawn_verify -std=c11 -D_POSIX_C_SOURCE=200809L -fplugin-arg-safespawn-profile=strict %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note -Xclang -analyzer-config -Xclang safespawn:Profile=strict %s
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

void *work(void *arg);
int prepare(void);

int bad_leak(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL)) // expected-note{{'t' is spawned here}}
    return -1;
  return prepare();
  // expected-warning@-1{{leaves 'bad_leak' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
}

int bad_detached(void) {
  pthread_t t;
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  // expected-note@-1{{the attribute is told here to make threads detached}}
  return pthread_create(&t, &attr, work, NULL);
  // expected-warning@-1{{thread is spawned detached: nobody can wait for it, cancel it or see its error [safespawn.thread.Detached]}}
}

int bad_double_join(pthread_t t) {
  pthread_join(t, NULL); // expected-note{{'t' is first joined here}}
  return pthread_join(t, NULL); // expected-warning{{handle 't' is joined a second time [safespawn.thread.DoubleJoin]}}
}

int bad_join_unspawned(void) {
  pthread_t t;
  int rc = pthread_create(&t, NULL, work, NULL); // expected-note{{'t' is spawned here}}
  if (rc) // expected-note{{assuming that the spawn fails}}
    prepare();
  return pthread_join(t, NULL);
  // expected-warning@-1{{handle 't' is joined, but its spawn failed on this path [safespawn.thread.JoinUnspawned]}}
}

int bad_overwrite(pthread_t *t, int n) {
  while (n-- > 0)
    if (pthread_create(t, NULL, work, NULL))
    // expected-warning@-1{{spawn overwrites '*t', which still holds a thread that is neither joined nor detached [safespawn.thread.Overwrite]}}
    // expected-note@-2{{'*t' is spawned here}}
      return -1;
  return 0;
}

void bad_self_join(void) {
  pthread_join(pthread_self(), NULL);
  // expected-warning@-1{{thread joins itself and waits forever [safespawn.thread.SelfJoin]}}
  // expected-note@-2{{the calling thread's own handle is taken here}}
}

int bad_loop_arg(pthread_t *t, int n) {
  static int i;
  for (i = 0; i < n; i++) // expected-note{{'i' is changed here, before the next round}}
    if (pthread_create(&t[i], NULL, work, &i))
    // expected-warning@-1{{thread gets the address of 'i', which the loop changes while the thread runs [safespawn.thread.LoopArg]}}
      return -1;
  return 0;
}

int bad_stack_escape(pthread_t *t) {
  int number = prepare();
  return pthread_create(t, NULL, work, &number);
  // expected-warning@-1{{thread '*t' gets the address of local 'number' and may outlive 'bad_stack_escape' [safespawn.thread.StackEscape]}}
  // expected-note@-2{{'bad_stack_escape' ends here, and 'number' with it}}
}

void bad_unchecked_spawn(pthread_t *t) {
  pthread_create(t, NULL, work, NULL);
  // expected-warning@-1{{result of the spawn is ignored: when it fails, no thread runs and the handle is garbage [safespawn.thread.UncheckedSpawn]}}
}

void bad_too_many_handles(void) {
  static pthread_t t[4]; // expected-note{{'t' is declared here}}
  for (int i = 0; i <= 4; i++)
    if (pthread_create(&t[i], NULL, work, NULL))
    // expected-warning@-1{{loop spawns into 't[4]', but the array has 4 elements [safespawn.thread.TooManyHandles]}}
      exit(1);
}

int bad_late_config(pthread_mutex_t *lock) {
  pthread_mutexattr_t attr;
  pthread_mutexattr_init(&attr);
  pthread_mutex_init(lock, &attr); // expected-note{{'attr' is used here, for the last time}}
  pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
  // expected-warning@-1{{attribute 'attr' is set after the object that should have used it was made [safespawn.thread.LateConfig]}}
  return pthread_mutexattr_destroy(&attr);
}

int good_joined(void) {
  pthread_t t;
  pthread_attr_t attr;
  void *result;
  if (pthread_attr_init(&attr) || pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_JOINABLE))
    return -1;
  if (pthread_create(&t, &attr, work, NULL))
    exit(1);
  pthread_attr_destroy(&attr);
  if (prepare())
    abort();
  return pthread_join(t, &result);
}

struct start {
  int number;
  sem_t copied;
};

static void *copies(void *arg) {
  struct start *s = arg;
  int number = s->number;
  sem_post(&s->copied);
  return (void *)(long)number;
}

int good_hand_shake(pthread_t *t) {
  struct start s = {.number = 1};
  if (sem_init(&s.copied, 0, 0) || pthread_create(t, NULL, copies, &s))
    return -1;
  sem_wait(&s.copied);
  return sem_destroy(&s.copied);
}

static pthread_t writer;

static void *good_self_join_behind_a_guard(void *arg) {
  if (!pthread_equal(writer, pthread_self()))
    pthread_join(writer, NULL);
  return arg;
}

int start_writer(void) { return pthread_create(&writer, NULL, good_self_join_behind_a_guard, NULL); }

#ifdef _GNU_SOURCE
int good_fallback_of_a_timed_join(const struct timespec *deadline) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL))
    return -1;
  if (pthread_timedjoin_np(t, NULL, deadline) != 0)
    return pthread_detach(t);
  return 0;
}
#endif
