// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/pthread.h"

int prepare(void);
void helper(void *what);
void log_error(const char *text);
void usage(void) __attribute__((noreturn));

struct item {
  int value;
  struct item *next;
};
struct queue {
  pthread_mutex_t mu;
  pthread_rwlock_t rw;
  pthread_spinlock_t spin;
  struct item *first;
  int closed, shared, locked;
};
struct server {
  struct queue *queue;
  struct queue own;
  pthread_mutex_t *lock;
  pthread_mutex_t bucket[16];
};

pthread_mutex_t *lock_of(int number);
static pthread_mutex_t table = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_t registry = PTHREAD_MUTEX_INITIALIZER;

// ---- leaks

int bad_early_return(struct queue *q) {
  pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  if (prepare() < 0) // expected-note{{'prepare' fails: taking the early return}}
    return -1; // expected-warning{{lock 'q->mu' is still held when 'bad_early_return' returns [safespawn.lock.Leak]}}
  pthread_mutex_unlock(&q->mu);
  return 0;
}

int bad_goto_past_the_unlock(struct queue *q) {
  int rc = -1;
  pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  if (!q->first) // expected-note{{'q->first' does not hold: 'q->mu' is not released}}
    goto out;
  rc = q->first->value;
  pthread_mutex_unlock(&q->mu);
out:
  return rc; // expected-warning{{lock 'q->mu' is still held when 'bad_goto_past_the_unlock' returns [safespawn.lock.Leak]}}
}

void bad_void(struct server *s) {
  pthread_mutex_lock(&s->queue->mu); // expected-note{{'s->queue->mu' is taken here}}
  helper(s);
  if (s->queue->closed) // expected-note{{'s->queue->closed' holds: taking the early return}}
    return; // expected-warning{{lock 's->queue->mu' is still held when 'bad_void' returns [safespawn.lock.Leak]}}
  helper(s);
  pthread_mutex_unlock(&s->queue->mu);
}

int bad_same_answer(struct queue *q) {
  pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  if (q->closed) // expected-note{{'q->closed' holds: taking the early return}}
    return 0; // expected-warning{{lock 'q->mu' is still held when 'bad_same_answer' returns [safespawn.lock.Leak]}}
  q->first = NULL;
  pthread_mutex_unlock(&q->mu);
  return 0;
}

int bad_error_number(struct queue *q) {
  int err = pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  if (err)
    return err;
  if (q->closed) // expected-note{{'q->closed' holds: taking the early return}}
    return EINVAL; // expected-warning{{lock 'q->mu' is still held when 'bad_error_number' returns [safespawn.lock.Leak]}}
  pthread_mutex_unlock(&q->mu);
  return 0;
}

struct item *bad_null(struct queue *q) {
  pthread_rwlock_rdlock(&q->rw); // expected-note{{'q->rw' is taken here}}
  struct item *found = q->first;
  if (!found) // expected-note{{'found' does not hold: taking the early return}}
    return NULL; // expected-warning{{lock 'q->rw' is still held when 'bad_null' returns [safespawn.lock.Leak]}}
  pthread_rwlock_unlock(&q->rw);
  return found;
}

void bad_break_out_of_the_loop(struct queue *q, int n) {
  for (int i = 0; i < n; i++) {
    pthread_spin_lock(&q->spin); // expected-note{{'q->spin' is taken here}}
    if (q->closed) // expected-note{{'q->closed' holds: 'q->spin' is not released}}
      break;
    pthread_spin_unlock(&q->spin);
  }
} // expected-warning{{lock 'q->spin' is still held when 'bad_break_out_of_the_loop' returns [safespawn.lock.Leak]}}

// Whoever goes through the first loop goes through the second.
void bad_in_another_loop(struct queue *q, int n) {
  pthread_spin_lock(&q->spin); // expected-note{{'q->spin' is taken here}}
  for (int i = 0; i < n; i++)
    prepare();
  for (int i = 0; i < n; i++)
    if (prepare()) // expected-note 0+{{}}
      return; // expected-warning{{lock 'q->spin' is still held when 'bad_in_another_loop' returns [safespawn.lock.Leak]}}
  pthread_spin_unlock(&q->spin);
}

