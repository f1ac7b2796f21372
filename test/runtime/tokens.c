// RUN: %run tokens
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tokens: the tree, causes, deadlines, descriptors, signal handlers, shields. */
#include "support.h"

#include <poll.h>
#include <signal.h>

static void firing_reaches_what_is_below(void **state)
{
	ss_cancel root, middle, leaf, other;

	(void)state;
	assert_int_equal(ss_cancel_init(&root, NULL), 0);
	assert_int_equal(ss_cancel_init(&middle, &root), 0);
	assert_int_equal(ss_cancel_init(&leaf, &middle), 0);
	assert_int_equal(ss_cancel_init(&other, &root), 0);
	ss_cancel_fire(&middle, 3, "middle");
	assert_int_equal(ss_cancel_state(&root), 0);
	assert_int_equal(ss_cancel_state(&middle), ECANCELED);
	assert_int_equal(ss_cancel_state(&leaf), ECANCELED);
	assert_int_equal(ss_cancel_state(&other), 0);
	ss_cancel_done(&leaf);
	assert_int_equal(ss_cancel_init(&leaf, &middle), 0); /* born cancelled */
	assert_int_equal(ss_cancel_state(&leaf), ECANCELED);
	ss_cancel_done(&leaf);
	ss_cancel_done(&middle);
	ss_cancel_done(&other);
	ss_cancel_done(&root);
	ss_cancel_done(&root);
	ss_cancel_done(NULL);
}

static void orphans_go_to_the_grandparent(void **state)
{
	ss_cancel root, middle, leaf[3];

	(void)state;
	assert_int_equal(ss_cancel_init(&root, NULL), 0);
	assert_int_equal(ss_cancel_init(&middle, &root), 0);
	for (size_t i = 0; i < COUNT(leaf); i++)
		assert_int_equal(ss_cancel_init(&leaf[i], &middle), 0);
	ss_cancel_done(&middle);
	ss_cancel_done(&leaf[1]);
	ss_cancel_fire(&root, 1, NULL);
	assert_int_equal(ss_cancel_state(&leaf[0]), ECANCELED);
	assert_int_equal(ss_cancel_state(&leaf[2]), ECANCELED);
	ss_cancel_done(&root);
	ss_cancel_done(&leaf[0]);
	ss_cancel_done(&leaf[2]);
}

static int look_at_cause(void *arg)
{
	ss_error cause;

	assert_int_equal(ss_cancelled(), ECANCELED);
	assert_int_equal(ss_cancel_cause(&cause), (intptr_t)arg);
	assert_string_equal(cause.msg, "why not");
	return 5;
}

static int look_at_nothing(void *arg)
{
	(void)arg;
	assert_int_equal(ss_cancelled(), 0);
	assert_int_equal(ss_cancel_cause(NULL), 0);
	return 6;
}

static void with_token_makes_it_ambient(void **state)
{
	ss_cancel token;

	(void)state;
	assert_int_equal(ss_cancel_init(&token, NULL), 0);
	assert_int_equal(ss_with_token(&token, look_at_nothing, NULL), 6);
	ss_cancel_fire(&token, 12, "why %s", "not");
	ss_cancel_fire(&token, 13, "second");
	assert_int_equal(ss_with_token(&token, look_at_cause, (void *)12), 5);
	assert_int_equal(ss_cancelled(), 0);
	ss_cancel_done(&token);
	assert_int_equal(ss_with_token(NULL, NULL, NULL), EINVAL);
}

static void token_has_a_deadline(void **state)
{
	ss_cancel token, below;

	(void)state;
	assert_int_equal(ss_cancel_init(&token, NULL), 0);
	assert_int_equal(ss_cancel_init(&below, &token), 0);
	ss_cancel_at(&token, ss_after(SS_SEC(3600)));
	ss_cancel_at(&token, ss_after(SS_MS(1)));
	ss_cancel_at(&token, SS_NEVER);
	assert_int_equal(ss_cancel_wait(&below, SS_NEVER), 0);
	assert_int_equal(ss_cancel_state(&below), ETIMEDOUT);
	assert_int_equal(ss_cancel_state(&token), ETIMEDOUT);
	ss_cancel_done(&below);
	ss_cancel_done(&token);
}

