// RUN: %run patterns/foreign-call
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A call of somebody else's that blocks, and knows nothing of cancellation. */
#include "support.h"

#include <signal.h>
#include <unistd.h>

static int fds[2];

static struct gate reading = GATE_INIT;

static int foreign_read(void *arg)
{
	char byte;

	(void)arg;
	gate_open(&reading);
	return read(fds[0], &byte, 1) < 0 ? errno : 0;
}

/* ---- with pthreads ---- */

static void *bare_read(void *arg)
{
	foreign_read(arg);
	return NULL;
}

static int bare(void)
{
	pthread_t thread;

	CHECK_EQ(pipe(fds), 0);
	CHECK_EQ(pthread_create(&thread, NULL, bare_read, NULL), 0);
	hangs_in("the join");
	pthread_join(thread, NULL);
	return 0;
}

/* ---- with ss_interruptible, and without: then the report says what it is ---- */

static int interruptible(void *arg)
{
	CHECK_EQ(ss_interruptible(foreign_read, arg), EINTR);
	return ss_cancelled();
}

static int kicked(void)
{
	CHECK_EQ(pipe(fds), 0);
	CHECK_EQ(ss_kick_enable(SIGUSR2), 0);
	SS_SCOPE(s, .name = "foreign");

	CHECK_EQ(s_rc, 0);
	CHECK_EQ(ss_spawn(&s, interruptible, NULL), 0);
	gate_wait(&reading);
	ss_scope_cancel(&s, 0, NULL);
	CHECK_EQ(ss_scope_join(&s, NULL), 0);
	return 0;
}

static int let_it_go(void *arg)
{
	(void)arg;
	reports_wait_for("\"foreign\"");
	CHECK_EQ(write(fds[1], "x", 1), 1);
	return 0;
}

static void test_pthreads_cannot_be_told(void **state)
{
	(void)state;
	assert_hangs("bare", "the join");
}

static void test_a_signal_tells(void **state)
{
	(void)state;
	assert_ends_well("kicked");
}

/* A @body of foreign code goes on after the cancellation: the report names the task, and says @what of it. */
static void assert_reported(ss_fn body, const char *what)
{
	assert_int_equal(pipe(fds), 0);
	reading = (struct gate)GATE_INIT;
	reports_clear();
	{
		SS_SCOPE(other, .name = "other");
		SS_SCOPE(s, .name = "stuck", .stuck_ns = SS_MS(5));

		assert_int_equal(other_rc, 0);
		assert_int_equal(s_rc, 0);
		assert_int_equal(ss_spawn(&other, let_it_go, NULL), 0);
		assert_int_equal(ss_spawn_at(&s, NULL, &(ss_task_opts){ .name = "foreign" }, body, NULL, SS_HERE), 0);
		gate_wait(&reading);
		ss_scope_cancel(&s, 0, NULL);
		assert_int_equal(ss_scope_join(&s, NULL), 0);
		assert_int_equal(ss_scope_join(&other, NULL), 0);
	}
	assert_true(reports_have(what));
	close(fds[0]);
	close(fds[1]);
}

static int foreign_stubborn_read(void *arg)
{
	int err;

	while ((err = foreign_read(arg)) == EINTR)
		;
	return err;
}

static int stubborn(void *arg)
{
	return ss_interruptible(foreign_stubborn_read, arg);
}

static void test_the_report_names_it(void **state)
{
	(void)state;
	assert_reported(foreign_read, "running user code");
	assert_int_equal(ss_kick_enable(SIGUSR2), 0);
	assert_reported(stubborn, "blocked in foreign code");
}

static const struct child children[] = { { "bare", bare }, { "kicked", kicked }, { NULL, NULL } };
static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_pthreads_cannot_be_told),
	cmocka_unit_test(test_a_signal_tells),
	cmocka_unit_test(test_the_report_names_it),
};

SUPPORT_MAIN(tests, children)
