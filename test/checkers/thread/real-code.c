// Shapes of real code, bad and good: several rules at once, as they meet it.
// RUN: %safespawn_verify -fplugin-arg-safespawn-profile=strict %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note -Xclang -analyzer-config -Xclang safespawn:Profile=strict %s
#include "Inputs/pthread.h"

void *work(void *arg);
int prepare(void);
int accept_client(int s);
int more(void);
void log_error(const char *text);
void bzero(void *pointer, size_t size);

struct node {
  pthread_t tid;
  struct node *next;
  int done;
  int started;
};
struct server {
  pthread_t threads[32];
  int nthreads;
  pthread_t acceptor;
  int running;
  pthread_mutex_t lock;
  struct node *head;
};
struct ctx {
  pthread_t a, b;
  int have_a, have_b;
};

static void die(const char *text) {
  perror(text);
  exit(1);
}

static void join_all(pthread_t *t, int n) {
  for (int i = 0; i < n; i++)
    pthread_join(t[i], NULL);
}

int good_server_start(struct server *s, int n) {
  for (s->nthreads = 0; s->nthreads < n; s->nthreads++) {
    int rc = pthread_create(&s->threads[s->nthreads], NULL, work, s);
    if (rc) {
      log_error("x");
      break;
    }
  }
  return s->nthreads;
}

void good_server_stop(struct server *s) {
  s->running = 0;
  for (int i = 0; i < s->nthreads; i++)
    if (pthread_join(s->threads[i], NULL) != 0)
      log_error("join");
  s->nthreads = 0;
  pthread_join(s->acceptor, NULL);
}

int good_flags_in_a_zeroed_struct(int flags) {
  struct ctx c;
  int rc = 0;
  memset(&c, 0, sizeof c);
  if (flags & 1) {
    if ((rc = pthread_create(&c.a, NULL, work, &c)) != 0)
      goto done;
    c.have_a = 1;
  }
  if (flags & 2) {
    if ((rc = pthread_create(&c.b, NULL, work, &c)) != 0)
      goto done;
    c.have_b = 1;
  }
  rc = prepare();
done:
  if (c.have_b)
    pthread_join(c.b, NULL);
  if (c.have_a)
    pthread_join(c.a, NULL);
  return rc;
}

int good_flags_bits(int flags) {
  pthread_t a, b;
  if (flags & 1)
    if (pthread_create(&a, NULL, work, NULL))
      die("a");
  if (flags & 2)
    if (pthread_create(&b, NULL, work, NULL))
      die("b");
  prepare();
  if (flags & 1)
    pthread_join(a, NULL);
  if (flags & 2)
    pthread_join(b, NULL);
  return 0;
}

int bad_accept_loop_detaches(int s) {
  for (;;) {
    int fd = accept_client(s);
    pthread_t t;
    if (fd < 0)
      continue;
    if (pthread_create(&t, NULL, work, (void *)(intptr_t)fd) != 0) { // expected-note{{'t' is spawned here}}
      log_error("no thread");
      continue;
    }
    pthread_detach(t);
    // expected-warning@-1{{thread is detached: nobody can wait for it, cancel it or see its error [safespawn.thread.Detached]}}
    // expected-note@-2{{'t' is detached here}}
  }
}

int good_list_of_threads(int n) {
  struct node *head = NULL;
  for (int i = 0; i < n; i++) {
    struct node *x = malloc(sizeof *x);
    if (!x)
      break;
    if (pthread_create(&x->tid, NULL, work, x)) {
      free(x);
      break;
    }
    x->next = head;
    head = x;
  }
  while (head) {
    struct node *next = head->next;
    pthread_join(head->tid, NULL);
    free(head);
    head = next;
  }
  return 0;
}

int good_two_threads_or_die(int argc, char **argv) {
  pthread_t prod, cons;
  int rc;
  rc = pthread_create(&prod, NULL, work, NULL);
  if (rc != 0)
    die("prod");
  rc = pthread_create(&cons, NULL, work, NULL);
  if (rc != 0)
    die("cons");
  rc = pthread_join(prod, NULL);
  if (rc != 0)
    die("join");
  rc = pthread_join(cons, NULL);
  if (rc != 0)
    die("join");
  return 0;
}

