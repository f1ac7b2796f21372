// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/pthread.h"

void *work(void *arg);
int prepare(void);

#define THREADS 8
#define PLACES 4
enum { LAST = 4 };

struct worker {
  pthread_t tid;
  int number;
};
struct pool {
  pthread_t tid[4]; // expected-note{{'tid' is declared here}}
  struct worker workers[4]; // expected-note{{'workers' is declared here}}
};

pthread_t few[PLACES]; // expected-note 7 {{'few' is declared here}}

void bad_bound_too_large(void) {
  for (int i = 0; i < THREADS; i++)
    if (pthread_create(&few[i], NULL, work, NULL))
    // expected-warning@-1{{loop spawns into 'few[7]', but the array has 4 elements [safespawn.thread.TooManyHandles]}}
      exit(1);
}

void bad_one_too_many(void) {
  for (int i = 0; i <= LAST; i++)
    if (pthread_create(&few[i], NULL, work, NULL))
    // expected-warning@-1{{loop spawns into 'few[4]', but the array has 4 elements [safespawn.thread.TooManyHandles]}}
      exit(1);
}

void bad_counted_from_one(void) {
  for (int i = 1; i <= PLACES; i++)
    if (pthread_create(&few[i], NULL, work, NULL))
    // expected-warning@-1{{loop spawns into 'few[4]', but the array has 4 elements [safespawn.thread.TooManyHandles]}}
      exit(1);
}

void bad_by_addition(void) {
  int i;
  for (i = 0; i != 5; ++i)
    if (pthread_create(few + i, NULL, work, NULL))
    // expected-warning@-1{{loop spawns into 'few[4]', but the array has 4 elements [safespawn.thread.TooManyHandles]}}
      exit(1);
}

void bad_arguments_too_few(pthread_t t[8]) {
  static int numbers[4]; // expected-note{{'numbers' is declared here}}
  for (int i = 0; i < 8; i++)
    if (pthread_create(&t[i], NULL, work, &numbers[i]))
    // expected-warning@-1{{loop hands 'numbers[7]' to a thread, but the array has 4 elements [safespawn.thread.TooManyHandles]}}
      exit(1);
}

void bad_member(struct pool *p) {
  for (int i = 0; i < THREADS; i++)
    if (pthread_create(&p->tid[i], NULL, work, NULL))
    // expected-warning@-1{{loop spawns into 'p->tid[7]', but the array has 4 elements [safespawn.thread.TooManyHandles]}}
      exit(1);
}

void bad_struct_element(struct pool *p) {
  for (int i = 0; i < THREADS; i++)
    if (pthread_create(&p->workers[i].tid, NULL, work, NULL))
    // expected-warning@-1{{loop spawns into 'p->workers[7]', but the array has 4 elements [safespawn.thread.TooManyHandles]}}
      exit(1);
}

void bad_size_in_bytes(void) {
  for (unsigned i = 0; i < sizeof few; i++)
    if (pthread_create(&few[i], NULL, work, NULL))
    // expected-warning@-1{{loop spawns into 'few[31]', but the array has 4 elements [safespawn.thread.TooManyHandles]}}
      exit(1);
}

void bad_while(void) {
  int i = 0;
  while (i < THREADS) {
    if (pthread_create(&few[i], NULL, work, NULL))
    // expected-warning@-1{{loop spawns into 'few[7]', but the array has 4 elements [safespawn.thread.TooManyHandles]}}
      exit(1);
    i++;
  }
}

void bad_backwards(void) {
  for (int i = PLACES; i >= 0; i--)
    if (pthread_create(&few[i], NULL, work, NULL))
    // expected-warning@-1{{loop spawns into 'few[4]', but the array has 4 elements [safespawn.thread.TooManyHandles]}}
      exit(1);
}

int bad_local(void) {
  pthread_t t[2]; // expected-note{{'t' is declared here}}
  for (int i = 0; i < 3; i++)
    if (pthread_create(&t[i], NULL, work, NULL))
    // expected-warning@-1{{loop spawns into 't[2]', but the array has 2 elements [safespawn.thread.TooManyHandles]}}
      exit(1);
  for (int i = 0; i < 3; i++)
    pthread_join(t[i], NULL);
  return 0;
}

pthread_t enough[THREADS];

void good_as_many(void) {
  for (int i = 0; i < THREADS; i++)
    if (pthread_create(&enough[i], NULL, work, NULL))
      exit(1);
}

void good_fewer(void) {
  for (int i = 0; i < PLACES; i++)
    if (pthread_create(&enough[i], NULL, work, NULL))
      exit(1);
}

void good_number_of_elements(void) {
  for (unsigned i = 0; i < sizeof enough / sizeof enough[0]; i++)
    if (pthread_create(&enough[i], NULL, work, NULL))
      exit(1);
}

void good_counted_from_one(void) {
  for (int i = 1; i <= THREADS; i++)
    if (pthread_create(&enough[i - 1], NULL, work, NULL))
      exit(1);
}

void good_bound_not_constant(int n) {
  for (int i = 0; i < n; i++)
    if (pthread_create(&enough[i], NULL, work, NULL))
      exit(1);
}

void good_second_bound(int n) {
  for (int i = 0; i < 100 && i < n; i++)
    if (pthread_create(&enough[i], NULL, work, NULL))
      exit(1);
}

void good_leaves_in_between(void) {
  for (int i = 0; i < 100; i++) {
    if (i == THREADS)
      break;
    if (pthread_create(&enough[i], NULL, work, NULL))
      exit(1);
  }
}

void good_only_some_rounds(void) {
  for (int i = 0; i < 100; i++)
    if (i < THREADS && pthread_create(&enough[i], NULL, work, NULL))
      exit(1);
}

void good_index_of_its_own(void) {
  int n = 0;
  for (int i = 0; i < 100; i++)
    if (prepare() && n < THREADS && pthread_create(&enough[n++], NULL, work, NULL))
      exit(1);
}

void good_index_scaled(void) {
  for (int i = 0; i < 2 * THREADS; i += 2)
    if (pthread_create(&enough[i / 2], NULL, work, NULL))
      exit(1);
}

void good_backwards(void) {
  for (int i = THREADS - 1; i >= 0; i--)
    if (pthread_create(&enough[i], NULL, work, NULL))
      exit(1);
}

void good_array_of_unknown_size(pthread_t *t) {
  for (int i = 0; i < 100; i++)
    if (pthread_create(&t[i], NULL, work, NULL))
      exit(1);
}

void good_rows(void) {
  static pthread_t grid[4][8];
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 8; j++)
      if (pthread_create(&grid[i][j], NULL, work, NULL))
        exit(1);
}

void good_index_starts_anew(void) {
  int i = 0;
  for (int round = 0; round < 100; round++) {
    if (pthread_create(&enough[i], NULL, work, NULL))
      exit(1);
    pthread_join(enough[i], NULL);
    i = (i + 1) % THREADS;
  }
}
