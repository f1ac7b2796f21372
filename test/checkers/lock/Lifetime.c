// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/pthread.h"

int prepare(void);
void helper(void *what);
struct queue {
  pthread_mutex_t mu, other;
  pthread_rwlock_t rw;
  pthread_spinlock_t spin;
  pthread_cond_t ready;
  sem_t items;
  pthread_barrier_t start;
  int count, initialised;
  pthread_mutex_t bucket[8];
};
void init_queue(struct queue *q);

static pthread_mutex_t table;
static pthread_once_t once;

// ---- used before it is made

int bad_automatic(void) {
  pthread_mutex_t m;
  pthread_mutex_lock(&m); // expected-warning{{lock 'm' is used, but was never initialised [safespawn.lock.Lifetime]}}
  int n = prepare();
  pthread_mutex_unlock(&m);
  return n;
}

void bad_automatic_spin(void) {
  pthread_spinlock_t s;
  pthread_spin_lock(&s); // expected-warning{{lock 's' is used, but was never initialised [safespawn.lock.Lifetime]}}
  pthread_spin_unlock(&s);
}

struct queue *bad_heap(void) {
  struct queue *q = malloc(sizeof(*q));
  if (!q)
    return NULL;
  pthread_mutex_init(&q->mu, NULL);
  q->count = 0;
  pthread_cond_signal(&q->ready); // expected-warning{{condition 'q->ready' is used, but was never initialised [safespawn.lock.Lifetime]}}
  return q;
}

void bad_semaphore(void) {
  sem_t s;
  sem_wait(&s); // expected-warning{{semaphore 's' is used, but was never initialised [safespawn.lock.Lifetime]}}
}

void bad_barrier(void) {
  pthread_barrier_t b;
  pthread_barrier_wait(&b); // expected-warning{{barrier 'b' is used, but was never initialised [safespawn.lock.Lifetime]}}
}

void bad_once(void (*init)(void)) {
  pthread_once_t o;
  pthread_once(&o, init); // expected-warning{{once control 'o' is used, but was never initialised [safespawn.lock.Lifetime]}}
}

void bad_destroyed_unborn(void) {
  pthread_cond_t c;
  pthread_cond_destroy(&c); // expected-warning{{condition 'c' is destroyed, but was never initialised [safespawn.lock.Lifetime]}}
}

// ---- used after it is destroyed

void bad_use_after_destroy(struct queue *q) {
  pthread_mutex_destroy(&q->mu); // expected-note{{'q->mu' is destroyed here}}
  pthread_mutex_lock(&q->mu); // expected-warning{{lock 'q->mu' is used after it was destroyed [safespawn.lock.Lifetime]}}
  q->count = 0;
  pthread_mutex_unlock(&q->mu);
}

void bad_destroyed_twice(struct queue *q) {
  sem_destroy(&q->items); // expected-note{{'q->items' is destroyed here}}
  if (prepare())
    sem_destroy(&q->items); // expected-warning{{semaphore 'q->items' is destroyed a second time [safespawn.lock.Lifetime]}}
}

static void clear(struct queue *q) {
  pthread_cond_destroy(&q->ready); // expected-note{{'q->ready' is destroyed here}}
}

void bad_wait_after_destroy(struct queue *q) {
  pthread_mutex_lock(&q->mu);
  clear(q);
  while (!q->count)
    pthread_cond_wait(&q->ready, &q->mu); // expected-warning{{condition 'q->ready' is used after it was destroyed [safespawn.lock.Lifetime]}}
  pthread_mutex_unlock(&q->mu);
}

// ---- destroyed while held, made twice

void bad_destroyed_while_held(struct queue *q) {
  pthread_rwlock_wrlock(&q->rw); // expected-note{{'q->rw' is taken here}}
  q->count = 0;
  pthread_rwlock_destroy(&q->rw); // expected-warning{{lock 'q->rw' is destroyed while it is held [safespawn.lock.Lifetime]}}
}

int bad_made_twice(struct queue *q) {
  if (pthread_mutex_init(&q->mu, NULL)) // expected-note{{'q->mu' is initialised here}}
    return -1;
  return pthread_mutex_init(&q->mu, NULL); // expected-warning{{lock 'q->mu' is initialised a second time [safespawn.lock.Lifetime]}}
}

int bad_made_while_held(struct queue *q) {
  pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  return pthread_mutex_init(&q->mu, NULL); // expected-warning{{lock 'q->mu' is initialised while it is held [safespawn.lock.Lifetime]}}
}