int good_array_of_results(int n) {
  pthread_t *t = malloc(n * sizeof *t);
  int *rcs = malloc(n * sizeof *rcs);
  for (int i = 0; i < n; i++)
    rcs[i] = pthread_create(&t[i], NULL, work, NULL);
  for (int i = 0; i < n; i++)
    if (rcs[i] == 0)
      pthread_join(t[i], NULL);
  free(t);
  free(rcs);
  return 0;
}

int good_array_of_valid_flags(int n) {
  pthread_t t[8];
  char valid[8] = {0};
  for (int i = 0; i < n; i++) {
    if (pthread_create(&t[i], NULL, work, NULL) != 0) {
      log_error("x");
      continue;
    }
    valid[i] = 1;
  }
  for (int i = 0; i < n; i++) {
    if (!valid[i])
      continue;
    pthread_join(t[i], NULL);
  }
  return 0;
}

int good_error_stops_started(int n) {
  pthread_t t[8];
  int i, rc;
  for (i = 0; i < n; ++i) {
    rc = pthread_create(t + i, NULL, work, NULL);
    if (rc)
      goto fail;
  }
  for (i = 0; i < n; ++i)
    pthread_join(t[i], NULL);
  return 0;
fail:
  while (--i >= 0) {
    pthread_cancel(t[i]);
    pthread_join(t[i], NULL);
  }
  return rc;
}

int good_two_phases(int n) {
  pthread_t t[8];
  for (int phase = 0; phase < 3; phase++) {
    for (int i = 0; i < n; i++)
      if (pthread_create(&t[i], NULL, work, (void *)(intptr_t)phase))
        die("x");
    for (int i = 0; i < n; i++)
      if (pthread_join(t[i], NULL))
        die("y");
  }
  return 0;
}

int good_cancel_on_error(void) {
  pthread_t t;
  int rc = pthread_create(&t, NULL, work, NULL);
  if (rc)
    return rc;
  rc = prepare();
  if (rc) {
    pthread_cancel(t);
    pthread_join(t, NULL);
    return rc;
  }
  return pthread_join(t, NULL);
}

int good_under_a_lock(struct server *s) {
  pthread_t t;
  pthread_mutex_lock(&s->lock);
  if (s->running) {
    pthread_mutex_unlock(&s->lock);
    return 0;
  }
  if (pthread_create(&t, NULL, work, s)) {
    pthread_mutex_unlock(&s->lock);
    return -1;
  }
  s->acceptor = t;
  s->running = 1;
  pthread_mutex_unlock(&s->lock);
  return 0;
}

int good_restart(struct server *s) {
  if (s->running) {
    s->running = 0;
    pthread_join(s->acceptor, NULL);
  }
  if (pthread_create(&s->acceptor, NULL, work, s))
    return -1;
  s->running = 1;
  return 0;
}

int good_started_once(struct server *s) {
  if (!s->running) {
    if (pthread_create(&s->acceptor, NULL, work, s))
      return -1;
    s->running = 1;
  }
  prepare();
  if (!s->running) {
    if (pthread_create(&s->acceptor, NULL, work, s))
      return -1;
    s->running = 1;
  }
  return 0;
}

static int thread_start(pthread_t *out, void *(*fn)(void *), void *arg, size_t stack) {
  pthread_attr_t attr;
  int rc = pthread_attr_init(&attr);
  if (rc)
    return rc;
  if (stack)
    pthread_attr_setstacksize(&attr, stack);
  rc = pthread_create(out, &attr, fn, arg);
  pthread_attr_destroy(&attr);
  return rc;
}
int good_thick_wrapper(void) {
  pthread_t t;
  struct ctx c = {0};
  if (thread_start(&t, work, &c, 0))
    return -1;
  pthread_join(t, NULL);
  return 0;
}

