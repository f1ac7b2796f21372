// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/pthread.h"

struct queue {
  int length;
  pthread_mutex_t lock; // expected-note 0+{{the lock is declared here}}
  pthread_cond_t changed;
};

struct server {
  int port;
  struct queue queues[4];
};

struct gate {
  sem_t places; // expected-note 0+{{the semaphore is declared here}}
};

struct gauge {
  long value;
  struct queue *queue; // a pointer: the lock stays where it is
  pthread_t reader;
};

int prepare(void);
void take(struct queue queue);
void fill(struct queue *queue);
void lock_init(pthread_mutex_t *lock);
void show(const struct queue *queue);

// Each way to copy.

void bad_assigned(struct queue *to, struct queue *from) {
  *to = *from;
  // expected-warning@-1{{assignment copies lock 'from->lock' by value: only the original works as one [safespawn.lock.Copy]}}
}

int bad_initialised(struct queue *from) {
  struct queue copy = *from; // expected-warning{{initialiser copies lock 'from->lock' by value}}
  pthread_mutex_lock(&copy.lock);
  return pthread_mutex_unlock(&copy.lock);
}

int bad_snapshot(const struct queue *from) {
  struct queue copy = *from; // expected-warning{{initialiser copies lock 'from->lock' by value}}
  return copy.length;
}

void bad_passed(struct queue *from) {
  take(*from); // expected-warning{{call of 'take' copies lock 'from->lock' by value}}
}

void bad_passed_by_pointer(struct queue *from, void (*use)(struct queue)) {
  use(*from); // expected-warning{{call of 'use' copies lock 'from->lock' by value}}
}

struct queue bad_returned(struct queue *from) {
  return *from; // expected-warning{{return copies lock 'from->lock' by value}}
}

struct queue bad_made_and_returned(void) {
  struct queue queue = {.length = 0};
  pthread_mutex_init(&queue.lock, NULL);
  return queue; // expected-warning{{return copies lock 'queue.lock' by value}}
}

struct queue bad_filled_and_returned(void) {
  struct queue queue;
  fill(&queue);
  return queue; // expected-warning{{return copies lock 'queue.lock' by value}}
}

void bad_memcpy(struct queue *to, struct queue *from) {
  memcpy(to, from, sizeof(*to)); // expected-warning{{'memcpy' copies lock 'from->lock' by value}}
}

void bad_memmove(struct queue *queues, unsigned n) {
  memmove(queues, queues + 1, (n - 1) * sizeof(struct queue));
  // expected-warning@-1{{'memmove' copies lock '(queues + 1)->lock' by value}}
}

void bad_builtin_memcpy(struct queue *to, struct queue *from) {
  __builtin_memcpy(to, from, sizeof(*to)); // expected-warning{{'__builtin_memcpy' copies lock 'from->lock' by value}}
}

void *bad_memcpy_to_the_heap(struct queue *from) {
  void *to = malloc(sizeof(*from));
  return memcpy(to, from, sizeof(*from)); // expected-warning{{'memcpy' copies lock 'from->lock' by value}}
}

void bad_choice(struct queue *to, struct queue *one, struct queue *other) {
  *to = prepare() ? *one : *other; // expected-warning{{assignment copies lock 'one->lock' by value}}
}

struct pair {
  struct queue first, second;
};

void bad_in_an_initialiser_list(struct queue *from) {
  struct pair pair = {.first = *from}; // expected-warning{{initialiser copies lock 'from->lock' by value}}
  fill(&pair.first);
}

void bad_in_a_literal(struct pair *to, struct queue *from) {
  *to = (struct pair){.first = *from}; // expected-warning{{initialiser copies lock 'from->lock' by value}}
}

void bad_array_inside(struct server *to, struct server *from) {
  *to = *from; // expected-warning{{assignment copies lock 'from->queues.lock' by value}}
}

void bad_element(struct server *server, int i) {
  server->queues[i] = server->queues[i + 1];
  // expected-warning@-1{{assignment copies lock 'server->queues[i + 1].lock' by value}}
}

static struct queue everywhere = {.lock = PTHREAD_MUTEX_INITIALIZER};

void use_everywhere(void) {
  pthread_mutex_lock(&everywhere.lock);
  pthread_mutex_unlock(&everywhere.lock);
}

void bad_global_in_use(struct queue *to) {
  *to = everywhere; // expected-warning{{assignment copies lock 'everywhere.lock' by value}}
}

// Each kind of object.

void bad_mutex(pthread_mutex_t *from) {
  pthread_mutex_t copy;
  copy = *from; // expected-warning{{assignment copies lock '*from' by value}}
  pthread_mutex_lock(&copy);
  pthread_mutex_unlock(&copy);
}

void bad_rwlock(pthread_rwlock_t *to, pthread_rwlock_t *from) {
  *to = *from; // expected-warning{{assignment copies lock '*from' by value}}
}

void bad_spin_lock(pthread_spinlock_t *to, pthread_spinlock_t *from) {
  *to = *from; // expected-warning{{assignment copies lock '*from' by value}}
}

void bad_condition(pthread_cond_t *from) {
  pthread_cond_t copy = *from; // expected-warning{{initialiser copies condition '*from' by value}}
  pthread_cond_signal(&copy);
}

