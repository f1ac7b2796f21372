// RUN: %run patterns/error-channel
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Errors go through a channel that has room for one: the second that fails waits for ever. */
#include "support.h"

#define TASKS 16

/* ---- with pthreads ---- */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t room;
	int used, error;
} bare_errors = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0 };

static void *bare_fail(void *arg)
{
	pthread_mutex_lock(&bare_errors.lock);
	while (bare_errors.used == 1)
		pthread_cond_wait(&bare_errors.room, &bare_errors.lock);
	bare_errors.used = 1;
	bare_errors.error = EIO;
	pthread_mutex_unlock(&bare_errors.lock);
	return arg;
}

static int bare(void)
{
	pthread_t threads[2];

	for (size_t i = 0; i < COUNT(threads); i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, bare_fail, NULL), 0);
	hangs_in("the join of who reports");
	for (size_t i = 0; i < COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	return 0;
}

/* ---- with a scope: it keeps some and counts all ---- */

static int fail_now(void *arg)
{
	(void)arg;
	return EIO;
}

static void test_pthreads_wait_to_report(void **state)
{
	(void)state;
	assert_hangs("bare", "the join of who reports");
}

static void test_nobody_waits_to_report(void **state)
{
	ss_error errors[TASKS] = { { .code = 0 } };
	unsigned kept = 0;

	(void)state;
	SS_SCOPE(s, .name = "errors", .flags = SS_SUPERVISE, .keep_errors = 4);
	assert_int_equal(s_rc, 0);
	for (int i = 0; i < TASKS; i++)
		assert_int_equal(ss_spawn(&s, fail_now, NULL), 0);
	assert_int_equal(ss_scope_join(&s, NULL), EIO);
	assert_int_equal(ss_scope_errors(&s, errors, TASKS), TASKS);
	while (kept < TASKS && errors[kept].code == EIO)
		kept++;
	assert_int_equal(kept, 4);
}

static const struct child children[] = { { "bare", bare }, { NULL, NULL } };
static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_pthreads_wait_to_report),
	cmocka_unit_test(test_nobody_waits_to_report),
};

SUPPORT_MAIN(tests, children)
