// RUN: %run time
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* ss_now, ss_after, ss_version. */
#include "support.h"

static void test_after_saturates(void **state)
{
	(void)state;
	assert_true(ss_after(INT64_MAX) == SS_NEVER);
	assert_true(ss_after(SS_NEVER - ss_now()) == SS_NEVER);
	assert_true(ss_after(INT64_MAX - 1) == SS_NEVER);
}

static void test_after_a_negative_time_is_now(void **state)
{
	ss_time before = ss_now(), then = ss_after(INT64_MIN);

	(void)state;
	assert_true(then >= before && then <= ss_now());
}

static void test_now_is_the_monotonic_clock(void **state)
{
	struct timespec before, after;
	ss_time now;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &before);
	now = ss_now();
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true(now >= SS_SEC(before.tv_sec) + before.tv_nsec);
	assert_true(now <= SS_SEC(after.tv_sec) + after.tv_nsec);
}

static void test_version_is_that_of_the_header(void **state)
{
	char wanted[32];

	(void)state;
	snprintf(wanted, sizeof(wanted), "%d.%d.%d", SS_VERSION_MAJOR, SS_VERSION_MINOR, SS_VERSION_PATCH);
	assert_string_equal(ss_version(), wanted);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_after_saturates),
	cmocka_unit_test(test_after_a_negative_time_is_now),
	cmocka_unit_test(test_now_is_the_monotonic_clock),
	cmocka_unit_test(test_version_is_that_of_the_header),
};

SUPPORT_MAIN(tests, NULL)
