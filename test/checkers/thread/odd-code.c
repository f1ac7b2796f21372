// What C allows around a handle: guards of all kinds, casts, unions, pointers to functions, recursion, goto.
// RUN: %safespawn_verify -fplugin-arg-safespawn-profile=strict %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note -Xclang -analyzer-config -Xclang safespawn:Profile=strict %s
#include "Inputs/pthread.h"

void *work(void *arg);
int prepare(void);
int accept_client(int s);
int more(void);
void log_error(const char *text);

static void die(const char *text) {
  perror(text);
  exit(1);
}

int good_through_pointer(int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *)) {
  pthread_t t;
  if (create(&t, NULL, work, NULL))
    return -1;
  return pthread_join(t, NULL);
}

struct ops {
  int (*start)(pthread_t *t);
  int (*stop)(pthread_t t);
};
int good_ops(struct ops *o) {
  pthread_t t;
  if (o->start(&t))
    return -1;
  return o->stop(t);
}

int good_function_pointer_variable(void) {
  int (*create)(pthread_t *restrict, const pthread_attr_t *restrict, void *(*)(void *), void *restrict) =
      pthread_create;
  pthread_t t;
  if (create(&t, NULL, work, NULL))
    return -1;
  return pthread_join(t, NULL);
}

int good_volatile_flag(void) {
  pthread_t t;
  volatile int up = 0;
  if (pthread_create(&t, NULL, work, (void *)&up))
    return -1;
  while (!up)
    sleep(1);
  return pthread_join(t, NULL);
}

int good_stmt_expr(void) {
  pthread_t t = ({
    pthread_t inner;
    if (pthread_create(&inner, NULL, work, NULL))
      die("x");
    inner;
  });
  return pthread_join(t, NULL);
}

int good_cast_void_ptr(void **slot) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL))
    return -1;
  *slot = (void *)t;
  return 0;
}

int good_cast_integer(unsigned long long *slot) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL))
    return -1;
  *slot = (unsigned long long)t + 1;
  return 0;
}

union u {
  pthread_t t;
  unsigned long n;
};
int good_union(void) {
  union u x;
  if (pthread_create(&x.t, NULL, work, NULL))
    return -1;
  return pthread_join(x.t, NULL);
}

int good_array_in_struct_in_array(int n) {
  struct {
    struct {
      pthread_t t[2];
    } a[4];
  } s;
  for (int i = 0; i < n; i++)
    for (int j = 0; j < 2; j++)
      if (pthread_create(&s.a[i].t[j], NULL, work, NULL))
        die("x");
  for (int i = 0; i < n; i++)
    for (int j = 0; j < 2; j++)
      pthread_join(s.a[i].t[j], NULL);
  return 0;
}

int good_inner_function_params(int argc, char *argv[], pthread_t out[argc]) {
  for (int i = 0; i < argc; i++)
    if (pthread_create(&out[i], NULL, work, argv[i]))
      return i;
  return argc;
}

int good_goto_loop(int n) {
  pthread_t t[8];
  int i = 0;
again:
  if (i < n) {
    if (pthread_create(&t[i], NULL, work, NULL))
      die("x");
    i++;
    goto again;
  }
  for (i = 0; i < n; i++)
    pthread_join(t[i], NULL);
  return 0;
}

int good_goto_loop_join(int n) {
  pthread_t t[8];
  int i;
  for (i = 0; i < n; i++)
    if (pthread_create(&t[i], NULL, work, NULL))
      die("x");
  i = 0;
next:
  if (i < n) {
    pthread_join(t[i++], NULL);
    goto next;
  }
  return 0;
}

int good_recursive_join(pthread_t *t, int n) {
  if (n == 0)
    return 0;
  pthread_join(t[n - 1], NULL);
  return good_recursive_join(t, n - 1);
}

static void join_rec(pthread_t *t, int n) {
  if (n == 0)
    return;
  pthread_join(*t, NULL);
  join_rec(t + 1, n - 1);
}
int good_joined_recursively(int n) {
  pthread_t t[8];
  for (int i = 0; i < n; i++)
    if (pthread_create(&t[i], NULL, work, NULL))
      die("x");
  join_rec(t, n);
  return 0;
}

