/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The thread is asked for by its handle while it runs. */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>

static sem_t go;

static void *wait_for_it(void *arg)
{
	while (sem_wait(&go) != 0)
		continue;
	return arg;
}

int main(void)
{
	pthread_t t;
	int alive;

	if (sem_init(&go, 0, 0) != 0)
		return 1;
	if (pthread_create(&t, NULL, wait_for_it, NULL) != 0)
		return 1;
	alive = pthread_kill(t, 0) == 0;
	sem_post(&go);
	pthread_join(t, NULL);
	sem_destroy(&go);
	puts(alive ? "it lived" : "it did not live");
	return 0;
}