// A counter that something else asks for is more than a counter.
void bad_in_the_second_round(struct queue *q, int n) {
  for (int i = 0; i < n; i++) {
    if (i == 0)
      pthread_spin_lock(&q->spin); // expected-note{{'q->spin' is taken here}}
    if (i == 1) // expected-note 0+{{}}
      return; // expected-warning{{lock 'q->spin' is still held when 'bad_in_the_second_round' returns [safespawn.lock.Leak]}}
  }
  pthread_spin_unlock(&q->spin);
}

int bad_not_found(struct queue *q, const int *wanted, int n) {
  int i;
  pthread_spin_lock(&q->spin); // expected-note{{'q->spin' is taken here}}
  for (i = 0; i < n; i++)
    if (wanted[i])
      break;
  if (i == n) // expected-note 0+{{}}
    return -1; // expected-warning{{lock 'q->spin' is still held when 'bad_not_found' returns [safespawn.lock.Leak]}}
  pthread_spin_unlock(&q->spin);
  return i;
}

int good_as_often_as_it_takes(struct queue *q) {
  int tries = 3;
  while (tries--)
    if (pthread_spin_trylock(&q->spin) == 0)
      break;
  if (tries < 0)
    return -1;
  pthread_spin_unlock(&q->spin);
  return 0;
}

int bad_through_a_getter(int number) {
  pthread_mutex_lock(lock_of(number)); // expected-note{{'lock_of(number)' is taken here}}
  if (prepare()) // expected-note{{'prepare' fails: taking the early return}}
    return -1; // expected-warning{{lock 'lock_of(number)' is still held when 'bad_through_a_getter' returns [safespawn.lock.Leak]}}
  pthread_mutex_unlock(lock_of(number));
  return 0;
}

int bad_element(struct server *s, unsigned hash) {
  pthread_mutex_lock(&s->bucket[hash]); // expected-note{{'s->bucket[hash]' is taken here}}
  if (prepare()) // expected-note{{'prepare' fails: taking the early return}}
    return -1; // expected-warning{{lock 's->bucket[hash]' is still held when 'bad_element' returns [safespawn.lock.Leak]}}
  pthread_mutex_unlock(&s->bucket[hash]);
  return 0;
}

int bad_tried(struct queue *q) {
  if (pthread_mutex_trylock(&q->mu) != 0) // expected-note{{'q->mu' is taken here}}
    return -1;
  if (q->closed) // expected-note{{'q->closed' holds: taking the early return}}
    return -1; // expected-warning{{lock 'q->mu' is still held when 'bad_tried' returns [safespawn.lock.Leak]}}
  pthread_mutex_unlock(&q->mu);
  return 0;
}

int bad_tried_and_asked_for_one_error(struct queue *q) {
  int rc = pthread_mutex_trylock(&q->mu); // expected-note{{'q->mu' is taken here}}
  if (rc == EBUSY)
    return -1;
  if (q->closed) // expected-note{{'q->closed' holds: taking the early return}}
    return -1; // expected-warning{{lock 'q->mu' is still held when 'bad_tried_and_asked_for_one_error' returns [safespawn.lock.Leak]}}
  pthread_mutex_unlock(&q->mu);
  return 0;
}

void *bad_end_of_the_thread(void *arg) {
  pthread_mutex_lock(&table); // expected-note{{'table' is taken here}}
  if (prepare()) // expected-note{{'prepare()' holds: taking the early return}}
    pthread_exit(arg); // expected-warning{{lock 'table' is still held when the thread ends [safespawn.lock.Leak]}}
  pthread_mutex_unlock(&table);
  return arg;
}

void bad_local(void) {
  pthread_mutex_t m;
  pthread_mutex_init(&m, NULL); // expected-note{{'m' is initialised here}}
  pthread_mutex_lock(&m); // expected-note{{'m' is taken here}}
  prepare();
} // expected-warning{{lock 'm' is still held when 'bad_local' returns [safespawn.lock.Leak]}}

int bad_never_released_anywhere(void) {
  static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&once); // expected-note{{'once' is taken here}}
  return prepare(); // expected-warning{{lock 'once' is still held when 'bad_never_released_anywhere' returns [safespawn.lock.Leak]}}
}

// ---- wrappers, and their callers

