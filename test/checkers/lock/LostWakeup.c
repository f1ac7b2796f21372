// RUN: %safespawn_verify -fplugin-arg-safespawn-profile=strict %s
// RUN: %safespawn %s 2>&1 | not grep LostWakeup
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note -Xclang -analyzer-config -Xclang safespawn:Profile=strict %s
#include "Inputs/pthread.h"
#include <stdatomic.h>

enum { Workers = 4 };

struct pool {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  pthread_t threads[Workers];
  int stop, length;
  atomic_int closing;
};

void work(void);

// ---- One is woken, several wait ----

static void *worker(void *arg) {
  struct pool *pool = arg;
  pthread_mutex_lock(&pool->lock);
  while (!pool->stop) {
    while (!pool->stop && pool->length == 0)
      pthread_cond_wait(&pool->changed, &pool->lock); // expected-note 2{{a thread waits for it here}}
    if (pool->length)
      pool->length--;
  }
  pthread_mutex_unlock(&pool->lock);
  return NULL;
}

int start(struct pool *pool) {
  for (int i = 0; i < Workers; i++)
    if (pthread_create(&pool->threads[i], NULL, worker, pool)) // expected-note 2{{several such threads are spawned here}}
      return -1;
  return 0;
}

void bad_one_is_told_to_stop(struct pool *pool) {
  pthread_mutex_lock(&pool->lock);
  pool->stop = 1; // expected-note{{'pool->stop' is set here}}
  pthread_cond_signal(&pool->changed);
  // expected-warning@-1{{'pthread_cond_signal' wakes one thread, and several wait for 'pool->stop' [safespawn.lock.LostWakeup]}}
  pthread_mutex_unlock(&pool->lock);
  for (int i = 0; i < Workers; i++)
    pthread_join(pool->threads[i], NULL);
}

void bad_told_after_the_lock(struct pool *pool) {
  pthread_mutex_lock(&pool->lock);
  pool->stop = 1; // expected-note{{'pool->stop' is set here}}
  pthread_mutex_unlock(&pool->lock);
  pthread_cond_signal(&pool->changed); // expected-warning{{'pthread_cond_signal' wakes one thread}}
}

void good_all_are_told(struct pool *pool) {
  pthread_mutex_lock(&pool->lock);
  pool->stop = 1;
  pthread_cond_broadcast(&pool->changed);
  pthread_mutex_unlock(&pool->lock);
}

void good_each_is_told(struct pool *pool) {
  pthread_mutex_lock(&pool->lock);
  pool->stop = 1;
  for (int i = 0; i < Workers; i++)
    pthread_cond_signal(&pool->changed);
  pthread_mutex_unlock(&pool->lock);
}

// One job more is for one worker.
void good_one_job(struct pool *pool) {
  pthread_mutex_lock(&pool->lock);
  pool->length++;
  pthread_cond_signal(&pool->changed);
  pthread_mutex_unlock(&pool->lock);
}

// Two places that wait for one flag.

struct gate {
  pthread_mutex_t lock;
  pthread_cond_t opened;
  int open;
};

void enter(struct gate *gate) {
  pthread_mutex_lock(&gate->lock);
  while (!gate->open)
    pthread_cond_wait(&gate->opened, &gate->lock); // expected-note{{a thread waits for it here}}
  pthread_mutex_unlock(&gate->lock);
}

void leave(struct gate *gate) {
  pthread_mutex_lock(&gate->lock);
  while (!gate->open)
    pthread_cond_wait(&gate->opened, &gate->lock); // expected-note{{and another one here}}
  pthread_mutex_unlock(&gate->lock);
}

void bad_two_places(struct gate *gate) {
  pthread_mutex_lock(&gate->lock);
  gate->open = 1; // expected-note{{'gate->open' is set here}}
  pthread_cond_signal(&gate->opened); // expected-warning{{wakes one thread, and several wait for 'gate->open'}}
  pthread_mutex_unlock(&gate->lock);
}

// One thread waits.

struct answer {
  pthread_mutex_t lock;
  pthread_cond_t came;
  int here;
};

int await(struct answer *answer) {
  pthread_mutex_lock(&answer->lock);
  while (!answer->here)
    pthread_cond_wait(&answer->came, &answer->lock); // expected-note 0+{{tested and waited for here, with the lock}}
  pthread_mutex_unlock(&answer->lock);
  return answer->here;
}

void good_one_waits(struct answer *answer) {
  pthread_mutex_lock(&answer->lock);
  answer->here = 1;
  pthread_cond_signal(&answer->came);
  pthread_mutex_unlock(&answer->lock);
}

// Whoever takes the flag back was the one whom it was for.

static struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int token, baton;
} ring = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void *take_turns(void *arg) {
  pthread_mutex_lock(&ring.lock);
  while (!ring.token)
    pthread_cond_wait(&ring.changed, &ring.lock);
  ring.token = 0;
  pthread_mutex_unlock(&ring.lock);
  return arg;
}

static void *pass_on(void *arg) {
  pthread_mutex_lock(&ring.lock);
  while (!ring.baton)
    pthread_cond_wait(&ring.changed, &ring.lock);
  pthread_cond_signal(&ring.changed);
  pthread_mutex_unlock(&ring.lock);
  return arg;
}

int start_ring(pthread_t *threads) {
  for (int i = 0; i < Workers; i++)
    if (pthread_create(&threads[i], NULL, i % 2 ? take_turns : pass_on, NULL))
      return -1;
  if (pthread_create(&threads[Workers], NULL, take_turns, NULL) ||
      pthread_create(&threads[Workers + 1], NULL, take_turns, NULL))
    return -1;
  return pthread_create(&threads[Workers + 2], NULL, pass_on, NULL) ||
         pthread_create(&threads[Workers + 3], NULL, pass_on, NULL);
}

