// RUN: %run scopes
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Scopes: what opens them, what a join waits for and says, and what happens to who leaves without one. */
#include "support.h"

static int count_up(void *arg)
{
	atomic_fetch_add((_Atomic int *)arg, 1);
	return 0;
}

static int sleep_long(void *arg)
{
	(void)arg;
	return ss_sleep(SS_SEC(3600));
}

static int return_it(void *arg)
{
	return (int)(intptr_t)arg;
}

static int pass_gate(void *arg)
{
	gate_wait(arg);
	return 0;
}

static void join_waits_for_all(void **state)
{
	_Atomic int count = 0;
	ss_error first;

	(void)state;
	for (int fresh = 0; fresh < 2; fresh++) {
		SS_SCOPE(scope, .name = "all");
		assert_int_equal(scope_rc, 0);
		count = 0;
		for (int i = 0; i < 20; i++)
			assert_int_equal(ss_spawn_task(&scope, NULL, fresh ? SS_TASK_FRESH : 0, count_up, &count), 0);
		assert_int_equal(ss_scope_join(&scope, &first), 0);
		assert_int_equal(count, 20);
		assert_int_equal(first.code, 0);
		assert_int_equal(ss_scope_join(&scope, NULL), 0);
	}
}

static void open_refuses_what_it_does_not_know(void **state)
{
	const ss_scope_opts odd = { .flags = 1u << 30 };
	ss_scope scope;

	(void)state;
	assert_int_equal(ss_scope_open(NULL, NULL, NULL), EINVAL);
	assert_int_equal(ss_scope_open(&scope, &odd, SS_HERE), EINVAL);
	/* Safe for all that cleans up. */
	assert_int_equal(ss_scope_join(&scope, NULL), EINVAL);
	ss_scope_close(&scope);
	ss_scope_cancel(&scope, 0, NULL);
	ss_scope_fini(&scope);
	ss_scope_fini(NULL);
}

static int leave_early(_Atomic int *ended)
{
	SS_SCOPE(scope, .name = "left");
	assert_int_equal(scope_rc, 0);
	assert_int_equal(ss_spawn(&scope, sleep_long, NULL), 0);
	assert_int_equal(ss_spawn(&scope, count_up, ended), 0);
	return 7;
}

static void leaving_cancels_waits_and_is_reported_once(void **state)
{
	_Atomic int ended = 0;

	(void)state;
	assert_int_equal(leave_early(&ended), 7);
	assert_int_equal(leave_early(&ended), 7);
	assert_int_equal(ended, 2);
	assert_int_equal(reports_count("scope \"left\" opened at "), support_is("release") ? 0 : 1);
}

static int open_gate_later(void *arg)
{
	ss_sleep(SS_MS(5));
	gate_open(arg);
	return 0;
}

static void leaving_with_exit_wait_does_not_cancel(void **state)
{
	struct gate gate = GATE_INIT;
	_Atomic int count = 0;

	(void)state;
	{
		SS_SCOPE(scope, .flags = SS_EXIT_WAIT);
		assert_int_equal(ss_spawn(&scope, pass_gate, &gate), 0);
		assert_int_equal(ss_spawn(&scope, count_up, &count), 0);
		assert_int_equal(ss_spawn(&scope, open_gate_later, &gate), 0);
	}
	assert_true(gate.is_open);
	assert_int_equal(count, 1);
}

static void first_error_wins_and_cancels_siblings(void **state)
{
	ss_error first, all[4];

	(void)state;
	SS_SCOPE(scope, .name = "errors");
	assert_int_equal(ss_spawn(&scope, sleep_long, NULL), 0);
	assert_int_equal(ss_spawn_at(&scope, NULL, &(ss_task_opts){ .name = "bad" }, return_it, (void *)5, SS_HERE), 0);
	assert_int_equal(ss_scope_join(&scope, &first), 5);
	assert_int_equal(first.code, 5);
	assert_string_equal(first.task, "bad");
	assert_string_equal(first.site->func, "first_error_wins_and_cancels_siblings");
	assert_true(first.task_id > 0);
	assert_int_equal(ss_scope_errors(&scope, all, COUNT(all)), 1);
	assert_int_equal(all[0].code, 5);
}

