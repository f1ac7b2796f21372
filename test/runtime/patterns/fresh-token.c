// RUN: %run patterns/fresh-token
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The child is given a stop flag of its own instead of that of its parent. */
#include "support.h"

#include <unistd.h>

/* ---- with pthreads ---- */

static void *bare_child(void *arg)
{
	static atomic_bool stop; /* should have been the caller's */

	while (!atomic_load(&stop))
		usleep(1000);
	return arg;
}

static int bare(void)
{
	static atomic_bool stop;
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, bare_child, NULL), 0);
	atomic_store(&stop, true);
	hangs_in("the join of a child that was not told");
	pthread_join(thread, NULL);
	return 0;
}

/* ---- with scopes: the token comes by itself; the exception is a flag in plain sight ---- */

static int grandchild(void *arg)
{
	(void)arg;
	return ss_sleep_until(SS_NEVER);
}

static int child(void *arg)
{
	(void)arg;
	SS_SCOPE(inner, .name = "inner");
	CHECK_EQ(inner_rc, 0);
	CHECK_EQ(ss_spawn(&inner, grandchild, NULL), 0);
	CHECK_EQ(ss_scope_join(&inner, NULL), ECANCELED);
	return 0;
}

static int unlinked(void *arg)
{
	(void)arg;
	SS_SCOPE(inner, .name = "inner", .flags = SS_UNLINKED);
	CHECK_EQ(inner_rc, 0);
	CHECK_EQ(ss_cancelled(), 0);
	CHECK_EQ(ss_scope_join(&inner, NULL), 0);
	CHECK_EQ(ss_cancelled(), ECANCELED);
	return 0;
}

static void test_pthreads_are_not_told(void **state)
{
	(void)state;
	assert_hangs("bare", "the join of a child that was not told");
}

static int wait_then_unlinked(void *arg)
{
	CHECK_EQ(ss_sleep_until(SS_NEVER), ECANCELED);
	return unlinked(arg);
}

static void test_children_are_told(void **state)
{
	(void)state;
	SS_SCOPE(s, .name = "outer");
	assert_int_equal(s_rc, 0);
	assert_int_equal(ss_spawn(&s, child, NULL), 0);
	assert_int_equal(ss_spawn(&s, wait_then_unlinked, NULL), 0);
	support_wait_blocked("ss_sleep", 2);
	ss_scope_cancel(&s, 0, NULL);
	assert_int_equal(ss_scope_join(&s, NULL), 0);
}

static const struct child children[] = { { "bare", bare }, { NULL, NULL } };
static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_pthreads_are_not_told),
	cmocka_unit_test(test_children_are_told),
};

SUPPORT_MAIN(tests, children)
