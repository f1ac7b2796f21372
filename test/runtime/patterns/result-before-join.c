// RUN: %run patterns/result-before-join
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The result is read before it is there. */
#include "support.h"

static struct gate may_finish = GATE_INIT;

/* ---- with pthreads: the result is a variable like any other ---- */

static atomic_int bare_result;

static void *bare_compute(void *arg)
{
	gate_wait(&may_finish);
	atomic_store(&bare_result, 42);
	return arg;
}

static int bare(void)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, bare_compute, NULL), 0);
	if (atomic_load(&bare_result) != 42)
		defect("the result is not there yet");
	return 0;
}

/* ---- with a task: the join is where the result comes from ---- */

static int compute(void *arg)
{
	(void)arg;
	gate_wait(&may_finish);
	return 42;
}

static void test_pthreads_read_too_early(void **state)
{
	(void)state;
	assert_defect("bare", "the result is not there yet");
}

static void test_the_result_comes_with_the_join(void **state)
{
	ss_task task;
	int result = -1;

	(void)state;
	SS_SCOPE(s, .name = "compute", .flags = SS_SUPERVISE);
	assert_int_equal(s_rc, 0);
	assert_int_equal(ss_spawn_task(&s, &task, 0, compute, NULL), 0);
	assert_int_equal(ss_task_tryjoin(&task, &result), EBUSY);
	assert_int_equal(result, -1);
	gate_open(&may_finish);
	assert_int_equal(ss_task_join(&task, &result), 0);
	assert_int_equal(result, 42);
	assert_int_equal(ss_task_join(&task, &result), ESRCH);
	assert_int_equal(ss_scope_join(&s, NULL), 42);
}

static const struct child children[] = { { "bare", bare }, { NULL, NULL } };
static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_pthreads_read_too_early),
	cmocka_unit_test(test_the_result_comes_with_the_join),
};

SUPPORT_MAIN(tests, children)
