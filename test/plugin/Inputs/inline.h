/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A header with a defect in it; NAME is replaced by the test. */

static inline int NAME(pthread_t t) {
  pthread_join(t, NULL);
  return pthread_join(t, NULL);
}