static void take(struct queue *q) { pthread_mutex_lock(&q->mu); } // expected-note{{'q->mu' is taken here}}
static void give(struct queue *q) { pthread_mutex_unlock(&q->mu); }

int bad_caller_of_a_wrapper(struct queue *q) {
  take(q);
  if (q->closed) // expected-note{{'q->closed' holds: taking the early return}}
    return -1; // expected-warning{{lock 'q->mu' is still held when 'bad_caller_of_a_wrapper' returns [safespawn.lock.Leak]}}
  give(q);
  return 0;
}

int open_queue(struct queue *q) { // a good one: it holds the lock when it has worked
  pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  if (q->closed) {
    pthread_mutex_unlock(&q->mu);
    return -1;
  }
  return 0;
}

int bad_caller_of_open(struct queue *q) {
  if (open_queue(q) < 0)
    return -1;
  if (!q->first) // expected-note{{'q->first' does not hold: taking the early return}}
    return -1; // expected-warning{{lock 'q->mu' is still held when 'bad_caller_of_open' returns [safespawn.lock.Leak]}}
  pthread_mutex_unlock(&q->mu);
  return 0;
}

struct item *good_returns_holding_it(struct queue *q, int value) {
  pthread_mutex_lock(&q->mu);
  for (struct item *i = q->first; i; i = i->next)
    if (i->value == value)
      return i;
  pthread_mutex_unlock(&q->mu);
  return NULL;
}

_Bool good_true_when_held(struct queue *q) {
  pthread_mutex_lock(&q->mu);
  if (!q->closed)
    return 1;
  pthread_mutex_unlock(&q->mu);
  return 0;
}

int good_try_wrapper(struct queue *q) {
  if (pthread_mutex_trylock(&q->mu))
    return 0;
  q->locked = 1;
  return 1;
}

void good_lock_wrapper(struct queue *q) {
  pthread_mutex_lock(&q->mu);
  q->locked = 1;
}

static int enter(struct queue *q) {
  pthread_mutex_lock(&q->mu);
  if (q->closed)
    return -1;
  if (prepare()) {
    pthread_mutex_unlock(&q->mu);
    return 1;
  }
  return 0;
}

int good_caller_knows_its_callee(struct queue *q) {
  int rc = enter(q);
  if (rc == 1)
    return 0;
  pthread_mutex_unlock(&q->mu);
  return rc;
}

// ---- nothing to report

int good_each_path(struct server *s) {
  pthread_mutex_lock(&s->queue->mu);
  if (prepare() < 0) {
    pthread_mutex_unlock(&s->queue->mu);
    return -1;
  }
  helper(s);
  pthread_mutex_unlock(&s->queue->mu);
  return 0;
}

int good_goto_out(struct queue *q) {
  int rc = -1;
  pthread_mutex_lock(&q->mu);
  if (prepare() < 0)
    goto out;
  rc = 0;
out:
  pthread_mutex_unlock(&q->mu);
  return rc;
}

int good_acquire_failed(struct queue *q) {
  if (pthread_mutex_lock(&q->mu) != 0) {
    log_error("lock");
    return -1;
  }
  pthread_mutex_unlock(&q->mu);
  return 0;
}

int good_timed_out(struct queue *q, const struct timespec *until) {
  int rc = pthread_mutex_timedlock(&q->mu, until);
  if (rc == ETIMEDOUT)
    return -1;
  if (rc)
    return rc;
  pthread_mutex_unlock(&q->mu);
  return 0;
}

void good_flag_tested_twice(struct queue *q, int shared) {
  if (shared)
    pthread_mutex_lock(&q->mu);
  helper(q);
  if (shared)
    pthread_mutex_unlock(&q->mu);
}

void good_field_tested_twice(struct queue *q) {
  if (q->shared)
    pthread_mutex_lock(&q->mu);
  helper(q);
  if (q->shared)
    pthread_mutex_unlock(&q->mu);
}

static void take_if_shared(struct queue *q) {
  if (q->shared)
    pthread_mutex_lock(&q->mu);
}
static void give_if_shared(struct queue *q) {
  if (q->shared)
    pthread_mutex_unlock(&q->mu);
}