static int thread_start2(pthread_t *out, void *arg) {
  int rc = pthread_create(out, NULL, work, arg); // expected-note{{'t' is spawned here}}
  if (rc != 0)
    log_error(strerror(rc));
  return rc;
}
int bad_thick_wrapper(void) {
  pthread_t t;
  if (thread_start2(&t, NULL))
    return -1;
  return prepare();
  // expected-warning@-1{{leaves 'bad_thick_wrapper' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
}

static void spawn_or_die(pthread_t *out, void *arg) {
  int rc = pthread_create(out, NULL, work, arg);
  if (rc != 0)
    die("pthread_create");
}
static void join_or_die(pthread_t t) {
  int rc = pthread_join(t, NULL);
  if (rc != 0)
    die("pthread_join");
}
void good_helpers_that_die(int n) {
  pthread_t t[8];
  for (int i = 0; i < n; i++)
    spawn_or_die(&t[i], NULL);
  for (int i = 0; i < n; i++)
    join_or_die(t[i]);
}

static pthread_t xcreate(void *arg) {
  pthread_t t;
  int rc = pthread_create(&t, NULL, work, arg); // expected-note{{'t' is spawned here}}
  if (rc)
    die("x");
  return t;
}
static void xjoin(pthread_t t) {
  if (pthread_join(t, NULL))
    die("j");
}
int good_helper_returns_each_handle(int n) {
  pthread_t t[8];
  for (int i = 0; i < n; i++)
    t[i] = xcreate(NULL);
  for (int i = 0; i < n; i++)
    xjoin(t[i]);
  return 0;
}

int good_helper_returns_two_handles(void) {
  pthread_t a = xcreate(NULL), b = xcreate(NULL);
  xjoin(a);
  xjoin(b);
  return 0;
}

int good_returned_handle_stored(struct server *s) {
  s->acceptor = xcreate(s);
  return 0;
}

int bad_second_returned_handle_lost(void) {
  pthread_t a = xcreate(NULL);
  pthread_t b = xcreate(NULL);
  xjoin(a);
  return 0;
  // expected-warning@-1{{leaves 'bad_second_returned_handle_lost' with thread 'b' neither joined nor detached [safespawn.thread.Leak]}}
}

static void *chain(void *arg) {
  struct node *n = arg;
  struct node *next = n->next;
  if (next) {
    if (pthread_create(&next->tid, NULL, chain, next))
      return NULL;
    pthread_join(next->tid, NULL);
  }
  return NULL;
}
int good_recursive(struct node *n) {
  if (pthread_create(&n->tid, NULL, chain, n))
    return -1;
  return pthread_join(n->tid, NULL);
}

void good_join_while_more(pthread_t *t, int n) {
  int i = 0;
  while (more() && i < n)
    pthread_join(t[i++], NULL);
}

int good_swap(pthread_t a, pthread_t b, int swap) {
  pthread_t first = swap ? b : a, second = swap ? a : b;
  pthread_join(first, NULL);
  return pthread_join(second, NULL);
}

int good_ring_of_handles(struct server *s) {
  int slot = s->nthreads % 32;
  if (s->nthreads >= 32)
    pthread_join(s->threads[slot], NULL);
  if (pthread_create(&s->threads[slot], NULL, work, NULL))
    return -1;
  s->nthreads++;
  return 0;
}

int good_sliding_window(int n) {
  pthread_t t[4];
  for (int i = 0; i < n; i++) {
    if (i >= 4)
      pthread_join(t[i % 4], NULL);
    if (pthread_create(&t[i % 4], NULL, work, NULL))
      die("x");
  }
  for (int i = 0; i < 4 && i < n; i++)
    pthread_join(t[i], NULL);
  return 0;
}

int good_result_as_a_bool(pthread_t *t) {
  _Bool ok = !pthread_create(t, NULL, work, NULL);
  return ok;
}