int bad_made_again_after_use(struct queue *q) {
  if (pthread_mutex_init(&q->mu, NULL)) // expected-note{{'q->mu' is initialised here}}
    return -1;
  pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  q->count = 0;
  pthread_mutex_unlock(&q->mu); // expected-note{{'q->mu' is released here}}
  return pthread_mutex_init(&q->mu, NULL); // expected-warning{{lock 'q->mu' is initialised a second time [safespawn.lock.Lifetime]}}
}

// ---- freed while held

void bad_freed_while_held(struct queue *q) {
  pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  q->count = 0;
  free(q); // expected-warning{{lock 'q->mu' is freed while it is held [safespawn.lock.Lifetime]}}
}

struct server {
  struct queue *first;
  struct queue own;
  pthread_mutex_t *lock;
};

static void drop(struct server *s) {
  free(s); // expected-warning{{lock 's->own.mu' is freed while it is held [safespawn.lock.Lifetime]}}
}

void bad_freed_in_a_callee(struct server *s) {
  pthread_mutex_lock(&s->own.mu); // expected-note{{'s->own.mu' is taken here}}
  if (s->first)
    drop(s);
  else
    pthread_mutex_unlock(&s->own.mu);
}

void bad_freed_lock(struct server *s) {
  pthread_mutex_lock(s->lock); // expected-note{{'s->lock' is taken here}}
  free(s->lock); // expected-warning{{lock 's->lock' is freed while it is held [safespawn.lock.Lifetime]}}
}

// ---- destroyed while a thread may use it

static void *consume(void *arg) {
  struct queue *q = arg;
  pthread_mutex_lock(&q->mu);
  q->count--;
  pthread_cond_signal(&q->ready);
  pthread_mutex_unlock(&q->mu);
  return NULL;
}
static void *lock_only(void *arg) {
  pthread_mutex_lock(arg);
  pthread_mutex_unlock(arg);
  return NULL;
}
static void *use_table(void *arg) {
  pthread_mutex_lock(&table);
  pthread_mutex_unlock(&table);
  return arg;
}

int bad_destroyed_before_the_join(void) {
  struct queue q;
  pthread_t t;
  pthread_mutex_init(&q.mu, NULL); // expected-note{{'q.mu' is initialised here}}
  pthread_cond_init(&q.ready, NULL); // expected-note{{'q.ready' is initialised here}}
  if (pthread_create(&t, NULL, consume, &q)) // expected-note 2{{the thread is started here}}
    return -1;
  pthread_mutex_destroy(&q.mu); // expected-warning{{lock 'q.mu' is destroyed while the thread that runs 'consume' may use it [safespawn.lock.Lifetime]}}
  pthread_cond_destroy(&q.ready); // expected-warning{{condition 'q.ready' is destroyed while the thread that runs 'consume' may use it [safespawn.lock.Lifetime]}}
  return pthread_join(t, NULL);
}

int bad_destroyed_lock_of_a_thread(struct queue *q) {
  pthread_t t;
  if (pthread_create(&t, NULL, lock_only, &q->mu)) // expected-note{{the thread is started here}}
    return -1;
  pthread_mutex_destroy(&q->mu); // expected-warning{{lock 'q->mu' is destroyed while the thread that runs 'lock_only' may use it [safespawn.lock.Lifetime]}}
  return pthread_join(t, NULL);
}

int bad_destroyed_global(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, use_table, NULL)) // expected-note{{the thread is started here}}
    return -1;
  pthread_mutex_destroy(&table); // expected-warning{{lock 'table' is destroyed while the thread that runs 'use_table' may use it [safespawn.lock.Lifetime]}}
  return pthread_join(t, NULL);
}

// ---- nothing to report

int good_destroyed_after_the_join(struct queue *q) {
  pthread_t t;
  if (pthread_create(&t, NULL, consume, q)) {
    pthread_mutex_destroy(&q->mu);
    return -1;
  }
  pthread_join(t, NULL);
  return pthread_mutex_destroy(&q->mu);
}

int good_thread_of_another_lock(struct queue *q) {
  pthread_t t;
  if (pthread_create(&t, NULL, consume, q))
    return -1;
  pthread_mutex_destroy(&q->other);
  pthread_barrier_destroy(&q->start);
  return pthread_join(t, NULL);
}

int good_thread_that_got_another_object(struct queue *q, struct queue *other) {
  pthread_t t;
  if (pthread_create(&t, NULL, consume, q))
    return -1;
  pthread_mutex_destroy(&other->mu);
  return pthread_join(t, NULL);
}

int good_waited_for_in_another_way(struct queue *q) {
  pthread_t t;
  if (pthread_create(&t, NULL, consume, q))
    return -1;
  sem_wait(&q->items);
  pthread_mutex_destroy(&q->mu);
  return pthread_join(t, NULL);
}

