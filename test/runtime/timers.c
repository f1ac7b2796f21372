// RUN: %run timers
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Timers belong to their scope, call one at a time, and stop; tickers keep the beat. */
#include "support.h"

struct called {
	struct gate begun, goes_on;
	ss_timer timer;
	_Atomic unsigned calls, inside;
	unsigned fails_at;
	int stopped; /* what a stop from within said */
};

static void called_init(struct called *called)
{
	const struct gate closed = GATE_INIT;

	memset(called, 0, sizeof(*called));
	called->begun = called->goes_on = closed;
	called->stopped = -1;
}

static int count(void *arg)
{
	struct called *called = arg;
	unsigned calls = atomic_fetch_add(&called->calls, 1) + 1;

	CHECK_EQ(atomic_fetch_add(&called->inside, 1), 0); /* never two at a time */
	atomic_fetch_sub(&called->inside, 1);
	if (calls >= 3)
		gate_open(&called->begun);
	return called->fails_at && calls == called->fails_at ? 77 : 0;
}

static int once(void *arg)
{
	struct called *called = arg;

	atomic_fetch_add(&called->calls, 1);
	gate_open(&called->begun);
	return 0;
}

static int long_call(void *arg)
{
	struct called *called = arg;

	atomic_fetch_add(&called->calls, 1);
	gate_open(&called->begun);
	gate_wait(&called->goes_on);
	CHECK_EQ(ss_cancelled(), 0); /* a stop does not cancel it */
	return 0;
}

static int stop_from_within(void *arg)
{
	struct called *called = arg;

	atomic_fetch_add(&called->calls, 1);
	called->stopped = ss_timer_stop(&called->timer);
	gate_open(&called->begun);
	return 0;
}

static int stop(void *arg)
{
	struct called *called = arg;

	called->stopped = ss_timer_stop(&called->timer);
	return 0;
}

static void one_call_and_over(void **state)
{
	struct called called;

	(void)state;
	called_init(&called);
	SS_SCOPE(scope, .name = "once");
	assert_int_equal(ss_timer_start(&scope, &called.timer, SS_MS(1), 0, once, &called), 0);
	gate_wait(&called.begun);
	while (ss_leak_check(0) > 1) /* the timer's task and the scope */
		;
	assert_int_equal(ss_timer_stop(&called.timer), EALREADY);
	assert_int_equal(ss_timer_stop(&called.timer), EALREADY);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
	assert_int_equal(called.calls, 1);
}

static void calls_every_period_until_stopped(void **state)
{
	struct called called;
	unsigned calls;

	(void)state;
	called_init(&called);
	SS_SCOPE(scope, .name = "period");
	assert_int_equal(ss_timer_start(&scope, &called.timer, 0, SS_US(200), count, &called), 0);
	gate_wait(&called.begun);
	assert_int_equal(ss_timer_stop(&called.timer), 0);
	calls = called.calls;
	assert_true(calls >= 3);
	assert_int_equal(ss_timer_stop(&called.timer), EALREADY);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
	assert_int_equal(called.calls, calls);
	assert_int_equal(ss_timer_stop(&called.timer), EALREADY);
}

static void a_stop_before_the_time_is_enough(void **state)
{
	struct called called;

	(void)state;
	called_init(&called);
	SS_SCOPE(scope, .name = "never");
	assert_int_equal(ss_timer_start(&scope, &called.timer, SS_SEC(3600), 0, once, &called), 0);
	assert_int_equal(ss_timer_stop(&called.timer), 0);
	/* The storage is free again. */
	assert_int_equal(ss_timer_start(&scope, &called.timer, SS_SEC(3600), SS_SEC(1), once, &called), 0);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
	assert_int_equal(called.calls, 0);
}

static void a_stop_waits_for_the_call(void **state)
{
	struct called called;

	(void)state;
	called_init(&called);
	SS_SCOPE(scope, .name = "long");
	SS_SCOPE(stopper, .name = "stopper");
	assert_int_equal(ss_timer_start(&scope, &called.timer, 0, SS_MS(1), long_call, &called), 0);
	gate_wait(&called.begun);
	assert_int_equal(ss_spawn(&stopper, stop, &called), 0);
	support_wait_blocked("ss_timer_stop", 1);
	assert_int_equal(called.stopped, -1);
	gate_open(&called.goes_on);
	assert_int_equal(ss_scope_join(&stopper, NULL), 0);
	assert_int_equal(called.stopped, 0);
	assert_int_equal(called.calls, 1);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
}

static void a_call_may_stop_its_timer(void **state)
{
	struct called called;

	(void)state;
	called_init(&called);
	SS_SCOPE(scope, .name = "within");
	assert_int_equal(ss_timer_start(&scope, &called.timer, 0, SS_US(1), stop_from_within, &called), 0);
	gate_wait(&called.begun);
	assert_int_equal(ss_timer_stop(&called.timer), EALREADY); /* and waits for the call */
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
	assert_int_equal(called.stopped, 0);
	assert_int_equal(called.calls, 1);
}

static void a_failure_is_of_the_scope_and_ends_it(void **state)
{
	struct called called;
	ss_error error;

	(void)state;
	called_init(&called);
	called.fails_at = 2;
	SS_SCOPE(scope, .flags = SS_SUPERVISE);
	assert_int_equal(ss_timer_start(&scope, &called.timer, 0, SS_US(1), count, &called), 0);
	while (ss_timer_stop(&called.timer) == 0 && called.calls < 2)
		assert_int_equal(ss_timer_start(&scope, &called.timer, 0, SS_US(1), count, &called), 0);
	assert_int_equal(ss_scope_join(&scope, &error), 77);
	assert_string_equal(error.task, "timer");
	assert_string_equal(error.site->file, __FILE__);
	assert_int_equal(called.calls, 2);
}

