/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Nobody asks whether the thread was started. */
#include <pthread.h>
#include <stdio.h>

static void *work(void *arg)
{
	*(int *)arg = 3;
	return NULL;
}

int main(void)
{
	pthread_t t;
	int out = 0;

	pthread_create(&t, NULL, work, &out);
	pthread_join(t, NULL);
	printf("%d\n", out);
	return 0;
}
