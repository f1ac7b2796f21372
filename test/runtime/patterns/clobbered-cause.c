// RUN: %run patterns/clobbered-cause
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Several fail, and the last one to write says why. */
#include "support.h"

/* ---- with pthreads: a shared variable keeps the last error ---- */

static atomic_int bare_error;

static void *bare_fail(void *arg)
{
	atomic_store(&bare_error, *(int *)arg);
	return NULL;
}

static int bare(void)
{
	int codes[] = { EIO, EPIPE };

	for (size_t i = 0; i < COUNT(codes); i++) {
		pthread_t thread;

		CHECK_EQ(pthread_create(&thread, NULL, bare_fail, &codes[i]), 0);
		pthread_join(thread, NULL);
	}
	if (atomic_load(&bare_error) == EPIPE)
		defect("the consequence is kept, the cause is gone");
	return 0;
}

/* ---- with a scope: the first is the cause, all are in the list ---- */

static int fail_with(void *code)
{
	ss_fail(*(int *)code, "code %d", *(int *)code);
}

static void test_pthreads_keep_the_last(void **state)
{
	(void)state;
	assert_defect("bare", "the consequence is kept, the cause is gone");
}

static void test_the_first_cause_stays(void **state)
{
	int codes[] = { EIO, EPIPE, EDOM };
	ss_error first, all[COUNT(codes)];
	ss_task task;

	(void)state;
	SS_SCOPE(s, .name = "causes", .flags = SS_SUPERVISE);
	assert_int_equal(s_rc, 0);
	for (size_t i = 0; i < COUNT(codes); i++) {
		assert_int_equal(ss_spawn_task(&s, &task, 0, fail_with, &codes[i]), 0);
		assert_int_equal(ss_task_join(&task, NULL), 0);
	}
	ss_scope_cancel(&s, EINTR, "too late to be the cause");
	assert_int_equal(ss_scope_join(&s, &first), EIO);
	assert_string_equal(first.msg, "code 5");
	assert_int_equal(ss_scope_errors(&s, all, COUNT(all)), COUNT(codes));
	for (size_t i = 0; i < COUNT(codes); i++)
		assert_int_equal(all[i].code, codes[i]);
}

static void test_the_first_cancellation_stays(void **state)
{
	ss_error first;

	(void)state;
	SS_SCOPE(s, .name = "causes");
	assert_int_equal(s_rc, 0);
	ss_scope_cancel(&s, EINTR, "the user");
	ss_scope_cancel(&s, EIO, "a consequence");
	assert_int_equal(ss_scope_join(&s, &first), EINTR);
	assert_string_equal(first.msg, "the user");
}

static const struct child children[] = { { "bare", bare }, { NULL, NULL } };
static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_pthreads_keep_the_last),
	cmocka_unit_test(test_the_first_cause_stays),
	cmocka_unit_test(test_the_first_cancellation_stays),
};

SUPPORT_MAIN(tests, children)
