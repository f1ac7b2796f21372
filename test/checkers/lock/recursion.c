// Functions that call themselves, directly or not: what triage guesses of them, and what it need not look at.
// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
// RUN: %command check --stats --no-config %s -- -I%project/test > %t.out; test $? = 1
// RUN: FileCheck %s --check-prefix=STATS < %t.out
// The balanced ones on a lock of the file's, and who calls them, are no suspects.
// STATS: total {{ *}}18 {{ *}}18 {{ *}}9 {{ *}}9
#include "Inputs/pthread.h"

struct node {
  struct node *left, *right, *parent;
  pthread_mutex_t mu;
  int count;
};

static pthread_mutex_t tree = PTHREAD_MUTEX_INITIALIZER;

static void visit(struct node *n) {
  pthread_mutex_lock(&tree);
  n->count++;
  pthread_mutex_unlock(&tree);
  if (n->left)
    visit(n->left);
}

void good_walk(struct node *n) {
  visit(n);
  pthread_mutex_lock(&tree);
  n->count++;
  pthread_mutex_unlock(&tree);
}

static void by_turns(struct node *n);

static void in_turn(struct node *n) {
  pthread_mutex_lock(&tree);
  n->count++;
  pthread_mutex_unlock(&tree);
  if (n->right)
    by_turns(n->right);
}

static void by_turns(struct node *n) {
  if (n->left)
    in_turn(n->left);
}

void good_walk_by_turns(struct node *n) { by_turns(n); }

void bad_walk_holding(struct node *n) {
  pthread_mutex_lock(&tree); // expected-warning{{lock 'tree' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}} expected-note 0+{{}}
  if (n->left) // expected-note 0+{{}}
    bad_walk_holding(n->left); // expected-note 0+{{}}
  pthread_mutex_unlock(&tree);
}

static void down(struct node *n) {
  pthread_mutex_lock(&n->mu);
  if (n->left)
    down(n->left);
  pthread_mutex_unlock(&n->mu);
}

void good_hand_over_hand(struct node *n) { down(n); }

static int take_below(struct node *n) {
  if (n->left)
    return take_below(n->left);
  pthread_mutex_lock(&tree); // expected-note 0+{{}}
  return n->count;
}

int bad_takes_below(struct node *n) {
  int count = take_below(n); // expected-note 0+{{}}
  if (count) // expected-note 0+{{}}
    return -1; // expected-warning{{lock 'tree' is still held when 'bad_takes_below' returns [safespawn.lock.Leak]}} expected-note 0+{{}}
  pthread_mutex_unlock(&tree);
  return 0;
}

// Each round would give the locks further up new names.
static void count_up(struct node *n) {
  pthread_mutex_lock(&n->mu);
  n->count++;
  pthread_mutex_unlock(&n->mu);
  if (n->parent)
    count_up(n->parent);
}

void good_counts_up(struct node *n) { count_up(n); }

void bad_counts_up_holding(struct node *n) {
  pthread_mutex_lock(&tree); // expected-note 0+{{}}
  count_up(n);
  if (n->count) // expected-note 0+{{}}
    return; // expected-warning{{lock 'tree' is still held when 'bad_counts_up_holding' returns [safespawn.lock.Leak]}} expected-note 0+{{}}
  pthread_mutex_unlock(&tree);
}

// A function that calls itself, and another one that does, of which it must not be asked again meanwhile.
static void each_right(struct node *n) {
  pthread_mutex_lock(&n->mu);
  n->count++;
  pthread_mutex_unlock(&n->mu);
  if (n->right)
    each_right(n->right);
}

static int each_left(struct node *n) {
  each_right(n);
  if (n->left)
    return each_left(n->left);
  pthread_mutex_lock(&tree); // expected-note 0+{{}}
  return n->count;
}

int bad_leaves_it_to_each_left(struct node *n) {
  int count = each_left(n); // expected-note 0+{{}}
  if (count > 1) // expected-note 0+{{}}
    return -1; // expected-warning{{lock 'tree' is still held when 'bad_leaves_it_to_each_left' returns [safespawn.lock.Leak]}} expected-note 0+{{}}
  pthread_mutex_unlock(&tree);
  return 0;
}

// What a function asks for that calls itself through another one is asked for by that one too.
static void restart(struct node *n, int how);

void bad_restarts(struct node *n, int how) {
  if (how > 1)
    restart(n->left, how);
  if (n->count) {
    pthread_mutex_lock(&tree); // expected-warning{{lock 'tree' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}}
    pthread_mutex_unlock(&tree);
  }
}

static void restart(struct node *n, int how) {
  if (how > 2)
    n->count = 1;
  else
    n->count = 0;
  pthread_mutex_lock(&tree); // expected-note{{'tree' is taken here}}
  bad_restarts(n, 0);
  pthread_mutex_unlock(&tree);
}