struct job {
  sem_t ready;
  int n;
};
static void *unknown_entry_copy(void *arg);
int good_external_entry_with_sem(pthread_t *out) {
  struct job j;
  j.n = 1;
  sem_init(&j.ready, 0, 0);
  if (pthread_create(out, NULL, work, &j)) {
    sem_destroy(&j.ready);
    return -1;
  }
  sem_wait(&j.ready);
  sem_destroy(&j.ready);
  return 0;
}

int good_struct_in_thread_array(int n) {
  struct node nodes[8];
  int count = 0;
  for (int i = 0; i < n; i++) {
    nodes[count].done = 0;
    if (pthread_create(&nodes[count].tid, NULL, work, &nodes[count]) == 0)
      count++;
  }
  while (count > 0) {
    count--;
    pthread_join(nodes[count].tid, NULL);
  }
  return 0;
}

void good_ends_by_pthread_exit(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL))
    pthread_exit(NULL);
  pthread_join(t, NULL);
  pthread_exit(NULL);
}

int bad_attribute_detached_on_request(int detached) {
  pthread_t t;
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  pthread_attr_setdetachstate(&attr, detached ? PTHREAD_CREATE_DETACHED : PTHREAD_CREATE_JOINABLE);
  // expected-note@-1{{the attribute is told here to make threads detached}}
  if (pthread_create(&t, &attr, work, NULL))
  // expected-warning@-1{{thread is spawned detached: nobody can wait for it, cancel it or see its error [safespawn.thread.Detached]}}
    return -1;
  if (!detached)
    pthread_join(t, NULL);
  return 0;
}

int good_attr_state_param(int state) {
  pthread_t t;
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  pthread_attr_setdetachstate(&attr, state);
  if (pthread_create(&t, &attr, work, NULL))
    return -1;
  if (state == PTHREAD_CREATE_JOINABLE)
    pthread_join(t, NULL);
  return 0;
}

int bad_attribute_with_error_checks(void) {
  pthread_t t;
  pthread_attr_t attr;
  if (pthread_attr_init(&attr) != 0 || pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED) != 0)
  // expected-note@-1{{the attribute is told here to make threads detached}}
    return -1;
  if (pthread_create(&t, &attr, work, NULL) != 0)
  // expected-warning@-1{{thread is spawned detached: nobody can wait for it, cancel it or see its error [safespawn.thread.Detached]}}
    return -1;
  return 0;
}

int good_assigned_in_the_condition(void) {
  pthread_t t;
  int err;
  if (!(err = pthread_create(&t, NULL, work, NULL)))
    err = pthread_join(t, NULL);
  return err;
}

int good_do_while_0(void) {
  pthread_t t;
  int rc = -1;
  do {
    if (prepare())
      break;
    if (pthread_create(&t, NULL, work, NULL))
      break;
    rc = 0;
    pthread_join(t, NULL);
  } while (0);
  return rc;
}

int good_do_while_0_with_a_flag(void) {
  pthread_t t;
  int up = 0, rc = -1;
  do {
    if (pthread_create(&t, NULL, work, NULL))
      break;
    up = 1;
    if (prepare())
      break;
    rc = 0;
  } while (0);
  if (up)
    pthread_join(t, NULL);
  return rc;
}

int good_result_variable_used_again(void) {
  pthread_t t;
  int rc, started;
  rc = pthread_create(&t, NULL, work, NULL);
  started = (rc == 0);
  rc = prepare();
  if (started)
    pthread_join(t, NULL);
  return rc;
}

int good_enum_state(void) {
  enum { OFF, ON } state = OFF;
  pthread_t t;
  if (prepare() && !pthread_create(&t, NULL, work, NULL))
    state = ON;
  switch (state) {
  case ON:
    pthread_join(t, NULL);
    break;
  case OFF:
    break;
  }
  return 0;
}

int good_nested_counts(int rows, int cols) {
  pthread_t t[8][8];
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < cols; j++)
      if (pthread_create(&t[i][j], NULL, work, NULL))
        die("x");
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < cols; j++)
      pthread_join(t[i][j], NULL);
  return 0;
}