static int fail_in_call(void *arg)
{
	struct called *called = arg;

	gate_open(&called->begun);
	ss_fail(5, "no more of this");
}

static void a_call_may_fail_from_any_depth(void **state)
{
	struct called called;
	ss_error error;

	(void)state;
	called_init(&called);
	SS_SCOPE(scope, .name = "fails");
	assert_int_equal(ss_timer_start(&scope, &called.timer, 0, SS_MS(1), fail_in_call, &called), 0);
	gate_wait(&called.begun);
	assert_int_equal(ss_timer_stop(&called.timer) & ~EALREADY, 0);
	assert_int_equal(ss_scope_join(&scope, &error), 5);
	assert_string_equal(error.msg, "no more of this");
}

static int miss_some(void *arg)
{
	struct called *called = arg;

	/* Longer than ten periods. */
	if (atomic_fetch_add(&called->calls, 1) == 0)
		CHECK_EQ(ss_sleep(SS_MS(11)), 0);
	else
		gate_open(&called->begun);
	return 0;
}

static void missed_periods_are_counted_not_made_up_for(void **state)
{
	struct called called;

	(void)state;
	called_init(&called);
	SS_SCOPE(scope, .name = "missed");
	assert_int_equal(ss_timer_start(&scope, &called.timer, 0, SS_MS(1), miss_some, &called), 0);
	gate_wait(&called.begun);
	assert_true(ss_timer_missed(&called.timer) >= 10);
	assert_int_equal(ss_timer_stop(&called.timer), 0);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
}

static void wrong_starts_say_so(void **state)
{
	struct called called;

	(void)state;
	called_init(&called);
	SS_SCOPE(scope, .name = "wrong");
	assert_int_equal(ss_timer_start(&scope, NULL, 0, 0, once, &called), EINVAL);
	assert_int_equal(ss_timer_start(&scope, &called.timer, 0, 0, NULL, &called), EINVAL);
	assert_int_equal(ss_timer_start(&scope, &called.timer, 0, -1, once, &called), EINVAL);
	ss_scope_cancel(&scope, 0, NULL);
	assert_int_equal(ss_timer_start(&scope, &called.timer, 0, 0, once, &called), ECANCELED);
	assert_int_equal(ss_timer_stop(&called.timer), EALREADY);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
	assert_int_equal(ss_timer_start(&scope, &called.timer, 0, 0, once, &called), EPIPE);
	assert_int_equal(called.calls, 0);
}

/* ---- tickers ---- */

static int tick(void *arg)
{
	ss_ticker ticker;
	uint64_t missed = 9;
	ss_time begin = ss_now();

	(void)arg;
	CHECK_EQ(ss_ticker_open(&ticker, 0), EINVAL);
	CHECK_EQ(ss_ticker_open(NULL, 1), EINVAL);
	CHECK_EQ(ss_ticker_open(&ticker, SS_MS(2)), 0);
	for (int i = 1; i <= 3; i++) {
		CHECK_EQ(ss_ticker_wait(&ticker, &missed), 0);
		CHECK(ss_now() - begin >= i * SS_MS(2));
	}
	/* Who is late is told how late, and meets the next beat. */
	CHECK_EQ(ss_sleep(SS_MS(9)), 0);
	begin = ss_now();
	CHECK_EQ(ss_ticker_wait(&ticker, &missed), 0);
	CHECK(missed >= 4);
	CHECK(ss_now() > begin);
	CHECK_EQ(ss_ticker_wait(&ticker, NULL), 0);
	return 0;
}

static int tick_for_ever(void *arg)
{
	ss_ticker ticker;
	int err;

	(void)arg;
	CHECK_EQ(ss_ticker_open(&ticker, SS_SEC(3600)), 0);
	err = ss_ticker_wait(&ticker, NULL);
	CHECK_EQ(err, ECANCELED);
	return err;
}

static void a_ticker_keeps_the_beat(void **state)
{
	(void)state;
	assert_int_equal(tick(NULL), 0);
	SS_SCOPE(scope, .name = "ticker");
	assert_int_equal(ss_spawn(&scope, tick, NULL), 0);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
}

static void a_ticker_is_cancelled(void **state)
{
	(void)state;
	SS_SCOPE(scope, .name = "ticker");
	assert_int_equal(ss_spawn(&scope, tick_for_ever, NULL), 0);
	support_wait_blocked("ss_sleep", 1);
	ss_scope_cancel(&scope, 0, NULL);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(one_call_and_over),
	cmocka_unit_test(calls_every_period_until_stopped),
	cmocka_unit_test(a_stop_before_the_time_is_enough),
	cmocka_unit_test(a_stop_waits_for_the_call),
	cmocka_unit_test(a_call_may_stop_its_timer),
	cmocka_unit_test(a_failure_is_of_the_scope_and_ends_it),
	cmocka_unit_test(a_call_may_fail_from_any_depth),
	cmocka_unit_test(missed_periods_are_counted_not_made_up_for),
	cmocka_unit_test(wrong_starts_say_so),
	cmocka_unit_test(a_ticker_keeps_the_beat),
	cmocka_unit_test(a_ticker_is_cancelled),
};
SUPPORT_MAIN(tests, NULL)