static void deadlines_ring_in_order(void **state)
{
	ss_cancel tokens[50];
	ss_time start = ss_now();

	(void)state;
	for (size_t i = 0; i < COUNT(tokens); i++) {
		assert_int_equal(ss_cancel_init(&tokens[i], NULL), 0);
		ss_cancel_at(&tokens[i], start + SS_US(100) * (int64_t)((i * 37) % COUNT(tokens)));
	}
	for (size_t i = 0; i < COUNT(tokens); i += 3)
		ss_cancel_done(&tokens[i]); /* out of the middle of the heap */
	for (size_t i = 0; i < COUNT(tokens); i++)
		if (i % 3)
			assert_int_equal(ss_cancel_wait(&tokens[i], SS_NEVER), 0);
	for (size_t i = 0; i < COUNT(tokens); i++)
		if (i % 3)
			ss_cancel_done(&tokens[i]);
}

static int fire(void *arg)
{
	ss_cancel_fire(arg, 0, NULL);
	return 0;
}

static int wait_for_token(void *arg)
{
	return ss_cancel_wait(arg, SS_NEVER);
}

static void waits_end_for_one_reason(void **state)
{
	ss_cancel token;
	ss_task task;
	int rc;

	(void)state;
	assert_int_equal(ss_cancel_init(&token, NULL), 0);
	assert_int_equal(ss_cancel_wait(&token, ss_after(SS_MS(1))), ETIMEDOUT);
	{
		SS_SCOPE(scope, .name = NULL);
		assert_int_equal(ss_spawn_task(&scope, &task, 0, wait_for_token, &token), 0);
		ss_scope_cancel(&scope, 0, NULL);
		assert_int_equal(ss_scope_join(&scope, NULL), 0);
		assert_int_equal(ss_task_join(&task, &rc), 0);
		assert_int_equal(rc, ECANCELED);
	}
	SS_SCOPE(scope, .name = NULL);
	assert_int_equal(ss_spawn_task(&scope, &task, 0, wait_for_token, &token), 0);
	assert_int_equal(ss_spawn(&scope, fire, &token), 0);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
	assert_int_equal(ss_cancel_wait(&token, 0), 0);
	ss_cancel_done(&token);
}

static bool is_readable(int fd)
{
	struct pollfd look = { .fd = fd, .events = POLLIN };

	return poll(&look, 1, 0) == 1;
}

static void descriptor_becomes_readable(void **state)
{
	ss_cancel token, below;
	int fd, fd_below;

	(void)state;
	assert_int_equal(ss_cancel_init(&token, NULL), 0);
	assert_int_equal(ss_cancel_init(&below, &token), 0);
	fd = ss_cancel_fd(&token);
	assert_true(fd >= 0);
	assert_int_equal(ss_cancel_fd(&token), fd);
	assert_false(is_readable(fd));
	ss_cancel_fire(&token, 0, NULL);
	assert_true(is_readable(fd));
	fd_below = ss_cancel_fd(&below); /* made when it is over */
	assert_true(fd_below >= 0 && fd_below != fd);
	assert_true(is_readable(fd_below));
	ss_cancel_done(&below);
	ss_cancel_done(&token);
}

static ss_cancel posted;

static void post(int signo)
{
	ss_cancel_post(&posted, signo);
}

static void signal_handlers_may_post(void **state)
{
	struct sigaction action = { .sa_handler = post }, before;
	ss_cancel below;
	int fd;

	(void)state;
	assert_int_equal(ss_cancel_init(&posted, NULL), 0);
	assert_int_equal(ss_cancel_init(&below, &posted), 0);
	fd = ss_cancel_fd(&posted);
	assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
	raise(SIGUSR1);
	assert_int_equal(ss_cancel_state(&posted), ECANCELED);
	assert_true(is_readable(fd));
	assert_int_equal(ss_cancel_wait(&below, SS_NEVER), 0); /* the helper sees to the rest */
	raise(SIGUSR1);
	assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
	ss_cancel_done(&below);
	ss_cancel_done(&posted);
}

static void posted_tokens_may_end_at_once(void **state)
{
	(void)state;
	for (unsigned i = 0; i < support_repeat(500); i++) {
		ss_cancel token;

		assert_int_equal(ss_cancel_init(&token, NULL), 0);
		ss_cancel_post(&token, 5);
		ss_cancel_done(&token);
	}
}

