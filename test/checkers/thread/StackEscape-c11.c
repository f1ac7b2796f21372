// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/threads.h"

int work(void *arg);
int prepare(void);

struct start {
  int number;
  int copied;
  mtx_t lock;
  cnd_t changed;
};

int bad_detached(void) {
  thrd_t t;
  int number = 1;
  if (thrd_create(&t, work, &number) != thrd_success)
  // expected-warning@-1{{thread 't' gets the address of local 'number' and may outlive 'bad_detached' [safespawn.thread.StackEscape]}}
    return -1;
  return thrd_detach(t);
  // expected-note@-1{{'t' is detached here}}
  // expected-note@-2{{'bad_detached' ends here, and 'number' with it}}
}

int bad_early_return(void) {
  thrd_t t;
  int number = 1;
  if (thrd_create(&t, work, &number) != thrd_success)
  // expected-warning@-1{{thread 't' gets the address of local 'number' and may outlive 'bad_early_return' [safespawn.thread.StackEscape]}}
    return -1;
  if (prepare()) // expected-note{{'prepare' fails: taking the early return}}
    return -1; // expected-note{{'bad_early_return' ends here, and 'number' with it}}
  return thrd_join(t, NULL);
}

int bad_handle_for_the_caller(thrd_t *out) {
  int number = 1;
  return thrd_create(out, work, &number);
  // expected-warning@-1{{thread '*out' gets the address of local 'number' and may outlive 'bad_handle_for_the_caller' [safespawn.thread.StackEscape]}}
  // expected-note@-2{{'bad_handle_for_the_caller' ends here, and 'number' with it}}
}

int good_joined(void) {
  thrd_t t;
  int number = 1, result;
  if (thrd_create(&t, work, &number) != thrd_success)
    return -1;
  thrd_join(t, &result);
  return result;
}

int good_heap_object(void) {
  thrd_t t;
  int *number = malloc(sizeof *number);
  if (!number)
    return -1;
  *number = 1;
  if (thrd_create(&t, work, number) != thrd_success) {
    free(number);
    return -1;
  }
  return thrd_detach(t);
}

static int copies_before_it_signals(void *arg) {
  struct start *s = arg;
  int number = s->number;
  mtx_lock(&s->lock);
  s->copied = 1;
  cnd_signal(&s->changed);
  mtx_unlock(&s->lock);
  return number;
}

int good_hand_shake_by_condition(thrd_t *out) {
  struct start s = {.number = 1};
  if (mtx_init(&s.lock, mtx_plain) != thrd_success || cnd_init(&s.changed) != thrd_success)
    return -1;
  if (thrd_create(out, copies_before_it_signals, &s) != thrd_success)
    return -1;
  mtx_lock(&s.lock);
  while (!s.copied)
    cnd_wait(&s.changed, &s.lock);
  mtx_unlock(&s.lock);
  return 0;
}
