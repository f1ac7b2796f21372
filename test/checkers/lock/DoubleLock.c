// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/pthread.h"

int prepare(void);
void helper(void *what);

struct item {
  pthread_mutex_t mu;
  struct item *next;
  int value;
};
struct queue {
  pthread_mutex_t mu;
  pthread_rwlock_t rw;
  pthread_spinlock_t spin;
  struct item *first;
  int closed;
};
struct server {
  struct queue *queue;
  pthread_mutex_t bucket[16];
};
struct nest {
  pthread_mutex_t mu;
};

static pthread_mutex_t table = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
struct item *next_of(struct item *i);

// ---- taken twice

void bad_twice(void) {
  pthread_mutex_lock(&table); // expected-note{{'table' is taken here}}
  pthread_mutex_lock(&table); // expected-warning{{lock 'table' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}}
  pthread_mutex_unlock(&table);
}

static int count(struct queue *q) {
  int n = 0;
  pthread_mutex_lock(&q->mu); // expected-warning{{lock 'q->mu' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}}
  for (struct item *i = q->first; i; i = i->next)
    n++;
  pthread_mutex_unlock(&q->mu);
  return n;
}

int bad_through_a_callee(struct queue *q) {
  pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  int n = count(q);
  pthread_mutex_unlock(&q->mu);
  return n;
}

int bad_unlock_missing_in_a_branch(struct queue *q, int n) {
  for (int i = 0; i < n; i++) {
    pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
    // expected-warning@-1{{lock 'q->mu' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}}
    if (q->closed)
      continue;
    pthread_mutex_unlock(&q->mu);
  }
  return 0;
}

void bad_write_while_reading(struct queue *q) {
  pthread_rwlock_rdlock(&q->rw); // expected-note{{'q->rw' is taken here}}
  if (!q->first)
    pthread_rwlock_wrlock(&q->rw); // expected-warning{{lock 'q->rw' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}}
  pthread_rwlock_unlock(&q->rw);
}

void bad_read_while_writing(struct queue *q) {
  pthread_rwlock_wrlock(&q->rw); // expected-note{{'q->rw' is taken here}}
  pthread_rwlock_rdlock(&q->rw); // expected-warning{{lock 'q->rw' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}}
  pthread_rwlock_unlock(&q->rw);
}

void bad_spin(struct queue *q) {
  pthread_spin_lock(&q->spin); // expected-note{{'q->spin' is taken here}}
  helper(q);
  pthread_spin_lock(&q->spin); // expected-warning{{lock 'q->spin' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}}
}

void bad_re_read_pointer(struct server *s) {
  pthread_mutex_lock(&s->queue->mu); // expected-note{{'s->queue->mu' is taken here}}
  helper(s);
  pthread_mutex_lock(&s->queue->mu); // expected-warning{{lock 's->queue->mu' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}}
}

void bad_after_a_try(struct queue *q) {
  if (pthread_mutex_trylock(&q->mu) == 0) // expected-note{{'q->mu' is taken here}}
    pthread_mutex_lock(&q->mu); // expected-warning{{lock 'q->mu' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}}
}

void bad_same_element(struct server *s, int n) {
  pthread_mutex_lock(&s->bucket[n]); // expected-note{{'s->bucket[n]' is taken here}}
  pthread_mutex_lock(&s->bucket[n]); // expected-warning{{lock 's->bucket[n]' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}}
}

void bad_attribute_without_a_kind(struct queue *q) {
  pthread_mutexattr_t attr;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(&q->mu, &attr); // expected-note{{'q->mu' is initialised here}}
  pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  pthread_mutex_lock(&q->mu); // expected-warning{{lock 'q->mu' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}}
}

// ---- nothing to report

void good_recursive_initialiser(void) {
  pthread_mutex_lock(&recursive);
  pthread_mutex_lock(&recursive);
  pthread_mutex_unlock(&recursive);
  pthread_mutex_unlock(&recursive);
}

int make_nest(struct nest *n) {
  pthread_mutexattr_t attr;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
  return pthread_mutex_init(&n->mu, &attr);
}

void good_made_recursive_elsewhere_in_the_file(struct nest *n) {
  pthread_mutex_lock(&n->mu);
  pthread_mutex_lock(&n->mu);
  pthread_mutex_unlock(&n->mu);
  pthread_mutex_unlock(&n->mu);
}

