// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/pthread.h"

struct queue {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int length, closed, ready;
  struct item *head;
};

struct item {
  struct item *next;
};

pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
int ready, stopped;

int is_empty(struct queue *queue);
struct item *pop(struct queue *queue);
void pop_into(struct queue *queue, struct item **item);
void process(struct item *item);
void work(void);
void lock_queue(pthread_mutex_t *mutex);
void unlock_queue(pthread_mutex_t *mutex);
struct statistics {
  int count;
};
void note(const struct statistics *seen);
void trace(const char *format, ...);
struct timespec *in_a_second(void);

// ---- Not in a loop ----

void bad_if(struct queue *queue) {
  pthread_mutex_lock(&queue->lock);
  if (!queue->ready) // expected-note{{'!queue->ready' is tested here, and not again after the wait}}
    pthread_cond_wait(&queue->changed, &queue->lock);
  // expected-warning@-1{{'pthread_cond_wait' waits without a loop: it may return before what is waited for has happened [safespawn.lock.CondNoLoop]}}
  queue->length++;
  pthread_mutex_unlock(&queue->lock);
}

void bad_no_test(void) {
  pthread_mutex_lock(&lock);
  pthread_cond_wait(&changed, &lock); // expected-warning{{'pthread_cond_wait' waits without a loop}}
  pthread_mutex_unlock(&lock);
}

int bad_result_tested(void) {
  int rc;
  pthread_mutex_lock(&lock);
  rc = pthread_cond_wait(&changed, &lock); // expected-warning{{'pthread_cond_wait' waits without a loop}}
  pthread_mutex_unlock(&lock);
  return rc == 0;
}

void bad_repeated_for_its_result_alone(void) {
  int rc;
  pthread_mutex_lock(&lock);
  do
    rc = pthread_cond_wait(&changed, &lock); // expected-warning{{'pthread_cond_wait' waits without a loop}}
  while (rc == EAGAIN);
  pthread_mutex_unlock(&lock);
}

int bad_timed_if(struct queue *queue) {
  int rc = 0;
  pthread_mutex_lock(&queue->lock);
  if (!queue->ready) // expected-note{{'!queue->ready' is tested here, and not again after the wait}}
    rc = pthread_cond_timedwait(&queue->changed, &queue->lock, in_a_second());
  // expected-warning@-1{{'pthread_cond_timedwait' waits without a loop}}
  pthread_mutex_unlock(&queue->lock);
  return rc;
}

int bad_timed_out_or_ready(void) {
  int rc;
  pthread_mutex_lock(&lock);
  rc = pthread_cond_timedwait(&changed, &lock, in_a_second());
  // expected-warning@-1{{'pthread_cond_timedwait' waits without a loop}}
  pthread_mutex_unlock(&lock);
  return rc == ETIMEDOUT ? -1 : 0;
}

void bad_and(struct queue *queue) {
  pthread_mutex_lock(&queue->lock);
  if (!queue->ready && // expected-note{{'!queue->ready' is tested here, and not again after the wait}}
      pthread_cond_wait(&queue->changed, &queue->lock) != 0) // expected-warning{{waits without a loop}}
    trace("wait failed");
  pthread_mutex_unlock(&queue->lock);
}

struct item *bad_in_a_cleanup_block(struct queue *queue) {
  struct item *item;
  pthread_mutex_lock(&queue->lock);
  do { // what pthread_cleanup_push leaves behind
    if (is_empty(queue)) // expected-note{{'is_empty(queue)' is tested here, and not again after the wait}}
      pthread_cond_wait(&queue->changed, &queue->lock); // expected-warning{{waits without a loop}}
    item = queue->head;
  } while (0);
  pthread_mutex_unlock(&queue->lock);
  return item;
}

void bad_early_return(void) {
  pthread_mutex_lock(&lock);
  if (ready) {
    pthread_mutex_unlock(&lock);
    return;
  }
  pthread_cond_wait(&changed, &lock); // expected-warning{{'pthread_cond_wait' waits without a loop}}
  pthread_mutex_unlock(&lock);
}

// ---- In a loop that goes on without looking ----

