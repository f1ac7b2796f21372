// RUN: %run patterns/cleanup-sleeps
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Each call leaves a thread behind that sleeps before it cleans up; they pile up. */
#include "support.h"

#include <unistd.h>

#define CALLS 20

/* ---- with pthreads ---- */

static void *bare_expire(void *arg)
{
	(void)arg;
	sleep(3600);
	return NULL;
}

static int bare(void)
{
	for (int i = 0; i < CALLS; i++) {
		pthread_t thread;

		CHECK_EQ(pthread_create(&thread, NULL, bare_expire, NULL), 0);
		pthread_detach(thread);
	}
	if (support_live_threads() == CALLS + 1)
		defect("a thread per call");
	return 0;
}

/* ---- with a scope per call ---- */

static atomic_int cleaned;

static int expire(void *arg)
{
	(void)arg;
	CHECK_EQ(ss_sleep(SS_SEC(3600)), ECANCELED);
	atomic_fetch_add(&cleaned, 1);
	return 0;
}

static void call(void)
{
	SS_SCOPE(s, .name = "call");

	CHECK_EQ(s_rc, 0);
	CHECK_EQ(ss_spawn(&s, expire, NULL), 0);
	CHECK_EQ(ss_spawn_task(&s, NULL, SS_TASK_FRESH, expire, NULL), 0);
}

/* ---- what is left when it is done on purpose: the leak check says where ---- */

static ss_scope left;

static void test_pthreads_pile_up(void **state)
{
	(void)state;
	assert_defect("bare", "a thread per call");
}

static void test_tasks_end_with_the_call(void **state)
{
	(void)state;
	for (int i = 0; i < CALLS; i++)
		call();
	assert_int_equal(cleaned, 2 * CALLS);
	assert_int_equal(ss_leak_check(0), 0);
}

static void test_the_leak_check_counts_by_site(void **state)
{
	ss_scope_opts opts = { .name = "left", .flags = SS_UNBOUND };

	(void)state;
	assert_int_equal(ss_scope_open(&left, &opts, SS_HERE), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(ss_spawn(&left, expire, NULL), 0);
	assert_true(ss_leak_check(0) >= 3);
	assert_true(reports_have("cleanup-sleeps.c:"));
	assert_true(reports_have("\"left\""));
	ss_scope_cancel(&left, 0, NULL);
	assert_int_equal(ss_scope_join(&left, NULL), 0);
	ss_scope_fini(&left);
	assert_int_equal(ss_leak_check(0), 0);
}

static const struct child children[] = { { "bare", bare }, { NULL, NULL } };
static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_pthreads_pile_up),
	cmocka_unit_test(test_tasks_end_with_the_call),
	cmocka_unit_test(test_the_leak_check_counts_by_site),
};

SUPPORT_MAIN(tests, children)
