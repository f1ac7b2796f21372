// RUN: %run patterns/misplaced-guard
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The guard against failures is in the parent, the failure is in the child. */
#include "support.h"

/* ---- with pthreads: a clean-up handler of the parent knows nothing of its child ---- */

static atomic_bool cleaned;

static void bare_clean_up(void *arg)
{
	(void)arg;
	atomic_store(&cleaned, true);
}

static void *bare_child(void *arg)
{
	pthread_exit(arg); /* gives up */
}

static int bare(void)
{
	pthread_t thread;

	pthread_cleanup_push(bare_clean_up, NULL);
	CHECK_EQ(pthread_create(&thread, NULL, bare_child, NULL), 0);
	pthread_join(thread, NULL);
	pthread_cleanup_pop(0);
	if (!atomic_load(&cleaned))
		defect("the child's end was not noticed");
	return 0;
}

/* ---- with a scope: the boundary is in the task, and the join tells ---- */

static int fail_now(void *arg)
{
	(void)arg;
	ss_fail(EBADMSG, "in the child");
}

static int spawn_and_join(void *arg)
{
	(void)arg;
	SS_SCOPE(s, .name = "guarded");
	CHECK_EQ(s_rc, 0);
	CHECK_EQ(ss_spawn(&s, fail_now, NULL), 0);
	return ss_scope_join(&s, NULL);
}

static int try_inside(void *arg)
{
	ss_error error;

	CHECK_EQ(ss_try(fail_now, arg, &error), EBADMSG);
	CHECK(strcmp(error.msg, "in the child") == 0);
	return 0;
}

static void test_pthreads_tell_nobody(void **state)
{
	(void)state;
	assert_defect("bare", "the child's end was not noticed");
}

static void test_the_join_tells(void **state)
{
	ss_error error = { .code = -1 };

	(void)state;
	assert_int_equal(ss_try(spawn_and_join, NULL, &error), EBADMSG);
}

static void test_a_boundary_in_the_task_holds(void **state)
{
	(void)state;
	SS_SCOPE(s, .name = "guarded");
	assert_int_equal(s_rc, 0);
	assert_int_equal(ss_spawn(&s, try_inside, NULL), 0);
	assert_int_equal(ss_scope_join(&s, NULL), 0);
}

static const struct child children[] = { { "bare", bare }, { NULL, NULL } };
static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_pthreads_tell_nobody),
	cmocka_unit_test(test_the_join_tells),
	cmocka_unit_test(test_a_boundary_in_the_task_holds),
};

SUPPORT_MAIN(tests, children)
