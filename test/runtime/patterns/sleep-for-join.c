// RUN: %run patterns/sleep-for-join
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A sleep where a join should be. */
#include "support.h"

static struct gate slow = GATE_INIT;
static atomic_bool ready;

/* ---- with pthreads: the machine was slower than the sleep ---- */

static void *bare_prepare(void *arg)
{
	gate_wait(&slow);
	atomic_store(&ready, true);
	return arg;
}

static int bare(void)
{
	pthread_t thread;
	struct timespec time = { 0, 10000000 };

	CHECK_EQ(pthread_create(&thread, NULL, bare_prepare, NULL), 0);
	nanosleep(&time, NULL);
	if (!atomic_load(&ready))
		defect("it is used before it is ready");
	return 0;
}

/* ---- with a scope: the end of the block is the join ---- */

static int prepare(void *arg)
{
	(void)arg;
	gate_wait(&slow);
	atomic_store(&ready, true);
	return 0;
}

static int open_it(void *arg)
{
	(void)arg;
	gate_open(&slow);
	return 0;
}

static void test_pthreads_are_not_ready(void **state)
{
	(void)state;
	assert_defect("bare", "it is used before it is ready");
}

static void test_the_block_ends_with_a_join(void **state)
{
	(void)state;
	{
		SS_SCOPE(s, .name = "prepare", .flags = SS_EXIT_WAIT);

		assert_int_equal(s_rc, 0);
		assert_int_equal(ss_spawn(&s, prepare, NULL), 0);
		assert_int_equal(ss_spawn(&s, open_it, NULL), 0);
	}
	assert_true(ready);
}

static const struct child children[] = { { "bare", bare }, { NULL, NULL } };
static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_pthreads_are_not_ready),
	cmocka_unit_test(test_the_block_ends_with_a_join),
};

SUPPORT_MAIN(tests, children)