void good_token(void) {
  pthread_mutex_lock(&ring.lock);
  ring.token = 1;
  pthread_cond_signal(&ring.changed);
  pthread_mutex_unlock(&ring.lock);
}

void good_baton(void) {
  pthread_mutex_lock(&ring.lock);
  ring.baton = 1;
  pthread_cond_signal(&ring.changed);
  pthread_mutex_unlock(&ring.lock);
}

// One after the other.

static pthread_cond_t open = PTHREAD_COND_INITIALIZER;
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static int opened;

static void *visit(void *arg) {
  pthread_mutex_lock(&guard);
  while (!opened)
    pthread_cond_wait(&open, &guard);
  pthread_mutex_unlock(&guard);
  return arg;
}

int visits(void) {
  for (int i = 0; i < Workers; i++) {
    pthread_t visitor;
    if (pthread_create(&visitor, NULL, visit, NULL))
      return -1;
    pthread_join(visitor, NULL);
  }
  return 0;
}

void good_one_at_a_time(void) {
  pthread_mutex_lock(&guard);
  opened = 1;
  pthread_cond_signal(&open);
  pthread_mutex_unlock(&guard);
}

// ---- Changed without the lock ----

void bad_after_the_lock(struct answer *answer) {
  pthread_mutex_lock(&answer->lock);
  work();
  pthread_mutex_unlock(&answer->lock);
  answer->here = 1;
  // expected-warning@-1{{'answer->here' is changed without lock 'answer->lock': a thread between its test and its wait misses the wake-up [safespawn.lock.LostWakeup]}}
  pthread_cond_signal(&answer->came); // expected-note{{the wake-up}}
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int ready, done;
static atomic_int stopping;

void await_ready(void) {
  pthread_mutex_lock(&lock);
  while (!ready)
    pthread_cond_wait(&changed, &lock); // expected-note 0+{{tested and waited for here, with the lock}}
  pthread_mutex_unlock(&lock);
}

void await_stop(void) {
  pthread_mutex_lock(&lock);
  for (;;) {
    if (atomic_load(&stopping))
      break;
    pthread_cond_wait(&changed, &lock); // expected-note 0+{{tested and waited for here, with the lock}}
  }
  pthread_mutex_unlock(&lock);
}

void bad_no_lock(void) {
  ready = 1; // expected-warning{{'ready' is changed without lock 'lock'}}
  pthread_cond_broadcast(&changed); // expected-note{{the wake-up}}
}

void bad_atomic(void) {
  atomic_store(&stopping, 1); // expected-warning{{'stopping' is changed without lock 'lock'}}
  pthread_cond_broadcast(&changed); // expected-note{{the wake-up}}
}

void bad_atomic_assignment(void) {
  stopping = 1; // expected-warning{{'stopping' is changed without lock 'lock'}}
  pthread_cond_broadcast(&changed); // expected-note{{the wake-up}}
}

static void set_ready(void) {
  ready++; // expected-warning{{'ready' is changed without lock 'lock'}}
  pthread_cond_broadcast(&changed); // expected-note{{the wake-up}}
}

void *reader(void *arg) {
  set_ready();
  return arg;
}

void good_with_the_lock(void) {
  pthread_mutex_lock(&lock);
  ready = 1;
  pthread_mutex_unlock(&lock);
  pthread_cond_broadcast(&changed);
}

// The lock is taken in between: whoever has tested sleeps by then.
void good_lock_in_between(void) {
  atomic_store(&stopping, 1);
  pthread_mutex_lock(&lock);
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
}

static void set_locked(void) {
  ready = 1;
  pthread_cond_broadcast(&changed);
}

void good_caller_has_the_lock(void) {
  pthread_mutex_lock(&lock);
  set_locked();
  pthread_mutex_unlock(&lock);
}

void lock_queue(struct answer *answer);
void unlock_queue(struct answer *answer);

void good_locked_out_of_sight(struct answer *answer) {
  lock_queue(answer);
  answer->here = 1;
  pthread_cond_signal(&answer->came);
  unlock_queue(answer);
}

// Nobody waits for it.
void good_not_tested(void) {
  done = 1;
  pthread_cond_broadcast(&changed);
}

// Nobody else has it yet.
int good_new(struct answer *answer) {
  answer->here = 0;
  if (pthread_mutex_init(&answer->lock, NULL) || pthread_cond_init(&answer->came, NULL))
    return -1;
  return pthread_cond_signal(&answer->came);
}

struct ticker {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  atomic_int stop;
};

void tick(struct ticker *ticker, const struct timespec *until) {
  pthread_mutex_lock(&ticker->lock);
  while (!ticker->stop)
    pthread_cond_timedwait(&ticker->changed, &ticker->lock, until);
  pthread_mutex_unlock(&ticker->lock);
}

// It wakes up by itself, a little later.
void good_waiter_has_a_limit(struct ticker *ticker) {
  ticker->stop = 1;
  pthread_cond_broadcast(&ticker->changed);
}

void bad_nobody_here_locks(struct answer *answer) {
  answer->here = 1; // expected-warning{{'answer->here' is changed without lock 'answer->lock'}}
  pthread_cond_signal(&answer->came); // expected-note{{the wake-up}}
}

// A function of this file alone whose callers are not seen may be called in any way.
static void called_back(struct answer *answer) {
  answer->here = 1;
  pthread_cond_signal(&answer->came);
}

void (*good_callback(void))(struct answer *) { return called_back; }
