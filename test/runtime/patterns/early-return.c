// RUN: %run patterns/early-return
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The function returns early, and what it started goes on. */
#include "support.h"

#include <unistd.h>

static struct gate stop = GATE_INIT;

/* ---- with pthreads: the producer outlives the call, and blocks on a pipe that nobody reads ---- */

static int bare_pipe[2];

static void *bare_produce(void *arg)
{
	char block[4096] = { 0 };

	(void)arg;
	while (write(bare_pipe[1], block, sizeof(block)) > 0)
		;
	return NULL;
}

static int bare_consume(void)
{
	pthread_t producer;
	char first;

	CHECK_EQ(pipe(bare_pipe), 0);
	CHECK_EQ(pthread_create(&producer, NULL, bare_produce, NULL), 0);
	if (read(bare_pipe[0], &first, 1) == 1 && first == 0)
		return -1; /* the input is bad */
	return pthread_join(producer, NULL);
}

static int bare(void)
{
	CHECK_EQ(bare_consume(), -1);
	if (support_live_threads() == 2)
		defect("the producer is still there");
	return 0;
}

/* ---- with a scope ---- */

static int produce(void *queue)
{
	int err = 0;

	while (!err)
		err = ss_queue_push(queue, &stop, SS_NEVER);
	CHECK_EQ(err, ECANCELED);
	return err;
}

static int consume(ss_queue *queue)
{
	SS_SCOPE(s, .name = "consume");
	void *first;

	if (s_rc)
		return s_rc;
	CHECK_EQ(ss_spawn(&s, produce, queue), 0);
	CHECK_EQ(ss_queue_pop(queue, &first, SS_NEVER), 0);
	if (first == &stop)
		return -1; /* the input is bad: leaves the scope, which cancels and joins */
	return ss_scope_join(&s, NULL);
}

static void test_pthreads_leave_the_producer(void **state)
{
	(void)state;
	assert_defect("bare", "the producer is still there");
}

static void test_leaving_the_scope_ends_the_producer(void **state)
{
	void *ring[4];
	ss_queue queue;
	ss_stats stats;

	(void)state;
	assert_int_equal(ss_queue_init(&queue, ring, COUNT(ring), NULL), 0);
	assert_int_equal(consume(&queue), -1);
	ss_get_stats(&stats);
	assert_int_equal(stats.scopes, 0);
	ss_queue_fini(&queue);
}

static const struct child children[] = { { "bare", bare }, { NULL, NULL } };
static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_pthreads_leave_the_producer),
	cmocka_unit_test(test_leaving_the_scope_ends_the_producer),
};

SUPPORT_MAIN(tests, children)
