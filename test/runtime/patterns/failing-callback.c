// RUN: %run patterns/failing-callback
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The callback of a group ends early, and nobody counts it. */
#include "support.h"

/* ---- with pthreads: the countdown is in the body ---- */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t zero;
	int count;
} group = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 1 };

static void parse(void)
{
	pthread_exit(NULL); /* a library that gives up */
}

static void *bare_work(void *arg)
{
	parse();
	pthread_mutex_lock(&group.lock);
	if (--group.count == 0)
		pthread_cond_signal(&group.zero);
	pthread_mutex_unlock(&group.lock);
	return arg;
}

static int bare(void)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, bare_work, NULL), 0);
	pthread_mutex_lock(&group.lock);
	hangs_in("the wait of the group");
	while (group.count > 0)
		pthread_cond_wait(&group.zero, &group.lock);
	pthread_mutex_unlock(&group.lock);
	return 0;
}

/* ---- with a scope: whatever ends a task, it is counted ---- */

static int give_up(void *arg)
{
	(void)arg;
	ss_fail(EBADMSG, "line %d", 7);
}

static int exit_of_its_own(void *arg)
{
	(void)arg;
	pthread_exit(NULL);
}

static int wait_for_end(void *arg)
{
	(void)arg;
	return ss_sleep_until(SS_NEVER);
}

static void test_pthreads_are_not_counted(void **state)
{
	(void)state;
	assert_hangs("bare", "the wait of the group");
}

static void test_a_failure_ends_the_group(void **state)
{
	ss_error error;

	(void)state;
	SS_SCOPE(s, .name = "group");
	assert_int_equal(s_rc, 0);
	assert_int_equal(ss_spawn(&s, wait_for_end, NULL), 0);
	assert_int_equal(ss_spawn(&s, give_up, NULL), 0);
	assert_int_equal(ss_scope_join(&s, &error), EBADMSG);
	assert_string_equal(error.msg, "line 7");
}

static void test_a_pthread_exit_is_counted(void **state)
{
	(void)state;
	for (unsigned flags = 0; flags <= SS_TASK_FRESH; flags += SS_TASK_FRESH) {
		SS_SCOPE(s, .name = "group");

		assert_int_equal(s_rc, 0);
		assert_int_equal(ss_spawn_task(&s, NULL, flags, exit_of_its_own, NULL), 0);
		assert_int_equal(ss_scope_join(&s, NULL), 0);
	}
}

static const struct child children[] = { { "bare", bare }, { NULL, NULL } };
static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_pthreads_are_not_counted),
	cmocka_unit_test(test_a_failure_ends_the_group),
	cmocka_unit_test(test_a_pthread_exit_is_counted),
};

SUPPORT_MAIN(tests, children)