void bad_worker(struct queue *queue) {
  while (!queue->closed) {
    pthread_mutex_lock(&queue->lock);
    if (queue->length == 0) // expected-note{{'queue->length == 0' is tested here, and not again after the wait}}
      pthread_cond_wait(&queue->changed, &queue->lock); // expected-warning{{waits without a loop}}
    queue->length--;
    pthread_mutex_unlock(&queue->lock);
    work();
  }
}

void bad_worker_takes(struct queue *queue) {
  for (;;) {
    struct item *item;
    pthread_mutex_lock(&queue->lock);
    if (is_empty(queue)) // expected-note{{tested here, and not again after the wait}}
      pthread_cond_wait(&queue->changed, &queue->lock); // expected-warning{{waits without a loop}}
    item = pop(queue);
    pthread_mutex_unlock(&queue->lock);
    process(item);
  }
}

void bad_worker_unlinks(struct queue *queue) {
  for (;;) {
    pthread_mutex_lock(&queue->lock);
    if (!queue->head) // expected-note{{tested here, and not again after the wait}}
      pthread_cond_wait(&queue->changed, &queue->lock); // expected-warning{{waits without a loop}}
    struct item *item = queue->head;
    queue->head = item->next;
    pthread_mutex_unlock(&queue->lock);
    process(item);
  }
}

void bad_looks_at_one_half(struct queue *queue) {
  for (;;) {
    struct item *item;
    pthread_mutex_lock(&queue->lock);
    if (!queue->closed && queue->head == NULL) // expected-note{{tested here, and not again after the wait}}
      pthread_cond_wait(&queue->changed, &queue->lock); // expected-warning{{waits without a loop}}
    if (queue->closed)
      break;
    item = queue->head;
    queue->head = item->next;
    pthread_mutex_unlock(&queue->lock);
    process(item);
  }
  queue->head = NULL;
  pthread_mutex_unlock(&queue->lock);
}

// ---- Through a wrapper ----

static int wait_for(pthread_cond_t *condition, pthread_mutex_t *mutex) {
  int rc = pthread_cond_wait(condition, mutex); // expected-note 2{{it waits here}}
  if (rc)
    trace("wait: %d", rc);
  return rc;
}

static void wait_changed(struct queue *queue) { wait_for(&queue->changed, &queue->lock); }

void bad_wrapper(struct queue *queue) {
  pthread_mutex_lock(&queue->lock);
  if (!queue->ready) // expected-note{{tested here, and not again after the wait}}
    wait_for(&queue->changed, &queue->lock); // expected-warning{{'wait_for' waits without a loop}}
  pthread_mutex_unlock(&queue->lock);
}

void bad_wrapper_of_a_wrapper(struct queue *queue) {
  pthread_mutex_lock(&queue->lock);
  wait_changed(queue); // expected-warning{{'wait_changed' waits without a loop}}
  pthread_mutex_unlock(&queue->lock);
}

void good_wrapper_in_a_loop(struct queue *queue) {
  pthread_mutex_lock(&queue->lock);
  while (!queue->ready)
    wait_changed(queue);
  while (queue->length)
    wait_for(&queue->changed, &queue->lock);
  pthread_mutex_unlock(&queue->lock);
}

// Whoever calls it holds the lock, and is not here.
int good_wrapper_for_others(struct queue *queue) { return pthread_cond_wait(&queue->changed, &queue->lock); }

// How long it waits is no state that anybody changes, and neither is what is computed of it.
struct timespec until_time(double when);
int good_wrapper_with_two_ways(pthread_cond_t *condition, pthread_mutex_t *mutex, double limit) {
  if (__builtin_isinf(limit))
    return pthread_cond_wait(condition, mutex);
  if (limit < 0)
    limit = 0;
  const struct timespec until = until_time(limit);
  return pthread_cond_timedwait(condition, mutex, &until);
}

int good_wrapper_with_a_limit(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until) {
  if (until)
    return pthread_cond_timedwait(condition, mutex, until);
  return pthread_cond_wait(condition, mutex);
}

static void one_round(struct queue *queue) {
  pthread_mutex_lock(&queue->lock);
  if (!queue->ready)
    pthread_cond_wait(&queue->changed, &queue->lock);
  pthread_mutex_unlock(&queue->lock);
}

void good_loop_around_a_helper(struct queue *queue) {
  while (!queue->ready)
    one_round(queue);
}

