/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A pool of workers and a queue of jobs. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define WORKERS 3

struct job {
	struct job *next;
	int number;
};

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct job *jobs;
	int closed;
	long sum;
	pthread_t workers[WORKERS];
};

static void *work(void *arg)
{
	struct pool *pool = arg;

	for (;;) {
		struct job *job;

		pthread_mutex_lock(&pool->lock);
		while (!pool->jobs && !pool->closed)
			pthread_cond_wait(&pool->more, &pool->lock);
		job = pool->jobs;
		if (job)
			pool->jobs = job->next;
		pthread_mutex_unlock(&pool->lock);
		if (!job)
			return NULL;
		pthread_mutex_lock(&pool->lock);
		pool->sum += job->number;
		pthread_mutex_unlock(&pool->lock);
		free(job);
	}
}

static int pool_add(struct pool *pool, int number)
{
	struct job *job = malloc(sizeof(*job));

	if (!job)
		return -1;
	job->number = number;
	pthread_mutex_lock(&pool->lock);
	job->next = pool->jobs;
	pool->jobs = job;
	pthread_cond_signal(&pool->more);
	pthread_mutex_unlock(&pool->lock);
	return 0;
}

static void pool_close(struct pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->closed = 1;
	pthread_cond_broadcast(&pool->more);
	pthread_mutex_unlock(&pool->lock);
}

static int run(struct pool *pool)
{
	int started = 0;

	while (started < WORKERS) {
		if (pthread_create(&pool->workers[started], NULL, work, pool) != 0)
			break;
		started++;
	}
	for (int i = 1; i <= 50; i++)
		if (pool_add(pool, i) != 0)
			break;
	pool_close(pool);
	for (int i = 0; i < started; i++)
		pthread_join(pool->workers[i], NULL);
	return started;
}

int main(void)
{
	static struct pool pool = { .lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER };
	int started = run(&pool);

	printf("%d %ld\n", started, pool.sum);
	return 0;
}