int good_flat_index(int rows, int cols) {
  pthread_t t[64];
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < cols; j++)
      if (pthread_create(&t[i * cols + j], NULL, work, NULL))
        die("x");
  for (int k = 0; k < rows * cols; k++)
    pthread_join(t[k], NULL);
  return 0;
}

int good_reader_writer_arrays(int r, int w) {
  pthread_t t[64];
  int n = 0;
  for (int i = 0; i < r; i++)
    if (pthread_create(&t[n++], NULL, work, NULL))
      die("x");
  for (int i = 0; i < w; i++)
    if (pthread_create(&t[n++], NULL, work, NULL))
      die("x");
  while (n)
    pthread_join(t[--n], NULL);
  return 0;
}

int good_detach_if_cannot_join(struct node *n) {
  if (n->started) {
    if (pthread_equal(pthread_self(), n->tid))
      pthread_detach(n->tid);
    else
      pthread_join(n->tid, NULL);
    n->started = 0;
  }
  return 0;
}

int good_join_timeout_loop(pthread_t t) {
  for (int i = 0; i < 10; i++) {
    struct timespec ts = {i, 0};
    if (pthread_timedjoin_np(t, NULL, &ts) == 0)
      return 0;
  }
  return pthread_detach(t);
}

static int run_one(pthread_t *t) {
  if (pthread_create(t, NULL, work, NULL))
    return -1;
  if (prepare()) {
    pthread_join(*t, NULL);
    return -1;
  }
  return 0;
}
int good_run_one(void) {
  pthread_t t;
  if (run_one(&t) < 0)
    return -1;
  return pthread_join(t, NULL);
}

int bad_array_returns_before_join(int n) {
  pthread_t t[8];
  for (int i = 0; i < n; i++)
    if (pthread_create(&t[i], NULL, work, NULL)) // expected-note{{'t[i]' is spawned here}}
      die("x");
  if (prepare()) // expected-note{{'prepare' fails: taking the early return}}
    return -1;
    // expected-warning@-1{{leaves 'bad_array_returns_before_join' with thread 't[i]' neither joined nor detached [safespawn.thread.Leak]}}
  join_all(t, n);
  return 0;
}

int bad_array_never_joined(void) {
  pthread_t t[4];
  for (int i = 0; i < 4; i++)
    if (pthread_create(&t[i], NULL, work, NULL)) // expected-note{{'t[i]' is spawned here}}
      die("x");
  return 0;
  // expected-warning@-1{{leaves 'bad_array_never_joined' with thread 't[i]' neither joined nor detached [safespawn.thread.Leak]}}
}

int bad_joins_only_first(void) {
  pthread_t t[2];
  if (pthread_create(&t[0], NULL, work, NULL))
    die("x");
  if (pthread_create(&t[1], NULL, work, NULL)) // expected-note{{'t[1]' is spawned here}}
    die("x");
  pthread_join(t[0], NULL);
  return 0;
  // expected-warning@-1{{leaves 'bad_joins_only_first' with thread 't[1]' neither joined nor detached [safespawn.thread.Leak]}}
}

int bad_started_before_while_failure(int n) {
  pthread_t t[8];
  int i = 0;
  while (i < n) {
    int rc = pthread_create(&t[i], NULL, work, NULL); // expected-note{{'t[i]' is spawned here}}
    if (rc) { // expected-note{{'pthread_create' fails: taking the early return}}
      log_error(strerror(rc));
      return rc;
      // expected-warning@-1{{leaves 'bad_started_before_while_failure' with thread 't[i]' neither joined nor detached [safespawn.thread.Leak]}}
    }
    i++;
  }
  join_all(t, n);
  return 0;
}

int bad_local_pool(int n) {
  struct server s;
  s.nthreads = 0;
  for (int i = 0; i < n; i++) {
    if (pthread_create(&s.threads[i], NULL, work, NULL))
    // expected-note@-1{{'s.threads[i]' is spawned here}}
    // expected-note@-2{{'pthread_create' fails: taking the early return}}
      return -1;
      // expected-warning@-1{{leaves 'bad_local_pool' with thread 's.threads[i]' neither joined nor detached [safespawn.thread.Leak]}}
    s.nthreads++;
  }
  join_all(s.threads, s.nthreads);
  return 0;
}

