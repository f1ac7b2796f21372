/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A thread for the life of the process.
 * fix: --detached=service
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>

static sem_t asked, answered;
static int number;

static void *serve(void *arg)
{
	(void)arg;
	while (1) {
		while (sem_wait(&asked) != 0)
			continue;
		number *= 2;
		sem_post(&answered);
	}
	return NULL;
}

static int ask(int about)
{
	number = about;
	sem_post(&asked);
	while (sem_wait(&answered) != 0)
		continue;
	return number;
}

static int start_server(void)
{
	pthread_t server;

	sem_init(&asked, 0, 0);
	sem_init(&answered, 0, 0);
	if (pthread_create(&server, NULL, serve, NULL) != 0)
		return -1;
	pthread_detach(server); /* nobody waits for it */
	return 0;
}

int main(void)
{
	if (start_server() != 0)
		return 1;
	printf("%d\n", ask(4));
	printf("%d\n", ask(21));
	return 0;
}
