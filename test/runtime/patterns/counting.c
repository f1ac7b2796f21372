// RUN: %run patterns/counting
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A thread counts itself in: who waits may come first. And one that leaves early does not count itself out. */
#include "support.h"

static struct gate waited = GATE_INIT;
static atomic_int done;

/* ---- with pthreads ---- */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t zero;
	int count;
} group = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 };

static void group_add(int change)
{
	pthread_mutex_lock(&group.lock);
	group.count += change;
	if (group.count == 0)
		pthread_cond_broadcast(&group.zero);
	pthread_mutex_unlock(&group.lock);
}

static void group_wait(void)
{
	pthread_mutex_lock(&group.lock);
	while (group.count > 0)
		pthread_cond_wait(&group.zero, &group.lock);
	pthread_mutex_unlock(&group.lock);
}

static void *bare_counts_itself(void *arg)
{
	gate_wait(&waited); /* as if it was slow to start */
	group_add(1);
	atomic_fetch_add(&done, 1);
	group_add(-1);
	return arg;
}

static int bare_late(void)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, bare_counts_itself, NULL), 0);
	group_wait();
	if (atomic_load(&done) == 0)
		defect("nobody was waited for");
	return 0;
}

static void *bare_leaves_early(void *arg)
{
	if (arg == NULL)
		return NULL; /* nothing to do */
	group_add(-1);
	return arg;
}

static int bare_early(void)
{
	pthread_t thread;

	group_add(1);
	CHECK_EQ(pthread_create(&thread, NULL, bare_leaves_early, NULL), 0);
	hangs_in("the wait of the group");
	group_wait();
	return 0;
}

/* ---- with a scope: counted by the spawn before it returns, and by the end of the task ---- */

static int work(void *arg)
{
	if (arg == NULL)
		return 0;
	gate_wait(&waited);
	atomic_fetch_add(&done, 1);
	return 0;
}

static void test_pthreads_are_counted_too_late(void **state)
{
	(void)state;
	assert_defect("bare-late", "nobody was waited for");
}

static void test_pthreads_are_not_counted_out(void **state)
{
	(void)state;
	assert_hangs("bare-early", "the wait of the group");
}

static void test_a_scope_counts(void **state)
{
	ss_error none;

	(void)state;
	SS_SCOPE(s, .name = "count");
	assert_int_equal(s_rc, 0);
	assert_int_equal(ss_spawn(&s, work, &done), 0);
	assert_int_equal(ss_spawn(&s, work, NULL), 0);
	assert_int_equal(ss_scope_join_until(&s, ss_after(SS_MS(10)), &none), ETIMEDOUT);
	assert_int_equal(none.code, 0);
	gate_open(&waited);
	assert_int_equal(ss_scope_join(&s, NULL), 0);
	assert_int_equal(done, 1);
}

static const struct child children[] = { { "bare-late", bare_late }, { "bare-early", bare_early }, { NULL, NULL } };
static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_pthreads_are_counted_too_late),
	cmocka_unit_test(test_pthreads_are_not_counted_out),
	cmocka_unit_test(test_a_scope_counts),
};

SUPPORT_MAIN(tests, children)
