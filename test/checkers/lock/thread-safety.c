// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
// The attributes of -Wthread-safety are the author's word: on functions that are not here, and on what a function owes.
#include "Inputs/pthread.h"

int prepare(void);
void helper(void *what);

struct __attribute__((capability("mutex"))) lock {
  pthread_mutex_t mu;
};
struct __attribute__((capability("mutex"))) opaque;
struct __attribute__((capability("mutex"))) spin {
  volatile int taken;
};
struct queue {
  pthread_mutex_t mu;
  pthread_rwlock_t rw;
  struct lock lock;
  struct opaque *opaque;
  struct spin spin;
  int fd, closed;
};
extern pthread_mutex_t registry;
static pthread_mutex_t table;

void take(struct lock *l) __attribute__((acquire_capability(l)));
void give(struct lock *l) __attribute__((release_capability(*l)));
int try_take(struct lock *l) __attribute__((try_acquire_capability(1, l)));
void needs(struct lock *l) __attribute__((requires_capability(l)));
void take_queue(struct queue *q) __attribute__((exclusive_lock_function(q->mu)));
void give_queue(struct queue *q) __attribute__((unlock_function(&q->mu)));
int try_queue(struct queue *q) __attribute__((exclusive_trylock_function(0, q->mu)));
void read_queue(struct queue *q) __attribute__((acquire_shared_capability(q->rw)));
void done_queue(struct queue *q) __attribute__((release_shared_capability(q->rw)));
void take_opaque(struct opaque *o) __attribute__((acquire_capability(o)));
void give_opaque(struct opaque *o) __attribute__((release_capability(o)));
void take_registry(void) __attribute__((__acquire_capability__(registry)));
void give_registry(void) __attribute__((__release_capability__(registry)));
void give_table(void) __attribute__((release_capability(table)));

// ---- functions that are not here

int bad_lock_of_the_project(struct queue *q) {
  take(&q->lock); // expected-note{{'q->lock.mu' is taken here}}
  if (q->closed) // expected-note{{'q->closed' holds: taking the early return}}
    return -1; // expected-warning{{lock 'q->lock.mu' is still held when 'bad_lock_of_the_project' returns [safespawn.lock.Leak]}}
  give(&q->lock);
  return 0;
}

int bad_member_of_a_parameter(struct queue *q) {
  take_queue(q); // expected-note{{'q->mu' is taken here}}
  if (q->closed) // expected-note{{'q->closed' holds: taking the early return}}
    return -1; // expected-warning{{lock 'q->mu' is still held when 'bad_member_of_a_parameter' returns [safespawn.lock.Leak]}}
  pthread_mutex_unlock(&q->mu);
  return 0;
}

int bad_opaque(struct queue *q) {
  take_opaque(q->opaque); // expected-note{{'q->opaque' is taken here}}
  if (q->closed) // expected-note{{'q->closed' holds: taking the early return}}
    return -1; // expected-warning{{lock 'q->opaque' is still held when 'bad_opaque' returns [safespawn.lock.Leak]}}
  give_opaque(q->opaque);
  return 0;
}

int bad_global(void) {
  take_registry(); // expected-note{{'registry' is taken here}}
  if (prepare()) // expected-note{{'prepare' fails: taking the early return}}
    return -1; // expected-warning{{lock 'registry' is still held when 'bad_global' returns [safespawn.lock.Leak]}}
  give_registry();
  return 0;
}

void bad_taken_again(struct queue *q) {
  pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  take_queue(q); // expected-warning{{lock 'q->mu' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}}
}

void bad_given_back_twice(struct queue *q) {
  take(&q->lock); // expected-note{{'q->lock.mu' is taken here}}
  give(&q->lock); // expected-note{{'q->lock.mu' is released here}}
  if (q->closed)
    give(&q->lock); // expected-warning{{lock 'q->lock.mu' is released, but was already released [safespawn.lock.NotHeld]}}
}

