/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What belongs to a thread starts anew with each one. */
#include <pthread.h>
#include <stdio.h>

static _Thread_local int calls;
static int seen[3];

static void *count_calls(void *arg)
{
	calls++;
	*(int *)arg = calls;
	return NULL;
}

int main(void)
{
	calls = 100;
	for (int i = 0; i < 3; i++) {
		pthread_t t;

		if (pthread_create(&t, NULL, count_calls, &seen[i]) != 0)
			return 1;
		pthread_join(t, NULL);
	}
	printf("%d %d %d %d\n", calls, seen[0], seen[1], seen[2]);
	return 0;
}