void good_made_recursive_here(void) {
  pthread_mutex_t m;
  pthread_mutexattr_t attr;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_init(&m, &attr);
  pthread_mutex_lock(&m);
  pthread_mutex_lock(&m);
  pthread_mutex_unlock(&m);
  pthread_mutex_unlock(&m);
}

void good_attribute_from_elsewhere(const pthread_mutexattr_t *attr) {
  pthread_mutex_t m;
  pthread_mutex_init(&m, attr);
  pthread_mutex_lock(&m);
  pthread_mutex_lock(&m);
  pthread_mutex_unlock(&m);
  pthread_mutex_unlock(&m);
}

int good_lock_that_says_so(void) {
  pthread_mutex_t m;
  pthread_mutexattr_t attr;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
  pthread_mutex_init(&m, &attr);
  pthread_mutex_lock(&m);
  int rc = pthread_mutex_lock(&m);
  pthread_mutex_unlock(&m);
  return rc;
}

static pthread_mutex_t says_so = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
int good_static_lock_that_says_so(void) {
  pthread_mutex_lock(&says_so);
  int rc = pthread_mutex_lock(&says_so);
  pthread_mutex_unlock(&says_so);
  return rc;
}

static pthread_mutexattr_t shared;
struct own {
  pthread_mutex_t mu;
};
void set_up(void) { pthread_mutexattr_settype(&shared, PTHREAD_MUTEX_RECURSIVE); }
void make_own(struct own *o) { pthread_mutex_init(&o->mu, &shared); }
void good_attribute_that_another_function_sets(struct own *o) {
  pthread_mutex_lock(&o->mu);
  pthread_mutex_lock(&o->mu);
  pthread_mutex_unlock(&o->mu);
  pthread_mutex_unlock(&o->mu);
}

void good_read_twice(struct queue *q) {
  pthread_rwlock_rdlock(&q->rw);
  pthread_rwlock_rdlock(&q->rw);
  pthread_rwlock_unlock(&q->rw);
  pthread_rwlock_unlock(&q->rw);
}

int good_tried_while_held(struct queue *q) {
  pthread_mutex_lock(&q->mu);
  int rc = pthread_mutex_trylock(&q->mu);
  pthread_mutex_unlock(&q->mu);
  return rc;
}

int good_taken_after_a_failed_try(struct queue *q) {
  if (pthread_mutex_trylock(&q->mu) != 0)
    pthread_mutex_lock(&q->mu);
  int closed = q->closed;
  pthread_mutex_unlock(&q->mu);
  return closed;
}

int good_tried_again(struct queue *q) {
  int rc;
  while ((rc = pthread_mutex_lock(&q->mu)) == EAGAIN)
    prepare();
  if (rc)
    return rc;
  return pthread_mutex_unlock(&q->mu);
}

void good_other_elements(struct server *s, int a, int b) {
  pthread_mutex_lock(&s->bucket[a]);
  pthread_mutex_lock(&s->bucket[b]);
  pthread_mutex_unlock(&s->bucket[b]);
  pthread_mutex_unlock(&s->bucket[a]);
}

void good_other_objects(struct item *a, struct item *b) {
  pthread_mutex_lock(&a->mu);
  pthread_mutex_lock(&b->mu);
  pthread_mutex_unlock(&b->mu);
  pthread_mutex_unlock(&a->mu);
}

void good_hand_over_hand(struct queue *q) {
  pthread_mutex_lock(&q->mu);
  struct item *i = q->first;
  pthread_mutex_lock(&i->mu);
  pthread_mutex_unlock(&q->mu);
  while (i->next) {
    struct item *next = i->next;
    pthread_mutex_lock(&next->mu);
    pthread_mutex_unlock(&i->mu);
    i = next;
  }
  pthread_mutex_unlock(&i->mu);
}

void good_pointer_that_this_file_changes(struct queue *q) {
  pthread_mutex_lock(&q->first->mu);
  helper(q);
  pthread_mutex_lock(&q->first->mu);
}
void push(struct queue *q, struct item *i) {
  i->next = q->first;
  q->first = i;
}
void pop(struct queue *q) { q->first = q->first->next; }

void good_asked_for_another(struct item *i) {
  pthread_mutex_lock(&next_of(i)->mu);
  pthread_mutex_lock(&next_of(i)->mu);
}

void good_let_go_in_between(struct queue *q) {
  pthread_mutex_lock(&q->mu);
  while (!q->first) {
    pthread_mutex_unlock(&q->mu);
    prepare();
    pthread_mutex_lock(&q->mu);
  }
  pthread_mutex_unlock(&q->mu);
}