static void scope_may_be_posted(void **state)
{
	(void)state;
	SS_SCOPE(scope, .name = NULL);
	assert_int_equal(ss_spawn(&scope, wait_for_token, ss_scope_token(&scope)), 0);
	ss_cancel_post(ss_scope_token(&scope), 31);
	assert_int_equal(ss_scope_join(&scope, NULL), 31);
}

/* ---- sleeping ---- */

static int sleep_long(void *arg)
{
	(void)arg;
	return ss_sleep(SS_SEC(3600));
}

static void sleep_says_why_it_ended(void **state)
{
	ss_cancel token;

	(void)state;
	assert_int_equal(ss_sleep(SS_US(10)), 0);
	assert_int_equal(ss_sleep(-1), 0);
	assert_int_equal(ss_sleep_until(ss_now()), 0);
	assert_int_equal(ss_cancel_init(&token, NULL), 0);
	ss_cancel_at(&token, ss_after(SS_MS(1)));
	assert_int_equal(ss_with_token(&token, sleep_long, NULL), ETIMEDOUT);
	ss_cancel_done(&token);
	assert_int_equal(ss_cancel_init(&token, NULL), 0);
	ss_cancel_fire(&token, 0, NULL);
	assert_int_equal(ss_with_token(&token, sleep_long, NULL), ECANCELED);
	ss_cancel_done(&token);
}

static void many_sleepers_are_woken_together(void **state)
{
	unsigned count = support_threads() / 4;

	(void)state;
	SS_SCOPE(scope, .name = NULL);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(ss_spawn(&scope, sleep_long, NULL), 0);
	ss_scope_cancel(&scope, 0, NULL);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
}

/* ---- shields ---- */

static int rest_in_shield(void *arg)
{
	if (arg) /* a short shield, whose time may be over already: under valgrind a millisecond is little */
		return ss_sleep(SS_SEC(3600));
	CHECK_EQ(ss_cancelled(), 0);
	return ss_sleep(SS_US(10));
}

static int shield_it(void *arg)
{
	CHECK_EQ(ss_sleep(SS_SEC(3600)), ECANCELED);
	CHECK_EQ(ss_shield(SS_SEC(3600), rest_in_shield, NULL), 0);
	CHECK_EQ(ss_cancelled(), ECANCELED);
	CHECK_EQ(ss_shield(SS_MS(1), rest_in_shield, arg), ETIMEDOUT);
	CHECK_EQ(ss_cancelled(), ECANCELED);
	CHECK_EQ(ss_shield(0, rest_in_shield, NULL), EINVAL);
	return 0;
}

static int fail_in_shield(void *arg)
{
	(void)arg;
	CHECK_EQ(ss_cancelled(), 0);
	ss_fail(17, "inside");
}

static int leave_shield(void *arg)
{
	return ss_shield(SS_SEC(3600), fail_in_shield, arg);
}

static int leave_shield_cancelled(void *arg)
{
	CHECK_EQ(ss_sleep(SS_SEC(3600)), ECANCELED);
	CHECK_EQ(ss_try(leave_shield, arg, NULL), 17);
	CHECK_EQ(ss_cancelled(), ECANCELED);
	return 0;
}

static void shields_hold_for_a_time(void **state)
{
	(void)state;
	SS_SCOPE(scope, .name = NULL);
	assert_int_equal(ss_spawn(&scope, shield_it, &scope), 0);
	assert_int_equal(ss_spawn(&scope, leave_shield_cancelled, NULL), 0);
	ss_scope_cancel(&scope, 0, NULL);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(firing_reaches_what_is_below),	 cmocka_unit_test(orphans_go_to_the_grandparent),
	cmocka_unit_test(with_token_makes_it_ambient),	 cmocka_unit_test(token_has_a_deadline),
	cmocka_unit_test(deadlines_ring_in_order),	 cmocka_unit_test(waits_end_for_one_reason),
	cmocka_unit_test(descriptor_becomes_readable),	 cmocka_unit_test(signal_handlers_may_post),
	cmocka_unit_test(posted_tokens_may_end_at_once), cmocka_unit_test(scope_may_be_posted),
	cmocka_unit_test(sleep_says_why_it_ended),	 cmocka_unit_test(many_sleepers_are_woken_together),
	cmocka_unit_test(shields_hold_for_a_time),
};

SUPPORT_MAIN(tests, NULL)
