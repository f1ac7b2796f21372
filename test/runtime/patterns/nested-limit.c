// RUN: %run patterns/nested-limit
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A limit of one, and a task that starts another and waits for it. */
#include "support.h"

#include <semaphore.h>

/* ---- with pthreads: the slot is held by who waits for it ---- */

static sem_t bare_slots;

static void *bare_nested(void *arg)
{
	pthread_t inner;

	sem_wait(&bare_slots);
	if (arg) {
		CHECK_EQ(pthread_create(&inner, NULL, bare_nested, NULL), 0);
		pthread_join(inner, NULL);
	}
	sem_post(&bare_slots);
	return NULL;
}

static int bare(void)
{
	pthread_t outer;

	sem_init(&bare_slots, 0, 1);
	CHECK_EQ(pthread_create(&outer, NULL, bare_nested, &bare_slots), 0);
	hangs_in("the join of the outer one");
	pthread_join(outer, NULL);
	return 0;
}

/* ---- with a scope: who is inside queues, and the join starts what is queued ---- */

static atomic_int deepest;

static int nested(void *depth_left)
{
	int left = *(int *)depth_left - 1;
	ss_task inner;

	atomic_fetch_add(&deepest, 1);
	if (left == 0)
		return 0;
	CHECK_EQ(ss_spawn_copy_at(ss_scope_current(), &inner, NULL, nested, &left, sizeof(left), SS_HERE), 0);
	return ss_task_join(&inner, NULL);
}

static int scopes(void *depth_left)
{
	int left = *(int *)depth_left - 1;
	SS_SCOPE(s, .name = "inner", .limit = 1);

	CHECK_EQ(s_rc, 0);
	atomic_fetch_add(&deepest, 1);
	if (left == 0)
		return 0;
	CHECK_EQ(ss_spawn_copy(&s, scopes, &left, sizeof(left)), 0);
	return ss_scope_join(&s, NULL);
}

static void test_pthreads_hold_what_they_wait_for(void **state)
{
	(void)state;
	assert_hangs("bare", "the join of the outer one");
}

static void run(ss_fn fn, unsigned flags, int depth)
{
	SS_SCOPE(s, .name = "outer", .limit = 1, .flags = flags);

	atomic_store(&deepest, 0);
	CHECK_EQ(s_rc, 0);
	CHECK_EQ(ss_spawn(&s, fn, &depth), 0);
	CHECK_EQ(ss_scope_join(&s, NULL), 0);
	CHECK_EQ(deepest, depth);
}

static void test_a_task_spawns_into_its_own_scope(void **state)
{
	int depth = support_threads() > 1000 ? 300 : 100;

	(void)state;
	run(nested, 0, depth);
	run(nested, SS_HELP, 20);
}

static void test_scopes_with_limits_nest(void **state)
{
	(void)state;
	run(scopes, 0, 100);
	run(scopes, SS_HELP, 20);
}

static const struct child children[] = { { "bare", bare }, { NULL, NULL } };
static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_pthreads_hold_what_they_wait_for),
	cmocka_unit_test(test_a_task_spawns_into_its_own_scope),
	cmocka_unit_test(test_scopes_with_limits_nest),
};

SUPPORT_MAIN(tests, children)