int good_flag_in_wrappers(struct queue *q) {
  take_if_shared(q);
  helper(q);
  if (prepare()) {
    give_if_shared(q);
    return -1;
  }
  give_if_shared(q);
  return 0;
}

void good_not_last_in_first_out(struct server *s, struct queue *q) {
  pthread_mutex_lock(&s->own.mu);
  pthread_mutex_lock(&q->mu);
  pthread_mutex_unlock(&s->own.mu);
  pthread_mutex_unlock(&q->mu);
}

int good_pointer_re_read(struct server *s) {
  struct queue *q = s->queue;
  pthread_mutex_lock(&q->mu);
  helper(s);
  pthread_mutex_unlock(&s->queue->mu);
  pthread_mutex_lock(s->lock);
  helper(s);
  pthread_mutex_unlock(s->lock);
  return 0;
}

static pthread_mutex_t *bucket_of(struct server *s, unsigned hash) { return &s->bucket[hash % 16]; }

int good_helper_finds_the_lock(struct server *s, unsigned hash) {
  pthread_mutex_lock(bucket_of(s, hash));
  if (prepare()) {
    pthread_mutex_unlock(bucket_of(s, hash));
    return -1;
  }
  pthread_mutex_unlock(bucket_of(s, hash));
  return 0;
}

int good_same_object_found_twice(struct item *(*find)(int), struct queue *(*queue_of)(struct item *), int n) {
  pthread_mutex_lock(&queue_of(find(n))->mu);
  if (prepare())
    return -1;
  struct queue *again = queue_of(find(n));
  pthread_mutex_unlock(&again->mu);
  return 0;
}

void good_all_of_an_array(struct server *s) {
  for (int i = 0; i < 16; i++)
    pthread_mutex_lock(&s->bucket[i]);
  helper(s);
  for (int i = 15; i >= 0; i--)
    pthread_mutex_unlock(&s->bucket[i]);
}

void good_process_ends(struct queue *q) {
  pthread_mutex_lock(&q->mu);
  if (q->closed)
    exit(1);
  if (prepare())
    usage();
  assert(q->first);
  pthread_mutex_unlock(&q->mu);
}

void good_let_go_in_between(struct queue *q) { // called with the lock held
  while (!q->first) {
    pthread_mutex_unlock(&q->mu);
    helper(q);
    pthread_mutex_lock(&q->mu);
    if (q->closed)
      return;
  }
}

static void wait_for_item(struct queue *q) {
  pthread_mutex_unlock(&q->mu);
  helper(q);
  pthread_mutex_lock(&q->mu);
}

int good_callee_lets_go_in_between(struct queue *q) {
  pthread_mutex_lock(&q->mu);
  while (!q->first)
    wait_for_item(q);
  pthread_mutex_unlock(&q->mu);
  return 0;
}

void unlock_and_log(pthread_mutex_t *lock);

int good_lock_given_to_unseen_code(struct queue *q) {
  pthread_mutex_lock(&q->mu);
  if (q->closed) {
    unlock_and_log(&q->mu);
    return -1;
  }
  pthread_mutex_unlock(&q->mu);
  return 0;
}

static void unlock_cleanup(pthread_mutex_t **lock) { pthread_mutex_unlock(*lock); }

int good_cleanup_attribute(struct queue *q) {
  pthread_mutex_lock(&q->mu);
  __attribute__((cleanup(unlock_cleanup))) pthread_mutex_t *guard = &q->mu;
  if (prepare())
    return -1;
  return guard == &q->mu;
}

int main(void) { // the process ends with it
  pthread_mutex_lock(&registry);
  if (prepare())
    return 1;
  pthread_mutex_unlock(&registry);
  return 0;
}

// A lock that lets one thread through, for good.
static pthread_mutex_t crashed = PTHREAD_MUTEX_INITIALIZER;
void on_crash(void (*handler)(int));

static void good_crash_handler(int signal) {
  pthread_mutex_lock(&crashed);
  helper(&signal);
}
void install(void) { on_crash(good_crash_handler); }

static void *receive(void *arg) {
  struct queue *q = arg;
  pthread_mutex_unlock(&q->mu); // ready
  return prepare() ? arg : NULL;
}

