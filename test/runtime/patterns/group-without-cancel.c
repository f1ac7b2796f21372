// RUN: %run patterns/group-without-cancel
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* One of a group fails, and the others go on for nothing. */
#include "support.h"

#include <semaphore.h>

/* ---- with pthreads: who joins in order waits for what will never come ---- */

static sem_t bare_input;

static void *bare_fail(void *arg)
{
	(void)arg;
	return (void *)(intptr_t)EIO;
}

static void *bare_wait(void *arg)
{
	(void)arg;
	sem_wait(&bare_input); /* what the failed one would have produced */
	return NULL;
}

static int bare(void)
{
	pthread_t failing, waiting;

	sem_init(&bare_input, 0, 0);
	CHECK_EQ(pthread_create(&failing, NULL, bare_fail, NULL), 0);
	CHECK_EQ(pthread_create(&waiting, NULL, bare_wait, NULL), 0);
	hangs_in("the join of the other");
	pthread_join(waiting, NULL);
	pthread_join(failing, NULL);
	return 0;
}

/* ---- with a scope: a failure is the cause of the others' end ---- */

static sem_t input;

static int fail_now(void *arg)
{
	(void)arg;
	return EIO;
}

static int wait_for_input(void *arg)
{
	ss_error cause;

	(void)arg;
	CHECK_EQ(ss_sem_wait(&input), -1);
	CHECK_EQ(errno, ECANCELED);
	CHECK_EQ(ss_cancel_cause(&cause), EIO);
	CHECK(strcmp(cause.task, "failing") == 0);
	return ECANCELED;
}

static void test_pthreads_go_on(void **state)
{
	(void)state;
	assert_hangs("bare", "the join of the other");
}

static void test_a_failure_cancels_the_others(void **state)
{
	ss_error error;

	(void)state;
	assert_int_equal(sem_init(&input, 0, 0), 0);
	SS_SCOPE(s, .name = "group");
	assert_int_equal(s_rc, 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(ss_spawn(&s, wait_for_input, NULL), 0);
	assert_int_equal(ss_spawn_at(&s, NULL, &(ss_task_opts){ .name = "failing" }, fail_now, NULL, SS_HERE), 0);
	assert_int_equal(ss_scope_join(&s, &error), EIO);
	assert_string_equal(error.task, "failing");
	assert_int_equal(ss_scope_errors(&s, NULL, 0), 1);
}

static const struct child children[] = { { "bare", bare }, { NULL, NULL } };
static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_pthreads_go_on),
	cmocka_unit_test(test_a_failure_cancels_the_others),
};

SUPPORT_MAIN(tests, children)
