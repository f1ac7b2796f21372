// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/pthread.h"

void *work(void *arg);
int prepare(void);
int fill_name(char *name, int size);
int accept_client(int *fd);

struct job {
  int number;
  int fd;
  char name[32];
};
struct worker {
  pthread_t tid;
  int number;
};

static int start_worker(pthread_t *t, void *arg) { return pthread_create(t, NULL, work, arg); }
static void join_all(pthread_t *t, int n) {
  for (int i = 0; i < n; i++)
    pthread_join(t[i], NULL);
}

int bad_induction_variable(void) {
  pthread_t t[4];
  for (int i = 0; i < 4; i++) // expected-note{{'i' is changed here, before the next round}}
    if (pthread_create(&t[i], NULL, work, &i))
    // expected-warning@-1{{thread gets the address of 'i', which the loop changes while the thread runs [safespawn.thread.LoopArg]}}
      exit(1);
  join_all(t, 4);
  return 0;
}

int bad_induction_variable_cast(int n) {
  pthread_t t[64];
  int i;
  for (i = 0; i < n; ++i) // expected-note{{'i' is changed here, before the next round}}
    if (pthread_create(&t[i], NULL, work, (void *)&i))
    // expected-warning@-1{{thread gets the address of 'i', which the loop changes while the thread runs [safespawn.thread.LoopArg]}}
      exit(1);
  join_all(t, n);
  return 0;
}

int bad_while(int n) {
  pthread_t t[64];
  int i = 0;
  while (i < n) {
    if (pthread_create(&t[i], NULL, work, &i))
    // expected-warning@-1{{thread gets the address of 'i', which the loop changes while the thread runs [safespawn.thread.LoopArg]}}
      exit(1);
    i++; // expected-note{{'i' is changed here, before the next round}}
  }
  join_all(t, n);
  return 0;
}

int bad_refilled_struct(int n) {
  pthread_t t[64];
  struct job job;
  for (int i = 0; i < n; i++) {
    job.number = i; // expected-note{{'job' is changed here, before the next round}}
    if (pthread_create(&t[i], NULL, work, &job))
    // expected-warning@-1{{thread gets the address of 'job', which the loop changes while the thread runs [safespawn.thread.LoopArg]}}
      exit(1);
  }
  join_all(t, n);
  return 0;
}

int bad_refilled_buffer(int n) {
  pthread_t t[64];
  char name[32];
  for (int i = 0; i < n; i++) {
    fill_name(name, sizeof name); // expected-note{{'name' is changed here, before the next round}}
    if (pthread_create(&t[i], NULL, work, name))
    // expected-warning@-1{{thread gets the address of 'name', which the loop changes while the thread runs [safespawn.thread.LoopArg]}}
      exit(1);
  }
  join_all(t, n);
  return 0;
}

int bad_refilled_by_a_call(void) {
  int fd;
  while (accept_client(&fd) == 0) { // expected-note{{'fd' is changed here, before the next round}}
    pthread_t t;
    if (pthread_create(&t, NULL, work, &fd))
    // expected-warning@-1{{thread gets the address of 'fd', which the loop changes while the thread runs [safespawn.thread.LoopArg]}}
      return -1;
    pthread_detach(t);
  }
  return 0;
}

int bad_member_of_it(int n) {
  pthread_t t[64];
  struct job job;
  for (int i = 0; i < n; i++) {
    job.number = i; // expected-note{{'job' is changed here, before the next round}}
    if (pthread_create(&t[i], NULL, work, &job.number))
    // expected-warning@-1{{thread gets the address of 'job', which the loop changes while the thread runs [safespawn.thread.LoopArg]}}
      exit(1);
  }
  join_all(t, n);
  return 0;
}

int bad_through_a_wrapper(int n) {
  pthread_t t[64];
  for (int i = 0; i < n; i++) // expected-note{{'i' is changed here, before the next round}}
    if (start_worker(&t[i], &i))
    // expected-warning@-1{{thread gets the address of 'i', which the loop changes while the thread runs [safespawn.thread.LoopArg]}}
      exit(1);
  join_all(t, n);
  return 0;
}

static int next_number;

int bad_static_variable(int n) {
  pthread_t t[64];
  for (int i = 0; i < n; i++) {
    next_number = i; // expected-note{{'next_number' is changed here, before the next round}}
    if (pthread_create(&t[i], NULL, work, &next_number))
    // expected-warning@-1{{thread gets the address of 'next_number', which the loop changes while the thread runs [safespawn.thread.LoopArg]}}
      exit(1);
  }
  join_all(t, n);
  return 0;
}

int bad_one_element_refilled(int n) {
  pthread_t t[64];
  struct job jobs[2];
  for (int i = 0; i < n; i++) {
    jobs[0].number = i; // expected-note{{'jobs' is changed here, before the next round}}
    if (pthread_create(&t[i], NULL, work, &jobs[0]))
    // expected-warning@-1{{thread gets the address of 'jobs', which the loop changes while the thread runs [safespawn.thread.LoopArg]}}
      exit(1);
  }
  join_all(t, n);
  return 0;
}

int good_element_of_its_own(int n) {
  pthread_t t[64];
  int numbers[64];
  for (int i = 0; i < n; i++) {
    numbers[i] = i;
    if (pthread_create(&t[i], NULL, work, &numbers[i]))
      exit(1);
  }
  join_all(t, n);
  return 0;
}

int good_element_by_addition(struct job *jobs, int n) {
  pthread_t t[64];
  for (int i = 0; i < n; i++) {
    jobs[i].number = i;
    if (pthread_create(&t[i], NULL, work, jobs + i))
      exit(1);
  }
  join_all(t, n);
  return 0;
}

