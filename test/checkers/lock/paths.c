// What two paths have to know for one of them to stand for both: bounds of numbers, what only one of them has written,
// and memory that only a function asks for that is called later.
// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/pthread.h"

struct queue {
  pthread_mutex_t mu;
  struct queue *next;
  int length, limit, on;
};

static pthread_mutex_t all = PTHREAD_MUTEX_INITIALIZER;

void bad_behind_a_limit(struct queue *q, int wanted) {
  int n = q->length;
  if (n > 1)
    n = wanted;
  if (n > 0) {
    if (n > 2) { // a path that came past the first branch never gets here
      pthread_mutex_lock(&all); // expected-note{{'all' is taken here}}
      q->on++;
      pthread_mutex_unlock(&all); // expected-note{{'all' is released here}}
      pthread_mutex_unlock(&all); // expected-warning{{lock 'all' is released, but was already released [safespawn.lock.NotHeld]}}
    }
  }
}

void bad_behind_a_limit_in_memory(struct queue *q, int wanted) {
  if (q->length > 1)
    q->length = wanted;
  if (q->length > 0) {
    if (q->length > 2) {
      pthread_mutex_lock(&all); // expected-note{{'all' is taken here}}
      q->on++;
      pthread_mutex_unlock(&all); // expected-note{{'all' is released here}}
      pthread_mutex_unlock(&all); // expected-warning{{lock 'all' is released, but was already released [safespawn.lock.NotHeld]}}
    }
  }
}

// -1 as a number without a sign is the greatest one, and within no limit.
void bad_at_a_mark(struct queue *q, unsigned long n) {
  if (n > 10)
    n = (unsigned long)-1;
  if (q->on)
    if (n == (unsigned long)-1) { // nobody who knows that n is at most 10 stands for who comes here
      pthread_mutex_lock(&all); // expected-note{{'all' is taken here}}
      q->on++;
      pthread_mutex_unlock(&all); // expected-note{{'all' is released here}}
      pthread_mutex_unlock(&all); // expected-warning{{lock 'all' is released, but was already released [safespawn.lock.NotHeld]}}
    }
}

void bad_at_one_of_two_marks(struct queue *q, unsigned long n, int wanted) {
  if (wanted)
    n = (unsigned long)-1;
  else
    n = (unsigned long)-2;
  if (q->on)
    if (n == (unsigned long)-2) {
      pthread_mutex_lock(&all); // expected-note{{'all' is taken here}}
      q->on++;
      pthread_mutex_unlock(&all); // expected-note{{'all' is released here}}
      pthread_mutex_unlock(&all); // expected-warning{{lock 'all' is released, but was already released [safespawn.lock.NotHeld]}}
    }
}

void good_within_a_limit(struct queue *q) {
  int n = q->length;
  if (n > q->limit)
    n = q->limit;
  if (n > 0)
    pthread_mutex_lock(&all);
  if (n > 3)
    q->on++;
  if (n > 0)
    pthread_mutex_unlock(&all);
}

static void count(struct queue *q) {
  if (q->on) {
    pthread_mutex_lock(&q->next->mu); // expected-warning{{lock 'q->next->mu' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}}
    q->length++;
    pthread_mutex_unlock(&q->next->mu);
  }
}

void bad_sets_what_its_callee_asks(struct queue *q, int how) {
  if (how)
    q->on = 1;
  else
    q->on = 0;
  pthread_mutex_lock(&q->next->mu); // expected-note{{'q->next->mu' is taken here}}
  count(q);
  pthread_mutex_unlock(&q->next->mu);
}

static void count_unless_held(struct queue *q) {
  if (q->on) {
    pthread_mutex_lock(&q->next->mu);
    q->length++;
    pthread_mutex_unlock(&q->next->mu);
  }
}

void good_sets_what_its_callee_asks(struct queue *q, int how) {
  if (how)
    q->on = 1;
  else
    q->on = 0;
  if (!q->on)
    pthread_mutex_lock(&q->next->mu);
  count_unless_held(q);
  if (!q->on)
    pthread_mutex_unlock(&q->next->mu);
}

static int is_on(const struct queue *q) { return q->on; }

void bad_asks_through_a_getter(struct queue *q, int how) {
  if (how)
    q->on = 1;
  else
    q->on = 0;
  pthread_mutex_lock(&all); // expected-note{{'all' is taken here}}
  if (is_on(q))
    pthread_mutex_lock(&all); // expected-warning{{lock 'all' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}}
  q->length++;
  pthread_mutex_unlock(&all);
}

static int pending;

void bad_behind_a_loop(struct queue *q) {
  while (pending > 3) { // nothing that the path sees changes it
    pthread_mutex_lock(&all); // expected-note 2{{'all' is taken here}}
    q->on++;
    pthread_mutex_unlock(&all); // expected-note 2{{'all' is released here}}
  }
  pthread_mutex_unlock(&all); // expected-warning{{lock 'all' is released, but was already released [safespawn.lock.NotHeld]}}
}

// What a function does to what only its callers ask for.
static void decide(struct queue *q, int how) {
  if (how)
    q->on = 1;
  else
    q->on = 0;
}

void bad_asks_what_its_callee_decided(struct queue *q, int how) {
  decide(q, how);
  pthread_mutex_lock(&all); // expected-note{{'all' is taken here}}
  if (q->on)
    pthread_mutex_lock(&all); // expected-warning{{lock 'all' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}}
  pthread_mutex_unlock(&all);
}