int good_handed_to_a_thread(struct queue *q, pthread_t *t) {
  pthread_mutex_lock(&q->mu);
  if (pthread_create(t, NULL, receive, q)) {
    pthread_mutex_unlock(&q->mu);
    return -1;
  }
  pthread_mutex_lock(&q->mu); // waits for the thread
  return pthread_join(*t, NULL) ? -1 : 0;
}

// A store into a buffer is not one to the flag.
struct stream {
  pthread_mutex_t mu;
  signed char threaded;
  unsigned char *buffer;
  int used;
};
static int flush(struct stream *s) { return prepare() ? -1 : (s->used = 0); }
int good_buffer_between_two_tests(struct stream *s, unsigned char c) {
  int rc = 0;
  if (s->threaded)
    pthread_mutex_lock(&s->mu);
  if (s->used == 100 && (rc = flush(s)))
    goto out;
  *(s->buffer + s->used) = c;
  helper(s);
out:
  if (s->threaded)
    pthread_mutex_unlock(&s->mu);
  return rc;
}

struct bench {
  struct queue *queues;
  int count;
};
int good_elements_released_in_a_loop(struct bench *b) {
  int rc = 0;
  for (int i = 0; i < b->count; i++) {
    struct queue *q = &b->queues[i];
    pthread_mutex_lock(&q->mu);
    if ((rc = prepare()))
      break;
  }
  for (int i = 0; i < b->count; i++) {
    struct queue *q = &b->queues[i];
    pthread_mutex_unlock(&q->mu);
  }
  return rc;
}

struct module {
  int needs_lock;
};
struct crawler {
  struct module *mod;
  struct queue q;
};
void good_flag_behind_a_pointer_that_a_call_may_change(struct crawler *c) {
  pthread_mutex_lock(&c->q.mu);
  if (!c->mod->needs_lock)
    pthread_mutex_unlock(&c->q.mu);
  helper(c);
  if (c->mod->needs_lock)
    pthread_mutex_unlock(&c->q.mu);
}

// Constants that no signed number of 64 bits holds.
struct table {
  pthread_mutex_t locks[8];
};
void good_index_with_a_large_constant(struct table *t, unsigned long hash) {
  pthread_mutex_lock(&t->locks[(hash ^ 0xfffffffffffffff0ul) % 8]);
  log_error("");
  pthread_mutex_unlock(&t->locks[(hash ^ 0xfffffffffffffff0ul) % 8]);
}
unsigned long bad_large_constant_returned(struct queue *q) {
  pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  if (prepare()) // expected-note{{'prepare' fails: taking the early return}}
    return 0xfffffffffffffffful; // expected-warning{{lock 'q->mu' is still held when 'bad_large_constant_returned' returns [safespawn.lock.Leak]}}
  pthread_mutex_unlock(&q->mu);
  return 0;
}

static void close_it(struct queue *q) { q->closed = 1; }

int bad_with_a_call_through_a_pointer(struct queue *q) {
  void (*then)(struct queue *) = close_it;
  pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  then(q);
  if (prepare() < 0) // expected-note{{'prepare' fails: taking the early return}}
    return -1; // expected-warning{{lock 'q->mu' is still held when 'bad_with_a_call_through_a_pointer' returns [safespawn.lock.Leak]}}
  pthread_mutex_unlock(&q->mu);
  return 0;
}

int good_loops_of_one_count(struct bench *b) {
  for (int i = 0; i < b->count; i++) {
    struct queue *q = &b->queues[i];
    pthread_mutex_lock(&q->mu);
    helper(b);
  }
  for (int i = 0; i < b->count; i++) {
    struct queue *q = &b->queues[i];
    pthread_mutex_unlock(&q->mu);
  }
  return 0;
}

// What a clean-up handler gives back when the thread ends: pthread_cleanup_push is made of such a call.
extern int save_context(void **buffer) __attribute__((__returns_twice__));
extern void push_handler(void **buffer);
extern void pop_handler(void **buffer);

void *good_given_back_by_a_handler(struct queue *q) {
  void *buffer[4];
  pthread_mutex_lock(&q->mu);
  if (save_context(buffer)) {
    pthread_mutex_unlock(&q->mu);
    pthread_exit(0);
  }
  push_handler(buffer);
  if (prepare() < 0)
    pthread_exit(q);
  pop_handler(buffer);
  pthread_mutex_unlock(&q->mu);
  return 0;
}