// ---- Loops of all kinds ----

void good_while(struct queue *queue) {
  pthread_mutex_lock(&queue->lock);
  while (!queue->ready)
    pthread_cond_wait(&queue->changed, &queue->lock);
  pthread_mutex_unlock(&queue->lock);
}

void good_for(void) {
  pthread_mutex_lock(&lock);
  for (ready = 0; !ready;)
    pthread_cond_wait(&changed, &lock);
  pthread_mutex_unlock(&lock);
}

void good_do_while(void) {
  pthread_mutex_lock(&lock);
  do {
    pthread_cond_wait(&changed, &lock);
  } while (!ready);
  pthread_mutex_unlock(&lock);
}

void good_goto(void) {
  pthread_mutex_lock(&lock);
again:
  if (!ready) {
    pthread_cond_wait(&changed, &lock);
    goto again;
  }
  pthread_mutex_unlock(&lock);
}

void good_endless_with_break(void) {
  pthread_mutex_lock(&lock);
  for (;;) {
    if (ready)
      break;
    pthread_cond_wait(&changed, &lock);
  }
  pthread_mutex_unlock(&lock);
}

void good_in_the_condition(void) {
  pthread_mutex_lock(&lock);
  while (!ready && pthread_cond_wait(&changed, &lock) == 0)
    ;
  pthread_mutex_unlock(&lock);
}

int good_timed(struct queue *queue, const struct timespec *until) {
  int rc = 0;
  pthread_mutex_lock(&queue->lock);
  while (!queue->ready && rc == 0)
    rc = pthread_cond_timedwait(&queue->changed, &queue->lock, until);
  pthread_mutex_unlock(&queue->lock);
  return rc;
}

int good_local_flag(struct queue *queue, int (*submit)(struct queue *, int *)) {
  int done = 0;
  pthread_mutex_lock(&queue->lock);
  submit(queue, &done);
  while (!done)
    pthread_cond_wait(&queue->changed, &queue->lock);
  pthread_mutex_unlock(&queue->lock);
  return done;
}

// ---- The thread's main loop tests again ----

void good_main_loop(struct queue *queue) {
  pthread_mutex_lock(&queue->lock);
  while (!queue->closed) {
    if (!queue->length)
      pthread_cond_wait(&queue->changed, &queue->lock);
    if (queue->length)
      queue->length--;
  }
  pthread_mutex_unlock(&queue->lock);
}

void good_main_loop_continues(struct queue *queue) {
  for (;;) {
    pthread_mutex_lock(&queue->lock);
    if (queue->closed)
      break;
    if (queue->length == 0) {
      pthread_cond_wait(&queue->changed, &queue->lock);
      pthread_mutex_unlock(&queue->lock);
      trace("woke up");
      continue;
    }
    queue->length--;
    pthread_mutex_unlock(&queue->lock);
  }
  pthread_mutex_unlock(&queue->lock);
}

void good_main_loop_looks_at_what_it_took(struct queue *queue) {
  for (;;) {
    struct item *item;
    pthread_mutex_lock(&queue->lock);
    if (is_empty(queue))
      pthread_cond_wait(&queue->changed, &queue->lock);
    item = pop(queue);
    pthread_mutex_unlock(&queue->lock);
    if (item)
      process(item);
  }
}

void good_main_loop_is_given_nothing(struct queue *queue) {
  for (;;) {
    struct item *item = NULL;
    pthread_mutex_lock(&queue->lock);
    if (is_empty(queue))
      pthread_cond_wait(&queue->changed, &queue->lock);
    pop_into(queue, &item);
    pthread_mutex_unlock(&queue->lock);
    if (!item)
      continue;
    process(item);
  }
}

void good_main_loop_looks_at_both_halves(struct queue *queue) {
  for (;;) {
    struct item *item;
    pthread_mutex_lock(&queue->lock);
    if (!queue->closed && queue->head == NULL)
      pthread_cond_wait(&queue->changed, &queue->lock);
    if (queue->closed)
      break;
    if (queue->head == NULL) {
      pthread_mutex_unlock(&queue->lock);
      continue;
    }
    item = queue->head;
    queue->head = item->next;
    pthread_mutex_unlock(&queue->lock);
    process(item);
  }
  queue->head = NULL;
  pthread_mutex_unlock(&queue->lock);
}

