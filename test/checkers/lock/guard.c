// A lock that the end of a variable gives back: SS_LOCK of the runtime.
// RUN: %safespawn_verify -I%project/runtime/include %s
// RUN: %analyze_verify -I%project/runtime/include -Xclang -verify-ignore-unexpected=note %s
#include <safespawn.h>
#include <unistd.h>

struct queue {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int length;
};

int prepare(void);
void use(struct queue *q);

void bad_sleep_in_the_block(struct queue *q) {
  SS_LOCK(&q->lock); // expected-note{{'q->lock' is taken here}}
  sleep(1); // expected-warning{{'sleep' may wait while lock 'q->lock' is held [safespawn.lock.Blocking]}}
}

void bad_join_in_the_block(struct queue *q, ss_scope *scope) {
  SS_LOCK(&q->lock); // expected-note{{'q->lock' is taken here}}
  (void)ss_scope_join(scope, NULL); // expected-warning{{'ss_scope_join' may wait while lock 'q->lock' is held [safespawn.lock.Blocking]}}
}

void bad_endless_pop_in_the_block(struct queue *q, ss_queue *jobs, void **job) {
  SS_LOCK(&q->lock); // expected-note{{'q->lock' is taken here}}
  (void)ss_queue_pop(jobs, job, SS_NEVER); // expected-warning{{'ss_queue_pop' may wait while lock 'q->lock' is held [safespawn.lock.Blocking]}}
}

void bad_taken_again(struct queue *q) {
  SS_LOCK(&q->lock); // expected-note{{'q->lock' is taken here}}
  pthread_mutex_lock(&q->lock); // expected-warning{{lock 'q->lock' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}}
}

void bad_guarded_again(struct queue *q) {
  pthread_mutex_lock(&q->lock); // expected-note{{'q->lock' is taken here}}
  if (prepare()) {
    SS_LOCK(&q->lock); // expected-warning{{lock 'q->lock' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}}
    q->length++;
  }
  pthread_mutex_unlock(&q->lock);
}

static void put(struct queue *q) {
  SS_LOCK(&q->lock); // expected-warning{{lock 'q->lock' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}}
  q->length++;
}

void bad_helper_takes_it_again(struct queue *q) {
  SS_LOCK(&q->lock); // expected-note{{'q->lock' is taken here}}
  put(q);
}

int good_all_ways_out(struct queue *q) {
  SS_LOCK(&q->lock);
  if (prepare())
    return -1;
  if (!ss_lock_ok(&q->lock))
    return -1;
  return q->length;
}

void good_behind_the_block(struct queue *q) {
  {
    SS_LOCK(&q->lock);
    q->length++;
  }
  sleep(1);
  pthread_mutex_lock(&q->lock);
  q->length--;
  pthread_mutex_unlock(&q->lock);
}

void good_each_round(struct queue *q, int n) {
  for (int i = 0; i < n; i++) {
    sleep(1);
    SS_LOCK(&q->lock);
    if (q->length)
      continue;
    q->length++;
  }
}

void good_one_after_the_other(struct queue *a, struct queue *b) {
  {
    SS_LOCK(&a->lock);
    use(a);
  }
  {
    SS_LOCK(&a->lock);
    SS_LOCK(&b->lock);
    use(b);
  }
}

void good_helpers(struct queue *q) {
  put(q);
  put(q);
  sleep(1);
}

int good_wait_for_its_condition(struct queue *q) {
  int err = 0;
  SS_LOCK(&q->lock);
  while (!err && !q->length)
    err = ss_cond_wait(&q->changed, &q->lock);
  return err;
}

void good_wait_with_a_limit(struct queue *q, ss_queue *jobs, void **job) {
  SS_LOCK(&q->lock);
  (void)ss_queue_pop(jobs, job, ss_after(SS_MS(10)));
}

void good_made_here(struct queue *q) {
  if (pthread_mutex_init(&q->lock, NULL))
    return;
  {
    SS_LOCK(&q->lock);
    use(q);
  }
  pthread_mutex_destroy(&q->lock);
}

// ---- the end of a scope, which waits for what runs in it

int work(void *arg);

int bad_end_of_a_scope_with_a_task(struct queue *q) {
  ss_scope s;
  if (ss_scope_open(&s, NULL, SS_HERE))
    return -1;
  pthread_mutex_lock(&q->lock); // expected-note{{'q->lock' is taken here}}
  (void)ss_spawn(&s, work, q);
  ss_scope_fini(&s); // expected-warning{{'ss_scope_fini' may wait while lock 'q->lock' is held [safespawn.lock.Blocking]}}
  return pthread_mutex_unlock(&q->lock);
}

void bad_end_of_a_scope_from_elsewhere(struct queue *q, ss_scope *s) {
  pthread_mutex_lock(&q->lock); // expected-note{{'q->lock' is taken here}}
  ss_scope_fini(s); // expected-warning{{'ss_scope_fini' may wait while lock 'q->lock' is held [safespawn.lock.Blocking]}}
  pthread_mutex_unlock(&q->lock);
}

int good_end_of_an_empty_scope(struct queue *q) {
  ss_scope s;
  pthread_mutex_lock(&q->lock);
  int err = ss_scope_open(&s, NULL, SS_HERE);
  if (!err) {
    err = ss_spawn(&s, work, q);
    if (err) {
      ss_scope_fini(&s);
      pthread_mutex_unlock(&q->lock);
      return err;
    }
  }
  pthread_mutex_unlock(&q->lock);
  if (!err) {
    (void)ss_scope_join(&s, NULL);
    ss_scope_fini(&s);
  }
  return err;
}

int good_end_of_a_joined_scope(struct queue *q, ss_scope *s) {
  ss_scope own;
  if (ss_scope_open(&own, NULL, SS_HERE))
    return -1;
  (void)ss_spawn(&own, work, q);
  (void)ss_scope_join(&own, NULL);
  pthread_mutex_lock(&q->lock);
  ss_scope_fini(&own);
  return pthread_mutex_unlock(&q->lock);
}