int bad_error_in_the_middle(const char *path) {
  pthread_t t;
  char *buf;
  int rc;
  rc = pthread_create(&t, NULL, work, (void *)path); // expected-note{{'t' is spawned here}}
  if (rc != 0) {
    log_error(strerror(rc));
    return -1;
  }
  buf = malloc(100);
  if (buf == NULL) { // expected-note{{'malloc' fails: taking the early return}}
    log_error("oom");
    return -1;
    // expected-warning@-1{{leaves 'bad_error_in_the_middle' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
  }
  pthread_join(t, NULL);
  free(buf);
  return 0;
}

int bad_args_array_early_return(int n) {
  pthread_t t[8];
  int args[8];
  for (int i = 0; i < n; i++) {
    args[i] = i;
    if (pthread_create(&t[i], NULL, work, &args[i]))
    // expected-warning@-1{{thread 't[i]' gets the address of local 'args' and may outlive 'bad_args_array_early_return' [safespawn.thread.StackEscape]}}
      return -1; // expected-note{{'bad_args_array_early_return' ends here, and 'args' with it}}
  }
  join_all(t, n);
  return 0;
}

void *bad_nested_entry(void *arg) {
  pthread_t t;
  struct node n = {0};
  if (pthread_create(&t, NULL, work, &n))
  // expected-warning@-1{{thread 't' gets the address of local 'n' and may outlive 'bad_nested_entry' [safespawn.thread.StackEscape]}}
    return NULL;
  pthread_detach(t); // expected-note{{'t' is detached here}}
  return arg; // expected-note{{'bad_nested_entry' ends here, and 'n' with it}}
}

int bad_ptr_to_local_in_heap(int n) {
  pthread_t t;
  struct node local = {0}, *h = malloc(sizeof *h);
  h->next = &local;
  if (pthread_create(&t, NULL, work, h)) {
  // expected-warning@-1{{thread 't' gets the address of local 'local' and may outlive 'bad_ptr_to_local_in_heap' [safespawn.thread.StackEscape]}}
    free(h);
    return -1;
  }
  pthread_detach(t); // expected-note{{'t' is detached here}}
  return 0; // expected-note{{'bad_ptr_to_local_in_heap' ends here, and 'local' with it}}
}

int bad_struct_with_local_buffer(void) {
  char buf[64];
  struct {
    char *p;
  } arg = {buf};
  pthread_t t;
  if (pthread_create(&t, NULL, work, &arg))
  // expected-warning@-1{{thread 't' gets the address of local 'arg' and may outlive 'bad_struct_with_local_buffer' [safespawn.thread.StackEscape]}}
    return -1;
  return pthread_detach(t);
  // expected-note@-1{{'t' is detached here}}
  // expected-note@-2{{'bad_struct_with_local_buffer' ends here, and 'arg' with it}}
}

int bad_double_detach_paths(pthread_t t, int a) {
  if (a)
    pthread_detach(t); // expected-note{{'t' is first detached here}}
  return pthread_join(t, NULL);
  // expected-warning@-1{{handle 't' is joined, but was already detached [safespawn.thread.DoubleJoin]}}
}

void bad_stop_twice(struct server *s) {
  pthread_join(s->acceptor, NULL); // expected-note{{'s->acceptor' is first joined here}}
  if (s->running)
    pthread_join(s->acceptor, NULL);
    // expected-warning@-1{{handle 's->acceptor' is joined a second time [safespawn.thread.DoubleJoin]}}
}

static void stop_server(struct server *s) {
  s->running = 0;
  pthread_join(s->acceptor, NULL); // expected-note{{'s->acceptor' is first joined here}}
}
int bad_stop_then_join(struct server *s) {
  stop_server(s);
  pthread_join(s->acceptor, NULL);
  // expected-warning@-1{{handle 's->acceptor' is joined a second time [safespawn.thread.DoubleJoin]}}
  return 0;
}

