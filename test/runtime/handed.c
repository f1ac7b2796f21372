// RUN: %run handed
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A correct program for the thread sanitizer: all that is shared is handed over by calls of the runtime alone. For each
 * such call, what one thread wrote before it another reads after it.
 */
#include <safespawn.h>

#include <errno.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CHECK(condition) ((condition) ? (void)0 : (fprintf(stderr, "line %d: %s\n", __LINE__, #condition), _Exit(3)))

/* Plain memory: the sanitizer sees whether there is an order between its uses. */
static long given, result;

static int work(void *arg)
{
	result = *(long *)arg + given;
	return 0;
}

static int work_and_fail(void *arg)
{
	(void)work(arg);
	ss_fail(EIO, "%ld", result);
}

static void spawn_and_join(unsigned flags)
{
	long argument;
	ss_task task;

	/* More than once: new threads, parked ones, those that still look for work. */
	for (int i = 0; i < 4; i++) {
		SS_SCOPE(scope, .flags = SS_SUPERVISE);

		CHECK(!scope_rc);
		given = i;
		argument = 10;
		CHECK(!ss_spawn_task(&scope, &task, flags, work, &argument));
		CHECK(!ss_task_join(&task, NULL));
		CHECK(result == 10 + i);

		given = argument = i;
		CHECK(!ss_spawn_task(&scope, NULL, flags, work_and_fail, &argument));
		CHECK(ss_scope_join(&scope, NULL) == EIO);
		CHECK(result == 2 * i);
	}
}

static void limited(unsigned flags)
{
	SS_SCOPE(scope, .limit = 1, .flags = flags);
	long argument = 1;

	CHECK(!scope_rc);
	/* A slot goes from one task to the next, so they are in order. */
	for (int i = 0; i < 8; i++)
		CHECK(!ss_spawn(&scope, work, &argument));
	CHECK(!ss_scope_join(&scope, NULL));
	given = result;
}

static int spawn_more(void *scope)
{
	static long argument;

	for (argument = 0; argument < 1;)
		argument++;
	for (int i = 0; i < 8; i++)
		CHECK(!ss_spawn(scope, work, &argument));
	return 0;
}

static void queued(unsigned flags)
{
	SS_SCOPE(scope, .limit = 1, .flags = flags);

	CHECK(!scope_rc && !ss_spawn(&scope, spawn_more, &scope));
	CHECK(!ss_scope_join(&scope, NULL));
	given = result;
}

/* ---- one thread waits, the other hands over ---- */

struct pair {
	ss_cancel *token;
	sem_t semaphore;
	pthread_mutex_t mutex;
	pthread_cond_t condition;
	ss_queue queue;
	void *ring[1];
	int fds[2];
	int ready; /* guarded by a mutex */
	long data; /* guarded by the hand-over alone */
};

static int by_semaphore(void *arg)
{
	struct pair *pair = arg;

	CHECK(ss_sem_wait(&pair->semaphore) == 0);
	result = pair->data;
	return 0;
}

static int by_condition(void *arg)
{
	struct pair *pair = arg;

	pthread_mutex_lock(&pair->mutex);
	while (!pair->ready)
		CHECK(!ss_cond_wait(&pair->condition, &pair->mutex));
	pthread_mutex_unlock(&pair->mutex);
	result = pair->data;
	return 0;
}

static int by_timed_condition(void *arg)
{
	struct pair *pair = arg;

	pthread_mutex_lock(&pair->mutex);
	while (!pair->ready)
		CHECK(!ss_cond_timedwait(&pair->condition, &pair->mutex, ss_after(SS_SEC(600))));
	pthread_mutex_unlock(&pair->mutex);
	result = pair->data;
	return 0;
}

static int by_queue(void *arg)
{
	struct pair *pair = arg;
	void *item;

	CHECK(!ss_queue_pop(&pair->queue, &item, SS_NEVER));
	result = *(long *)item;
	CHECK(!ss_queue_pop(&pair->queue, &item, SS_NEVER));
	return 0;
}

static int by_cancel_wait(void *arg)
{
	struct pair *pair = arg;

	CHECK(!ss_cancel_wait(pair->token, SS_NEVER));
	result = pair->data;
	return 0;
}

static int sleep_cancelled(void *arg)
{
	CHECK(ss_sleep(SS_SEC(600)) == ECANCELED);
	result = ((struct pair *)arg)->data;
	return 0;
}

static int by_sleep(void *arg)
{
	struct pair *pair = arg;

	return ss_with_token(pair->token, sleep_cancelled, pair);
}

static int poll_token(void *arg)
{
	while (!ss_cancelled())
		ss_sleep(SS_US(100));
	result = ((struct pair *)arg)->data;
	return 0;
}

static int by_polling(void *arg)
{
	struct pair *pair = arg;

	return ss_with_token(pair->token, poll_token, pair);
}