static void supervised_siblings_go_on_and_errors_are_kept(void **state)
{
	ss_task tasks[6];
	ss_error all[6];

	(void)state;
	SS_SCOPE(scope, .flags = SS_SUPERVISE, .keep_errors = 4);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(ss_spawn_task(&scope, &tasks[i], 0, return_it, (void *)(intptr_t)(i + 1)), 0);
		assert_int_equal(ss_task_join(&tasks[i], NULL), 0);
		assert_int_equal(ss_cancelled(), 0);
	}
	assert_int_equal(ss_scope_join(&scope, NULL), 1);
	assert_int_equal(ss_scope_errors(&scope, all, COUNT(all)), 6);
	for (int i = 0; i < 4; i++)
		assert_int_equal(all[i].code, i + 1);
	assert_int_equal(ss_scope_errors(&scope, NULL, 0), 6);
}

static int return_cancelled(void *arg)
{
	ss_sleep(SS_SEC(3600));
	return (int)(intptr_t)arg;
}

static void consequences_are_no_errors(void **state)
{
	(void)state;
	SS_SCOPE(scope, .name = NULL);
	assert_int_equal(ss_spawn(&scope, return_cancelled, (void *)ECANCELED), 0);
	assert_int_equal(ss_spawn(&scope, return_cancelled, (void *)ETIMEDOUT), 0);
	ss_scope_cancel(&scope, 0, "found");
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
	assert_int_equal(ss_scope_errors(&scope, NULL, 0), 0);
}

static void cancel_with_code_fails_the_join(void **state)
{
	ss_error first, cause;

	(void)state;
	SS_SCOPE(scope, .name = "coded");
	assert_int_equal(ss_spawn(&scope, sleep_long, NULL), 0);
	ss_scope_cancel(&scope, 77, "because of %s", "that");
	ss_scope_cancel(&scope, 78, "too late");
	assert_int_equal(ss_cancelled(), ECANCELED);
	assert_int_equal(ss_cancel_cause(&cause), 77);
	assert_string_equal(cause.msg, "because of that");
	assert_int_equal(ss_spawn(&scope, sleep_long, NULL), ECANCELED);
	assert_int_equal(ss_scope_join(&scope, &first), 77);
	assert_string_equal(first.msg, "because of that");
	assert_string_equal(first.task, "coded");
	assert_int_equal(ss_cancelled(), 0); /* after the join its token is ambient no more */
}

static void deadline_ends_the_tasks(void **state)
{
	ss_error first;

	(void)state;
	SS_SCOPE(scope, .name = "late");
	assert_int_equal(ss_spawn(&scope, sleep_long, NULL), 0);
	ss_scope_set_deadline(&scope, ss_after(SS_MS(1)));
	assert_int_equal(ss_scope_join(&scope, &first), ETIMEDOUT);
	assert_string_equal(first.task, "late");
	assert_non_null(strstr(first.msg, "deadline"));
}

static void deadline_moves_earlier_only(void **state)
{
	(void)state;
	SS_SCOPE(scope, .deadline = ss_after(SS_SEC(3600)));
	ss_scope_set_deadline(&scope, SS_NEVER);
	ss_scope_set_deadline(&scope, ss_after(SS_SEC(7200)));
	assert_int_equal(ss_spawn(&scope, sleep_long, NULL), 0);
	ss_scope_set_deadline(&scope, ss_now());
	assert_int_equal(ss_scope_join(&scope, NULL), ETIMEDOUT);
}

static void join_until_leaves_the_scope_open(void **state)
{
	struct gate gate = GATE_INIT;
	ss_error first;

	(void)state;
	SS_SCOPE(scope, .name = NULL);
	assert_int_equal(ss_spawn(&scope, pass_gate, &gate), 0);
	assert_int_equal(ss_scope_join_until(&scope, ss_after(SS_MS(1)), &first), ETIMEDOUT);
	assert_int_equal(first.code, 0);
	assert_int_equal(ss_cancelled(), 0);
	assert_int_equal(ss_spawn(&scope, open_gate_later, &gate), 0);
	assert_int_equal(ss_scope_join_until(&scope, SS_NEVER, NULL), 0);
}

static void closed_and_joined_scopes_refuse_tasks(void **state)
{
	_Atomic int count = 0;

	(void)state;
	SS_SCOPE(scope, .name = "shut");
	assert_int_equal(ss_spawn(&scope, count_up, &count), 0);
	ss_scope_close(&scope);
	assert_int_equal(ss_spawn(&scope, count_up, &count), EPIPE);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
	assert_int_equal(ss_spawn(&scope, count_up, &count), EPIPE);
	assert_int_equal(count, 1);
	if (!support_is("release"))
		assert_true(reports_have("comes after the join of scope \"shut\" opened at "));
}

static int background(void *arg)
{
	gate_open(arg);
	return ss_sleep(SS_SEC(3600));
}

static int await_background(void *arg)
{
	gate_wait(arg);
	return 0;
}

