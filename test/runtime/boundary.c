// RUN: %run boundary
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The boundary: where ss_fail and ss_exit stop, and what they undo on the way. */
#include "support.h"

static int trace[32], traced;

static void note(void *arg)
{
	trace[traced++] = (int)(intptr_t)arg;
}

static int sleep_long(void *arg)
{
	(void)arg;
	return ss_sleep(SS_SEC(3600));
}

static int fail_deep(void *arg)
{
	SS_DEFER(note, (void *)3);
	ss_fail(9, "no %s", (const char *)arg);
}

static int fail_with_defers(void *arg)
{
	SS_DEFER(note, (void *)1);
	SS_DEFER(note, (void *)2);
	return fail_deep(arg);
}

static void failure_carries_text_and_runs_defers(void **state)
{
	ss_error first;

	(void)state;
	for (unsigned flags = 0; flags < 2; flags++) {
		traced = 0;
		SS_SCOPE(scope, .name = NULL);
		assert_int_equal(ss_spawn(&scope, sleep_long, NULL), 0);
		assert_int_equal(ss_spawn_task(&scope, NULL, flags, fail_with_defers, "bread"), 0);
		assert_int_equal(ss_scope_join(&scope, &first), 9);
		assert_string_equal(first.msg, "no bread");
		assert_int_equal(traced, 3);
		for (int i = 0; i < 3; i++)
			assert_int_equal(trace[i], 3 - i);
	}
}

static void try_is_a_boundary_without_a_task(void **state)
{
	ss_error error;

	(void)state;
	traced = 0;
	assert_int_equal(ss_try(fail_with_defers, "milk", &error), 9);
	assert_string_equal(error.msg, "no milk");
	assert_int_equal(error.task_id, 0);
	assert_int_equal(traced, 3);
	assert_int_equal(ss_try(fail_with_defers, "milk", NULL), 9);
	assert_int_equal(ss_try(NULL, NULL, &error), EINVAL);
}

static int try_inside(void *arg)
{
	ss_error error;

	CHECK_EQ(ss_try(fail_with_defers, arg, &error), 9);
	CHECK_EQ(error.task_id, ss_task_id());
	return 0;
}

static void try_stops_the_failure_of_a_task(void **state)
{
	(void)state;
	traced = 0;
	SS_SCOPE(scope, .name = NULL);
	assert_int_equal(ss_spawn(&scope, try_inside, "salt"), 0);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
	assert_int_equal(traced, 3);
}

static int exit_in_try(void *arg)
{
	ss_exit((int)(intptr_t)arg);
}

static int try_an_exit(void *arg)
{
	ss_try(exit_in_try, arg, NULL);
	support_failed("ss_exit ends the task, not the try", __FILE__, __LINE__);
}

static void exit_goes_through_a_try(void **state)
{
	ss_task task;
	int rc;

	(void)state;
	SS_SCOPE(scope, .flags = SS_SUPERVISE);
	assert_int_equal(ss_spawn_task(&scope, &task, 0, try_an_exit, (void *)4), 0);
	assert_int_equal(ss_task_join(&task, &rc), 0);
	assert_int_equal(rc, 4);
}

struct inner {
	_Atomic int ended;
	struct gate started;
};

static int count_end(void *arg)
{
	struct inner *inner = arg;

	gate_open(&inner->started);
	ss_sleep(SS_SEC(3600));
	inner->ended++;
	return 0;
}

static int fail_over_scopes(void *arg)
{
	struct inner *inner = arg;

	SS_SCOPE(outer, .name = "outer");
	CHECK_EQ(ss_spawn(&outer, count_end, inner), 0);
	gate_wait(&inner->started);
	SS_SCOPE(scope, .name = "scope");
	CHECK_EQ(ss_spawn(&scope, count_end, inner), 0);
	ss_fail(8, "over both");
}

static void failure_joins_open_scopes(void **state)
{
	struct inner inner = { .started = GATE_INIT };

	(void)state;
	assert_int_equal(ss_try(fail_over_scopes, &inner, NULL), 8);
	assert_int_equal(inner.ended, 2);
	assert_null(ss_scope_current());
	assert_int_equal(ss_cancelled(), 0);

	SS_SCOPE(scope, .name = NULL);
	assert_int_equal(ss_spawn(&scope, fail_over_scopes, &inner), 0);
	assert_int_equal(ss_scope_join(&scope, NULL), 8);
	assert_int_equal(inner.ended, 4);
}

static void fail_again(void *arg)
{
	(void)arg;
	ss_fail(22, "while cleaning up");
}

static int fail_twice(void *arg)
{
	SS_DEFER(note, (void *)1);
	SS_DEFER(fail_again, NULL);
	ss_fail(21, "first");
	(void)arg;
}

static void failing_defer_is_a_second_error(void **state)
{
	ss_error first, all[3];

	(void)state;
	traced = 0;
	SS_SCOPE(scope, .name = NULL);
	assert_int_equal(ss_spawn(&scope, fail_twice, NULL), 0);
	assert_int_equal(ss_scope_join(&scope, &first), 21);
	assert_int_equal(traced, 1);
	assert_int_equal(ss_scope_errors(&scope, all, COUNT(all)), 2);
	assert_int_equal(all[0].code, 21);
	assert_int_equal(all[1].code, 22);
	assert_string_equal(all[1].msg, "while cleaning up");
}