static int go(pthread_t *t) {
  int rc = pthread_create(t, NULL, work, NULL); // expected-note{{'t' is spawned here}}
  if (rc) // expected-note{{assuming that the spawn fails}}
    log_error("x");
  return rc;
}
int bad_join_after_failed_helper(void) {
  pthread_t t;
  go(&t);
  pthread_join(t, NULL);
  // expected-warning@-1{{handle 't' is joined, but its spawn failed on this path [safespawn.thread.JoinUnspawned]}}
  return 0;
}

int bad_cancel_after_failed_goto(void) {
  pthread_t a, b;
  int rc = pthread_create(&a, NULL, work, NULL); // expected-note{{'a' is spawned here}}
  if (rc) // expected-note{{assuming that the spawn fails}}
    goto out;
  rc = pthread_create(&b, NULL, work, NULL);
  if (rc)
    goto out;
  pthread_join(b, NULL);
out:
  pthread_join(a, NULL);
  // expected-warning@-1{{handle 'a' is joined, but its spawn failed on this path [safespawn.thread.JoinUnspawned]}}
  return rc;
}

int bad_accept_loop(int s) {
  pthread_t t;
  for (;;) {
    int fd = accept_client(s);
    if (fd < 0)
      break;
    if (pthread_create(&t, NULL, work, (void *)(intptr_t)fd))
    // expected-warning@-1{{spawn overwrites 't', which still holds a thread that is neither joined nor detached [safespawn.thread.Overwrite]}}
    // expected-note@-2 {{'t' is spawned here}}
      log_error("x");
  }
  return 0; // Overwrite has it: one report for one defect
}

int bad_unchecked_rc_other(pthread_t *t) {
  int rc = pthread_create(t, NULL, work, NULL);
  // expected-warning@-1{{result of the spawn is stored in 'rc' and never tested: when it fails, no thread runs and the handle is garbage [safespawn.thread.UncheckedSpawn]}}
  rc = prepare();
  return rc;
}

int bad_at_most_minus_one(pthread_t *t) {
  if (pthread_create(t, NULL, work, NULL) <= -1)
  // expected-warning@-1{{test 'pthread_create(t, NULL, work, NULL) <= -1' says nothing about the spawn: its errors are positive numbers [safespawn.thread.UncheckedSpawn]}}
  // expected-note@-2{{the result is tested here}}
    return -1;
  return 0;
}

int bad_errno_style(pthread_t *t) {
  pthread_create(t, NULL, work, NULL);
  // expected-warning@-1{{result of the spawn is ignored: when it fails, no thread runs and the handle is garbage [safespawn.thread.UncheckedSpawn]}}
  if (prepare())
    perror("pthread_create");
  return 0;
}

#define NT 8
int bad_too_many_args_local(void) {
  pthread_t t[NT];
  int ids[NT - 1]; // expected-note{{'ids' is declared here}}
  for (int i = 0; i < NT; i++) {
    ids[i] = i;
    if (pthread_create(&t[i], NULL, work, &ids[i]))
    // expected-warning@-1{{loop hands 'ids[7]' to a thread, but the array has 7 elements [safespawn.thread.TooManyHandles]}}
      die("x");
  }
  join_all(t, NT);
  return 0;
}

int bad_short_circuit(void) {
  pthread_t a, b;
  if (pthread_create(&a, NULL, work, NULL) || pthread_create(&b, NULL, work, NULL))
  // expected-note@-1{{'a' is spawned here}}
  // expected-note@-2{{'pthread_create(&a, NULL, work, NULL) || pthre...' holds: taking the early return}}
    return -1;
    // expected-warning@-1{{leaves 'bad_short_circuit' with thread 'a' neither joined nor detached [safespawn.thread.Leak]}}
  pthread_join(a, NULL);
  pthread_join(b, NULL);
  return 0;
}