static int read_cancelled(void *arg)
{
	struct pair *pair = arg;
	char byte;

	CHECK(ss_read(pair->fds[0], &byte, 1) == -1 && errno == ECANCELED);
	result = pair->data;
	return 0;
}

static int by_read(void *arg)
{
	struct pair *pair = arg;

	return ss_with_token(pair->token, read_cancelled, pair);
}

static int by_pipe(void *arg)
{
	struct pair *pair = arg;
	char byte;

	CHECK(ss_read(pair->fds[0], &byte, 1) == 1);
	result = pair->data;
	return 0;
}

static void hand_over(int (*waiter)(void *arg), bool early)
{
	struct pair pair = { .mutex = PTHREAD_MUTEX_INITIALIZER, .condition = PTHREAD_COND_INITIALIZER };
	ss_cancel token;
	SS_SCOPE(scope, .flags = SS_SUPERVISE);

	CHECK(!scope_rc && !ss_cancel_init(&token, NULL));
	pair.token = &token;
	CHECK(sem_init(&pair.semaphore, 0, 0) == 0);
	CHECK(!ss_queue_init(&pair.queue, pair.ring, 1, NULL));
	CHECK(pipe(pair.fds) == 0);
	CHECK(!ss_spawn(&scope, waiter, &pair));
	if (!early)
		ss_sleep(SS_MS(2)); /* either order is right: the waiter sleeps already, most likely */
	pair.data = 42;
	if (waiter == by_semaphore) {
		CHECK(sem_post(&pair.semaphore) == 0);
	} else if (waiter == by_condition || waiter == by_timed_condition) {
		pthread_mutex_lock(&pair.mutex);
		pair.ready = 1;
		pthread_cond_signal(&pair.condition);
		pthread_mutex_unlock(&pair.mutex);
	} else if (waiter == by_queue) {
		CHECK(!ss_queue_push(&pair.queue, &pair.data, SS_NEVER));
		CHECK(!ss_queue_push(&pair.queue, &pair.data, SS_NEVER));
	} else if (waiter == by_pipe) {
		CHECK(ss_write(pair.fds[1], "x", 1) == 1);
	} else {
		ss_cancel_fire(&token, 0, NULL);
	}
	CHECK(!ss_scope_join(&scope, NULL));
	CHECK(result == 42);
	result = 0;
	ss_cancel_done(&token);
	ss_queue_fini(&pair.queue);
	sem_destroy(&pair.semaphore);
	close(pair.fds[0]);
	close(pair.fds[1]);
}

/* ---- timers, services ---- */

static int tick(void *arg)
{
	(void)arg;
	if (++given == 3)
		ss_scope_cancel(ss_scope_current(), 0, NULL);
	return 0;
}

static void timed(void)
{
	ss_timer timer;
	SS_SCOPE(scope, .flags = 0);

	CHECK(!scope_rc);
	given = 0;
	CHECK(!ss_timer_start(&scope, &timer, 0, SS_US(100), tick, NULL));
	CHECK(!ss_cancel_wait(ss_scope_token(&scope), SS_NEVER));
	(void)ss_timer_stop(&timer);
	CHECK(given >= 3);
}

static int serve(void *arg)
{
	*(long *)arg += given;
	while (!ss_sleep(SS_SEC(600)))
		;
	*(long *)arg += 1;
	return 0;
}

static void served(void)
{
	ss_service service;
	long calls = 1;

	given = 1;
	CHECK(!ss_service_start(&service, NULL, serve, &calls));
	CHECK(!ss_service_stop(&service, SS_NEVER, NULL));
	CHECK(calls >= 1);
}

static int fill(void *arg)
{
	*(long *)arg = 7;
	return 0;
}

/* Who ends last is waited for by any thread that joins an unbound scope. */
static void unbound(void)
{
	static const ss_scope_opts opts = { .flags = SS_UNBOUND };
	static ss_scope scope;
	static long filled;

	CHECK(!ss_scope_open(&scope, &opts, SS_HERE));
	CHECK(!ss_spawn(&scope, fill, &filled));
	CHECK(!ss_scope_join(&scope, NULL) && filled == 7);
	ss_scope_fini(&scope);
}

int main(void)
{
	int (*const waiters[])(void *) = { by_semaphore, by_condition,	 by_timed_condition,
					   by_queue,	 by_cancel_wait, by_sleep,
					   by_polling,	 by_read,	 by_pipe };

	spawn_and_join(0);
	spawn_and_join(SS_TASK_FRESH);
	limited(0);
	limited(SS_HELP);
	queued(0);
	queued(SS_HELP);
	for (size_t i = 0; i < sizeof(waiters) / sizeof(*waiters); i++) {
		hand_over(waiters[i], true);
		hand_over(waiters[i], false);
	}
	timed();
	served();
	unbound();
	CHECK(!ss_drain(SS_NEVER));
	puts("handed over");
	return 0;
}
