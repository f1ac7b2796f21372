// An API of the project's own, described by the .safespawn.yaml beside this file: the rules hold for it as for pthreads.
// RUN: %clang -fsyntax-only -fplugin=%plugin_so -Xclang -verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
typedef struct xthread *xthread_t;
typedef struct xtask xtask;
typedef unsigned xjob;
enum xresult { X_BUSY, X_DONE };

int xthread_start(xthread_t *thread, void *(*entry)(void *), void *argument);
int xthread_join(xthread_t thread);
void xthread_drop(xthread_t thread);
xthread_t xthread_me(void);
xtask *xtask_run(void (*entry)(void *), void *argument);
void xtask_wait(xtask *task);
int xjob_begin(xjob *job, void (*entry)(void *), void *argument);
int xjob_end(xjob job, int *result);
int xfork(xjob *job, void (*entry)(void *));
void xspawn(xjob *job, void (*entry)(void *));
enum xresult xmake(xjob *job, void (*entry)(void *));
void xstop(void);

void *work(void *argument);
void run(void *argument);
int prepare(void);

int bad_leak(void) {
  xthread_t t;
  if (xthread_start(&t, work, 0)) // expected-note{{'t' is spawned here}}
    return -1;
  return prepare();
  // expected-warning@-1{{leaves 'bad_leak' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
}

int bad_double_join(void) {
  xthread_t t;
  if (xthread_start(&t, work, 0)) // expected-note{{'t' is spawned here}}
    return -1;
  xthread_join(t); // expected-note{{'t' is first joined here}}
  return xthread_join(t); // expected-warning{{handle 't' is joined a second time [safespawn.thread.DoubleJoin]}}
}

int bad_stack_escape(xthread_t *out) {
  int number = 1;
  return xthread_start(out, work, &number);
  // expected-warning@-1{{thread '*out' gets the address of local 'number' and may outlive 'bad_stack_escape' [safespawn.thread.StackEscape]}}
  // expected-note@-2{{'bad_stack_escape' ends here, and 'number' with it}}
}

void bad_unchecked_spawn(xthread_t *out) {
  xthread_start(out, work, 0);
  // expected-warning@-1{{result of the spawn is ignored: when it fails, no thread runs and the handle is garbage [safespawn.thread.UncheckedSpawn]}}
}

int bad_less_than_zero(xthread_t *out) {
  return xthread_start(out, work, 0) < 0;
  // expected-warning@-1{{test 'xthread_start(out, work, 0) < 0' says nothing about the spawn: its errors are positive numbers [safespawn.thread.UncheckedSpawn]}}
  // expected-note@-2{{the result is tested here}}
}

void bad_self_join(void) {
  xthread_join(xthread_me());
  // expected-warning@-1{{thread joins itself and waits forever [safespawn.thread.SelfJoin]}}
  // expected-note@-2{{the calling thread's own handle is taken here}}
}

int bad_returned_handle_lost(void) {
  xtask *t = xtask_run(run, 0); // expected-note{{the thread is spawned here}}
  if (!t)
    return -1;
  if (prepare()) // expected-note{{'prepare' fails: taking the early return}}
    return -1;
    // expected-warning@-1{{leaves 'bad_returned_handle_lost' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
  xtask_wait(t);
  return 0;
}

int bad_returned_handle_nowhere(void) {
  if (!xtask_run(run, 0)) // expected-note{{the thread is spawned here}}
    return -1;
  return prepare();
  // expected-warning@-1{{leaves 'bad_returned_handle_nowhere' with thread 'xtask_run(run, 0)' neither joined nor detached [safespawn.thread.Leak]}}
}

int bad_success_taken_for_failure(void) {
  xjob job;
  if (xjob_begin(&job, run, 0))
  // expected-note@-1 2 {{'job' is spawned here}}
  // expected-note@-2{{'xjob_begin(&job, run, 0)' holds: taking the early return}}
  // expected-note@-3{{assuming that the spawn fails}}
    return -1;
    // expected-warning@-1{{leaves 'bad_success_taken_for_failure' with thread 'job' neither joined nor detached [safespawn.thread.Leak]}}
  xjob_end(job, 0);
  // expected-warning@-1{{handle 'job' is joined, but its spawn failed on this path [safespawn.thread.JoinUnspawned]}}
  return 0;
}

int bad_negative_is_failure(void) {
  xjob job;
  if (xfork(&job, run) < 0) // expected-note{{'job' is spawned here}}
    return -1;
  return prepare();
  // expected-warning@-1{{leaves 'bad_negative_is_failure' with thread 'job' neither joined nor detached [safespawn.thread.Leak]}}
}

int bad_cannot_fail(void) {
  xjob job;
  xspawn(&job, run); // expected-note{{'job' is spawned here}}
  return prepare();
  // expected-warning@-1{{leaves 'bad_cannot_fail' with thread 'job' neither joined nor detached [safespawn.thread.Leak]}}
}

int bad_named_success(void) {
  xjob job;
  if (xmake(&job, run) == X_DONE)
  // expected-note@-1{{'job' is spawned here}}
  // expected-note@-2{{'xmake(&job, run) == X_DONE' holds: taking the early return}}
    return prepare();
    // expected-warning@-1{{leaves 'bad_named_success' with thread 'job' neither joined nor detached [safespawn.thread.Leak]}}
  return 0;
}

int good_joined(void) {
  xthread_t t;
  if (xthread_start(&t, work, 0))
    return -1;
  return xthread_join(t);
}

int good_dropped(void) {
  xthread_t t;
  if (xthread_start(&t, work, 0))
    return -1;
  xthread_drop(t);
  return 0;
}

int good_waited_for(void) {
  xtask *t = xtask_run(run, 0);
  if (!t)
    return -1;
  xtask_wait(t);
  return 0;
}

xtask *good_returned_handle_returned(void) {
  xtask *t = xtask_run(run, 0);
  if (!t)
    xstop();
  return t;
}

struct owner {
  xtask *task;
};

int good_returned_handle_stored(struct owner *o) {
  o->task = xtask_run(run, 0);
  return o->task ? 0 : -1;
}

// Handed on under a condition that its callers keep.
static int start_into(struct owner *o) {
  xtask *task = xtask_run(run, 0);
  if (task && o)
    o->task = task;
  return task ? 0 : -1;
}

int good_fills_in(struct owner *o, int n) { return start_into(&o[n]); }

int good_success_is_true(void) {
  xjob job;
  int result;
  if (!xjob_begin(&job, run, 0))
    return -1;
  return xjob_end(job, &result);
}

int good_negative_is_failure(xjob *job) {
  if (xfork(job, run) < 0)
    return -1;
  return 0;
}

void good_cannot_fail(xjob *job) { xspawn(job, run); }

int good_process_ends(void) {
  xthread_t t;
  if (xthread_start(&t, work, 0))
    xstop();
  if (prepare())
    xstop();
  return xthread_join(t);
}

int xother_join(xthread_t thread);

int good_call_without_a_row(xthread_t t) {
  xother_join(t);
  return xother_join(t);
}