static void background_tasks_end_with_the_others(void **state)
{
	const ss_task_opts opts = { .flags = SS_TASK_BACKGROUND };

	(void)state;
	for (int close = 0; close < 2; close++) {
		struct gate gate = GATE_INIT;

		SS_SCOPE(scope, .name = NULL);
		assert_int_equal(ss_spawn_at(&scope, NULL, &opts, background, &gate, SS_HERE), 0);
		assert_int_equal(ss_spawn(&scope, await_background, &gate), 0);
		if (close)
			ss_scope_close(&scope);
		assert_int_equal(ss_scope_join(&scope, NULL), 0);
	}
}

static int inner(void *arg)
{
	ss_error cause;

	SS_SCOPE(scope, .name = "inner");
	assert_ptr_equal(ss_scope_current(), &scope);
	CHECK_EQ(ss_spawn(&scope, sleep_long, NULL), 0);
	gate_open(arg);
	CHECK_EQ(ss_scope_join(&scope, &cause), ECANCELED);
	CHECK(strcmp(cause.msg, "from above") == 0);
	CHECK_EQ(ss_cancel_cause(&cause), 9);
	return ECANCELED;
}

static void cancellation_runs_down_the_tree(void **state)
{
	struct gate gate = GATE_INIT;

	(void)state;
	SS_SCOPE(scope, .name = "outer");
	assert_int_equal(ss_spawn(&scope, inner, &gate), 0);
	gate_wait(&gate);
	ss_scope_cancel(&scope, 9, "from above");
	assert_int_equal(ss_scope_join(&scope, NULL), 9);
}

static void unlinked_scope_is_not_reached(void **state)
{
	_Atomic int count = 0;

	(void)state;
	SS_SCOPE(scope, .name = NULL);
	ss_scope_cancel(&scope, 0, NULL);
	{
		SS_SCOPE(linked, .name = NULL);
		assert_int_equal(ss_spawn(&linked, count_up, &count), ECANCELED);
		assert_int_equal(ss_scope_join(&linked, NULL), ECANCELED);
	}
	{
		SS_SCOPE(unlinked, .flags = SS_UNLINKED);
		assert_int_equal(ss_spawn(&unlinked, count_up, &count), 0);
		assert_int_equal(ss_scope_join(&unlinked, NULL), 0);
	}
	assert_int_equal(count, 1);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
}

static void scopes_may_be_joined_in_any_order(void **state)
{
	_Atomic int count = 0;

	(void)state;
	SS_SCOPE(one, .name = "one");
	SS_SCOPE(two, .name = "two");
	assert_int_equal(ss_spawn(&one, count_up, &count), 0);
	assert_int_equal(ss_spawn(&two, count_up, &count), 0);
	assert_int_equal(ss_scope_join(&one, NULL), 0);
	assert_ptr_equal(ss_scope_current(), &two);
	assert_int_equal(ss_cancelled(), 0);
	assert_int_equal(ss_scope_join(&two, NULL), 0);
	assert_null(ss_scope_current());
	assert_int_equal(count, 2);
}

/* A scope in a struct with start and stop, used by threads that do not know each other. */
struct server {
	ss_scope scope;
	_Atomic int served;
};

static void *use_server(void *arg)
{
	struct server *server = arg;

	CHECK_EQ(ss_spawn(&server->scope, count_up, &server->served), 0);
	return NULL;
}

static void *stop_server(void *arg)
{
	struct server *server = arg;

	CHECK_EQ(ss_scope_join(&server->scope, NULL), 0);
	ss_scope_fini(&server->scope);
	return NULL;
}

static void unbound_scope_belongs_to_no_thread(void **state)
{
	const ss_scope_opts opts = { .name = "server", .flags = SS_UNBOUND };
	struct server server = { .served = 0 };
	pthread_t thread;

	(void)state;
	assert_int_equal(ss_scope_open(&server.scope, &opts, SS_HERE), 0);
	assert_null(ss_scope_current());
	assert_int_equal(ss_cancelled(), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(pthread_create(&thread, NULL, use_server, &server), 0);
		pthread_join(thread, NULL);
	}
	assert_int_equal(pthread_create(&thread, NULL, stop_server, &server), 0);
	pthread_join(thread, NULL);
	assert_int_equal(server.served, 3);
}

static int join_own_scope(void *arg)
{
	return ss_scope_join(arg, NULL) == EDEADLK ? 0 : 1;
}

