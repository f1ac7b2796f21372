// RUN: %run patterns/thread-count
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* How many threads there are, as a test for leaks. */
#include "support.h"

/* ---- with pthreads: a pool's threads look like leaks, a leak beside one that ended does not ---- */

static struct gate never = GATE_INIT;

static void *bare_wait(void *arg)
{
	gate_wait(arg);
	return NULL;
}

static int bare(void)
{
	static struct gate ends = GATE_INIT;
	pthread_t worker, leaked;
	unsigned before;

	CHECK_EQ(pthread_create(&worker, NULL, bare_wait, &ends), 0);
	before = support_live_threads();
	CHECK_EQ(pthread_create(&leaked, NULL, bare_wait, &never), 0);
	gate_open(&ends);
	pthread_join(worker, NULL);
	support_wait_for_threads(before);
	if (support_live_threads() == before)
		defect("the number is the same, and one is leaked");
	return 0;
}

/* ---- with the leak check: it counts what is owned, since the mark ---- */

static int wait_for_end(void *arg)
{
	gate_open(arg);
	return ss_sleep_until(SS_NEVER);
}

static void test_the_number_of_threads_says_nothing(void **state)
{
	(void)state;
	assert_defect("bare", "the number is the same, and one is leaked");
}

static void test_parked_workers_are_no_leak(void **state)
{
	struct gate runs = GATE_INIT;
	ss_stats stats;

	(void)state;
	{
		SS_SCOPE(s, .name = "warm");

		assert_int_equal(s_rc, 0);
		assert_int_equal(ss_spawn(&s, wait_for_end, &runs), 0);
		gate_wait(&runs);
	}
	ss_get_stats(&stats);
	assert_true(stats.parked >= 1);
	assert_int_equal(ss_leak_check(0), 0);
}

static void test_what_is_left_is_counted_exactly(void **state)
{
	struct gate runs = GATE_INIT;
	ss_scope_opts opts = { .name = "left", .flags = SS_UNBOUND };
	ss_scope before, after;

	(void)state;
	assert_int_equal(ss_scope_open(&before, &opts, SS_HERE), 0);
	assert_int_equal(ss_leak_mark(), 0);
	assert_int_equal(ss_leak_check(0), 0);
	assert_int_equal(ss_scope_open(&after, &opts, SS_HERE), 0);
	assert_int_equal(ss_leak_check(0), 1);
	assert_int_equal(ss_spawn(&after, wait_for_end, &runs), 0);
	assert_int_equal(ss_leak_check(0), 2);
	ss_scope_cancel(&after, 0, NULL);
	assert_int_equal(ss_scope_join(&after, NULL), 0);
	ss_scope_fini(&after);
	assert_int_equal(ss_scope_join(&before, NULL), 0);
	ss_scope_fini(&before);
	assert_int_equal(ss_leak_check(0), 0);
}

static const struct child children[] = { { "bare", bare }, { NULL, NULL } };
static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_the_number_of_threads_says_nothing),
	cmocka_unit_test(test_parked_workers_are_no_leak),
	cmocka_unit_test(test_what_is_left_is_counted_exactly),
};

SUPPORT_MAIN(tests, children)
