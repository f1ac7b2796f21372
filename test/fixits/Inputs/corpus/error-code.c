/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The result of the spawn is kept, told and returned. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static void *work(void *arg)
{
	*(int *)arg = 7;
	return NULL;
}

static int run(int *out)
{
	pthread_t t;
	int err = pthread_create(&t, NULL, work, out);

	if (err != 0) {
		fprintf(stderr, "cannot start: %s\n", strerror(err));
		return err;
	}
	err = pthread_join(t, NULL);
	if (err)
		fprintf(stderr, "cannot join: %s\n", strerror(err));
	return err;
}

int main(void)
{
	int out = 0;
	int err = run(&out);

	printf("%d %d\n", err, out);
	return err;
}
