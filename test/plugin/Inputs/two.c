/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include <pthread.h>

void *work(void *arg);
int prepare(void);

int detaches(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL))
    return -1;
  return pthread_detach(t);
}

int leaks(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL))
    return -1;
  return prepare();
}
