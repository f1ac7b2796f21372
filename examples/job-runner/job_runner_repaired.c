/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Runs a list of shell commands, several at a time:
 *
 *	job_runner SECONDS < jobs
 *
 * Each line of the list is a job. A feeder thread reads the list into a queue, worker threads take jobs from there and
 * run them, a printer thread says how each one ended. After SECONDS a watchdog thread stops the run: no further job is
 * started. Threads are those of C11.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <time.h>

enum { WORKERS = 4, QUEUE = 8, JOB_BYTES = 512 };

struct job {
	char command[JOB_BYTES];
	int status;
};

struct queue {
	struct job jobs[QUEUE];
	size_t first, used;
	bool closed; /* no more jobs will come */
};

struct runner {
	mtx_t lock; /* guards what follows */
	cnd_t changed;
	struct queue waiting, ended;
	int failed;
	bool stop;
	bool over;

	int seconds;
	thrd_t watchdog;
	thrd_t workers[WORKERS];
};

/* False when the queue was closed. */
static bool put(struct runner *r, struct queue *q, const struct job *job)
{
	bool put = false;

	mtx_lock(&r->lock);
	while (q->used == QUEUE && !q->closed)
		cnd_wait(&r->changed, &r->lock);
	if (!q->closed) {
		q->jobs[(q->first + q->used++) % QUEUE] = *job;
		put = true;
	}
	cnd_broadcast(&r->changed);
	mtx_unlock(&r->lock);
	return put;
}

/* False when no more jobs will come. */
static bool take(struct runner *r, struct queue *q, struct job *job)
{
	bool taken = false;

	mtx_lock(&r->lock);
	while (!q->used && !q->closed)
		cnd_wait(&r->changed, &r->lock);
	if (q->used) {
		*job = q->jobs[q->first];
		q->first = (q->first + 1) % QUEUE;
		q->used--;
		taken = true;
	}
	cnd_broadcast(&r->changed);
	mtx_unlock(&r->lock);
	return taken;
}

static void close_queue(struct runner *r, struct queue *q)
{
	mtx_lock(&r->lock);
	q->closed = true;
	cnd_broadcast(&r->changed);
	mtx_unlock(&r->lock);
}

static int feed(void *arg)
{
	struct runner *r = arg;
	struct job job = { .status = 0 };

	while (fgets(job.command, sizeof(job.command), stdin)) {
		job.command[strcspn(job.command, "\n")] = '\0';
		if (!put(r, &r->waiting, &job))
			break;
	}
	close_queue(r, &r->waiting);
	return 0;
}

static int work(void *arg)
{
	struct runner *r = arg;
	struct job job;

	while (take(r, &r->waiting, &job)) {
		job.status = system(job.command);
		put(r, &r->ended, &job);
	}
	return 0;
}

static int print_results(void *arg)
{
	struct runner *r = arg;
	struct job job;

	while (take(r, &r->ended, &job)) {
		printf("%s: %s\n", job.status ? "FAILED" : "ok", job.command);
		mtx_lock(&r->lock);
		r->failed += job.status != 0;
		mtx_unlock(&r->lock);
	}
	return 0;
}

static void stop_run(struct runner *r)
{
	mtx_lock(&r->lock);
	r->stop = true;
	r->waiting.used = 0;
	r->waiting.closed = true;
	cnd_broadcast(&r->changed);
	mtx_unlock(&r->lock);
}

static int watch(void *arg)
{
	struct runner *r = arg;
	struct timespec until;
	bool late;

	timespec_get(&until, TIME_UTC);
	until.tv_sec += r->seconds;
	mtx_lock(&r->lock);
	while (!r->over && cnd_timedwait(&r->changed, &r->lock, &until) == thrd_success)
		;
	late = !r->over;
	mtx_unlock(&r->lock);
	if (late) {
		fprintf(stderr, "job_runner: stopped after %d seconds\n", r->seconds);
		stop_run(r);
	}
	return 0;
}

static void end_watch(struct runner *r)
{
	mtx_lock(&r->lock);
	r->over = true;
	cnd_broadcast(&r->changed);
	mtx_unlock(&r->lock);
	thrd_join(r->watchdog, NULL);
}

static int start_workers(struct runner *r)
{
	int started;

	for (started = 0; started < WORKERS; started++)
		if (thrd_create(&r->workers[started], work, r) != thrd_success)
			break;
	return started;
}

/* Feeds the workers until the list is at its end and they are done. */
static bool run_jobs(struct runner *r)
{
	thrd_t feeder;
	int workers;

	if (thrd_create(&feeder, feed, r) != thrd_success) {
		fprintf(stderr, "job_runner: no thread to read the list\n");
		return false;
	}
	workers = start_workers(r);
	if (!workers)
		stop_run(r);
	for (int i = 0; i < workers; i++)
		thrd_join(r->workers[i], NULL);
	thrd_join(feeder, NULL);
	return workers > 0;
}

static int run_and_print(struct runner *r)
{
	thrd_t printer;
	bool ran;

	if (thrd_create(&printer, print_results, r) != thrd_success)
		return 1;
	ran = run_jobs(r);
	close_queue(r, &r->ended);
	thrd_join(printer, NULL);
	if (r->failed)
		fprintf(stderr, "job_runner: %d jobs failed\n", r->failed);
	return !ran || r->failed || r->stop;
}

int main(int argc, char **argv)
{
	struct runner *r;
	int status;

	if (argc != 2 || atoi(argv[1]) <= 0) {
		fprintf(stderr, "usage: job_runner SECONDS < jobs\n");
		return 2;
	}
	r = calloc(1, sizeof(*r));
	if (!r || mtx_init(&r->lock, mtx_plain) != thrd_success || cnd_init(&r->changed) != thrd_success)
		return 1;
	r->seconds = atoi(argv[1]);
	if (thrd_create(&r->watchdog, watch, r) != thrd_success)
		return 1;
	status = run_and_print(r);
	end_watch(r);
	cnd_destroy(&r->changed);
	mtx_destroy(&r->lock);
	free(r);
	return status;
}
