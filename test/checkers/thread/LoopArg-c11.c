// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/threads.h"

int work(void *arg);

struct job {
  int number;
};

int bad_induction_variable(int n) {
  thrd_t t[64];
  for (int i = 0; i < n; i++) // expected-note{{'i' is changed here, before the next round}}
    if (thrd_create(&t[i], work, &i) != thrd_success)
    // expected-warning@-1{{thread gets the address of 'i', which the loop changes while the thread runs [safespawn.thread.LoopArg]}}
      abort();
  for (int i = 0; i < n; i++)
    thrd_join(t[i], NULL);
  return 0;
}

int bad_refilled_struct(int n) {
  thrd_t t[64];
  struct job job;
  for (int i = 0; i < n; i++) {
    job = (struct job){.number = i}; // expected-note{{'job' is changed here, before the next round}}
    if (thrd_create(&t[i], work, &job) != thrd_success)
    // expected-warning@-1{{thread gets the address of 'job', which the loop changes while the thread runs [safespawn.thread.LoopArg]}}
      abort();
  }
  for (int i = n; i-- > 0;)
    thrd_join(t[i], NULL);
  return 0;
}

int good_element_of_its_own(int n) {
  thrd_t t[64];
  struct job jobs[64];
  for (int i = 0; i < n; i++) {
    jobs[i] = (struct job){.number = i};
    if (thrd_create(&t[i], work, &jobs[i]) != thrd_success)
      abort();
  }
  for (int i = 0; i < n; i++)
    thrd_join(t[i], NULL);
  return 0;
}

int good_by_value(int n) {
  thrd_t t[64];
  for (int i = 0; i < n; i++)
    if (thrd_create(&t[i], work, (void *)(intptr_t)i) != thrd_success)
      abort();
  for (int i = 0; i < n; i++)
    thrd_join(t[i], NULL);
  return 0;
}

int good_joined_in_the_round(int n) {
  for (int i = 0; i < n; i++) {
    thrd_t t;
    if (thrd_create(&t, work, &i) != thrd_success)
      abort();
    thrd_join(t, NULL);
  }
  return 0;
}