static int join_outer_scope(void *arg)
{
	SS_SCOPE(scope, .name = NULL);
	CHECK_EQ(ss_spawn(&scope, join_own_scope, arg), 0);
	return ss_scope_join(&scope, NULL);
}

static void joining_the_own_scope_is_refused(void **state)
{
	(void)state;
	SS_SCOPE(scope, .name = NULL);
	assert_int_equal(ss_spawn(&scope, join_own_scope, &scope), 0);
	assert_int_equal(ss_spawn(&scope, join_outer_scope, &scope), 0);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
}

static int wait_unwilling(void *arg)
{
	gate_wait(arg);
	return 0;
}

static void stuck_tasks_are_reported(void **state)
{
	struct gate gate = GATE_INIT;

	(void)state;
	SS_SCOPE(scope, .name = "slow", .stuck_ns = SS_MS(1));
	assert_int_equal(ss_spawn_at(&scope, NULL, &(ss_task_opts){ .name = "deaf" }, wait_unwilling, &gate, SS_HERE),
			 0);
	ss_scope_cancel(&scope, 0, NULL);
	reports_wait_for("task \"deaf\" #");
	reports_wait_for("scope \"slow\" opened at ");
	reports_wait_for("running user code");
	gate_open(&gate);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
}

/* ---- misuse: a message, then abort in debug, an error in release ---- */

static void *join_as_stranger(void *arg)
{
	return (void *)(intptr_t)ss_scope_join(arg, NULL);
}

static int child_joined_by_stranger(void)
{
	pthread_t thread;
	void *result;

	SS_SCOPE(scope, .name = "mine");
	pthread_create(&thread, NULL, join_as_stranger, &scope);
	pthread_join(thread, &result);
	return (intptr_t)result == EINVAL ? 3 : 4;
}

static void *spawn_as_stranger(void *arg)
{
	return (void *)(intptr_t)ss_spawn(arg, sleep_long, NULL);
}

static int child_spawned_by_stranger(void)
{
	pthread_t thread;
	void *result;

	SS_SCOPE(scope, .name = "mine");
	pthread_create(&thread, NULL, spawn_as_stranger, &scope);
	pthread_join(thread, &result);
	return (intptr_t)result == EINVAL ? 3 : 4;
}

static int child_copied(void)
{
	ss_scope copy;

	SS_SCOPE(scope, .name = "mine");
	memcpy(&copy, &scope, sizeof(copy));
	return ss_spawn(&copy, sleep_long, NULL) == EINVAL ? 3 : 4;
}

static void misuse_is_named(void **state)
{
	static const char *const names[] = { "stranger-joins", "stranger-spawns", "copy" };

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		struct outcome outcome = support_child(names[i], 0);

		assert_false(outcome.hung);
		assert_non_null(strstr(outcome.text, "safespawn: "));
		if (i < 2)
			assert_non_null(strstr(outcome.text, "scope \"mine\" opened at "));
		if (support_is("release"))
			assert_int_equal(outcome.exit, 3);
		else
			assert_int_equal(outcome.signal, 6);
	}
}

static const struct child children[] = {
	{ "stranger-joins", child_joined_by_stranger },
	{ "stranger-spawns", child_spawned_by_stranger },
	{ "copy", child_copied },
	{ NULL, NULL },
};

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(join_waits_for_all),
	cmocka_unit_test(open_refuses_what_it_does_not_know),
	cmocka_unit_test(leaving_cancels_waits_and_is_reported_once),
	cmocka_unit_test(leaving_with_exit_wait_does_not_cancel),
	cmocka_unit_test(first_error_wins_and_cancels_siblings),
	cmocka_unit_test(supervised_siblings_go_on_and_errors_are_kept),
	cmocka_unit_test(consequences_are_no_errors),
	cmocka_unit_test(cancel_with_code_fails_the_join),
	cmocka_unit_test(deadline_ends_the_tasks),
	cmocka_unit_test(deadline_moves_earlier_only),
	cmocka_unit_test(join_until_leaves_the_scope_open),
	cmocka_unit_test(closed_and_joined_scopes_refuse_tasks),
	cmocka_unit_test(background_tasks_end_with_the_others),
	cmocka_unit_test(cancellation_runs_down_the_tree),
	cmocka_unit_test(unlinked_scope_is_not_reached),
	cmocka_unit_test(scopes_may_be_joined_in_any_order),
	cmocka_unit_test(unbound_scope_belongs_to_no_thread),
	cmocka_unit_test(joining_the_own_scope_is_refused),
	cmocka_unit_test(stuck_tasks_are_reported),
	cmocka_unit_test(misuse_is_named),
};

SUPPORT_MAIN(tests, children)
