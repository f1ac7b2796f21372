// RUN: %run patterns/unread-queue
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A queue that nobody reads, and one that nobody closes. */
#include "support.h"

/* ---- with pthreads: the producer waits for room for ever ---- */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t room;
	int used;
} bare_queue = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 1 };

static void *bare_produce(void *arg)
{
	pthread_mutex_lock(&bare_queue.lock);
	while (bare_queue.used == 1)
		pthread_cond_wait(&bare_queue.room, &bare_queue.lock);
	pthread_mutex_unlock(&bare_queue.lock);
	return arg;
}

static int bare(void)
{
	pthread_t producer;

	CHECK_EQ(pthread_create(&producer, NULL, bare_produce, NULL), 0);
	hangs_in("the join of the producer");
	pthread_join(producer, NULL);
	return 0;
}

/* ---- with a scope: who waits in a queue is woken by the end of the scope ---- */

static ss_queue full, empty;
static atomic_int ended;

static int produce(void *item)
{
	CHECK_EQ(ss_queue_push(&full, item, SS_NEVER), ECANCELED);
	atomic_fetch_add(&ended, 1);
	return ECANCELED;
}

static int consume(void *arg)
{
	void *item;

	(void)arg;
	CHECK_EQ(ss_queue_pop(&empty, &item, SS_NEVER), ECANCELED);
	atomic_fetch_add(&ended, 1);
	return ECANCELED;
}

static void leave(void)
{
	SS_SCOPE(s, .name = "both");

	CHECK_EQ(s_rc, 0);
	CHECK_EQ(ss_spawn(&s, produce, &full), 0);
	CHECK_EQ(ss_spawn(&s, consume, NULL), 0);
	support_wait_blocked("ss_queue_push", 1);
	support_wait_blocked("ss_queue_pop", 1);
}

static void test_pthreads_are_stranded(void **state)
{
	(void)state;
	assert_hangs("bare", "the join of the producer");
}

static void test_nobody_is_stranded_in_a_scope(void **state)
{
	void *ring[1], *none[1];

	(void)state;
	assert_int_equal(ss_queue_init(&full, ring, 1, NULL), 0);
	assert_int_equal(ss_queue_init(&empty, none, 1, NULL), 0);
	assert_int_equal(ss_queue_push(&full, &full, SS_NEVER), 0);
	leave();
	assert_int_equal(ended, 2);
	ss_queue_fini(&full);
	ss_queue_fini(&empty);
}

static const struct child children[] = { { "bare", bare }, { NULL, NULL } };
static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_pthreads_are_stranded),
	cmocka_unit_test(test_nobody_is_stranded_in_a_scope),
};

SUPPORT_MAIN(tests, children)
