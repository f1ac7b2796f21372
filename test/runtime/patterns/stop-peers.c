// RUN: %run patterns/stop-peers
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* One has found it, and the others go on looking. */
#include "support.h"

#include <semaphore.h>

/* ---- with pthreads: a success is nothing that stops anybody ---- */

static sem_t bare_nothing;

static void *bare_search(void *arg)
{
	if (!arg)
		sem_wait(&bare_nothing); /* looks on */
	return arg;
}

static int bare(void)
{
	pthread_t finder, other;

	sem_init(&bare_nothing, 0, 0);
	CHECK_EQ(pthread_create(&finder, NULL, bare_search, &bare_nothing), 0);
	CHECK_EQ(pthread_create(&other, NULL, bare_search, NULL), 0);
	pthread_join(finder, NULL);
	hangs_in("the join of the others");
	pthread_join(other, NULL);
	return 0;
}

/* ---- with a scope: cancelled with code 0 it has not failed ---- */

static int find(void *scope)
{
	ss_scope_cancel(scope, 0, "found");
	return 0;
}

static int look_on(void *arg)
{
	ss_error cause;

	(void)arg;
	CHECK_EQ(ss_sleep_until(SS_NEVER), ECANCELED);
	CHECK_EQ(ss_cancel_cause(&cause), ECANCELED);
	CHECK_EQ(cause.code, 0);
	CHECK(strcmp(cause.msg, "found") == 0);
	return ECANCELED;
}

static void test_pthreads_look_on(void **state)
{
	(void)state;
	assert_hangs("bare", "the join of the others");
}

static void test_a_find_stops_the_others_and_is_no_failure(void **state)
{
	(void)state;
	SS_SCOPE(s, .name = "search");
	assert_int_equal(s_rc, 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(ss_spawn(&s, look_on, NULL), 0);
	support_wait_blocked("ss_sleep", 3);
	assert_int_equal(ss_spawn(&s, find, &s), 0);
	assert_int_equal(ss_scope_join(&s, NULL), 0);
	assert_int_equal(ss_scope_errors(&s, NULL, 0), 0);
}

static const struct child children[] = { { "bare", bare }, { NULL, NULL } };
static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_pthreads_look_on),
	cmocka_unit_test(test_a_find_stops_the_others_and_is_no_failure),
};

SUPPORT_MAIN(tests, children)
