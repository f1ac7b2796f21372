// A user's own locks and conditions: their types, and what copies memory.
// RUN: rm -rf %t && split-file %s %t
// RUN: %clang -fsyntax-only -fplugin=%plugin_so -Xclang -verify %t/code.c
// RUN: %clang -fsyntax-only -fplugin=%plugin_so -fplugin-arg-safespawn-no-config %t/code.c 2>&1 | count 0

//--- .safespawn.yaml
Models:
  - {call: xlock_take, args: 1, effect: acquire, object: 0, released-by: xlock_give}
  - {call: xlock_give, args: 1, effect: release, object: 0}
  - {call: xevent_wait, args: 2, effect: wait, object: 0, lock: 1}
  - {call: xevent_wake, args: 1, effect: post, object: 0, broadcast: xevent_wake_all}
  - {call: xmove, args: 3, effect: copy, destination: 1, source: 0, size: 2}
Types:
  - {type: xlock, is: lock}
  - {type: xevent_t, is: condition}
//--- code.c
struct xlock {
  int word;
};
typedef struct {
  int word;
} xevent_t;

void xlock_take(struct xlock *lock);
void xlock_give(struct xlock *lock);
void xevent_wait(xevent_t *event, struct xlock *lock);
void xevent_wake(xevent_t *event);
void xmove(const void *from, void *to, unsigned long size);

struct queue {
  struct xlock lock; // expected-note 2{{the lock is declared here}}
  xevent_t changed;
  int length;
};

void bad_assigned(struct queue *to, struct queue *from) {
  *to = *from; // expected-warning{{assignment copies lock 'from->lock' by value}}
}

void bad_moved(struct queue *to, struct queue *from) {
  xmove(from, to, sizeof(*to)); // expected-warning{{'xmove' copies lock 'from->lock' by value}}
}

void bad_event(xevent_t *to, xevent_t *from) {
  *to = *from; // expected-warning{{assignment copies condition '*from' by value}}
}

void bad_wait(struct queue *queue) {
  xlock_take(&queue->lock);
  if (!queue->length) // expected-note{{tested here, and not again after the wait}}
    xevent_wait(&queue->changed, &queue->lock); // expected-warning{{'xevent_wait' waits without a loop}}
  xlock_give(&queue->lock);
}

void good_wait(struct queue *queue) {
  xlock_take(&queue->lock);
  while (!queue->length)
    xevent_wait(&queue->changed, &queue->lock);
  xlock_give(&queue->lock);
}
