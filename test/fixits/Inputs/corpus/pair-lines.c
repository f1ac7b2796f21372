/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Statements that share a line with others.
 */
#include <assert.h>
#include <pthread.h>
#include <stdio.h>

static void *add(void *arg) { ++*(int *)arg; return NULL; }

static void *check(void *arg) { assert(*(int *)arg >= 0); ++*(int *)arg; return NULL; }

static int once(int *number) { pthread_t t; if (pthread_create(&t, NULL, check, number)) return -1; pthread_join(t, NULL); return 0; }

static int
twice(int *number)
{
  pthread_t a; int rc = 0; /* of the first */
  pthread_t b;

  /* start both */ if (pthread_create(&a, NULL, add, number) != 0) /* neither */
    return -1;
  if (pthread_join(a /* the first */, NULL) != 0) return -2; /* odd */
  if (pthread_create(&b, NULL, add, number) != 0) rc = -1; else if (pthread_join(b, NULL) != 0) { rc = -2; } else return 1;
  return rc;
}

int main(void)
{
	int number = 0;
	int first = once(&number), second = twice(&number);

	printf("%d %d %d\n", first, second, number);
	return 0;
}