static int fail_without_code(void *arg)
{
	(void)arg;
	ss_fail(0, NULL);
}

static void failure_has_a_code_in_any_case(void **state)
{
	(void)state;
	assert_int_equal(ss_try(fail_without_code, NULL, NULL), EINVAL);
}

/* ---- defers and locks ---- */

static void defer_by_hand(void **state)
{
	ss_defer one, two;

	(void)state;
	traced = 0;
	ss_defer_push(&one, note, (void *)1);
	ss_defer_push(&two, note, (void *)2);
	ss_defer_pop(&two);
	ss_defer_pop(&one);
	ss_defer_pop(&one); /* it ran */
	assert_int_equal(traced, 2);
	assert_int_equal(trace[0], 2);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static int lock_and_leave(int how)
{
	assert_int_equal(ss_lock_ok(&mutex), 0);
	SS_LOCK(&mutex);
	assert_int_equal(ss_lock_ok(&mutex), 1);
	assert_int_equal(pthread_mutex_trylock(&mutex), EBUSY);
	if (how == 1)
		return 1;
	for (int i = 0; i < 1; i++)
		if (how == 2)
			goto out;
	if (how == 3)
		ss_fail(3, "locked");
out:
	return how;
}

static int lock_and_fail(void *arg)
{
	return lock_and_leave((int)(intptr_t)arg);
}

static void lock_ends_with_its_block(void **state)
{
	(void)state;
	for (int how = 0; how < 4; how++) {
		assert_int_equal(ss_try(lock_and_fail, (void *)(intptr_t)how, NULL), how);
		assert_int_equal(pthread_mutex_trylock(&mutex), 0);
		pthread_mutex_unlock(&mutex);
	}
}

/* ---- what ends the process ---- */

static int child_fail_outside(void)
{
	ss_fail(1, "nobody listens");
}

static int child_misorder(void)
{
	ss_defer one, two;

	ss_defer_push(&one, note, NULL);
	ss_defer_push(&two, note, NULL);
	ss_defer_pop(&one);
	return 0;
}

static int child_failed_lock(void)
{
	pthread_mutexattr_t attr;
	pthread_mutex_t checked;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&checked, &attr);
	{
		SS_LOCK(&checked);
		SS_LOCK(&checked);
		if (ss_lock_ok(&checked))
			return 4;
	}
	/* Unlocked once, as often as it was locked. */
	return pthread_mutex_unlock(&checked) == EPERM ? 3 : 5;
}

static int cleaned;

static void clean(void *arg)
{
	(void)arg;
	cleaned++;
}

static int exit_over_cleanup(void *arg)
{
	pthread_cleanup_push(clean, NULL);
	ss_exit((int)(intptr_t)arg);
	pthread_cleanup_pop(0);
	return 0;
}

static int child_over_cleanup(void)
{
	ss_task task;
	int rc = 0;

	SS_SCOPE(scope, .flags = SS_SUPERVISE);
	for (unsigned flags = 0; flags < 2; flags++) {
		if (ss_spawn_task(&scope, &task, flags, exit_over_cleanup, (void *)6) || ss_task_join(&task, &rc))
			return 4;
		if (rc != 6 || cleaned != (int)flags + 1)
			return 5;
	}
	return 3;
}

static int exit_with_open_scope(void *arg)
{
	SS_SCOPE(scope, .name = NULL);
	pthread_exit(arg);
}

static int child_foreign_exit(void)
{
	SS_SCOPE(scope, .name = NULL);
	return ss_spawn(&scope, exit_with_open_scope, NULL) || ss_scope_join(&scope, NULL);
}

static void misuse_ends_the_process_with_a_report(void **state)
{
	static const struct {
		const char *child, *text;
		bool survives_release;
	} all[] = {
		{ "fail-outside", "nobody listens", false },
		{ "misorder", "popped out of order", false },
		{ "lock", "SS_LOCK at ", true },
		{ "cleanup", "over an active pthread_cleanup_push", true },
		{ "foreign-exit", "pthread_exit in a task with an open scope", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(all); i++) {
		struct outcome outcome = support_child(all[i].child, 0);

		assert_false(outcome.hung);
		if (support_is("release") && all[i].survives_release) {
			assert_int_equal(outcome.exit, 3);
			continue;
		}
		assert_non_null(strstr(outcome.text, all[i].text));
		assert_int_equal(outcome.signal, 6);
	}
}

static const struct child children[] = {
	{ "fail-outside", child_fail_outside }, { "misorder", child_misorder },		{ "lock", child_failed_lock },
	{ "cleanup", child_over_cleanup },	{ "foreign-exit", child_foreign_exit }, { NULL, NULL },
};

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(failure_carries_text_and_runs_defers),
	cmocka_unit_test(try_is_a_boundary_without_a_task),
	cmocka_unit_test(try_stops_the_failure_of_a_task),
	cmocka_unit_test(exit_goes_through_a_try),
	cmocka_unit_test(failure_joins_open_scopes),
	cmocka_unit_test(failing_defer_is_a_second_error),
	cmocka_unit_test(failure_has_a_code_in_any_case),
	cmocka_unit_test(defer_by_hand),
	cmocka_unit_test(lock_ends_with_its_block),
	cmocka_unit_test(misuse_ends_the_process_with_a_report),
};

SUPPORT_MAIN(tests, children)
