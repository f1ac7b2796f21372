// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/threads.h"

int prepare(void);

struct queue {
  mtx_t mu;
  int n;
};
struct tree {
  mtx_t mu;
  struct tree *left, *right;
};

static int size(struct queue *q) {
  mtx_lock(&q->mu); // expected-warning{{lock 'q->mu' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}}
  int n = q->n;
  mtx_unlock(&q->mu);
  return n;
}

int bad_through_a_callee(struct queue *q) {
  mtx_lock(&q->mu); // expected-note{{'q->mu' is taken here}}
  int n = size(q) + 1;
  mtx_unlock(&q->mu);
  return n;
}

int bad_plain(void) {
  mtx_t m;
  if (mtx_init(&m, mtx_plain | mtx_timed) != thrd_success) // expected-note{{'m' is initialised here}}
    return -1;
  mtx_lock(&m); // expected-note{{'m' is taken here}}
  mtx_lock(&m); // expected-warning{{lock 'm' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}}
  return 0;
}

int make_tree(struct tree *t) { return mtx_init(&t->mu, mtx_plain | mtx_recursive); }

int good_recursive(struct tree *t) {
  mtx_lock(&t->mu);
  mtx_lock(&t->mu);
  int leaf = !t->left && !t->right;
  mtx_unlock(&t->mu);
  mtx_unlock(&t->mu);
  return leaf;
}

int good_recursive_here(void) {
  mtx_t m;
  if (mtx_init(&m, mtx_recursive) != thrd_success)
    return -1;
  mtx_lock(&m);
  mtx_lock(&m);
  mtx_unlock(&m);
  mtx_unlock(&m);
  mtx_destroy(&m);
  return 0;
}

int good_tried(struct queue *q) {
  mtx_lock(&q->mu);
  int rc = mtx_trylock(&q->mu);
  mtx_unlock(&q->mu);
  return rc;
}
