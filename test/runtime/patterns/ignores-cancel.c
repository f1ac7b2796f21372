// RUN: %run patterns/ignores-cancel
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A task that does not look at the request to stop. */
#include "support.h"

#include <unistd.h>

/* ---- with pthreads: a stop flag beside a sleep ---- */

static atomic_bool bare_stop;
static struct gate looked = GATE_INIT;

static void *bare_work(void *arg)
{
	(void)arg;
	while (!atomic_load(&bare_stop)) {
		gate_open(&looked);
		sleep(3600);
	}
	return NULL;
}

static int bare(void)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, bare_work, NULL), 0);
	gate_wait(&looked);
	atomic_store(&bare_stop, true);
	hangs_in("the join of a thread that sleeps");
	pthread_join(thread, NULL);
	return 0;
}

/* ---- with a scope: its own waits watch the token; a foreign one is reported with its name ---- */

static int work(void *arg)
{
	(void)arg;
	while (!ss_cancelled())
		CHECK_EQ(ss_sleep(SS_SEC(3600)), ECANCELED);
	return 0;
}

static struct gate release = GATE_INIT;

static int stubborn(void *arg)
{
	(void)arg;
	gate_wait(&release);
	return 0;
}

static int let_it_go(void *arg)
{
	(void)arg;
	reports_wait_for("\"stubborn\"");
	gate_open(&release);
	return 0;
}

static void test_pthreads_sleep_on(void **state)
{
	(void)state;
	assert_hangs("bare", "the join of a thread that sleeps");
}

static void test_a_sleep_watches_the_token(void **state)
{
	(void)state;
	SS_SCOPE(s, .name = "work");
	assert_int_equal(s_rc, 0);
	assert_int_equal(ss_spawn(&s, work, NULL), 0);
	ss_scope_cancel(&s, 0, NULL);
	assert_int_equal(ss_scope_join(&s, NULL), 0);
}

static void test_who_goes_on_is_reported(void **state)
{
	(void)state;
	SS_SCOPE(other, .name = "other");
	SS_SCOPE(s, .name = "work", .stuck_ns = SS_MS(10));
	assert_int_equal(other_rc, 0);
	assert_int_equal(s_rc, 0);
	assert_int_equal(ss_spawn(&other, let_it_go, NULL), 0);
	assert_int_equal(ss_spawn_at(&s, NULL, &(ss_task_opts){ .name = "stubborn" }, stubborn, NULL, SS_HERE), 0);
	ss_scope_cancel(&s, 0, NULL);
	assert_int_equal(ss_scope_join(&s, NULL), 0);
	assert_true(reports_have("ignores-cancel.c:"));
	assert_true(reports_have("\"work\""));
	assert_int_equal(ss_scope_join(&other, NULL), 0);
}

static const struct child children[] = { { "bare", bare }, { NULL, NULL } };
static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_pthreads_sleep_on),
	cmocka_unit_test(test_a_sleep_watches_the_token),
	cmocka_unit_test(test_who_goes_on_is_reported),
};

SUPPORT_MAIN(tests, children)
