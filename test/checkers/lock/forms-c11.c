// Where a C11 lock lies, who takes it and who gives it back: as in Leak.c, NotHeld.c and DoubleLock.c.
// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/threads.h"

int prepare(void);
void helper(void *what);

struct queue {
  mtx_t mu;
  int closed, shared, length;
};
struct server {
  struct queue *queue;
  struct queue own;
  mtx_t *lock;
  mtx_t bucket[16];
};
mtx_t *lock_of(int number);

// ---- in structs and arrays, behind pointers and getters

int bad_behind_pointers(struct server *s) {
  mtx_lock(&s->queue->mu); // expected-note{{'s->queue->mu' is taken here}}
  helper(s);
  if (s->queue->closed) // expected-note{{'s->queue->closed' holds: taking the early return}}
    return -1; // expected-warning{{lock 's->queue->mu' is still held when 'bad_behind_pointers' returns [safespawn.lock.Leak]}}
  mtx_unlock(&s->queue->mu);
  return 0;
}

int bad_pointer_to_a_lock(struct server *s) {
  mtx_lock(s->lock); // expected-note{{'s->lock' is taken here}}
  if (prepare()) // expected-note{{'prepare' fails: taking the early return}}
    return -1; // expected-warning{{lock 's->lock' is still held when 'bad_pointer_to_a_lock' returns [safespawn.lock.Leak]}}
  mtx_unlock(s->lock);
  return 0;
}

int bad_element(struct server *s, unsigned hash) {
  mtx_lock(&s->bucket[hash]); // expected-note{{'s->bucket[hash]' is taken here}}
  if (prepare()) // expected-note{{'prepare' fails: taking the early return}}
    return -1; // expected-warning{{lock 's->bucket[hash]' is still held when 'bad_element' returns [safespawn.lock.Leak]}}
  mtx_unlock(&s->bucket[hash]);
  return 0;
}

int bad_getter(int number) {
  mtx_lock(lock_of(number)); // expected-note{{'lock_of(number)' is taken here}}
  if (prepare()) // expected-note{{'prepare' fails: taking the early return}}
    return -1; // expected-warning{{lock 'lock_of(number)' is still held when 'bad_getter' returns [safespawn.lock.Leak]}}
  mtx_unlock(lock_of(number));
  return 0;
}

void good_other_elements(struct server *s, int a, int b) {
  mtx_lock(&s->bucket[a]);
  mtx_lock(&s->bucket[b]);
  mtx_unlock(&s->bucket[b]);
  mtx_unlock(&s->bucket[a]);
}

void good_other_objects(struct queue *a, struct queue *b) {
  mtx_lock(&a->mu);
  mtx_lock(&b->mu);
  mtx_unlock(&a->mu);
  mtx_unlock(&b->mu);
}

// ---- ways out

int bad_goto_past_the_unlock(struct queue *q) {
  int rc = -1;
  mtx_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  if (!q->length) // expected-note{{'q->length' does not hold: 'q->mu' is not released}}
    goto out;
  rc = q->length;
  mtx_unlock(&q->mu);
out:
  return rc; // expected-warning{{lock 'q->mu' is still held when 'bad_goto_past_the_unlock' returns [safespawn.lock.Leak]}}
}

int good_goto_out(struct queue *q) {
  int rc = -1;
  mtx_lock(&q->mu);
  if (prepare() < 0)
    goto out;
  rc = 0;
out:
  mtx_unlock(&q->mu);
  return rc;
}

void good_process_ends(struct queue *q) {
  mtx_lock(&q->mu);
  if (q->closed)
    exit(1);
  mtx_unlock(&q->mu);
}

// ---- wrappers, and their callers

static void take(struct queue *q) { mtx_lock(&q->mu); } // expected-note{{'q->mu' is taken here}}
static void give(struct queue *q) { mtx_unlock(&q->mu); } // expected-note{{'q->mu' is released here}}

int bad_caller_of_a_wrapper(struct queue *q) {
  take(q);
  if (q->closed) // expected-note{{'q->closed' holds: taking the early return}}
    return -1; // expected-warning{{lock 'q->mu' is still held when 'bad_caller_of_a_wrapper' returns [safespawn.lock.Leak]}}
  give(q);
  return 0;
}

void bad_in_a_helper_and_here(struct queue *q) {
  mtx_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  if (q->closed)
    give(q);
  mtx_unlock(&q->mu); // expected-warning{{lock 'q->mu' is released, but was already released [safespawn.lock.NotHeld]}}
}

