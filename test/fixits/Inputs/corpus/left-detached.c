/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Detached on purpose, and nobody asked for something else.
 * left: thread 't': 't' is detached: see --detached=service and --detached=background
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>

static sem_t done;

static void *work(void *arg)
{
	puts("works");
	sem_post(&done);
	return arg;
}

int main(void)
{
	pthread_t t;

	sem_init(&done, 0, 0);
	if (pthread_create(&t, NULL, work, NULL) != 0)
		return 1;
	pthread_detach(t);
	while (sem_wait(&done) != 0)
		continue;
	return 0;
}