static void decide_through(int *on, int how) {
  if (how)
    *on = 1;
  else
    *on = 0;
}

void bad_asks_what_its_callee_decided_through_a_pointer(int how) {
  int on = 0;
  decide_through(&on, how);
  pthread_mutex_lock(&all); // expected-note{{'all' is taken here}}
  if (on)
    pthread_mutex_lock(&all); // expected-warning{{lock 'all' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}}
  pthread_mutex_unlock(&all);
}

static void decide_by_length(struct queue *q) {
  if (q->length)
    q->on = 1;
  else
    q->on = 0;
}

void bad_asks_what_its_callee_decided_by_what_it_set(struct queue *q, int how) {
  if (how)
    q->length = 1;
  else
    q->length = 0;
  decide_by_length(q);
  pthread_mutex_lock(&all); // expected-note{{'all' is taken here}}
  if (q->on)
    pthread_mutex_lock(&all); // expected-warning{{lock 'all' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}}
  pthread_mutex_unlock(&all);
}

static void copy_length(struct queue *to, const struct queue *from) { to->on = from->length; }

void bad_asks_what_its_callee_copied(struct queue *q, struct queue *p, int how) {
  if (how)
    p->length = 1;
  else
    p->length = 0;
  copy_length(q, p);
  pthread_mutex_lock(&all); // expected-note{{'all' is taken here}}
  if (q->on)
    pthread_mutex_lock(&all); // expected-warning{{lock 'all' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}}
  pthread_mutex_unlock(&all);
}

static void turn_on(struct queue *q) { q->on = 1; }

void bad_asks_what_it_may_have_called(struct queue *q, int how) {
  q->on = 0;
  if (how)
    turn_on(q);
  pthread_mutex_lock(&all); // expected-note{{'all' is taken here}}
  if (q->on)
    pthread_mutex_lock(&all); // expected-warning{{lock 'all' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}}
  pthread_mutex_unlock(&all);
}

void good_asks_what_its_callee_decided(struct queue *q, int how) {
  decide(q, how);
  if (q->on)
    pthread_mutex_lock(&all);
  q->length++;
  if (q->on)
    pthread_mutex_unlock(&all);
}

int is_busy(const struct queue *q);
_Bool is_closed(const struct queue *q);

// What an unseen function is asked again is answered again in the same way.
void bad_asks_again(struct queue *q) {
  pthread_mutex_lock(&all); // expected-note 0-1{{'all' is taken here}}
  pthread_mutex_unlock(&all); // expected-note 0-1{{'all' is released here}}
  if (is_closed(q)) {
    pthread_mutex_lock(&all); // expected-note 0-1{{'all' is taken here}}
    pthread_mutex_unlock(&all); // expected-note 0-1{{'all' is released here}}
  }
  if (is_busy(q)) {
    pthread_mutex_lock(&q->mu);
    q->on++;
    pthread_mutex_unlock(&q->mu);
  }
  if (!is_closed(q))
    pthread_mutex_unlock(&all); // expected-warning{{lock 'all' is released, but was already released [safespawn.lock.NotHeld]}}
}

struct pair {
  struct {
    int length, on;
  } first;
  union {
    int here;
    int there;
  };
};

// A struct is written as a whole and read by its members.
void bad_copies_a_struct(struct pair *p, int how) {
  struct pair a, b;
  if (how)
    a.first.on = 1;
  else
    a.first.on = 0;
  b = a;
  pthread_mutex_lock(&all); // expected-note{{'all' is taken here}}
  if (b.first.on)
    pthread_mutex_lock(&all); // expected-warning{{lock 'all' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}}
  p->first.length = b.first.length;
  pthread_mutex_unlock(&all);
}

void bad_by_another_member(int how) {
  struct pair a;
  if (how)
    a.here = 1;
  else
    a.here = 0;
  pthread_mutex_lock(&all); // expected-note{{'all' is taken here}}
  if (a.there)
    pthread_mutex_lock(&all); // expected-warning{{lock 'all' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}}
  pthread_mutex_unlock(&all);
}

static pthread_mutex_t lanes[256];
static unsigned lane_of[4] = {0, 64, 128, 192};

// The index has no value at first, and has one where the path has asked for it.
int good_asks_for_the_index(int *lengths, void (*use)(int)) {
  int sum = 0;
  for (int n = 0; n < 64; n++) {
    for (int x = 0; x < 4; x++) {
      int i = n | lane_of[x];
      pthread_mutex_lock(&lanes[i]);
      switch (lane_of[x]) {
      case 0:
        sum += lengths[i];
        break;
      case 64:
        sum -= lengths[i];
        break;
      case 128:
        sum += 2;
        break;
      }
      pthread_mutex_unlock(&lanes[i]);
    }
    use(sum);
  }
  return sum;
}

void bad_another_index_twice(int i) {
  pthread_mutex_lock(&lanes[i]);
  pthread_mutex_unlock(&lanes[3]); // it may be that one
  pthread_mutex_lock(&lanes[4]); // expected-note{{'lanes[4]' is taken here}}
  pthread_mutex_unlock(&lanes[4]); // expected-note{{'lanes[4]' is released here}}
  pthread_mutex_unlock(&lanes[4]); // expected-warning{{lock 'lanes[4]' is released, but was already released [safespawn.lock.NotHeld]}}
}