void good_released_in_a_helper(struct queue *q) {
  mtx_lock(&q->mu);
  q->length++;
  give(q);
}

int open_queue(struct queue *q) { // holds the lock when it has worked
  if (mtx_lock(&q->mu) != thrd_success) // expected-note{{'q->mu' is taken here}}
    return thrd_error;
  if (!q->closed)
    return thrd_success;
  mtx_unlock(&q->mu);
  return thrd_error;
}

int bad_caller_of_open(struct queue *q) {
  if (open_queue(q) != thrd_success)
    return -1;
  if (!q->length) // expected-note{{'q->length' does not hold: taking the early return}}
    return -1; // expected-warning{{lock 'q->mu' is still held when 'bad_caller_of_open' returns [safespawn.lock.Leak]}}
  mtx_unlock(&q->mu);
  return 0;
}

int good_caller_of_open(struct queue *q) {
  if (open_queue(q) != thrd_success)
    return -1;
  int length = q->length;
  mtx_unlock(&q->mu);
  return length;
}

int good_try_wrapper(struct queue *q) { return mtx_trylock(&q->mu) == thrd_success; }

int good_caller_of_a_try_wrapper(struct queue *q) {
  if (!good_try_wrapper(q))
    return -1;
  q->length++;
  mtx_unlock(&q->mu);
  return 0;
}

void good_returns_holding_it(struct queue *q) {
  mtx_lock(&q->mu);
  q->shared = 1;
}

// ---- a flag that is tested twice

void good_flag_tested_twice(struct queue *q, int shared) {
  if (shared)
    mtx_lock(&q->mu);
  helper(q);
  if (shared)
    mtx_unlock(&q->mu);
}

void good_field_tested_twice(struct queue *q) {
  if (q->shared)
    mtx_lock(&q->mu);
  helper(q);
  if (q->shared)
    mtx_unlock(&q->mu);
}

int bad_flag_tested_once(struct queue *q, int shared) {
  if (shared)
    mtx_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  if (prepare()) // expected-note{{'prepare' fails: taking the early return}}
    return -1; // expected-warning{{lock 'q->mu' is still held when 'bad_flag_tested_once' returns [safespawn.lock.Leak]}}
  if (shared)
    mtx_unlock(&q->mu);
  return 0;
}

// ---- the cleanup attribute

static void unlock_cleanup(mtx_t **lock) { mtx_unlock(*lock); }

int good_cleanup_attribute(struct queue *q) {
  mtx_lock(&q->mu);
  __attribute__((cleanup(unlock_cleanup))) mtx_t *guard = &q->mu;
  if (prepare())
    return -1;
  return guard == &q->mu;
}

void good_cleanup_in_a_loop(struct queue *q, int n) {
  for (int i = 0; i < n; i++) {
    __attribute__((cleanup(unlock_cleanup))) mtx_t *guard = &q->mu;
    mtx_lock(guard);
    prepare();
  }
}

int bad_another_lock_than_the_guarded(struct server *s) {
  mtx_lock(&s->own.mu);
  __attribute__((cleanup(unlock_cleanup))) mtx_t *guard = &s->own.mu;
  mtx_lock(&s->queue->mu); // expected-note{{'s->queue->mu' is taken here}}
  if (prepare()) // expected-note{{'prepare' fails: taking the early return}}
    return -1; // expected-warning{{lock 's->queue->mu' is still held when 'bad_another_lock_than_the_guarded' returns [safespawn.lock.Leak]}}
  mtx_unlock(&s->queue->mu);
  return guard == &s->own.mu;
}

// ---- attributes of -Wthread-safety

int enter(struct server *s) __attribute__((try_acquire_capability(1, s->lock)));
void leave(struct server *s) __attribute__((release_capability(s->lock)));

int bad_annotated(struct server *s) {
  if (!enter(s)) // expected-note{{'s->lock' is taken here}}
    return -1;
  if (prepare()) // expected-note{{'prepare' fails: taking the early return}}
    return -1; // expected-warning{{lock 's->lock' is still held when 'bad_annotated' returns [safespawn.lock.Leak]}}
  leave(s);
  return 0;
}

int good_annotated(struct server *s) {
  if (!enter(s))
    return -1;
  int rc = prepare();
  leave(s);
  return rc;
}