void await_end(struct queue *q);
int good_waited_for_by_unseen_code(struct queue *q) {
  pthread_t t;
  if (pthread_create(&t, NULL, consume, q))
    return -1;
  await_end(q);
  pthread_mutex_destroy(&q->mu);
  return pthread_join(t, NULL);
}

void good_several_threads(struct queue *q) {
  pthread_t t[4];
  for (int i = 0; i < 4; i++)
    if (pthread_create(&t[i], NULL, consume, q))
      abort();
  for (int i = 0; i < 4; i++)
    pthread_join(t[i], NULL);
  pthread_mutex_destroy(&q->mu);
}

struct pool {
  pthread_mutex_t mu;
  pthread_t *threads;
  int count;
};
static void *serve(void *arg) {
  struct pool *p = arg;
  pthread_mutex_lock(&p->mu);
  pthread_mutex_unlock(&p->mu);
  return NULL;
}
static void join_all(struct pool *p) {
  pthread_mutex_lock(&p->mu);
  pthread_mutex_unlock(&p->mu);
  for (int i = 0; i < p->count; i++)
    pthread_join(p->threads[i], NULL);
}
int good_those_that_were_started(struct pool *p, int count) {
  for (int i = 0; i < count; i++)
    if (pthread_create(&p->threads[i], NULL, serve, p)) {
      p->count = i;
      join_all(p);
      pthread_mutex_destroy(&p->mu);
      return -1;
    }
  p->count = count;
  return 0;
}
int good_as_many_as_there_are(struct pool *p) {
  int started = 0;
  while (started < p->count && pthread_create(&p->threads[started], NULL, serve, p) == 0)
    started++;
  for (int i = 0; i < started; i++)
    pthread_join(p->threads[i], NULL);
  pthread_mutex_destroy(&p->mu);
  return started;
}

void good_freed_after_unlock(struct queue *q) {
  pthread_mutex_lock(&q->mu);
  q->count = 0;
  pthread_mutex_unlock(&q->mu);
  free(q);
}

void good_freed_something_else(struct server *s) {
  pthread_mutex_lock(&s->own.mu);
  free(s->first);
  s->first = NULL;
  pthread_mutex_unlock(&s->own.mu);
}

void good_freed_holder_of_a_pointer(struct server *s) {
  pthread_mutex_lock(&s->first->mu);
  struct queue *q = s->first;
  free(s);
  pthread_mutex_unlock(&q->mu);
}

void unlock_queue(struct queue *q);
void good_given_back_by_unseen_code(struct queue *q) {
  pthread_mutex_lock(&q->mu);
  unlock_queue(q);
  free(q);
}

void good_made_again_in_a_child(struct queue *q) {
  pthread_mutex_lock(&q->mu);
  pthread_mutex_unlock(&q->mu);
  pthread_mutex_init(&q->mu, NULL);
}

int good_made_again_after_its_end(struct queue *q) {
  pthread_mutex_init(&q->mu, NULL);
  pthread_mutex_lock(&q->mu);
  pthread_mutex_unlock(&q->mu);
  pthread_mutex_destroy(&q->mu);
  return pthread_mutex_init(&q->mu, NULL);
}

int good_made_and_destroyed(void) {
  pthread_mutex_t m;
  if (pthread_mutex_init(&m, NULL))
    return -1;
  pthread_mutex_lock(&m);
  int n = prepare();
  pthread_mutex_unlock(&m);
  return pthread_mutex_destroy(&m) ? -1 : n;
}

int good_static_initialiser(void) {
  pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
  pthread_once_t o = PTHREAD_ONCE_INIT;
  pthread_once(&o, (void (*)(void))prepare);
  pthread_mutex_lock(&m);
  int n = prepare();
  pthread_mutex_unlock(&m);
  return n;
}

void good_assigned_initialiser(struct queue *fresh) {
  struct queue q;
  q.mu = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&q.mu);
  fresh->count = 0;
  pthread_mutex_unlock(&q.mu);
}

void good_static_storage(void) { // zeros are as good as an initialiser on most systems
  pthread_mutex_lock(&table);
  pthread_mutex_unlock(&table);
  pthread_once(&once, (void (*)(void))prepare);
}

void good_made_by_unseen_code(void) {
  struct queue q;
  init_queue(&q);
  pthread_mutex_lock(&q.mu);
  pthread_mutex_unlock(&q.mu);
}

