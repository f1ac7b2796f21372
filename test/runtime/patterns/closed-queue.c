// RUN: %run patterns/closed-queue
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Sent after the close, and closed twice. */
#include "support.h"

#include <fcntl.h>
#include <unistd.h>

/* ---- with pthreads and a pipe: the second close is that of somebody else's file ---- */

static int bare(void)
{
	int fds[2], other;

	CHECK_EQ(pipe(fds), 0);
	close(fds[1]);
	other = open("/dev/null", O_WRONLY);
	close(fds[1]); /* again */
	if (write(other, "x", 1) < 0)
		defect("the other file is closed");
	return 0;
}

/* ---- with a queue ---- */

static atomic_int dropped;

static void drop(void *item)
{
	(void)item;
	atomic_fetch_add(&dropped, 1);
}

static void test_a_pipe_is_closed_twice(void **state)
{
	(void)state;
	assert_defect("bare", "the other file is closed");
}

static void test_a_push_after_the_close_keeps_its_item(void **state)
{
	int first, second;
	void *ring[2], *item;
	ss_queue queue;

	(void)state;
	assert_int_equal(ss_queue_init(&queue, ring, COUNT(ring), drop), 0);
	assert_int_equal(ss_queue_push(&queue, &first, SS_NEVER), 0);
	ss_queue_close(&queue);
	ss_queue_close(&queue);
	assert_int_equal(ss_queue_push(&queue, &second, SS_NEVER), EPIPE);
	assert_int_equal(ss_queue_pop(&queue, &item, SS_NEVER), 0);
	assert_ptr_equal(item, &first);
	assert_int_equal(ss_queue_pop(&queue, &item, SS_NEVER), EPIPE);
	ss_queue_fini(&queue);
	assert_int_equal(dropped, 0);
}

static const struct child children[] = { { "bare", bare }, { NULL, NULL } };
static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_a_pipe_is_closed_twice),
	cmocka_unit_test(test_a_push_after_the_close_keeps_its_item),
};

SUPPORT_MAIN(tests, children)
