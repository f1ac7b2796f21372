// RUN: %run patterns/daemon-in-group
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A daemon among the workers of a group: the join never ends. */
#include "support.h"

#include <semaphore.h>

/* ---- with pthreads ---- */

static sem_t bare_events;

static void *bare_watch(void *arg)
{
	while (sem_wait(&bare_events) == 0)
		;
	return arg;
}

static int bare(void)
{
	pthread_t watcher;

	sem_init(&bare_events, 0, 0);
	CHECK_EQ(pthread_create(&watcher, NULL, bare_watch, NULL), 0);
	hangs_in("the join of the watcher");
	pthread_join(watcher, NULL);
	return 0;
}

/* ---- with a scope: a background task is not waited for, a service has a life of its own ---- */

static atomic_int watched;
static struct gate watching = GATE_INIT;

static int watch(void *arg)
{
	int err;

	(void)arg;
	gate_open(&watching);
	err = ss_sleep_until(SS_NEVER);
	atomic_fetch_add(&watched, 1);
	return err;
}

static int work(void *arg)
{
	(void)arg;
	gate_wait(&watching);
	CHECK_EQ(watched, 0);
	return 0;
}

static void test_pthreads_wait_for_the_daemon(void **state)
{
	(void)state;
	assert_hangs("bare", "the join of the watcher");
}

static void test_a_background_task_ends_with_the_others(void **state)
{
	ss_task_opts background = { .name = "watch", .flags = SS_TASK_BACKGROUND };

	(void)state;
	SS_SCOPE(s, .name = "work", .limit = 1);
	assert_int_equal(s_rc, 0);
	assert_int_equal(ss_spawn_at(&s, NULL, &background, watch, NULL, SS_HERE), 0);
	assert_int_equal(ss_spawn(&s, work, NULL), 0);
	assert_int_equal(ss_scope_join(&s, NULL), 0);
	assert_int_equal(watched, 1);
}

static void test_a_service_ends_when_it_is_stopped(void **state)
{
	ss_service service = { { 0 } };
	int before = watched;

	(void)state;
	assert_int_equal(ss_service_start(&service, NULL, watch, NULL), 0);
	assert_int_equal(ss_service_stop(&service, SS_NEVER, NULL), 0);
	assert_true(watched <= before + 1);
	assert_int_equal(ss_service_state(&service), SS_SERVICE_STOPPED);
}

static const struct child children[] = { { "bare", bare }, { NULL, NULL } };
static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_pthreads_wait_for_the_daemon),
	cmocka_unit_test(test_a_background_task_ends_with_the_others),
	cmocka_unit_test(test_a_service_ends_when_it_is_stopped),
};

SUPPORT_MAIN(tests, children)
