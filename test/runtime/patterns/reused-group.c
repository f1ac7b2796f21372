// RUN: %run patterns/reused-group
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A group is used again while somebody still waits for its last round. */
#include "support.h"

/* ---- with pthreads: the waiter misses the moment at which it was 0 ---- */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t zero;
	int count;
} group = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 1 };

static void *bare_wait(void *arg)
{
	pthread_mutex_lock(&group.lock);
	gate_open(arg); /* whoever takes the lock now finds it waiting */
	while (group.count > 0)
		pthread_cond_wait(&group.zero, &group.lock);
	pthread_mutex_unlock(&group.lock);
	return NULL;
}

static int bare(void)
{
	static struct gate waits = GATE_INIT;
	pthread_t waiter;

	CHECK_EQ(pthread_create(&waiter, NULL, bare_wait, &waits), 0);
	gate_wait(&waits);
	pthread_mutex_lock(&group.lock);
	group.count = 0; /* the first round is over */
	pthread_cond_broadcast(&group.zero);
	group.count = 1; /* and the next begins */
	pthread_mutex_unlock(&group.lock);
	hangs_in("the wait for the first round");
	pthread_join(waiter, NULL);
	return 0;
}

/* ---- with a scope: one round is one scope ---- */

static int work(void *arg)
{
	(void)arg;
	return 0;
}

static int again(void)
{
	ss_config config = { .debug = -1 };
	ss_scope scope;

	CHECK_EQ(ss_configure(&config), 0);
	CHECK_EQ(ss_scope_open(&scope, NULL, SS_HERE), 0);
	CHECK_EQ(ss_scope_join(&scope, NULL), 0);
	CHECK_EQ(ss_spawn(&scope, work, NULL), EPIPE);
	ss_scope_fini(&scope);
	CHECK_EQ(ss_spawn(&scope, work, NULL), EINVAL);
	/* The storage may be opened anew. */
	CHECK_EQ(ss_scope_open(&scope, NULL, SS_HERE), 0);
	CHECK_EQ(ss_spawn(&scope, work, NULL), 0);
	CHECK_EQ(ss_scope_join(&scope, NULL), 0);
	ss_scope_fini(&scope);
	return 0;
}

static void test_pthreads_miss_the_end(void **state)
{
	(void)state;
	assert_hangs("bare", "the wait for the first round");
}

static void test_a_joined_scope_refuses(void **state)
{
	(void)state;
	assert_ends_well("again");
}

static const struct child children[] = { { "bare", bare }, { "again", again }, { NULL, NULL } };
static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_pthreads_miss_the_end),
	cmocka_unit_test(test_a_joined_scope_refuses),
};

SUPPORT_MAIN(tests, children)
