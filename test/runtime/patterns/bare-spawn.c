// RUN: %run patterns/bare-spawn
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A thread that belongs to nobody: it is cut off when the program ends. */
#include "support.h"

static atomic_bool saved;
static struct gate may_save = GATE_INIT;

/* ---- with pthreads: main returns, the work is lost ---- */

static void *bare_save(void *arg)
{
	(void)arg;
	gate_wait(&may_save);
	printf("saved\n");
	fflush(stdout);
	return NULL;
}

static int bare(void)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, bare_save, NULL), 0);
	pthread_detach(thread);
	return 0;
}

/* ---- with a scope: there is no other place for a task ---- */

static int save(void *arg)
{
	(void)arg;
	atomic_store(&saved, true);
	return 0;
}

static void save_in_a_scope(void)
{
	SS_SCOPE(s, .flags = SS_EXIT_WAIT);

	CHECK_EQ(s_rc, 0);
	CHECK_EQ(ss_spawn(&s, save, NULL), 0);
}

static int without_scope(void)
{
	ss_config config = { .debug = -1 };
	ss_scope closed = { { 0 } };

	CHECK_EQ(ss_configure(&config), 0);
	CHECK_EQ(ss_spawn(NULL, save, NULL), EINVAL);
	CHECK_EQ(ss_spawn(&closed, save, NULL), EINVAL);
	CHECK(!saved);
	return 0;
}

static void test_pthreads_are_cut_off(void **state)
{
	struct outcome outcome = support_child("bare", 0);

	(void)state;
	assert_int_equal(outcome.exit, 0);
	assert_null(strstr(outcome.text, "saved"));
}

static void test_leaving_the_scope_waits(void **state)
{
	(void)state;
	save_in_a_scope();
	assert_true(saved);
}

static void test_there_is_no_spawn_without_scope(void **state)
{
	(void)state;
	assert_ends_well("without-scope");
}

static const struct child children[] = { { "bare", bare }, { "without-scope", without_scope }, { NULL, NULL } };
static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_pthreads_are_cut_off),
	cmocka_unit_test(test_leaving_the_scope_waits),
	cmocka_unit_test(test_there_is_no_spawn_without_scope),
};

SUPPORT_MAIN(tests, children)
