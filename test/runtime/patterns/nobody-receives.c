// RUN: %run patterns/nobody-receives
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A send to somebody who is not there, or not there yet. */
#include "support.h"

/* ---- with pthreads ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t taken = PTHREAD_COND_INITIALIZER;
static bool is_taken;

static int bare(void)
{
	pthread_mutex_lock(&lock);
	hangs_in("the hand-over");
	while (!is_taken)
		pthread_cond_wait(&taken, &lock);
	return 0;
}

/* ---- with a queue: the push has a time, and the dump shows who waits; spawning works before main ---- */

static atomic_int early;

static int count(void *arg)
{
	(void)arg;
	atomic_fetch_add(&early, 1);
	return 0;
}

__attribute__((constructor)) static void before_main(void)
{
	ss_config config = { .debug = -1 };

	if (!getenv("SAFESPAWN_TEST_EARLY"))
		return;
	CHECK_EQ(ss_configure(&config), 0);
	SS_SCOPE(s, .name = "early");

	CHECK_EQ(s_rc, 0);
	CHECK_EQ(ss_spawn(&s, count, NULL), 0);
	CHECK_EQ(ss_scope_join(&s, NULL), 0);
}

static int constructor(void)
{
	CHECK_EQ(early, 1);
	return 0;
}

static int send_for_ever(void *queue)
{
	return ss_queue_push(queue, queue, SS_NEVER);
}

static void test_pthreads_wait_for_nobody(void **state)
{
	(void)state;
	assert_hangs("bare", "the hand-over");
}

static void test_a_push_has_a_time(void **state)
{
	void *ring[1];
	ss_queue queue;

	(void)state;
	assert_int_equal(ss_queue_init(&queue, ring, 1, NULL), 0);
	assert_int_equal(ss_queue_push(&queue, &queue, SS_NEVER), 0);
	assert_int_equal(ss_queue_push(&queue, &queue, ss_after(SS_MS(5))), ETIMEDOUT);
	{
		SS_SCOPE(s, .name = "senders");

		assert_int_equal(s_rc, 0);
		assert_int_equal(ss_spawn(&s, send_for_ever, &queue), 0);
		support_wait_blocked("ss_queue_push", 1);
	}
	ss_queue_fini(&queue);
}

static void test_a_constructor_may_spawn(void **state)
{
	(void)state;
	setenv("SAFESPAWN_TEST_EARLY", "1", 1);
	assert_ends_well("constructor");
	unsetenv("SAFESPAWN_TEST_EARLY");
}

static const struct child children[] = { { "bare", bare }, { "constructor", constructor }, { NULL, NULL } };
static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_pthreads_wait_for_nobody),
	cmocka_unit_test(test_a_push_has_a_time),
	cmocka_unit_test(test_a_constructor_may_spawn),
};

SUPPORT_MAIN(tests, children)