// Going through an empty list does no harm, says who wrote this.
void good_main_loop_does_what_is_there(struct queue *queue, struct item *all) {
  struct statistics seen;
  while (!stopped) {
    pthread_mutex_lock(&queue->lock);
    if (queue->ready == 0)
      pthread_cond_wait(&queue->changed, &queue->lock);
    for (struct item *item = all; item != NULL; item = item->next)
      process(item);
    seen.count = queue->ready;
    pthread_mutex_unlock(&queue->lock);
    note(&seen);
  }
}

static void handle(struct queue *queue, struct item *list) {
  for (; list; list = list->next)
    process(list);
  queue->ready = 1;
}

void good_main_loop_handles_what_is_there(struct queue *queue) {
  for (;;) {
    struct item *list = NULL;
    pthread_mutex_lock(&queue->lock);
    if (is_empty(queue)) {
      if (queue->closed)
        break;
      pthread_cond_wait(&queue->changed, &queue->lock);
    } else {
      list = queue->head;
    }
    pthread_mutex_unlock(&queue->lock);
    handle(queue, list);
  }
  pthread_mutex_unlock(&queue->lock);
}

static int timed_wait(struct queue *queue, const struct timespec *until) {
  return pthread_cond_timedwait(&queue->changed, &queue->lock, until);
}

int good_limit_chooses_the_wait(struct queue *queue, const struct timespec *until) {
  int timed_out = 0;
  lock_queue(&queue->lock);
  while (!queue->head && !timed_out) {
    if (queue->closed)
      timed_out = timed_wait(queue, until) != 0;
    else
      wait_changed(queue);
  }
  unlock_queue(&queue->lock);
  return timed_out;
}

void good_goto_the_top(struct queue *queue, struct item *item) {
  int seen;
top:
  lock_queue(&queue->lock);
  if (queue->ready < 0) {
    wait_changed(queue);
    unlock_queue(&queue->lock);
    goto top;
  }
  if (queue->closed) {
    unlock_queue(&queue->lock);
    return;
  }
  seen = queue->length;
  if (seen == queue->ready) {
    wait_changed(queue);
    unlock_queue(&queue->lock);
    goto top;
  }
  unlock_queue(&queue->lock);
  process(item);
  goto top;
}

void good_main_loop_sleeps(struct queue *queue) {
  pthread_mutex_lock(&queue->lock);
  while (!stopped) {
    if (queue->ready)
      queue->ready--;
    else if (is_empty(queue))
      pthread_cond_timedwait(&queue->changed, &queue->lock, in_a_second());
  }
  pthread_mutex_unlock(&queue->lock);
}

void good_wakes_up_to_look(struct queue *queue) {
  while (!stopped) {
    pthread_mutex_lock(&lock);
    pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    work();
  }
}

void good_parked(void) {
  pthread_mutex_lock(&lock);
  for (;;)
    pthread_cond_wait(&changed, &lock);
}

int good_parked_until_it_fails(void) {
  int rc;
  pthread_mutex_lock(&lock);
  while (1) {
    rc = pthread_cond_wait(&changed, &lock);
    if (rc != 0)
      break;
  }
  pthread_mutex_unlock(&lock);
  return rc;
}

// ---- A sleep that can be cut short ----

void good_sleep(void) {
  pthread_mutex_lock(&lock);
  pthread_cond_timedwait(&changed, &lock, in_a_second());
  pthread_mutex_unlock(&lock);
}

void good_periodic(void) {
  while (!stopped) {
    pthread_mutex_lock(&lock);
    if (!stopped)
      pthread_cond_timedwait(&changed, &lock, in_a_second());
    pthread_mutex_unlock(&lock);
    work();
  }
}

int good_looks_after_the_sleep(struct queue *queue) {
  int found;
  pthread_mutex_lock(&queue->lock);
  if (!queue->ready)
    pthread_cond_timedwait(&queue->changed, &queue->lock, in_a_second());
  found = queue->ready ? 1 : 0;
  pthread_mutex_unlock(&queue->lock);
  return found;
}

// Other waits need no loop.
void good_semaphore(sem_t *places, pthread_barrier_t *start) {
  sem_wait(places);
  pthread_barrier_wait(start);
}