struct queue *good_zeroed(void) {
  struct queue *q = calloc(1, sizeof(*q));
  if (!q)
    return NULL;
  pthread_mutex_lock(&q->mu);
  q->count = 1;
  pthread_mutex_unlock(&q->mu);
  return q;
}

void good_cleared(void) {
  struct queue q;
  memset(&q, 0, sizeof(q));
  pthread_mutex_lock(&q.mu);
  pthread_mutex_unlock(&q.mu);
}

void good_made_again_after_destroy(struct queue *q) {
  pthread_mutex_destroy(&q->mu);
  pthread_mutex_init(&q->mu, NULL);
  pthread_mutex_lock(&q->mu);
  pthread_mutex_unlock(&q->mu);
}

void good_zeroed_after_destroy(struct queue *q) {
  pthread_mutex_destroy(&q->mu);
  memset(q, 0, sizeof(*q));
  helper(q);
  if (q->initialised)
    pthread_mutex_destroy(&q->mu);
}

void good_overwritten_after_destroy(struct queue *q) {
  pthread_mutex_destroy(&q->mu);
  *q = (struct queue){.mu = PTHREAD_MUTEX_INITIALIZER};
  pthread_mutex_lock(&q->mu);
  pthread_mutex_unlock(&q->mu);
}

int good_second_try(struct queue *q, const pthread_mutexattr_t *attr) {
  if (pthread_mutex_init(&q->mu, attr) != 0)
    return pthread_mutex_init(&q->mu, NULL);
  return 0;
}

int good_busy(struct queue *q) {
  while (pthread_mutex_destroy(&q->mu) != 0)
    prepare();
  return 0;
}

void good_new_in_each_round(int n) {
  for (int i = 0; i < n; i++) {
    pthread_mutex_t m;
    pthread_mutex_init(&m, NULL);
    pthread_mutex_lock(&m);
    pthread_mutex_unlock(&m);
  }
}

void good_elements(int n) {
  pthread_mutex_t m[8];
  for (int i = 0; i < n; i++)
    pthread_mutex_init(&m[i], NULL);
  pthread_mutex_lock(&m[7]);
  pthread_mutex_unlock(&m[7]);
  for (int i = 0; i < n; i++)
    pthread_mutex_destroy(&m[i]);
}

void good_released_then_destroyed(struct queue *q) {
  pthread_mutex_lock(&q->mu);
  q->count = 0;
  pthread_mutex_unlock(&q->mu);
  pthread_mutex_destroy(&q->mu);
  free(q);
}

// Given back in the callee of a callee, under a condition of its own.
struct stream {
  pthread_mutex_t mu;
  int threaded, mode;
};
static void drain(struct stream *s) {
  pthread_mutex_lock(&s->mu);
  helper(s);
  pthread_mutex_unlock(&s->mu);
}
static void stop_writer(struct stream *s) { pthread_mutex_unlock(&s->mu); }
static void close_stream(struct stream *s) {
  if (!s->threaded)
    drain(s);
  if (s->mode && s->threaded)
    stop_writer(s);
}
void good_released_in_callees(struct stream *s) {
  if (s->threaded)
    pthread_mutex_lock(&s->mu);
  close_stream(s);
  if (s->threaded)
    pthread_mutex_destroy(&s->mu);
}

void complain(void);

void good_use_after_a_failure_to_make_it(void) {
  sem_t s;
  if (sem_init(&s, 0, 0) != 0)
    complain();
  sem_wait(&s);
}

static struct queue pool[8];
static int used;
struct queue *good_next_of_a_pool(void) {
  struct queue *q = &pool[used++];
  pthread_barrier_init(&q->start, NULL, 2);
  helper(q);
  q = &pool[used++];
  pthread_barrier_init(&q->start, NULL, 2);
  return q;
}

// Which object a loop picks is the data's business: one that it has destroyed it need not pick once more.
int left_of(struct queue *q);
void good_picks_one_that_is_left(struct queue *q, int n) {
  int left = n;
  while (left) {
    struct queue *target = 0;
    for (int i = 0; !target && i < n; i++)
      if (!q[i].initialised)
        target = &q[i];
    if (!target)
      return;
    target->initialised = 1;
    pthread_mutex_lock(&target->mu);
    target->count++;
    pthread_mutex_unlock(&target->mu);
    if (!left_of(target)) {
      pthread_mutex_destroy(&target->mu);
      left--;
    }
  }
}

void bad_destroyed_in_every_round(struct queue *q, int n) {
  for (int i = 0; i < n; i++) {
    pthread_mutex_lock(&q->mu); // expected-warning{{lock 'q->mu' is used after it was destroyed [safespawn.lock.Lifetime]}} expected-note 0+{{}}
    q->count++;
    pthread_mutex_unlock(&q->mu); // expected-note 0+{{}}
    pthread_mutex_destroy(&q->mu); // expected-note 0+{{}}
  }
}

