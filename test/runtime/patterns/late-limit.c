// RUN: %run patterns/late-limit
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A limit that is set when the group already runs. */
#include "support.h"

#include <semaphore.h>

#define TASKS 8

static atomic_int running, most;

static void work(void)
{
	int now = atomic_fetch_add(&running, 1) + 1, seen = atomic_load(&most);

	while (now > seen && !atomic_compare_exchange_weak(&most, &seen, now))
		;
}

/* ---- with pthreads: the first ones run before there is a limit ---- */

static pthread_barrier_t all_run;

static void *bare_work(void *arg)
{
	work();
	pthread_barrier_wait(&all_run);
	atomic_fetch_sub(&running, 1);
	return arg;
}

static int bare(void)
{
	pthread_t threads[TASKS];
	sem_t limit;

	pthread_barrier_init(&all_run, NULL, TASKS);
	for (int i = 0; i < TASKS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, bare_work, NULL), 0);
	sem_init(&limit, 0, 2); /* "at most two" */
	for (int i = 0; i < TASKS; i++)
		pthread_join(threads[i], NULL);
	if (atomic_load(&most) == TASKS)
		defect("all of them ran at a time");
	return 0;
}

/* ---- with a scope: the limit is part of opening it, and there is no call to change it ---- */

static int limited_work(void *arg)
{
	(void)arg;
	work();
	CHECK_EQ(ss_sleep(SS_MS(1)), 0);
	atomic_fetch_sub(&running, 1);
	return 0;
}

static void test_pthreads_run_all(void **state)
{
	(void)state;
	assert_defect("bare", "all of them ran at a time");
}

static void test_the_limit_holds_from_the_first_task(void **state)
{
	(void)state;
	SS_SCOPE(s, .name = "limited", .limit = 2);
	assert_int_equal(s_rc, 0);
	for (int i = 0; i < TASKS; i++)
		assert_int_equal(ss_spawn(&s, limited_work, NULL), 0);
	assert_int_equal(ss_scope_join(&s, NULL), 0);
	assert_true(most >= 1 && most <= 2);
}

static const struct child children[] = { { "bare", bare }, { NULL, NULL } };
static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_pthreads_run_all),
	cmocka_unit_test(test_the_limit_holds_from_the_first_task),
};

SUPPORT_MAIN(tests, children)