void *bad_without_a_handler(struct queue *q) {
  pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  if (prepare() < 0) // expected-note 1+{{}}
    pthread_exit(q); // expected-warning{{lock 'q->mu' is still held when the thread ends [safespawn.lock.Leak]}} expected-note 0+{{}}
  pthread_mutex_unlock(&q->mu);
  return 0;
}

static pthread_mutex_t again = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

int bad_recursive(void) {
  pthread_mutex_lock(&again); // expected-note{{'again' is taken here}}
  if (prepare() < 0) // expected-note 0+{{}}
    return -1; // expected-warning{{lock 'again' is still held when 'bad_recursive' returns [safespawn.lock.Leak]}} expected-note 0+{{}}
  pthread_mutex_unlock(&again);
  return 0;
}

// Two paths that meet may have left different things in memory, and no variable tells why.
int bad_flag_in_memory(struct queue *q) {
  pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  if (prepare())
    q->locked = 0;
  else
    q->locked = 1;
  int late;
  if (prepare()) {
    pthread_mutex_unlock(&q->mu);
    return 0;
  }
  if (prepare())
    late = 1;
  else
    late = 3;
  if (late && q->locked) // expected-note 0+{{}}
    pthread_mutex_unlock(&q->mu);
  return late; // expected-warning{{lock 'q->mu' is still held when 'bad_flag_in_memory' returns [safespawn.lock.Leak]}}
}

int bad_flag_in_memory_the_other_way(struct queue *q) {
  pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  if (prepare())
    q->locked = 1;
  else
    q->locked = 0;
  int late;
  if (prepare()) {
    pthread_mutex_unlock(&q->mu);
    return 0;
  }
  if (prepare())
    late = 1;
  else
    late = 3;
  if (late && q->locked) // expected-note 0+{{}}
    pthread_mutex_unlock(&q->mu);
  return late; // expected-warning{{lock 'q->mu' is still held when 'bad_flag_in_memory_the_other_way' returns [safespawn.lock.Leak]}}
}

// What a function does that others were given to call, they may do whenever they are called.
void when_idle(void (*then)(void));
void run_loop(void);
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static void open_gate(void) { pthread_mutex_unlock(&gate); }
int good_given_back_by_a_callback(void) {
  pthread_mutex_lock(&gate);
  when_idle(open_gate);
  run_loop();
  if (prepare() < 0)
    return -1;
  return 0;
}

struct jobs {
  pthread_mutex_t mu;
  pthread_cond_t ready;
  int count, closed;
};

// A flag that is asked twice decides on which way out the lock is kept.
void *bad_stop_is_asked_twice(void *arg) {
  struct jobs *q = arg;
  pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  for (;;) {
    while (!q->count && !q->closed)
      pthread_cond_wait(&q->ready, &q->mu);
    if (q->closed) // expected-note{{'q->closed' holds: 'q->mu' is not released}}
      break;
    pthread_mutex_unlock(&q->mu);
    if (prepare())
      return NULL;
    pthread_mutex_lock(&q->mu);
  }
  return NULL; // expected-warning{{lock 'q->mu' is still held when 'bad_stop_is_asked_twice' returns [safespawn.lock.Leak]}}
}

// The lock lies behind a pointer of another object when it is given back.
struct holder {
  pthread_mutex_t *lock;
};
static struct holder hold(pthread_mutex_t *lock) {
  pthread_mutex_lock(lock); // expected-note{{'q->mu' is taken here}}
  return (struct holder){lock};
}
static void let_go(struct holder h) { pthread_mutex_unlock(h.lock); }
int bad_holder(struct jobs *q) {
  struct holder h = hold(&q->mu);
  if (prepare()) // expected-note{{'prepare' fails: taking the early return}}
    return -1; // expected-warning{{lock 'q->mu' is still held when 'bad_holder' returns [safespawn.lock.Leak]}}
  let_go(h);
  return 0;
}
int good_holder(struct jobs *q) {
  struct holder h = hold(&q->mu);
  int rc = prepare();
  let_go(h);
  return rc;
}