// The same object is made twice, two functions further down.
struct pair {
  pthread_barrier_t start;
  int n;
};
static void make(struct pair *p) {
  pthread_barrier_init(&p->start, NULL, 2); // expected-warning{{barrier 'p.start' is initialised a second time [safespawn.lock.Lifetime]}} expected-note 0+{{}}
}
static void make_and_count(struct pair *p) {
  make(p); // expected-note 0+{{}}
  p->n++;
}
int bad_made_twice_further_down(void) {
  struct pair p = {.n = 0};
  make_and_count(&p); // expected-note 0+{{}}
  make_and_count(&p); // expected-note 0+{{}}
  return p.n;
}

// The thread runs on, whoever lost its handle.
struct service {
  sem_t work;
  int served;
};
static void *serve_on(void *arg) {
  struct service *s = arg;
  while (sem_wait(&s->work) == 0)
    s->served++;
  return NULL;
}
static int start_service(struct service *s) {
  pthread_t t;
  sem_init(&s->work, 0, 0); // expected-note 0+{{}}
  if (pthread_create(&t, NULL, serve_on, s) != 0) // expected-note 0+{{}}
    return -1;
  return 0; // expected-warning{{leaves 'start_service' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
}
static void stop_service(struct service *s) {
  sem_post(&s->work);
  sem_destroy(&s->work); // expected-warning{{semaphore 'only.work' is destroyed while the thread that runs 'serve_on' may use it [safespawn.lock.Lifetime]}}
}
int bad_stopped_while_it_runs(void) {
  static struct service only;
  if (start_service(&only) != 0) // expected-note 0+{{}}
    return -1;
  stop_service(&only); // expected-note 0+{{}}
  return only.served;
}

// A helper that may give up before it makes anything says so to its caller.
struct run {
  pthread_barrier_t start;
  int skipped;
};
static int skip_all;
static int begin_run(struct run *r) {
  int rc = prepare();
  if (rc == -22)
    return 77;
  if (rc < 0)
    return 1;
  if (rc == 0) {
    skip_all = 1;
    return 0;
  }
  pthread_barrier_init(&r->start, NULL, 2); // expected-note{{'r.start' is initialised here}} expected-warning{{barrier 'r.start' is initialised a second time [safespawn.lock.Lifetime]}}
  return 0;
}
int bad_local_made_twice_by_a_helper_that_may_not_make_it(void) {
  struct run r;
  if (begin_run(&r))
    return -1;
  if (skip_all)
    return 0;
  return begin_run(&r);
}
static int make_run(struct run *r) {
  if (prepare() < 0)
    return -1;
  pthread_barrier_init(&r->start, NULL, 2); // expected-note{{'r->start' is initialised here}} expected-warning{{barrier 'r->start' is initialised a second time [safespawn.lock.Lifetime]}}
  return 0;
}
int bad_made_twice_by_a_helper_that_may_fail(struct run *r) {
  if (make_run(r) != 0)
    return -1;
  return make_run(r);
}
static int make_run_once(struct run *r) {
  if (r->skipped++ == 0)
    pthread_barrier_init(&r->start, NULL, 2);
  return 0;
}
int good_made_by_whoever_comes_first(struct run *r) {
  if (make_run_once(r) != 0)
    return -1;
  helper(r);
  return make_run_once(r);
}

// Made where it is missing: code that is not seen may have shut it down.
static pthread_mutex_t on_demand;
static int is_up;
int good_start_on_demand(void) {
  if (!is_up) {
    if (pthread_mutex_init(&on_demand, NULL) != 0)
      return -1;
    is_up = 1;
  }
  pthread_mutex_lock(&on_demand);
  prepare();
  return pthread_mutex_unlock(&on_demand);
}
void good_shut_down(void) {
  if (is_up) {
    pthread_mutex_destroy(&on_demand);
    is_up = 0;
  }
}
void good_up_and_down(void) {
  good_start_on_demand();
  good_shut_down();
  good_start_on_demand();
  good_shut_down();
}
static pthread_mutex_t always;
void good_destroys_it(void) { pthread_mutex_destroy(&always); }
void bad_made_again_without_asking(void) {
  pthread_mutex_init(&always, NULL); // expected-note{{'always' is initialised here}}
  prepare();
  pthread_mutex_init(&always, NULL); // expected-warning{{lock 'always' is initialised a second time [safespawn.lock.Lifetime]}}
}
