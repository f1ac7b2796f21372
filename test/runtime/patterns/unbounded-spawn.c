// RUN: %run patterns/unbounded-spawn
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A thread per job, however many jobs there are. */
#include "support.h"

#define JOBS 50

static atomic_int running, most;
static pthread_barrier_t all_run;

/* ---- with pthreads ---- */

static void *bare_job(void *arg)
{
	pthread_barrier_wait(&all_run);
	return arg;
}

static int bare(void)
{
	pthread_t threads[JOBS];

	pthread_barrier_init(&all_run, NULL, JOBS + 1);
	for (int i = 0; i < JOBS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, bare_job, NULL), 0);
	if (support_live_threads() == JOBS + 1)
		defect("a thread per job");
	return 0;
}

/* ---- with a limit, or a ceiling for the process ---- */

static int job(void *arg)
{
	int now = atomic_fetch_add(&running, 1) + 1, seen = atomic_load(&most);

	(void)arg;
	while (now > seen && !atomic_compare_exchange_weak(&most, &seen, now))
		;
	CHECK_EQ(ss_sleep(SS_US(100)), 0);
	atomic_fetch_sub(&running, 1);
	return 0;
}

static int wait_for_end(void *arg)
{
	(void)arg;
	return ss_sleep_until(SS_NEVER);
}

static int ceiling(void)
{
	ss_config config = { .max_threads = 4 };
	int made = 0, err;

	CHECK_EQ(ss_configure(&config), 0);
	SS_SCOPE(s, .name = "ceiling");

	CHECK_EQ(s_rc, 0);
	CHECK_EQ(ss_spawn(&s, wait_for_end, NULL), 0);
	for (int twice = 0; twice < 2; twice++) {
		while ((err = ss_spawn(&s, wait_for_end, NULL)) == 0)
			made++;
		CHECK_EQ(err, EAGAIN);
	}
	CHECK_EQ(made, 3);
	ss_scope_cancel(&s, 0, NULL);
	CHECK_EQ(ss_scope_join(&s, NULL), 0);
	return 0;
}

static void test_pthreads_have_no_end(void **state)
{
	(void)state;
	assert_defect("bare", "a thread per job");
}

static void test_a_limit_makes_the_owner_wait(void **state)
{
	(void)state;
	SS_SCOPE(s, .name = "jobs", .limit = 3);
	assert_int_equal(s_rc, 0);
	for (int i = 0; i < JOBS; i++)
		assert_int_equal(ss_spawn(&s, job, NULL), 0);
	assert_int_equal(ss_scope_join(&s, NULL), 0);
	assert_true(most <= 3);
}

static void test_the_process_has_a_ceiling(void **state)
{
	(void)state;
	struct outcome outcome = support_child("ceiling", 0);
	const char *refused = strstr(outcome.text, "no thread for the spawn at "), *others;

	assert_int_equal(outcome.exit, 0);
	/* It says so once, and who has the threads, most of them first. */
	assert_non_null(refused);
	assert_null(strstr(refused + 1, "no thread for the spawn at "));
	others = strstr(refused, "tasks that were spawned at ");
	assert_non_null(others);
	assert_non_null(strstr(others, "unbounded-spawn.c:"));
	assert_non_null(strstr(others, ": 3\n"));
	others = strstr(others + 1, "tasks that were spawned at ");
	assert_non_null(others);
	assert_non_null(strstr(others, ": 1\n"));
}

static const struct child children[] = { { "bare", bare }, { "ceiling", ceiling }, { NULL, NULL } };
static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_pthreads_have_no_end),
	cmocka_unit_test(test_a_limit_makes_the_owner_wait),
	cmocka_unit_test(test_the_process_has_a_ceiling),
};

SUPPORT_MAIN(tests, children)
