// One condition, two locks. A lock that is not held at all is in CondMutex.c.
// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/pthread.h"

struct queue {
  pthread_mutex_t lock, other;
  pthread_cond_t changed, drained, emptied;
  int length, ready;
};

struct server {
  pthread_mutex_t lock;
  pthread_cond_t stopped;
  struct queue in, out;
};

static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER, second = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER, settled = PTHREAD_COND_INITIALIZER;
static int ready;

void bad_first(void) {
  pthread_mutex_lock(&first);
  while (!ready)
    pthread_cond_wait(&changed, &first); // expected-note{{waited for with lock 'first' here}}
  pthread_mutex_unlock(&first);
}

void bad_second(void) {
  pthread_mutex_lock(&second);
  while (!ready)
    pthread_cond_wait(&changed, &second);
  // expected-warning@-1{{condition 'changed' is waited for with lock 'second' here, and with another one elsewhere [safespawn.lock.CondMutex]}}
  pthread_mutex_unlock(&second);
}

void bad_fields(struct queue *queue) {
  pthread_mutex_lock(&queue->lock);
  while (queue->length)
    pthread_cond_wait(&queue->changed, &queue->lock); // expected-note 2{{waited for with lock 'queue->lock' here}}
  pthread_mutex_unlock(&queue->lock);
  pthread_mutex_lock(&queue->other);
  while (!queue->ready)
    pthread_cond_wait(&queue->changed, &queue->other);
  // expected-warning@-1{{condition 'queue->changed' is waited for with lock 'queue->other' here}}
  pthread_mutex_unlock(&queue->other);
}

void bad_fields_of_one_type(struct queue *q) {
  pthread_mutex_lock(&q->other);
  while (!q->ready)
    pthread_cond_wait(&q->changed, &q->other);
  // expected-warning@-1{{condition 'q->changed' is waited for with lock 'q->other' here}}
  pthread_mutex_unlock(&q->other);
}

void bad_own_and_global(struct server *server) {
  pthread_mutex_lock(&server->lock);
  while (!server->in.ready)
    pthread_cond_wait(&server->stopped, &server->lock); // expected-note{{waited for with lock 'server->lock' here}}
  pthread_mutex_unlock(&server->lock);
  pthread_mutex_lock(&first);
  while (!ready)
    pthread_cond_wait(&server->stopped, &first);
  // expected-warning@-1{{condition 'server->stopped' is waited for with lock 'first' here}}
  pthread_mutex_unlock(&first);
}

static void await(pthread_cond_t *condition, pthread_mutex_t *mutex) { pthread_cond_wait(condition, mutex); }

void bad_through_a_wrapper(void) {
  pthread_mutex_lock(&first);
  while (!ready)
    await(&settled, &first); // expected-note{{waited for with lock 'first' here}}
  pthread_mutex_unlock(&first);
  pthread_mutex_lock(&second);
  while (!ready)
    await(&settled, &second); // expected-warning{{condition 'settled' is waited for with lock 'second' here}}
  pthread_mutex_unlock(&second);
}

// One lock for one condition, however it is reached.

void good_one_lock(struct queue *queue, struct queue *other) {
  pthread_mutex_lock(&queue->lock);
  while (queue->length)
    pthread_cond_wait(&queue->drained, &queue->lock);
  pthread_mutex_unlock(&queue->lock);
  pthread_mutex_lock(&other->lock);
  while (other->length)
    pthread_cond_wait(&other->drained, &other->lock);
  pthread_mutex_unlock(&other->lock);
}

void good_one_lock_for_two_conditions(struct queue *queue) {
  pthread_mutex_lock(&queue->lock);
  while (queue->length)
    pthread_cond_wait(&queue->emptied, &queue->lock);
  pthread_mutex_unlock(&queue->lock);
}

// Two objects of one type may be used in two ways.
void good_other_object(struct queue *queue, pthread_mutex_t *lock) {
  pthread_mutex_lock(lock);
  while (queue->length)
    pthread_cond_wait(&queue->emptied, lock);
  pthread_mutex_unlock(lock);
}

void good_pointers(pthread_cond_t *condition, pthread_mutex_t *one, pthread_mutex_t *other) {
  pthread_mutex_lock(one);
  while (!ready)
    pthread_cond_wait(condition, one);
  pthread_mutex_unlock(one);
  pthread_mutex_lock(other); // may well be the same
  while (!ready)
    pthread_cond_wait(condition, other);
  pthread_mutex_unlock(other);
}

void good_pointer_moves_on(pthread_cond_t *condition, pthread_cond_t *next) {
  pthread_mutex_lock(&first);
  while (!ready)
    pthread_cond_wait(condition, &first);
  pthread_mutex_unlock(&first);
  condition = next;
  pthread_mutex_lock(&second);
  while (!ready)
    pthread_cond_wait(condition, &second);
  pthread_mutex_unlock(&second);
}

void good_elements(pthread_cond_t *conditions, pthread_mutex_t *locks, int i, int j) {
  pthread_mutex_lock(&locks[i]);
  while (!ready)
    pthread_cond_wait(&conditions[i], &locks[i]);
  pthread_mutex_unlock(&locks[i]);
  pthread_mutex_lock(&locks[j]);
  while (!ready)
    pthread_cond_wait(&conditions[j], &locks[j]);
  pthread_mutex_unlock(&locks[j]);
}

void good_two_queues(struct server *server) {
  pthread_mutex_lock(&server->in.lock);
  while (server->in.length)
    pthread_cond_wait(&server->in.drained, &server->in.lock);
  pthread_mutex_unlock(&server->in.lock);
  pthread_mutex_lock(&server->out.lock);
  while (server->out.length)
    pthread_cond_wait(&server->out.drained, &server->out.lock);
  pthread_mutex_unlock(&server->out.lock);
}
