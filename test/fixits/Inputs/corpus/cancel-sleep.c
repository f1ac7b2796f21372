/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A thread that sleeps between its rounds, and is cancelled. */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>

static sem_t begun;

static void *tick(void *arg)
{
	int *rounds = arg;

	while (1) {
		++*rounds;
		sem_post(&begun);
		sleep(1000);
	}
	return NULL;
}

int main(void)
{
	int rounds = 0;
	pthread_t t;
	void *value = NULL;

	if (sem_init(&begun, 0, 0) != 0)
		return 1;
	if (pthread_create(&t, NULL, tick, &rounds) != 0)
		return 1;
	while (sem_wait(&begun) != 0)
		continue;
	pthread_cancel(t);
	pthread_join(t, &value);
	sem_destroy(&begun);
	printf("%d %s\n", rounds, value == PTHREAD_CANCELED ? "cancelled" : "returned");
	return 0;
}
