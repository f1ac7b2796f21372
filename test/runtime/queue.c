// RUN: %run queue
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The bounded queue: order, room, close, and that nobody is stranded at it. */
#include "support.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void *item(uintptr_t number)
{
	return (void *)number;
}

static unsigned dropped;
static uintptr_t dropped_sum;

static void drop(void *what)
{
	dropped++;
	dropped_sum += (uintptr_t)what;
}

static void first_in_first_out(void **state)
{
	void *ring[3], *got;
	ss_queue queue;

	(void)state;
	assert_int_equal(ss_queue_init(NULL, ring, 3, NULL), EINVAL);
	assert_int_equal(ss_queue_init(&queue, NULL, 3, NULL), EINVAL);
	assert_int_equal(ss_queue_init(&queue, ring, 0, NULL), EINVAL);
	assert_int_equal(ss_queue_init(&queue, ring, 3, NULL), 0);
	for (uintptr_t i = 1; i < 50; i++) {
		assert_int_equal(ss_queue_push(&queue, item(i), SS_NEVER), 0);
		assert_int_equal(ss_queue_push(&queue, item(i + 100), SS_NEVER), 0);
		assert_int_equal(ss_queue_pop(&queue, &got, SS_NEVER), 0);
		assert_ptr_equal(got, item(i));
		assert_int_equal(ss_queue_pop(&queue, &got, SS_NEVER), 0);
		assert_ptr_equal(got, item(i + 100));
	}
	/* A time that has passed: try, do not wait. */
	assert_int_equal(ss_queue_pop(&queue, &got, 0), ETIMEDOUT);
	for (uintptr_t i = 0; i < 3; i++)
		assert_int_equal(ss_queue_push(&queue, item(i), 0), 0);
	assert_int_equal(ss_queue_push(&queue, item(9), 0), ETIMEDOUT);
	assert_int_equal(ss_queue_push(&queue, item(9), ss_after(SS_MS(1))), ETIMEDOUT);
	ss_queue_fini(&queue);
}

static void what_is_left_is_drained_then_dropped(void **state)
{
	void *ring[4], *got;
	ss_queue queue;

	(void)state;
	dropped = 0;
	dropped_sum = 0;
	assert_int_equal(ss_queue_init(&queue, ring, 4, drop), 0);
	for (uintptr_t i = 1; i <= 3; i++)
		assert_int_equal(ss_queue_push(&queue, item(i), SS_NEVER), 0);
	ss_queue_close(&queue);
	ss_queue_close(&queue);
	assert_int_equal(ss_queue_push(&queue, item(4), SS_NEVER), EPIPE);
	assert_int_equal(ss_queue_pop(&queue, &got, SS_NEVER), 0);
	assert_ptr_equal(got, item(1));
	ss_queue_fini(&queue);
	assert_int_equal(dropped, 2);
	assert_int_equal(dropped_sum, 5);
	ss_queue_fini(&queue);
	ss_queue_fini(NULL);

	assert_int_equal(ss_queue_init(&queue, ring, 4, NULL), 0);
	ss_queue_close(&queue);
	assert_int_equal(ss_queue_pop(&queue, &got, SS_NEVER), EPIPE);
	ss_queue_fini(&queue);
}

static int push_one(void *arg)
{
	return ss_queue_push(arg, item(7), SS_NEVER);
}

static int pop_one(void *arg)
{
	void *got;

	return ss_queue_pop(arg, &got, SS_NEVER);
}

enum ending { CLOSED, CANCELLED, DEADLINE, SERVED };

/* Three wait on one side of the queue, and all of them come back. */
static void wait_and_end(ss_fn body, const char *where, bool full, enum ending ending)
{
	const int wanted[] = { EPIPE, ECANCELED, ETIMEDOUT, 0 };
	void *ring[1], *got;
	ss_queue queue;
	ss_task tasks[3];
	int rc;

	assert_int_equal(ss_queue_init(&queue, ring, 1, NULL), 0);
	if (full)
		assert_int_equal(ss_queue_push(&queue, item(1), SS_NEVER), 0);
	SS_SCOPE(scope, .flags = SS_SUPERVISE);
	for (size_t i = 0; i < COUNT(tasks); i++)
		assert_int_equal(ss_spawn_task(&scope, &tasks[i], 0, body, &queue), 0);
	support_wait_blocked(where, COUNT(tasks));
	if (ending == CLOSED)
		ss_queue_close(&queue);
	else if (ending == CANCELLED)
		ss_scope_cancel(&scope, 0, NULL);
	else if (ending == DEADLINE)
		ss_scope_set_deadline(&scope, ss_now());
	else
		for (size_t i = 0; i < COUNT(tasks); i++)
			assert_int_equal(full ? pop_one(&queue) : push_one(&queue), 0);
	ss_scope_join(&scope, NULL);
	for (size_t i = 0; i < COUNT(tasks); i++) {
		assert_int_equal(ss_task_join(&tasks[i], &rc), 0);
		assert_int_equal(rc, wanted[ending]);
	}
	if (ending != SERVED && full) {
		/* What was not taken stayed with those that brought it. */
		assert_int_equal(ss_queue_pop(&queue, &got, 0), 0);
		assert_ptr_equal(got, item(1));
		assert_int_not_equal(ss_queue_pop(&queue, &got, 0), 0);
	}
	ss_queue_fini(&queue);
}

static void nobody_is_stranded(void **state)
{
	(void)state;
	for (enum ending ending = CLOSED; ending <= SERVED; ending++) {
		wait_and_end(push_one, "ss_queue_push", true, ending);
		wait_and_end(pop_one, "ss_queue_pop", false, ending);
	}
}

