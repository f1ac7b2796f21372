// RUN: %run patterns/all-asleep
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Everybody waits for somebody else. */
#include "support.h"

/* ---- with pthreads: three that join each other in a ring ---- */

static pthread_t ring[3];
static pthread_barrier_t all_made;
static struct gate never = GATE_INIT;

static void *bare_join_next(void *arg)
{
	pthread_barrier_wait(&all_made);
	pthread_join(ring[(*(int *)arg + 1) % 3], NULL);
	return NULL;
}

static int bare(void)
{
	static int numbers[] = { 0, 1, 2 };

	pthread_barrier_init(&all_made, NULL, 4);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&ring[i], NULL, bare_join_next, &numbers[i]), 0);
	hangs_in("the ring");
	pthread_barrier_wait(&all_made);
	gate_wait(&never);
	return 0;
}

/* ---- with a scope: the join that would close the ring says so ---- */

static ss_task tasks[3];
static struct gate spawned = GATE_INIT;
static atomic_int refused;

static int join_next(void *number)
{
	int err;

	gate_wait(&spawned);
	err = ss_task_join(&tasks[(*(int *)number + 1) % 3], NULL);
	CHECK(err == 0 || err == EDEADLK);
	atomic_fetch_add(&refused, err == EDEADLK);
	return 0;
}

static int join_itself(void *task)
{
	CHECK_EQ(ss_task_join(task, NULL), EDEADLK);
	CHECK_EQ(ss_scope_join(ss_scope_current(), NULL), EDEADLK);
	return 0;
}

static int itself(void)
{
	ss_config config = { .debug = -1 };
	ss_task task;

	CHECK_EQ(ss_configure(&config), 0);
	SS_SCOPE(s, .name = "itself");

	CHECK_EQ(s_rc, 0);
	CHECK_EQ(ss_spawn_task(&s, &task, 0, join_itself, &task), 0);
	CHECK_EQ(ss_scope_join(&s, NULL), 0);
	return 0;
}

static int wait_for_end(void *arg)
{
	(void)arg;
	return ss_sleep_until(SS_NEVER);
}

static void test_pthreads_join_in_a_ring(void **state)
{
	(void)state;
	assert_hangs("bare", "the ring");
}

static void test_a_ring_of_joins_is_refused(void **state)
{
	static int numbers[] = { 0, 1, 2 };

	(void)state;
	SS_SCOPE(s, .name = "ring");
	assert_int_equal(s_rc, 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(ss_spawn_task(&s, &tasks[i], 0, join_next, &numbers[i]), 0);
	gate_open(&spawned);
	assert_int_equal(ss_scope_join(&s, NULL), 0);
	assert_int_equal(refused, 1);
}

static void test_joining_oneself_is_refused(void **state)
{
	(void)state;
	assert_ends_well("itself");
}

static void test_the_dump_says_who_waits_where(void **state)
{
	char *dump;

	(void)state;
	SS_SCOPE(s, .name = "asleep");
	assert_int_equal(s_rc, 0);
	assert_int_equal(ss_spawn_at(&s, NULL, &(ss_task_opts){ .name = "dozing" }, wait_for_end, NULL, SS_HERE), 0);
	support_wait_blocked("ss_sleep", 1);
	dump = support_dump();
	assert_non_null(strstr(dump, "\"asleep\""));
	assert_non_null(strstr(dump, "\"dozing\""));
	assert_non_null(strstr(dump, "all-asleep.c:"));
	free(dump);
	ss_scope_cancel(&s, 0, NULL);
	assert_int_equal(ss_scope_join(&s, NULL), 0);
}

static const struct child children[] = { { "bare", bare }, { "itself", itself }, { NULL, NULL } };
static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_pthreads_join_in_a_ring),
	cmocka_unit_test(test_a_ring_of_joins_is_refused),
	cmocka_unit_test(test_joining_oneself_is_refused),
	cmocka_unit_test(test_the_dump_says_who_waits_where),
};

SUPPORT_MAIN(tests, children)
