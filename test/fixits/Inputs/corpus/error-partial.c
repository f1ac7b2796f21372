/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Some start, then something else fails: those that run are joined. */
#include <pthread.h>
#include <stdio.h>

#define COUNT 4

static int marks[COUNT];

static void *mark(void *arg)
{
	*(int *)arg = 1;
	return NULL;
}

static int run(int fail_at)
{
	pthread_t t[COUNT];
	int rc = 0;
	int n;

	for (n = 0; n < COUNT; n++) {
		if (n == fail_at) {
			rc = -1;
			break;
		}
		rc = pthread_create(&t[n], NULL, mark, &marks[n]);
		if (rc)
			break;
	}
	for (int i = 0; i < n; i++)
		pthread_join(t[i], NULL);
	return rc;
}

int main(void)
{
	int rc = run(2);

	printf("%d: %d%d%d%d\n", rc, marks[0], marks[1], marks[2], marks[3]);
	rc = run(COUNT);
	printf("%d: %d%d%d%d\n", rc, marks[0], marks[1], marks[2], marks[3]);
	return 0;
}
