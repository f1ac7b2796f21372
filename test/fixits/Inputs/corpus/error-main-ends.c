/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* main returns while its thread may still wait: the process ends, as it did. */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>

static sem_t never;

static void *wait_for_ever(void *arg)
{
	while (sem_wait(&never) != 0)
		continue;
	puts("never");
	return arg;
}

int main(void)
{
	static pthread_t t;

	if (sem_init(&never, 0, 0) != 0)
		return 1;
	if (pthread_create(&t, NULL, wait_for_ever, NULL) != 0)
		return 1;
	puts("done");
	return 0;
}
