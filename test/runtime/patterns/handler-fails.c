// RUN: %run patterns/handler-fails
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A handler meets what it cannot go on with, and takes the whole server along. */
#include "support.h"

#include <signal.h>

/* ---- with pthreads: abort, exit or a crash in one of the threads ends all of them ---- */

static void *bare_handler(void *request)
{
	if (*(const int *)request == 3)
		exit(1); /* "cannot happen" */
	return NULL;
}

static int bare(void)
{
	int requests[] = { 1, 2, 3, 4 };

	for (size_t i = 0; i < COUNT(requests); i++) {
		pthread_t thread;

		CHECK_EQ(pthread_create(&thread, NULL, bare_handler, &requests[i]), 0);
		pthread_join(thread, NULL);
	}
	printf("all were served\n");
	return 0;
}

/* ---- with a scope: the failure stays in its task, a crash says whose it is ---- */

static atomic_int served;

static int handle(void *request)
{
	if (*(const int *)request == 3)
		ss_fail(EPROTO, "request %d is broken", *(const int *)request);
	atomic_fetch_add(&served, 1);
	return 0;
}

static int *nowhere;

static int crash(void *arg)
{
	(void)arg;
	*(volatile int *)nowhere = 1;
	return 0;
}

static int named_crash(void)
{
	ss_config config = { .faults = 1 };

	signal(SIGSEGV, SIG_DFL);
	CHECK_EQ(ss_configure(&config), 0);
	SS_SCOPE(s, .name = "server");

	CHECK_EQ(s_rc, 0);
	CHECK_EQ(ss_spawn_at(&s, NULL, &(ss_task_opts){ .name = "resize" }, crash, NULL, SS_HERE), 0);
	return ss_scope_join(&s, NULL);
}

static void test_pthreads_take_all_along(void **state)
{
	struct outcome outcome = support_child("bare", 0);

	(void)state;
	assert_null(strstr(outcome.text, "all were served"));
}

static void test_a_failure_stays_in_its_task(void **state)
{
	int requests[] = { 1, 2, 3, 4 };
	ss_error error;

	(void)state;
	SS_SCOPE(s, .name = "server", .flags = SS_SUPERVISE);
	assert_int_equal(s_rc, 0);
	for (size_t i = 0; i < COUNT(requests); i++)
		assert_int_equal(ss_spawn(&s, handle, &requests[i]), 0);
	assert_int_equal(ss_scope_join(&s, &error), EPROTO);
	assert_string_equal(error.msg, "request 3 is broken");
	assert_int_equal(served, 3);
}

static void test_a_crash_names_task_and_site(void **state)
{
	struct outcome outcome;

	(void)state;
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
	return; /* faults are the sanitizer's there */
#endif
	outcome = support_child("named-crash", 0);
	assert_int_equal(outcome.signal, SIGSEGV);
	assert_non_null(strstr(outcome.text, "\"resize\""));
	assert_non_null(strstr(outcome.text, "handler-fails.c:"));
	assert_non_null(strstr(outcome.text, "\"server\""));
}

static const struct child children[] = { { "bare", bare }, { "named-crash", named_crash }, { NULL, NULL } };
static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_pthreads_take_all_along),
	cmocka_unit_test(test_a_failure_stays_in_its_task),
	cmocka_unit_test(test_a_crash_names_task_and_site),
};

SUPPORT_MAIN(tests, children)
