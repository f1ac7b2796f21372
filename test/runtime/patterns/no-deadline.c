// RUN: %run patterns/no-deadline
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A peer says nothing for ever, and who waits for it has no way out. */
#include "support.h"

#include <sys/socket.h>
#include <unistd.h>

static int ends[2];

/* ---- with pthreads ---- */

static void *bare_read(void *arg)
{
	char byte;

	(void)arg;
	return read(ends[0], &byte, 1) == 1 ? arg : NULL;
}

static int bare(void)
{
	pthread_t thread;

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	CHECK_EQ(pthread_create(&thread, NULL, bare_read, NULL), 0);
	hangs_in("pthread_join");
	pthread_join(thread, NULL);
	return 0;
}

/* ---- with a scope: its deadline is that of all waits below ---- */

static int read_one(void *arg)
{
	char byte;

	(void)arg;
	CHECK_EQ(ss_read(ends[0], &byte, 1), -1);
	return errno;
}

static void test_pthreads_wait_for_ever(void **state)
{
	(void)state;
	assert_hangs("bare", "pthread_join");
}

static void test_the_deadline_reaches_the_read(void **state)
{
	ss_error error;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	{
		SS_SCOPE(s, .name = "fetch");

		assert_int_equal(s_rc, 0);
		assert_int_equal(ss_spawn(&s, read_one, NULL), 0);
		ss_scope_set_deadline(&s, ss_after(SS_MS(20)));
		assert_int_equal(ss_scope_join(&s, &error), ETIMEDOUT);
		assert_string_equal(error.task, "fetch");
	}
	close(ends[0]);
	close(ends[1]);
}

static const struct child children[] = { { "bare", bare }, { NULL, NULL } };
static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_pthreads_wait_for_ever),
	cmocka_unit_test(test_the_deadline_reaches_the_read),
};

SUPPORT_MAIN(tests, children)
