/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A function that starts a thread and does not wait for it.
 * left: thread 't': it may still run at 'return 0', and wait for what comes only later
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>

static sem_t work, done;

static void *serve(void *arg)
{
	while (sem_wait(&work) == 0) {
		puts("served");
		sem_post(&done);
	}
	return arg;
}

static int start_server(void)
{
	pthread_t t;

	if (pthread_create(&t, NULL, serve, NULL) != 0)
		return -1;
	return 0;
}

int main(void)
{
	sem_init(&work, 0, 0);
	sem_init(&done, 0, 0);
	if (start_server() != 0)
		return 1;
	sem_post(&work);
	while (sem_wait(&done) != 0)
		continue;
	return 0;
}