// Wrappers that pick a lock by a number.
static pthread_mutex_t *buckets;
static unsigned bucket_bits;
void bucket_lock(unsigned hash) {
  pthread_mutex_lock(&buckets[hash & ((1u << bucket_bits) - 1)]); // expected-note{{is taken here}}
}
void bucket_unlock(unsigned hash) { pthread_mutex_unlock(&buckets[hash & ((1u << bucket_bits) - 1)]); }
int bad_bucket(unsigned hash) {
  bucket_lock(hash);
  if (prepare()) // expected-note{{'prepare' fails: taking the early return}}
    return -1; // expected-warning{{is still held when 'bad_bucket' returns [safespawn.lock.Leak]}}
  bucket_unlock(hash);
  return 0;
}
int good_buckets(unsigned one, unsigned other) {
  bucket_lock(one);
  bucket_lock(other);
  int rc = prepare();
  bucket_unlock(one);
  bucket_unlock(other);
  bucket_lock(++one);
  bucket_unlock(one);
  return rc;
}

// What a caller hears from two ways out tells it nothing.
int bad_tried_and_something_else(struct jobs *q) {
  if (pthread_mutex_trylock(&q->mu) == 0 && q->count > 0) { // expected-note 2{{}}
    q->count--;
    pthread_mutex_unlock(&q->mu);
    return 1;
  }
  return 0; // expected-warning{{lock 'q->mu' is still held when 'bad_tried_and_something_else' returns [safespawn.lock.Leak]}}
}
int good_something_else_and_tried(struct jobs *q) {
  if (q->count > 0 && pthread_mutex_trylock(&q->mu) == 0) {
    q->count--;
    pthread_mutex_unlock(&q->mu);
    return 1;
  }
  return 0;
}
int good_says_whether_it_holds_it(struct jobs *q) {
  if (pthread_mutex_trylock(&q->mu) != 0)
    return 0;
  if (q->closed) {
    pthread_mutex_unlock(&q->mu);
    return 0;
  }
  return 1;
}
int bad_answer_of_a_comparison(struct jobs *q, int wanted) {
  pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  if (q->closed) // expected-note{{'q->closed' holds: taking the early return}}
    return 0; // expected-warning{{lock 'q->mu' is still held when 'bad_answer_of_a_comparison' returns [safespawn.lock.Leak]}}
  int same = q->count == wanted;
  pthread_mutex_unlock(&q->mu);
  return same;
}
int bad_answer_of_the_unlock(struct jobs *q) {
  int rc = pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  if (rc != 0)
    return rc;
  rc = prepare();
  if (rc != 0) // expected-note{{'prepare' fails: taking the early return}}
    return rc; // expected-warning{{lock 'q->mu' is still held when 'bad_answer_of_the_unlock' returns [safespawn.lock.Leak]}}
  return pthread_mutex_unlock(&q->mu);
}
int bad_none_or_failure(struct jobs *q) {
  pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  int n = prepare();
  if (n <= 0) // expected-note{{'prepare' fails: taking the early return}}
    return n; // expected-warning{{lock 'q->mu' is still held when 'bad_none_or_failure' returns [safespawn.lock.Leak]}}
  pthread_mutex_unlock(&q->mu);
  return n;
}

// Two addresses that may be one are so, or are not, as long as the path lasts.
struct pair {
  struct jobs own;
  struct pair *peer;
};
void good_two_that_may_be_one(struct pair *p) {
  pthread_mutex_t *one = &p->own.mu, *other = &p->peer->own.mu;
  pthread_mutex_lock(one);
  if (other != one)
    pthread_mutex_lock(other);
  prepare();
  if (other != one)
    pthread_mutex_unlock(other);
  pthread_mutex_unlock(one);
}
int bad_two_that_may_be_one(struct pair *p) {
  pthread_mutex_t *one = &p->own.mu, *other = &p->peer->own.mu;
  pthread_mutex_lock(one);
  if (other != one)
    pthread_mutex_lock(other); // expected-note 0+{{}}
  int rc = prepare();
  pthread_mutex_unlock(one);
  if (rc < 0) // expected-note{{'rc < 0' holds: taking the early return}}
    return rc; // expected-warning{{lock 'other' is still held when 'bad_two_that_may_be_one' returns [safespawn.lock.Leak]}}
  if (other != one)
    pthread_mutex_unlock(other);
  return 0;
}