void bad_semaphore(struct gate *to, struct gate *from) {
  *to = *from; // expected-warning{{assignment copies semaphore 'from->places' by value}}
}

void bad_barrier(pthread_barrier_t *to, pthread_barrier_t *from) {
  *to = *from; // expected-warning{{assignment copies barrier '*from' by value}}
}

void bad_once(pthread_once_t *to, pthread_once_t *from) {
  *to = *from; // expected-warning{{assignment copies once control '*from' by value}}
}

// Silent: what the API offers to begin with.

pthread_mutex_t good_static = PTHREAD_MUTEX_INITIALIZER;

int good_static_initialiser(void) {
  pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  pthread_once_t once = PTHREAD_ONCE_INIT;
  return pthread_mutex_lock(&lock) || pthread_mutex_unlock(&lock) || once;
}

void good_literal(struct queue *to, pthread_mutex_t *lock) {
  *to = (struct queue){.lock = PTHREAD_MUTEX_INITIALIZER};
  *lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
}

void good_initialiser_list(void) {
  struct queue zero = {0}, named = {.lock = PTHREAD_MUTEX_INITIALIZER};
  fill(&zero);
  fill(&named);
}

void good_static_value(pthread_mutex_t *to) {
  pthread_mutex_t value = PTHREAD_MUTEX_INITIALIZER;
  memcpy(to, &value, sizeof(value));
}

void good_once_control_set_back(pthread_once_t *once) { *once = PTHREAD_ONCE_INIT; }

static const struct queue template = {.length = 1, .lock = PTHREAD_MUTEX_INITIALIZER};
static struct queue defaults = {.length = 2, .lock = PTHREAD_MUTEX_INITIALIZER};

void good_template(struct queue *one, struct queue *other, struct queue *third) {
  *one = template;
  memcpy(other, &template, sizeof(template));
  *third = defaults;
}

// Silent: nobody can have used what is copied as a lock.

void good_built_here(struct queue *to) {
  struct queue queue;
  memset(&queue, 0, sizeof(queue));
  queue.length = prepare();
  *to = queue;
  lock_init(&to->lock);
}

struct queue good_returned_before_use(void) {
  struct queue queue = {.lock = PTHREAD_MUTEX_INITIALIZER};
  queue.length = prepare();
  return queue;
}

void good_looked_at(struct queue *to) {
  struct queue queue = {.lock = PTHREAD_MUTEX_INITIALIZER};
  show(&queue);
  *to = queue;
}

// The caller is told.
void good_parameter(struct queue *to, struct queue from) { *to = from; }

// Silent: the lock is made anew.

void good_made_anew(struct queue *to, struct queue *from) {
  *to = *from;
  pthread_mutex_init(&to->lock, NULL);
}

int good_made_anew_in_a_variable(struct queue *from) {
  struct queue copy = *from;
  if (pthread_mutex_init(&copy.lock, NULL))
    return -1;
  fill(&copy);
  return 0;
}

void good_made_anew_after_memcpy(struct queue *to, struct queue *from) {
  memcpy(to, from, sizeof(*to));
  to->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
}

void good_made_anew_by_a_wrapper(struct queue *to, struct queue *from) {
  *to = *from;
  lock_init(&to->lock);
}

static void renew(struct queue *queue) {
  pthread_mutex_init(&queue->lock, NULL);
  pthread_cond_init(&queue->changed, NULL);
}

struct queue *good_made_anew_by_a_helper(struct queue *from) {
  struct queue *to = malloc(sizeof(*to));
  if (to) {
    *to = *from;
    renew(to);
  }
  return to;
}

void good_made_anew_in_an_element(struct server *server, struct queue *from, int i) {
  server->queues[i] = *from;
  pthread_mutex_init(&server->queues[i].lock, NULL);
}

void good_kept_and_put_back(struct queue *queue, struct queue *from) {
  pthread_mutex_t kept = queue->lock;
  *queue = *from;
  queue->lock = kept;
}

void bad_made_anew_elsewhere(struct queue *to, struct queue *from, struct queue *other) {
  *to = *from; // expected-warning{{assignment copies lock 'from->lock' by value}}
  pthread_mutex_init(&other->lock, NULL);
}

// Silent: no lock is copied.

void good_pointer(struct gauge *to, struct gauge *from) { *to = *from; }

void good_pointers(struct queue **to, struct queue **from) {
  *to = *from;
  memcpy(to, from, sizeof(*to));
}

void good_head_only(struct queue *to, struct queue *from) { memcpy(to, from, sizeof(int)); }

void good_other_member(struct queue *to, struct queue *from) { memcpy(&to->length, &from->length, sizeof(int)); }

void good_unknown_size(struct queue *to, struct queue *from, size_t size) { memcpy(to, from, size); }

void good_dump(char *bytes, struct queue *from) { memcpy(bytes, from, sizeof(*from)); }

size_t good_not_evaluated(struct queue *from) {
  __typeof__(*from) other = {0};
  fill(&other);
  return sizeof(*from) + sizeof(bad_returned(from));
}

int good_read(pthread_spinlock_t *lock, struct queue *queue) {
  int value = *lock;
  (void)*queue;
  return value + queue->length;
}