int good_unrolled(void) {
  pthread_t t[3];
  if (pthread_create(&t[0], NULL, work, NULL))
    return -1;
  if (pthread_create(&t[1], NULL, work, NULL)) {
    pthread_join(t[0], NULL);
    return -1;
  }
  if (pthread_create(&t[2], NULL, work, NULL)) {
    pthread_join(t[0], NULL);
    pthread_join(t[1], NULL);
    return -1;
  }
  for (int i = 0; i < 3; i++)
    pthread_join(t[i], NULL);
  return 0;
}

int good_loop_then_unrolled(void) {
  pthread_t t[2];
  for (int i = 0; i < 2; i++)
    if (pthread_create(&t[i], NULL, work, NULL))
      die("x");
  pthread_join(t[0], NULL);
  pthread_join(t[1], NULL);
  return 0;
}

int good_pair_of_arrays_by_pointer(int n) {
  pthread_t all[8], *p = all, *end = all + n;
  while (p != end) {
    if (pthread_create(p, NULL, work, NULL))
      die("x");
    ++p;
  }
  while (p-- != all)
    pthread_join(*p, NULL);
  return 0;
}

int good_handles_from_struct_copy(void) {
  struct {
    pthread_t t;
    int n;
  } a, b;
  if (pthread_create(&a.t, NULL, work, NULL))
    return -1;
  a.n = 1;
  b = a;
  return pthread_join(b.t, NULL);
}

static int create_pair(pthread_t out[2]) {
  if (pthread_create(&out[0], NULL, work, NULL))
    return -1;
  if (pthread_create(&out[1], NULL, work, NULL)) {
    pthread_join(out[0], NULL);
    return -1;
  }
  return 0;
}
int good_pair(void) {
  pthread_t t[2];
  if (create_pair(t))
    return -1;
  pthread_join(t[0], NULL);
  pthread_join(t[1], NULL);
  return 0;
}

int good_errors_counted(int n) {
  pthread_t t[16];
  int ok[16], failed = 0;
  for (int i = 0; i < n; i++) {
    ok[i] = !pthread_create(&t[i], NULL, work, NULL);
    if (!ok[i])
      failed++;
  }
  for (int i = 0; i < n; i++)
    if (ok[i] && pthread_join(t[i], NULL))
      failed++;
  return failed;
}

int good_assert_create(void) {
  pthread_t t;
  assert(!pthread_create(&t, NULL, work, NULL));
  assert(!pthread_join(t, NULL));
  return 0;
}

int good_early_exit_by_longer_condition(int a, int b) {
  pthread_t t;
  if (a && b && pthread_create(&t, NULL, work, NULL) != 0)
    return -1;
  prepare();
  if (a && b)
    return pthread_join(t, NULL);
  return 0;
}

int good_guard_stored(int a, int b) {
  pthread_t t;
  const int threaded = a > 1 && b != 0;
  if (threaded && pthread_create(&t, NULL, work, NULL) != 0)
    return -1;
  prepare();
  return threaded ? pthread_join(t, NULL) : 0;
}

int good_guard_inverted(int single) {
  pthread_t t;
  if (!single) {
    if (pthread_create(&t, NULL, work, NULL) != 0)
      return -1;
  }
  prepare();
  if (single)
    return 0;
  return pthread_join(t, NULL);
}

int good_guard_other_side(int n) {
  pthread_t t;
  if (n > 1)
    if (pthread_create(&t, NULL, work, NULL) != 0)
      return -1;
  prepare();
  if (n <= 1)
    return 0;
  return pthread_join(t, NULL);
}

extern int nthreads;
int good_global_guard_other_side(void) {
  pthread_t t;
  if (nthreads > 1)
    if (pthread_create(&t, NULL, work, NULL) != 0)
      return -1;
  prepare();
  if (nthreads <= 1)
    return 0;
  return pthread_join(t, NULL);
}

