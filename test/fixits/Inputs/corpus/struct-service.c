/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Something with a start and a stop. */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

struct counter {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	int asked, done;
	bool stop;
};

static void *count(void *arg)
{
	struct counter *counter = arg;

	pthread_mutex_lock(&counter->lock);
	for (;;) {
		while (!counter->stop && counter->done == counter->asked)
			pthread_cond_wait(&counter->changed, &counter->lock);
		if (counter->done == counter->asked)
			break;
		counter->done++;
	}
	pthread_mutex_unlock(&counter->lock);
	return NULL;
}

static int counter_start(struct counter *counter)
{
	pthread_mutex_init(&counter->lock, NULL);
	pthread_cond_init(&counter->changed, NULL);
	counter->asked = counter->done = 0;
	counter->stop = false;
	return pthread_create(&counter->thread, NULL, count, counter);
}

static void counter_ask(struct counter *counter)
{
	pthread_mutex_lock(&counter->lock);
	counter->asked++;
	pthread_cond_signal(&counter->changed);
	pthread_mutex_unlock(&counter->lock);
}

static int counter_stop(struct counter *counter)
{
	pthread_mutex_lock(&counter->lock);
	counter->stop = true;
	pthread_cond_signal(&counter->changed);
	pthread_mutex_unlock(&counter->lock);
	pthread_join(counter->thread, NULL);
	pthread_cond_destroy(&counter->changed);
	pthread_mutex_destroy(&counter->lock);
	return counter->done;
}

int main(void)
{
	struct counter counter;

	if (counter_start(&counter) != 0)
		return 1;
	for (int i = 0; i < 7; i++)
		counter_ask(&counter);
	printf("%d\n", counter_stop(&counter));
	return 0;
}