static void unlock_cleanup(pthread_mutex_t **lock) { pthread_mutex_unlock(*lock); }

void good_cleanup_in_a_loop(struct queue *q, int n) {
  for (int i = 0; i < n; i++) {
    __attribute__((cleanup(unlock_cleanup))) pthread_mutex_t *guard = &q->mu;
    pthread_mutex_lock(guard);
    prepare();
  }
}

static pthread_mutex_t asked;

int make_asked(void) {
  pthread_mutexattr_t attr;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
  return pthread_mutex_init(&asked, &attr);
}

int good_made_elsewhere_to_say_so(void) {
  pthread_mutex_lock(&asked);
  int rc = pthread_mutex_lock(&asked);
  pthread_mutex_unlock(&asked);
  return rc;
}

int fork(void);

void bad_says_so_to_nobody(void) {
  pthread_mutex_lock(&asked); // expected-note{{'asked' is taken here}}
  pthread_mutex_lock(&asked); // expected-warning{{lock 'asked' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}}
}

void good_given_back_by_the_child(struct queue *shared_memory) {
  pthread_mutex_lock(&shared_memory->mu);
  if (fork() == 0) {
    pthread_mutex_unlock(&shared_memory->mu);
    _exit(0);
  }
  pthread_mutex_lock(&shared_memory->mu);
  pthread_mutex_unlock(&shared_memory->mu);
}

static pthread_mutex_t private_to_each = PTHREAD_MUTEX_INITIALIZER;
void bad_locked_across_fork(void) {
  pthread_mutex_lock(&private_to_each); // expected-note{{'private_to_each' is taken here}}
  if (fork() == 0)
    _exit(0);
  pthread_mutex_lock(&private_to_each); // expected-warning{{lock 'private_to_each' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}}
  pthread_mutex_unlock(&private_to_each);
}

// Who makes a lock decides of which kind it is.
int make_lock(pthread_mutex_t *mutex);
void good_made_by_unseen_code(void) {
  pthread_mutex_t m;
  if (make_lock(&m))
    return;
  pthread_mutex_lock(&m);
  pthread_mutex_lock(&m);
  pthread_mutex_unlock(&m);
  pthread_mutex_unlock(&m);
}
void bad_made_here_and_shown(void) {
  pthread_mutex_t shown;
  pthread_mutex_init(&shown, NULL); // expected-note{{'shown' is initialised here}}
  if (make_lock(&shown))
    return;
  pthread_mutex_lock(&shown); // expected-note{{'shown' is taken here}}
  pthread_mutex_lock(&shown); // expected-warning{{lock 'shown' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}}
  pthread_mutex_unlock(&shown);
}

// ---- through functions that are given

static void count_up(struct queue *q) {
  pthread_mutex_lock(&q->mu); // expected-warning{{lock 'q->mu' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}}
  q->closed++;
  pthread_mutex_unlock(&q->mu);
}
static void count_up_held(struct queue *q) { q->closed++; }
static void with_lock(struct queue *q, void (*visit)(struct queue *)) {
  pthread_mutex_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  visit(q);
  pthread_mutex_unlock(&q->mu);
}
void bad_through_a_function_that_is_given(struct queue *q) { with_lock(q, count_up); }
void good_through_a_function_that_is_given(struct queue *q) {
  with_lock(q, count_up_held);
  count_up(q);
}

// A helper makes them all.
static void make_recursive(pthread_mutex_t *which) {
  pthread_mutexattr_t attr;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_init(which, &attr);
  pthread_mutexattr_destroy(&attr);
}
struct tree {
  pthread_mutex_t nested_mu, plain_mu;
  int nodes;
};
void set_up_tree(struct tree *t) {
  make_recursive(&t->nested_mu);
  pthread_mutex_init(&t->plain_mu, NULL);
}
void good_made_recursive_by_a_helper(struct tree *t) {
  pthread_mutex_lock(&t->nested_mu);
  pthread_mutex_lock(&t->nested_mu);
  t->nodes++;
  pthread_mutex_unlock(&t->nested_mu);
  pthread_mutex_unlock(&t->nested_mu);
}
void bad_made_beside_it(struct tree *t) {
  pthread_mutex_lock(&t->plain_mu); // expected-note{{'t->plain_mu' is taken here}}
  pthread_mutex_lock(&t->plain_mu); // expected-warning{{lock 't->plain_mu' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}}
  pthread_mutex_unlock(&t->plain_mu);
}
