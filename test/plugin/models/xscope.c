// A library of scopes of the project's own, described by the .safespawn.yaml beside this file.
// RUN: %clang -fsyntax-only -fplugin=%plugin_so -Xclang -verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
typedef struct xgroup { long inside[8]; } xgroup;
typedef struct xwork { long inside[4]; } xwork;
typedef struct xstop *xstop_t;

int xgroup_open(xgroup *group, int limit);
void xgroup_limit(xgroup *group, int limit);
int xgroup_go(xgroup *group, xwork *work, int (*entry)(void *), void *argument);
void xgroup_stop(xgroup *group);
void xgroup_seal(xgroup *group);
int xgroup_wait(xgroup *group);
xgroup *xgroup_mine(void);
int xwork_wait(xwork *work);
xstop_t xstop_new(void);
int xstop_asked(xstop_t stop);

int work(void *argument);
int fetch(const char *path, xstop_t stop);

int bad_never_waited(void) {
  xgroup group;
  if (!xgroup_open(&group, 0)) // expected-note{{'group' is opened here}}
    return -1;
  return xgroup_go(&group, 0, work, 0); // expected-note{{'group' is given a task here}}
  // expected-warning@-1{{leaves 'bad_never_waited' with scope 'group' not joined [safespawn.scope.Unjoined]}}
}

int bad_limit_after_the_first_task(void) {
  xgroup group;
  if (!xgroup_open(&group, 0)) // expected-note{{'group' is opened here}}
    return -1;
  int started = xgroup_go(&group, 0, work, 0); // expected-note{{'group' is given a task here}}
  xgroup_limit(&group, 4); // expected-warning{{the limit of scope 'group' is set after its first task [safespawn.scope.Order]}}
  return xgroup_wait(&group) && started;
}

int bad_task_after_the_end(void) {
  xgroup group;
  if (!xgroup_open(&group, 0)) // expected-note{{'group' is opened here}}
    return -1;
  xgroup_seal(&group); // expected-note{{'group' is closed here}}
  int started = xgroup_go(&group, 0, work, 0); // expected-warning{{a task is spawned into scope 'group', which is closed [safespawn.scope.Order]}}
  return xgroup_wait(&group) && started;
}

int bad_result_ignored(void) {
  xgroup group;
  if (!xgroup_open(&group, 0))
    return -1;
  if (!xgroup_go(&group, 0, work, 0))
    xgroup_limit(&group, 1);
  xgroup_wait(&group); // expected-warning{{result of the join of scope 'group' is ignored: nobody learns that a task failed [safespawn.scope.DroppedError]}}
  return 0;
}

static int bad_waits_for_a_task(void *argument) {
  xwork inner;
  if (!xgroup_go(xgroup_mine(), &inner, work, argument)) // expected-note{{the other task is spawned here}}
    return -1;
  return xwork_wait(&inner) ? 0 : -1; // expected-warning{{task waits for one that it spawned into its own scope: with the limit reached, that one waits for the place of the first [safespawn.scope.NestedLimit]}}
}

static int bad_goes_on(void *argument) {
  while (!xstop_asked(0)) // expected-note{{the loop of 'bad_goes_on'}}
    work(argument);
  return 0;
}

int bad_daemon(void) {
  xgroup group;
  if (!xgroup_open(&group, 4))
    return -1;
  int started = xgroup_go(&group, 0, bad_waits_for_a_task, 0); // expected-note{{'bad_waits_for_a_task' is a task of the scope, spawned here}}
  if (started)
    started = xgroup_go(&group, 0, bad_goes_on, 0);
  // expected-warning@-1{{task 'bad_goes_on' goes on until it is cancelled, and its scope is joined without that: the join waits for ever [safespawn.scope.Daemon]}}
  return xgroup_wait(&group) && started; // expected-note{{the scope is joined here}}
}

int bad_new_token(const char *path, xstop_t stop) {
  return fetch(path, xstop_new()); // expected-warning{{'fetch' gets a new token, though 'stop' is at hand: a request to stop does not reach it [safespawn.cancel.FreshToken]}}
  // expected-note@-1{{the token is made here, and nothing tells it}}
}

int good_group(int n) {
  xgroup group;
  if (!xgroup_open(&group, 0))
    return -1;
  xgroup_limit(&group, 4);
  int started = 1;
  for (int i = 0; started && i < n; i++)
    started = xgroup_go(&group, 0, work, 0);
  if (!started)
    xgroup_stop(&group);
  return xgroup_wait(&group) && started;
}

int good_token(const char *path, xstop_t stop) { return fetch(path, stop); }