void bad_blocking(struct queue *q) {
  take_queue(q); // expected-note{{'q->mu' is taken here}}
  sleep(1); // expected-warning{{'sleep' may wait while lock 'q->mu' is held [safespawn.lock.Blocking]}}
  give_queue(q);
}

int bad_tried(struct queue *q) {
  if (!try_take(&q->lock)) // expected-note{{'q->lock.mu' is taken here}}
    return -1;
  if (q->closed) // expected-note{{'q->closed' holds: taking the early return}}
    return -1; // expected-warning{{lock 'q->lock.mu' is still held when 'bad_tried' returns [safespawn.lock.Leak]}}
  give(&q->lock);
  return 0;
}

int good_each_path(struct queue *q) {
  take(&q->lock);
  if (q->closed) {
    give(&q->lock);
    return -1;
  }
  give(&q->lock);
  return 0;
}

int good_tried(struct queue *q) {
  if (!try_take(&q->lock))
    return -1;
  give(&q->lock);
  if (try_queue(q))
    return -1;
  give_queue(q);
  return 0;
}

void good_read_twice(struct queue *q) {
  read_queue(q);
  read_queue(q);
  done_queue(q);
  done_queue(q);
}

void good_static_lock_that_others_give_back(void) {
  pthread_mutex_lock(&table);
  helper(&table);
  give_table();
}

int good_needed_lock_stays_held(struct queue *q) {
  take(&q->lock);
  needs(&q->lock);
  give(&q->lock);
  return 0;
}

int bad_needed_lock_stays_held(struct queue *q) {
  take(&q->lock); // expected-note{{'q->lock.mu' is taken here}}
  needs(&q->lock);
  if (q->closed) // expected-note{{'q->closed' holds: taking the early return}}
    return -1; // expected-warning{{lock 'q->lock.mu' is still held when 'bad_needed_lock_stays_held' returns [safespawn.lock.Leak]}}
  give(&q->lock);
  return 0;
}

// ---- bodies that make no call that a model knows

static void spin(struct spin *s) __attribute__((acquire_capability(s))) {
  while (__atomic_exchange_n(&s->taken, 1, __ATOMIC_ACQUIRE))
    ;
}
static void unspin(struct spin *s) __attribute__((release_capability(s))) {
  __atomic_store_n(&s->taken, 0, __ATOMIC_RELEASE);
}

int bad_lock_of_atomics(struct queue *q) {
  spin(&q->spin); // expected-note{{'q->spin' is taken here}}
  if (q->closed) // expected-note{{'q->closed' holds: taking the early return}}
    return -1; // expected-warning{{lock 'q->spin' is still held when 'bad_lock_of_atomics' returns [safespawn.lock.Leak]}}
  unspin(&q->spin);
  return 0;
}

int good_lock_of_atomics(struct queue *q) {
  spin(&q->spin);
  int rc = q->closed ? -1 : 0;
  unspin(&q->spin);
  return rc;
}

// ---- what the body owes

int good_returns_holding_it(struct queue *q) __attribute__((acquire_capability(q->mu)));
int good_returns_holding_it(struct queue *q) {
  pthread_mutex_lock(&q->mu);
  if (q->closed) {
    helper(q);
    return -1;
  }
  return 0;
}

int good_returns_holding_the_project_s_own(struct queue *q) __attribute__((acquire_capability(q->lock)));
int good_returns_holding_the_project_s_own(struct queue *q) {
  pthread_mutex_lock(&q->lock.mu);
  if (!q->closed)
    return 0;
  pthread_mutex_unlock(&q->lock.mu);
  pthread_mutex_lock(&q->lock.mu);
  return -1;
}

