// RUN: %run patterns/forgotten-timer
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A timer or a token that nobody gives back, one more in each round. */
#include "support.h"

#include <sys/timerfd.h>
#include <unistd.h>

#define ROUNDS 10

/* ---- with a descriptor per round ---- */

static int bare(void)
{
	int first = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), last = first;

	for (int i = 0; i < ROUNDS; i++)
		last = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC); /* "a timeout for this round" */
	if (last >= first + ROUNDS)
		defect("a descriptor per round");
	return 0;
}

/* ---- with a ticker there is none; timers and deadlines are the scope's ---- */

static atomic_int rang;

static int ring(void *arg)
{
	(void)arg;
	atomic_fetch_add(&rang, 1);
	return 0;
}

static int next_descriptor(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

static void test_descriptors_pile_up(void **state)
{
	(void)state;
	assert_defect("bare", "a descriptor per round");
}

static void test_rounds_leave_nothing(void **state)
{
	int before;

	(void)state;
	{
		SS_SCOPE(warm, .name = "warm"); /* the helper may have descriptors of its own */

		assert_int_equal(warm_rc, 0);
		assert_int_equal(ss_scope_join(&warm, NULL), 0);
	}
	before = next_descriptor();
	for (int i = 0; i < ROUNDS; i++) {
		SS_SCOPE(s, .name = "round", .deadline = ss_after(SS_SEC(3600)));
		ss_ticker ticker;
		ss_timer timer;

		assert_int_equal(s_rc, 0);
		assert_int_equal(ss_ticker_open(&ticker, SS_US(100)), 0);
		assert_int_equal(ss_ticker_wait(&ticker, NULL), 0);
		assert_int_equal(ss_timer_start(&s, &timer, SS_SEC(3600), SS_SEC(3600), ring, NULL), 0);
		assert_int_equal(ss_scope_join(&s, NULL), 0);
	}
	assert_int_equal(rang, 0);
	assert_int_equal(next_descriptor(), before);
	assert_int_equal(ss_leak_check(0), 0);
}

static void test_a_forgotten_token_is_reported(void **state)
{
	ss_cancel token;

	(void)state;
	assert_int_equal(ss_cancel_init(&token, NULL), 0);
	assert_int_equal(ss_leak_check(0), 1);
	assert_true(reports_have("forgotten-timer.c:"));
	ss_cancel_done(&token);
	assert_int_equal(ss_leak_check(0), 0);
}

static const struct child children[] = { { "bare", bare }, { NULL, NULL } };
static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_descriptors_pile_up),
	cmocka_unit_test(test_rounds_leave_nothing),
	cmocka_unit_test(test_a_forgotten_token_is_reported),
};

SUPPORT_MAIN(tests, children)