int bad_joined_only_after_success(void) {
  pthread_t t;
  int rc;
  if ((rc = pthread_create(&t, NULL, work, NULL)) == 0) { // expected-note{{'t' is spawned here}}
    if ((rc = prepare()) == 0) // expected-note{{'prepare' fails: 't' is not joined}}
      rc = pthread_join(t, NULL);
  }
  return rc;
  // expected-warning@-1{{leaves 'bad_joined_only_after_success' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
}

int bad_switch_case_leaks(int mode) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL)) // expected-note 2 {{'t' is spawned here}}
    return -1;
  switch (mode) {
  case 0:
    pthread_join(t, NULL);
    break;
  case 1:
    pthread_detach(t);
    // expected-warning@-1{{thread is detached: nobody can wait for it, cancel it or see its error [safespawn.thread.Detached]}}
    // expected-note@-2{{'t' is detached here}}
    break;
  default:
    break;
  }
  return 0;
  // expected-warning@-1{{leaves 'bad_switch_case_leaks' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}
}

void bad_try_once(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL)) // expected-note{{'t' is spawned here}}
    return;
  if (pthread_tryjoin_np(t, NULL) != 0)
  // expected-note@-1{{joining 't' is tried here}}
  // expected-note@-2{{'pthread_tryjoin_np' fails: 't' is not joined}}
    log_error("busy");
} // expected-warning{{leaves 'bad_try_once' with thread 't' neither joined nor detached [safespawn.thread.Leak]}}

int good_calloc(int flags) {
  struct ctx *c = calloc(1, sizeof *c);
  int rc = 0;
  if (!c)
    return -1;
  if (flags & 1) {
    if ((rc = pthread_create(&c->a, NULL, work, c)) != 0)
      goto done;
    c->have_a = 1;
  }
  rc = prepare();
done:
  if (c->have_a)
    pthread_join(c->a, NULL);
  free(c);
  return rc;
}

int good_zero_init(int flags) {
  struct ctx c = {0};
  int rc = 0;
  if (flags & 1) {
    if ((rc = pthread_create(&c.a, NULL, work, &c)) != 0)
      goto done;
    c.have_a = 1;
  }
  rc = prepare();
done:
  if (c.have_a)
    pthread_join(c.a, NULL);
  return rc;
}

int good_bzero(int flags) {
  struct ctx c;
  int rc = 0;
  bzero(&c, sizeof c);
  if (flags & 1) {
    if ((rc = pthread_create(&c.a, NULL, work, &c)) != 0)
      goto done;
    c.have_a = 1;
  }
  rc = prepare();
done:
  if (c.have_a)
    pthread_join(c.a, NULL);
  return rc;
}

int good_memset_array(int n) {
  pthread_t t[8];
  int ok[8];
  memset(ok, 0, sizeof ok);
  for (int i = 0; i < n; i++)
    if (pthread_create(&t[i], NULL, work, NULL) == 0)
      ok[i] = 1;
  for (int i = 0; i < n; i++)
    if (ok[i])
      pthread_join(t[i], NULL);
  return 0;
}

static void init(struct ctx *c) { c->have_a = c->have_b = 0; }
int good_init_helper(void) {
  struct ctx c;
  int rc = 0;
  init(&c);
  if ((rc = pthread_create(&c.a, NULL, work, &c)) != 0)
    goto done;
  c.have_a = 1;
done:
  if (c.have_a)
    pthread_join(c.a, NULL);
  return rc;
}

void init_elsewhere(struct ctx *c);
int good_init_elsewhere(void) {
  struct ctx c;
  int rc = 0;
  init_elsewhere(&c);
  if ((rc = pthread_create(&c.a, NULL, work, &c)) != 0)
    goto done;
  c.have_a = 1;
done:
  if (c.have_a)
    pthread_join(c.a, NULL);
  return rc;
}

int good_flag_of_the_caller(struct ctx *c) {
  int rc = pthread_create(&c->a, NULL, work, c);
  if (rc == 0)
    c->have_a = 1;
  prepare();
  if (c->have_a)
    pthread_join(c->a, NULL);
  return rc;
}