int good_worker_of_its_own(struct worker *w, int n) {
  for (int i = 0; i < n; i++) {
    w[i].number = i;
    if (pthread_create(&w[i].tid, NULL, work, &w[i]))
      return -1;
  }
  return 0;
}

int good_worker_by_pointer(struct worker *all, int n) {
  for (struct worker *w = all; w < all + n; w++) {
    w->number = n;
    if (pthread_create(&w->tid, NULL, work, w))
      return -1;
  }
  return 0;
}

int good_heap_object_of_its_own(int n) {
  pthread_t t[64];
  for (int i = 0; i < n; i++) {
    struct job *job = malloc(sizeof *job);
    if (!job)
      exit(1);
    job->number = i;
    if (pthread_create(&t[i], NULL, work, job))
      exit(1);
  }
  join_all(t, n);
  return 0;
}

int good_heap_object_in_an_outer_variable(int n) {
  pthread_t t[64];
  struct job *job;
  for (int i = 0; i < n; i++) {
    job = malloc(sizeof *job);
    if (!job)
      exit(1);
    job->number = i;
    if (pthread_create(&t[i], NULL, work, job))
      exit(1);
  }
  join_all(t, n);
  return 0;
}

int good_by_value(int n) {
  pthread_t t[64];
  for (int i = 0; i < n; i++)
    if (pthread_create(&t[i], NULL, work, (void *)(intptr_t)i))
      exit(1);
  join_all(t, n);
  return 0;
}

int good_joined_in_the_round(int n) {
  pthread_t t;
  for (int i = 0; i < n; i++) {
    if (pthread_create(&t, NULL, work, &i))
      exit(1);
    pthread_join(t, NULL);
  }
  return 0;
}

int good_array_joined_in_the_round(int n) {
  pthread_t t[64];
  for (int i = 0; i < n; i++) {
    if (pthread_create(&t[i], NULL, work, &i))
      exit(1);
    pthread_join(t[i], NULL);
  }
  return 0;
}

int good_pointer_moves_on(struct job *job, int n) {
  pthread_t t[64];
  for (int i = 0; i < n; i++)
    if (pthread_create(&t[i], NULL, work, job++))
      exit(1);
  join_all(t, n);
  return 0;
}

int good_shared_and_unchanged(int n) {
  pthread_t t[64];
  struct job job = {.number = n};
  for (int i = 0; i < n; i++)
    if (pthread_create(&t[i], NULL, work, &job))
      exit(1);
  join_all(t, n);
  return job.number;
}

int good_changed_before_the_loop(int n) {
  pthread_t t[64];
  struct job job;
  for (job.number = 0; job.number < n; job.number++)
    prepare();
  for (int i = 0; i < n; i++)
    if (pthread_create(&t[i], NULL, work, &job))
      exit(1);
  join_all(t, n);
  return 0;
}

int good_changed_after_the_join(int n) {
  pthread_t t[64];
  int rounds = 0;
  for (int i = 0; i < n; i++)
    if (pthread_create(&t[i], NULL, work, &rounds))
      exit(1);
  join_all(t, n);
  rounds++;
  return rounds;
}

int good_joined_before_the_next_batch(int batches) {
  pthread_t t[8];
  int batch;
  for (batch = 0; batch < batches; batch++) {
    for (int i = 0; i < 8; i++)
      if (pthread_create(&t[i], NULL, work, &batch))
        exit(1);
    for (int i = 0; i < 8; i++)
      pthread_join(t[i], NULL);
  }
  return 0;
}

int good_joined_by_a_helper_before_the_next_batch(int batches) {
  pthread_t t[8];
  struct job job;
  for (int batch = 0; batch < batches; batch++) {
    job.number = batch;
    for (int i = 0; i < 8; i++)
      if (pthread_create(&t[i], NULL, work, &job))
        exit(1);
    join_all(t, 8);
  }
  return 0;
}

int good_last_round(int n) {
  pthread_t t;
  for (int i = 0; i < n; i++) {
    if (prepare() == 0)
      continue;
    if (pthread_create(&t, NULL, work, &i))
      exit(1);
    break;
  }
  exit(0);
}

struct start {
  int number;
  sem_t copied;
};

static void *copies(void *arg) {
  struct start *s = arg;
  int number = s->number;
  sem_post(&s->copied);
  return (void *)(intptr_t)number;
}

int good_hand_shake(int n) {
  pthread_t t[64];
  struct start s;
  sem_init(&s.copied, 0, 0);
  for (int i = 0; i < n; i++) {
    s.number = i;
    if (pthread_create(&t[i], NULL, copies, &s))
      exit(1);
    sem_wait(&s.copied);
  }
  join_all(t, n);
  sem_destroy(&s.copied);
  return 0;
}

int good_array_of_names(int n) {
  pthread_t t[64];
  char names[64][32];
  for (int i = 0; i < n; i++) {
    fill_name(names[i], sizeof names[i]);
    if (pthread_create(&t[i], NULL, work, names[i]))
      exit(1);
  }
  join_all(t, n);
  return 0;
}

int good_number_of_started_as_index(int n) {
  struct worker w[16];
  int started = 0;
  while (started < n) {
    w[started].number = started;
    if (pthread_create(&w[started].tid, NULL, work, &w[started]))
      break;
    started++;
  }
  for (int i = 0; i < started; i++)
    pthread_join(w[i].tid, NULL);
  return started;
}