static int cancelled_calls(void *arg)
{
	ss_queue *queue = arg;
	void *got;

	CHECK_EQ(ss_queue_push(queue, item(2), SS_NEVER), ECANCELED);
	CHECK_EQ(ss_queue_pop(queue, &got, SS_NEVER), ECANCELED);
	return 0;
}

static void cancelled_before_moves_nothing(void **state)
{
	void *ring[2], *got;
	ss_cancel token;
	ss_queue queue;

	(void)state;
	assert_int_equal(ss_queue_init(&queue, ring, 2, NULL), 0);
	assert_int_equal(ss_queue_push(&queue, item(1), 0), 0);
	assert_int_equal(ss_cancel_init(&token, NULL), 0);
	ss_cancel_fire(&token, 0, NULL);
	assert_int_equal(ss_with_token(&token, cancelled_calls, &queue), 0);
	ss_cancel_done(&token);
	assert_int_equal(ss_queue_pop(&queue, &got, 0), 0);
	assert_int_equal(ss_queue_pop(&queue, &got, 0), ETIMEDOUT);
	ss_queue_fini(&queue);
}

/* ---- many at once ---- */

struct market {
	ss_queue queue;
	_Atomic uintptr_t pushed, popped;
	uintptr_t each;
};

static int produce(void *arg)
{
	struct market *market = arg;

	for (uintptr_t i = 1; i <= market->each; i++) {
		int err = ss_queue_push(&market->queue, item(i), SS_NEVER);

		if (err)
			return err;
		atomic_fetch_add(&market->pushed, i);
	}
	return 0;
}

static int consume(void *arg)
{
	struct market *market = arg;
	void *got;
	int err;

	while ((err = ss_queue_pop(&market->queue, &got, SS_NEVER)) == 0)
		atomic_fetch_add(&market->popped, (uintptr_t)got);
	return err == EPIPE ? 0 : err;
}

static void all_arrive_once(void **state)
{
	struct market market = { .each = support_repeat(3000) };
	void *ring[4];

	(void)state;
	assert_int_equal(ss_queue_init(&market.queue, ring, COUNT(ring), NULL), 0);
	SS_SCOPE(consumers, .name = "consumers");
	SS_SCOPE(producers, .name = "producers");
	for (int i = 0; i < 4; i++) {
		assert_int_equal(ss_spawn(&consumers, consume, &market), 0);
		assert_int_equal(ss_spawn(&producers, produce, &market), 0);
	}
	assert_int_equal(ss_scope_join(&producers, NULL), 0);
	ss_queue_close(&market.queue);
	assert_int_equal(ss_scope_join(&consumers, NULL), 0);
	assert_int_equal(market.popped, 4 * market.each * (market.each + 1) / 2);
	ss_queue_fini(&market.queue);
}

/* A waiter that is woken and cancelled at the same time takes no wake-up with it. */
static void a_wake_up_is_passed_on(void **state)
{
	void *ring[1];
	ss_queue queue;

	(void)state;
	assert_int_equal(ss_queue_init(&queue, ring, 1, NULL), 0);
	for (unsigned round = support_repeat(1000); round; round--) {
		ss_task victim, other;
		int lost, got;

		SS_SCOPE(scope, .flags = SS_SUPERVISE);
		assert_int_equal(ss_spawn_task(&scope, &victim, 0, pop_one, &queue), 0);
		assert_int_equal(ss_spawn_task(&scope, &other, 0, pop_one, &queue), 0);
		assert_int_equal(push_one(&queue), 0);
		ss_task_cancel(&victim, 0, NULL);
		assert_int_equal(ss_task_join(&victim, &lost), 0);
		/* The item goes to the other one, or a second one does. */
		if (!lost)
			assert_int_equal(push_one(&queue), 0);
		assert_int_equal(ss_task_join(&other, &got), 0);
		assert_int_equal(got, 0);
		assert_int_equal(ss_scope_join(&scope, NULL), 0);
	}
	ss_queue_fini(&queue);
}

static void the_child_of_a_fork_has_none(void **state)
{
	void *ring[1], *got;
	ss_queue queue;
	int status;
	pid_t pid;

	(void)state;
	dropped = 0;
	assert_int_equal(ss_queue_init(&queue, ring, 1, drop), 0);
	{
		/* The handlers of fork come with the first scope. */
		SS_SCOPE(scope, .name = "fork");
		assert_int_equal(ss_scope_join(&scope, NULL), 0);
	}
	assert_int_equal(push_one(&queue), 0);
	pid = fork();
	if (pid == 0) {
		CHECK_EQ(ss_queue_push(&queue, item(1), SS_NEVER), EOWNERDEAD);
		CHECK_EQ(ss_queue_pop(&queue, &got, SS_NEVER), EOWNERDEAD);
		ss_queue_close(&queue);
		ss_queue_fini(&queue);
		CHECK_EQ(dropped, 0);
		kill(getpid(), SIGKILL); /* this way a tool has nothing to add */
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	ss_queue_fini(&queue);
	assert_int_equal(dropped, 1);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(first_in_first_out),
	cmocka_unit_test(what_is_left_is_drained_then_dropped),
	cmocka_unit_test(nobody_is_stranded),
	cmocka_unit_test(cancelled_before_moves_nothing),
	cmocka_unit_test(all_arrive_once),
	cmocka_unit_test(a_wake_up_is_passed_on),
	cmocka_unit_test(the_child_of_a_fork_has_none),
};
SUPPORT_MAIN(tests, NULL)