int bad_returns_holding_another(struct queue *q) __attribute__((acquire_capability(q->mu)));
int bad_returns_holding_another(struct queue *q) {
  pthread_mutex_lock(&q->mu);
  pthread_rwlock_rdlock(&q->rw); // expected-note{{'q->rw' is taken here}}
  if (q->closed) // expected-note{{'q->closed' holds: taking the early return}}
    return -1; // expected-warning{{lock 'q->rw' is still held when 'bad_returns_holding_another' returns [safespawn.lock.Leak]}}
  pthread_rwlock_unlock(&q->rw);
  return 0;
}

int good_holds_it_on_success(struct queue *q) __attribute__((try_acquire_capability(0, q->mu)));
int good_holds_it_on_success(struct queue *q) {
  pthread_mutex_lock(&q->mu);
  if (!q->closed)
    return 0;
  pthread_mutex_unlock(&q->mu);
  return -1;
}

int bad_holds_it_on_failure(struct queue *q) __attribute__((try_acquire_capability(1, q->mu)));
int bad_holds_it_on_failure(struct queue *q) {
  pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  if (q->closed) // expected-note{{'q->closed' holds: taking the early return}}
    return 0; // expected-warning{{lock 'q->mu' is still held when 'bad_holds_it_on_failure' returns [safespawn.lock.Leak]}}
  return 1;
}

void good_lets_go_in_between(struct queue *q) __attribute__((requires_capability(q->mu)));
void good_lets_go_in_between(struct queue *q) {
  while (!q->closed) {
    pthread_mutex_unlock(&q->mu);
    sleep(1);
    pthread_mutex_lock(&q->mu);
  }
}

void bad_takes_what_it_needs(struct queue *q) __attribute__((exclusive_locks_required(q->mu))); // expected-note{{'q->mu' is declared to be held at the start}}
void bad_takes_what_it_needs(struct queue *q) {
  pthread_mutex_lock(&q->mu); // expected-warning{{lock 'q->mu' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}}
  q->closed = 1;
  pthread_mutex_unlock(&q->mu);
}

void bad_gives_back_what_it_needs_twice(struct queue *q) __attribute__((requires_capability(q->mu)));
void bad_gives_back_what_it_needs_twice(struct queue *q) {
  pthread_mutex_unlock(&q->mu); // expected-note{{'q->mu' is released here}}
  if (prepare())
    pthread_mutex_unlock(&q->mu); // expected-warning{{lock 'q->mu' is released, but was already released [safespawn.lock.NotHeld]}}
  pthread_mutex_lock(&q->mu);
}

void bad_waits_with_what_it_needs(struct queue *q, char *buffer) __attribute__((requires_capability(q->mu))); // expected-note{{'q->mu' is declared to be held at the start}}
void bad_waits_with_what_it_needs(struct queue *q, char *buffer) {
  recv(q->fd, buffer, 1, 0); // expected-warning{{'recv' may wait while lock 'q->mu' is held [safespawn.lock.Blocking]}}
}

void bad_keeps_what_it_gives_back(struct queue *q) __attribute__((release_capability(q->mu))); // expected-note{{'q->mu' is declared to be held at the start}}
void bad_keeps_what_it_gives_back(struct queue *q) {
  if (q->closed) // expected-note{{'q->closed' holds: taking the early return}}
    return; // expected-warning{{lock 'q->mu' is still held when 'bad_keeps_what_it_gives_back' returns [safespawn.lock.Leak]}}
  pthread_mutex_unlock(&q->mu);
}

void good_gives_it_back(struct queue *q) __attribute__((release_capability(q->mu)));
void good_gives_it_back(struct queue *q) {
  q->closed = 1;
  pthread_mutex_unlock(&q->mu);
}

void good_has_it_given_back(struct queue *q) __attribute__((release_capability(q->mu)));
void good_has_it_given_back(struct queue *q) {
  helper(q); // which has no attributes
}

int good_left_unchecked(struct queue *q) __attribute__((no_thread_safety_analysis));
int good_left_unchecked(struct queue *q) {
  pthread_mutex_lock(&q->mu);
  if (q->closed)
    return -1;
  pthread_mutex_unlock(&q->mu);
  return 0;
}
