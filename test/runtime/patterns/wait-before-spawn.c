// RUN: %run patterns/wait-before-spawn
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The wait comes before what it should wait for. */
#include "support.h"

static struct gate late = GATE_INIT;
static atomic_int done;

/* ---- with pthreads: a counter that is still 0 ---- */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t zero;
	int count;
} group = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 };

static void group_wait(void)
{
	pthread_mutex_lock(&group.lock);
	while (group.count > 0)
		pthread_cond_wait(&group.zero, &group.lock);
	pthread_mutex_unlock(&group.lock);
}

static void *bare_work(void *arg)
{
	(void)arg;
	gate_wait(&late);
	atomic_fetch_add(&done, 1);
	return NULL;
}

static int bare(void)
{
	pthread_t thread;

	group_wait();
	pthread_mutex_lock(&group.lock);
	group.count++;
	pthread_mutex_unlock(&group.lock);
	CHECK_EQ(pthread_create(&thread, NULL, bare_work, NULL), 0);
	if (atomic_load(&done) == 0)
		defect("it was waited for, and is not done");
	return 0;
}

/* ---- with a scope: what comes after the join is refused ---- */

static int work(void *arg)
{
	(void)arg;
	atomic_fetch_add(&done, 1);
	return 0;
}

static int spawn_after_join(void)
{
	ss_config config = { .debug = -1 };

	CHECK_EQ(ss_configure(&config), 0);
	SS_SCOPE(s, .name = "group");

	CHECK_EQ(s_rc, 0);
	CHECK_EQ(ss_spawn(&s, work, NULL), 0);
	CHECK_EQ(ss_scope_join(&s, NULL), 0);
	CHECK_EQ(done, 1);
	CHECK_EQ(ss_spawn(&s, work, NULL), EPIPE);
	CHECK_EQ(done, 1);
	return 0;
}

static void test_pthreads_wait_for_nothing(void **state)
{
	(void)state;
	assert_defect("bare", "it was waited for, and is not done");
}

static void test_a_spawn_after_the_join_is_refused(void **state)
{
	(void)state;
	assert_ends_well("spawn-after-join");
}

static const struct child children[] = { { "bare", bare }, { "spawn-after-join", spawn_after_join }, { NULL, NULL } };
static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_pthreads_wait_for_nothing),
	cmocka_unit_test(test_a_spawn_after_the_join_is_refused),
};

SUPPORT_MAIN(tests, children)