int good_predicate_guard(void) {
  extern _Bool want_threads(void);
  pthread_t t;
  if (want_threads() && pthread_create(&t, NULL, work, NULL))
    return -1;
  prepare();
  if (want_threads())
    pthread_join(t, NULL);
  return 0;
}

int good_mask_guard(unsigned opts) {
  pthread_t t;
  if ((opts & 4) != 0 && pthread_create(&t, NULL, work, NULL))
    return -1;
  prepare();
  if (opts & 4)
    pthread_join(t, NULL);
  return 0;
}

int good_switch_guard(int mode) {
  pthread_t t;
  switch (mode) {
  case 1:
    if (pthread_create(&t, NULL, work, NULL))
      return -1;
    break;
  case 2:
    prepare();
    break;
  }
  prepare();
  switch (mode) {
  case 1:
    pthread_join(t, NULL);
    break;
  }
  return 0;
}

struct opt {
  int mode;
  char *name;
};
int good_switch_guard_field(struct opt *o) {
  pthread_t t;
  switch (o->mode) {
  case 1:
    if (pthread_create(&t, NULL, work, NULL))
      return -1;
    break;
  }
  prepare();
  if (o->mode == 1)
    pthread_join(t, NULL);
  return 0;
}

int good_pointer_guard(struct opt *o) {
  pthread_t t;
  if (o && o->name)
    if (pthread_create(&t, NULL, work, o))
      return -1;
  prepare();
  if (o && o->name)
    pthread_join(t, NULL);
  return 0;
}

int good_null_compared_or_not(struct opt *o) {
  pthread_t t;
  if (o->name != NULL && pthread_create(&t, NULL, work, o))
    return -1;
  prepare();
  if (o->name)
    pthread_join(t, NULL);
  return 0;
}

union both {
  pthread_t t;
  unsigned long n;
};

int bad_union(void) {
  union both x;
  if (pthread_create(&x.t, NULL, work, NULL)) // expected-note{{'x.t' is spawned here}}
    return -1;
  return prepare();
  // expected-warning@-1{{leaves 'bad_union' with thread 'x.t' neither joined nor detached [safespawn.thread.Leak]}}
}

int bad_statement_expression(void) {
  pthread_t t = ({
    pthread_t inner;
    if (pthread_create(&inner, NULL, work, NULL)) // expected-note{{'inner' is spawned here}}
      die("pthread_create");
    inner;
  });
  if (prepare()) // expected-note{{'prepare' fails: taking the early return}}
    return -1;
    // expected-warning@-1{{leaves 'bad_statement_expression' with thread 'inner' neither joined nor detached [safespawn.thread.Leak]}}
  return pthread_join(t, NULL);
}

int bad_guard_changed_in_between(int threaded) {
  pthread_t t;
  if (threaded && pthread_create(&t, NULL, work, NULL)) // expected-note{{'t' is spawned here}}
    return -1;
  if (prepare())
    threaded = 0;
  if (threaded) // expected-note{{'threaded' does not hold: 't' is not joined}}
    pthread_join(t, NULL);
  return 0;
  // expected-warning@-1{{leaves 'bad_guard_changed_in_between' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
}

int bad_guard_of_the_field_cleared(struct opt *o) {
  pthread_t t;
  if (o->mode && pthread_create(&t, NULL, work, NULL)) // expected-note{{'t' is spawned here}}
    return -1;
  o->mode = 0;
  prepare();
  if (o->mode) // expected-note{{'o->mode' does not hold: 't' is not joined}}
    pthread_join(t, NULL);
  return 0;
  // expected-warning@-1{{leaves 'bad_guard_of_the_field_cleared' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
}

int bad_goto_loop(int n) {
  pthread_t t;
again:
  if (pthread_create(&t, NULL, work, NULL))
  // expected-warning@-1{{spawn overwrites 't', which still holds a thread that is neither joined nor detached [safespawn.thread.Overwrite]}}
  // expected-note@-2{{'t' is spawned here}}
    die("pthread_create");
  if (--n > 0)
    goto again;
  return pthread_join(t, NULL);
}
