// RUN: %run patterns/failing-cleanup
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A clean-up that fails in its turn. */
#include "support.h"

static atomic_int steps;

/* ---- with pthreads: what was to be undone after it is not undone ---- */

static int bare_clean_up(void)
{
	atomic_fetch_add(&steps, 1);
	return -1; /* fails */
}

static void *bare_work(void *arg)
{
	if (bare_clean_up() != 0)
		pthread_exit(NULL);
	atomic_fetch_add(&steps, 1); /* the second step */
	return arg;
}

static int bare(void)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, bare_work, NULL), 0);
	pthread_join(thread, NULL);
	if (atomic_load(&steps) == 1)
		defect("the second step is missing");
	return 0;
}

/* ---- with defers: a second error, and the rest runs ---- */

static void step(void *arg)
{
	(void)arg;
	atomic_fetch_add(&steps, 1);
}

static void failing_step(void *arg)
{
	(void)arg;
	ss_fail(EIO, "in the clean-up");
}

static int fail_twice(void *arg)
{
	SS_DEFER(step, arg);
	SS_DEFER(failing_step, arg);
	SS_DEFER(step, arg);
	ss_fail(EBADMSG, "in the body");
}

static void test_pthreads_stop_in_the_middle(void **state)
{
	(void)state;
	assert_defect("bare", "the second step is missing");
}

static void test_all_defers_run(void **state)
{
	ss_error errors[2];

	(void)state;
	SS_SCOPE(s, .name = "twice");
	assert_int_equal(s_rc, 0);
	assert_int_equal(ss_spawn(&s, fail_twice, NULL), 0);
	assert_int_equal(ss_scope_join(&s, NULL), EBADMSG);
	assert_int_equal(steps, 2);
	assert_int_equal(ss_scope_errors(&s, errors, COUNT(errors)), 2);
	assert_int_equal(errors[0].code, EBADMSG);
	assert_int_equal(errors[1].code, EIO);
	assert_string_equal(errors[1].msg, "in the clean-up");
}

static const struct child children[] = { { "bare", bare }, { NULL, NULL } };
static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_pthreads_stop_in_the_middle),
	cmocka_unit_test(test_all_defers_run),
};

SUPPORT_MAIN(tests, children)
