// RUN: %run leaks
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A leak check counts what is left over, names it, and gives it a moment to end. */
#include "support.h"

static struct gate begun, ends;

/* When nobody uses them. */
static void reset(void)
{
	const struct gate closed = GATE_INIT;

	begun = ends = closed;
	reports_clear();
	assert_int_equal(ss_leak_mark(), 0);
}

static int stay(void *arg)
{
	(void)arg;
	gate_open(&begun);
	gate_wait(&ends);
	return 0;
}

static void what_is_clean_has_none(void **state)
{
	(void)state;
	reset();
	{
		SS_SCOPE(scope, .name = "clean");
		gate_open(&ends);
		assert_int_equal(ss_spawn(&scope, stay, NULL), 0);
		assert_int_equal(ss_scope_join(&scope, NULL), 0);
	}
	/* The helper and a parked worker are no leaks. */
	assert_int_equal(ss_leak_check(0), 0);
	assert_false(reports_have("left over"));
}

static void scopes_and_tasks_are_named(void **state)
{
	const ss_task_opts opts = { .name = "stays" };
	ss_scope scope;

	(void)state;
	reset();
	assert_int_equal(ss_scope_open(&scope, &(ss_scope_opts){ .name = "forgotten", .flags = SS_UNBOUND }, SS_HERE),
			 0);
	assert_int_equal(ss_leak_check(0), 1);
	assert_int_equal(reports_count("left over: scope \"forgotten\" opened at " __FILE__ ":"), 1);
	assert_int_equal(ss_spawn_at(&scope, NULL, &opts, stay, NULL, SS_HERE), 0);
	assert_int_equal(ss_spawn(&scope, stay, NULL), 0);
	reports_clear();
	assert_int_equal(ss_leak_check(SS_MS(1)), 3);
	assert_int_equal(reports_count("left over: "), 3);
	assert_int_equal(reports_count("left over: task \"stays\" #"), 1);
	assert_int_equal(reports_count("spawned at " __FILE__ ":"), 2);

	/* What is older than the mark does not count, but what is new in it does. */
	reports_clear();
	assert_int_equal(ss_leak_mark(), 0);
	assert_int_equal(ss_leak_check(0), 0);
	assert_int_equal(ss_spawn(&scope, stay, NULL), 0);
	assert_int_equal(ss_leak_check(0), 1);
	assert_int_equal(reports_count("left over: task "), 1);
	gate_wait(&begun);
	gate_open(&ends);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
	ss_scope_fini(&scope);
	assert_int_equal(ss_leak_check(0), 0);
}

static int serve(void *arg)
{
	(void)arg;
	gate_open(&begun);
	return ss_sleep_until(SS_NEVER);
}

static void tokens_and_services_are_named(void **state)
{
	const ss_service_opts opts = { .name = "daemon" };
	ss_service service;
	ss_cancel token;

	(void)state;
	reset();
	assert_int_equal(ss_cancel_init(&token, NULL), 0);
	assert_int_equal(ss_service_start(&service, &opts, serve, NULL), 0);
	gate_wait(&begun);
	assert_int_equal(ss_leak_check(0), 2); /* with its task a service is one */
	assert_int_equal(reports_count("left over: token made at " __FILE__ ":"), 1);
	assert_int_equal(reports_count("left over: service \"daemon\" started at " __FILE__ ":"), 1);
	assert_int_equal(ss_service_stop(&service, SS_NEVER, NULL), 0);
	ss_cancel_done(&token);
	assert_int_equal(ss_leak_check(0), 0);
}

static void timers_are_named(void **state)
{
	ss_scope scope;
	ss_timer timer;

	(void)state;
	reset();
	assert_int_equal(ss_scope_open(&scope, &(ss_scope_opts){ .flags = SS_UNBOUND }, SS_HERE), 0);
	assert_int_equal(ss_timer_start(&scope, &timer, SS_SEC(3600), 0, stay, NULL), 0);
	assert_int_equal(ss_leak_check(0), 2);
	assert_int_equal(reports_count("left over: task \"timer\" #"), 1);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
	ss_scope_fini(&scope);
	assert_int_equal(ss_leak_check(0), 0);
}

static void *end_soon(void *arg)
{
	SS_SCOPE(scope, .name = "ends");
	CHECK_EQ(ss_spawn(&scope, stay, arg), 0);
	CHECK_EQ(ss_scope_join(&scope, NULL), 0);
	return NULL;
}

/* What is about to end when the check comes is no leak. */
static void grace_is_given(void **state)
{
	pthread_t thread;

	(void)state;
	for (unsigned round = support_repeat(100); round; round--) {
		reset();
		assert_int_equal(pthread_create(&thread, NULL, end_soon, NULL), 0);
		gate_wait(&begun);
		gate_open(&ends);
		assert_int_equal(ss_leak_check(SS_SEC(60)), 0);
		assert_false(reports_have("left over"));
		pthread_join(thread, NULL);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(what_is_clean_has_none),
	cmocka_unit_test(scopes_and_tasks_are_named),
	cmocka_unit_test(tokens_and_services_are_named),
	cmocka_unit_test(timers_are_named),
	cmocka_unit_test(grace_is_given),
};
SUPPORT_MAIN(tests, NULL)
