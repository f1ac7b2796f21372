/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Cancelled, and it might go round for ever as a task: what it waits for is the result of a call in a condition.
 * left: thread 't': 't' is cancelled, and 'sem_wait(&never)', where it may be cancelled, stands where an exit does not fit
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>

static sem_t never;

static void *wait_for_it(void *arg)
{
	while (sem_wait(&never) != 0)
		continue;
	return arg;
}

int main(void)
{
	pthread_t t;

	sem_init(&never, 0, 0);
	if (pthread_create(&t, NULL, wait_for_it, NULL) != 0)
		return 1;
	pthread_cancel(t);
	pthread_join(t, NULL);
	puts("over");
	return 0;
}
