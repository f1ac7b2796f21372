// RUN: %run patterns/drain
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A drain that returns while work goes on. */
#include "support.h"

static struct gate may_end = GATE_INIT;
static atomic_bool finished;

/* ---- with pthreads: a flag is set, and that is all ---- */

static atomic_bool bare_draining;

static void *bare_job(void *arg)
{
	gate_wait(&may_end);
	atomic_store(&finished, true);
	return arg;
}

static int bare(void)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, bare_job, NULL), 0);
	atomic_store(&bare_draining, true); /* "no more jobs" */
	if (!atomic_load(&finished))
		defect("drained, and a job still runs");
	return 0;
}

/* ---- with a scope and a service ---- */

static int job(void *arg)
{
	(void)arg;
	gate_wait(&may_end);
	atomic_store(&finished, true);
	return 0;
}

static void test_pthreads_say_they_are_drained(void **state)
{
	(void)state;
	assert_defect("bare", "drained, and a job still runs");
}

static void test_close_and_join_drain(void **state)
{
	ss_error first = { .code = -1 };

	(void)state;
	SS_SCOPE(s, .name = "jobs");
	assert_int_equal(s_rc, 0);
	assert_int_equal(ss_spawn(&s, job, NULL), 0);
	ss_scope_close(&s);
	assert_int_equal(ss_spawn(&s, job, NULL), EPIPE);
	assert_int_equal(ss_scope_join_until(&s, ss_after(SS_MS(5)), &first), ETIMEDOUT);
	assert_int_equal(first.code, 0);
	gate_open(&may_end);
	assert_int_equal(ss_scope_join(&s, NULL), 0);
	assert_true(finished);
}

static int stubborn(void *gate)
{
	gate_wait(gate);
	return 0;
}

static void test_a_drain_names_who_is_late(void **state)
{
	struct gate gate = GATE_INIT;
	ss_service service = { { 0 } };
	ss_service_opts opts = { .name = "stubborn" };

	(void)state;
	assert_int_equal(ss_service_start(&service, &opts, stubborn, &gate), 0);
	assert_int_equal(ss_drain(ss_after(SS_MS(5))), ETIMEDOUT);
	assert_true(reports_have("stubborn"));
	gate_open(&gate);
	assert_int_equal(ss_drain(ss_after(SS_SEC(60))), 0);
	assert_int_equal(ss_service_state(&service), SS_SERVICE_STOPPED);
}

static const struct child children[] = { { "bare", bare }, { NULL, NULL } };
static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_pthreads_say_they_are_drained),
	cmocka_unit_test(test_close_and_join_drain),
	cmocka_unit_test(test_a_drain_names_who_is_late),
};

SUPPORT_MAIN(tests, children)
