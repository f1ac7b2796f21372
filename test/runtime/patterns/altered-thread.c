// RUN: %run patterns/altered-thread
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A task leaves its thread in another state than it found it, and the next one runs in that. */
#include "support.h"

#include <signal.h>
#include <sys/prctl.h>

static bool is_blocked(int number)
{
	sigset_t mask;

	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	return sigismember(&mask, number);
}

static void unblock(int number)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, number);
	pthread_sigmask(SIG_UNBLOCK, &mask, NULL);
}

/* ---- with a pool of threads of one's own ---- */

static void *bare_worker(void *arg)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &mask, NULL); /* the pool's own setting */
	unblock(SIGUSR1);			 /* the first job */
	if (!is_blocked(SIGUSR1))		 /* the second */
		defect("the next job has another mask");
	return arg;
}

static int bare(void)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, bare_worker, NULL), 0);
	pthread_join(thread, NULL);
	return 0;
}

/* ---- with workers: an altered one is given up; a fresh thread was nobody's before ---- */

static _Thread_local int used;

static int alter(void *arg)
{
	(void)arg;
	CHECK(is_blocked(SIGUSR1));
	unblock(SIGUSR1);
	prctl(PR_SET_NAME, "altered");
	errno = EIO;
	return 0;
}

static int look(void *arg)
{
	(void)arg;
	CHECK(is_blocked(SIGUSR1));
	return 0;
}

static int look_fresh(void *arg)
{
	(void)arg;
	CHECK_EQ(used++, 0);
	return 0;
}

static void one_after_the_other(ss_fn fn, unsigned flags)
{
	SS_SCOPE(s, .name = "one");

	CHECK_EQ(s_rc, 0);
	CHECK_EQ(ss_spawn_task(&s, NULL, flags, fn, NULL), 0);
	CHECK_EQ(ss_scope_join(&s, NULL), 0);
}

static int altered(void)
{
	ss_config config = { .debug = 1 };

	CHECK_EQ(ss_configure(&config), 0);
	for (int i = 0; i < 10; i++) {
		one_after_the_other(alter, 0);
		one_after_the_other(look, 0);
	}
	return 0;
}

static void test_a_pool_hands_it_on(void **state)
{
	(void)state;
	assert_defect("bare", "the next job has another mask");
}

static void test_no_task_sees_it(void **state)
{
	(void)state;
	assert_ends_well("altered");
}

static void test_a_fresh_thread_is_new(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++)
		one_after_the_other(look_fresh, SS_TASK_FRESH);
}

static const struct child children[] = { { "bare", bare }, { "altered", altered }, { NULL, NULL } };
static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_a_pool_hands_it_on),
	cmocka_unit_test(test_no_task_sees_it),
	cmocka_unit_test(test_a_fresh_thread_is_new),
};

SUPPORT_MAIN(tests, children)
