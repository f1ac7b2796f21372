// RUN: %run tasks
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tasks: how they get their argument, thread and name, how they end, and who may join them. */
#include "support.h"

#include <limits.h>
#include <signal.h>
#include <threads.h>

static int return_it(void *arg)
{
	return (int)(intptr_t)arg;
}

static void *return_pointer(void *arg)
{
	return arg;
}

static int sleep_long(void *arg)
{
	(void)arg;
	return ss_sleep(SS_SEC(3600));
}

static int pass_gate(void *arg)
{
	gate_wait(arg);
	return 0;
}

static void results_come_by_join(void **state)
{
	ss_task number, pointer, mixed;
	void *value;
	int rc;

	(void)state;
	for (unsigned flags = 0; flags < 2; flags++) {
		SS_SCOPE(scope, .flags = SS_SUPERVISE);
		assert_int_equal(ss_spawn_task(&scope, &number, flags, return_it, (void *)42), 0);
		assert_int_equal(ss_spawn_task_ptr(&scope, &pointer, flags, return_pointer, &rc), 0);
		assert_int_equal(ss_task_join(&number, &rc), 0);
		assert_int_equal(rc, 42);
		assert_int_equal(ss_task_join(&number, &rc), ESRCH);
		assert_int_equal(ss_spawn_task(&scope, &mixed, flags, return_it, (void *)43), 0);
		assert_int_equal(ss_task_join_ptr(&pointer, &value), 0);
		assert_ptr_equal(value, &rc);
		assert_int_equal(ss_task_join_ptr(&mixed, &value), 0);
		assert_int_equal((intptr_t)value, 43);
		assert_int_equal(ss_scope_join(&scope, NULL), 42); /* the pointer is no failure, the numbers are */
	}
}

static void results_are_there_after_the_scope_was_joined(void **state)
{
	ss_task task[2];
	int rc;

	(void)state;
	SS_SCOPE(scope, .flags = SS_SUPERVISE);
	for (unsigned flags = 0; flags < 2; flags++)
		assert_int_equal(ss_spawn_task(&scope, &task[flags], flags, return_it, (void *)6), 0);
	assert_int_equal(ss_scope_join(&scope, NULL), 6);
	for (unsigned flags = 0; flags < 2; flags++) {
		assert_int_equal(ss_task_join(&task[flags], &rc), 0);
		assert_int_equal(rc, 6);
		assert_int_equal(ss_task_join(&task[flags], &rc), ESRCH);
	}
}

static void joins_may_give_up(void **state)
{
	struct gate gate = GATE_INIT;
	ss_task task;
	void *value;

	(void)state;
	for (unsigned flags = 0; flags < 2; flags++) {
		gate.is_open = false;
		SS_SCOPE(scope, .name = NULL);
		assert_int_equal(ss_spawn_task(&scope, &task, flags, pass_gate, &gate), 0);
		assert_int_equal(ss_task_tryjoin(&task, NULL), EBUSY);
		assert_int_equal(ss_task_join_until(&task, ss_after(SS_MS(1)), NULL), ETIMEDOUT);
		assert_int_equal(ss_task_join_ptr_until(&task, ss_now(), &value), ETIMEDOUT);
		gate_open(&gate);
		while (ss_task_tryjoin_ptr(&task, &value) == EBUSY)
			sched_yield();
		assert_null(value);
		assert_int_equal(ss_task_join(&task, NULL), ESRCH);
		assert_int_equal(ss_scope_join(&scope, NULL), 0);
	}
}

static void cancelled_joiner_leaves_the_task(void **state)
{
	struct gate gate = GATE_INIT;
	ss_task task;

	(void)state;
	SS_SCOPE(scope, .name = NULL);
	assert_int_equal(ss_spawn_task(&scope, &task, 0, pass_gate, &gate), 0);
	ss_scope_cancel(&scope, 0, NULL);
	assert_int_equal(ss_task_join(&task, NULL), ECANCELED);
	gate_open(&gate);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
	assert_int_equal(ss_task_join(&task, NULL), 0);
}

struct number {
	int value;
	char padding[60];
};

static int see_number(void *arg)
{
	return ((struct number *)arg)->value;
}

static int see_big(void *arg)
{
	return ((int *)arg)[999];
}

static void arguments_are_copied_before_the_call_returns(void **state)
{
	struct number number = { .value = 1 };
	int big[1000] = { 0 }, rc;
	ss_task tasks[3];

	(void)state;
	SS_SCOPE(scope, .flags = SS_SUPERVISE);
	for (int i = 0; i < 3; i++) {
		number.value = i;
		assert_int_equal(
			ss_spawn_copy_at(&scope, &tasks[i], NULL, see_number, &number, sizeof(number), SS_HERE), 0);
	}
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ss_task_join(&tasks[i], &rc), 0);
		assert_int_equal(rc, i);
	}
	big[999] = 8;
	assert_int_equal(ss_spawn_copy_at(&scope, &tasks[0], NULL, see_big, big, sizeof(big), SS_HERE), 0);
	big[999] = 9;
	assert_int_equal(ss_task_join(&tasks[0], &rc), 0);
	assert_int_equal(rc, 8);
}

static void free_count(void *arg)
{
	++*(_Atomic int *)arg;
}

static int do_nothing(void *arg)
{
	(void)arg;
	return 0;
}

static int do_exit(void *arg)
{
	(void)arg;
	ss_exit(0);
}

static int do_pthread_exit(void *arg)
{
	(void)arg;
	pthread_exit(NULL);
}

static void argument_is_freed_exactly_once(void **state)
{
	const ss_fn bodies[] = { do_nothing, do_exit, do_pthread_exit };
	_Atomic int freed = 0;
	ss_task_opts opts = { .arg_free = free_count };
	int expected = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(bodies); i++) {
		for (opts.flags = 0; opts.flags < 2; opts.flags++) {
			SS_SCOPE(scope, .name = NULL);
			assert_int_equal(ss_spawn_at(&scope, NULL, &opts, bodies[i], &freed, SS_HERE), 0);
			assert_int_equal(ss_scope_join(&scope, NULL), 0);
			assert_int_equal(freed, ++expected);
			/* never started */
			assert_int_equal(ss_spawn_at(&scope, NULL, &opts, bodies[i], &freed, SS_HERE), EPIPE);
			assert_int_equal(freed, ++expected);
		}
	}
	{
		SS_SCOPE(scope, .name = NULL);
		opts.flags = 1u << 20;
		assert_int_equal(ss_spawn_at(&scope, NULL, &opts, do_nothing, &freed, SS_HERE), EINVAL);
		opts.flags = 0;
		assert_int_equal(ss_spawn_at(&scope, NULL, &opts, NULL, &freed, SS_HERE), EINVAL);
		ss_scope_cancel(&scope, 0, NULL);
		assert_int_equal(ss_spawn_at(&scope, NULL, &opts, do_nothing, &freed, SS_HERE), ECANCELED);
	}
	assert_int_equal(freed, expected + 3);
}

/* ---- threads ---- */

static pthread_key_t key;
static _Atomic int destroyed;
static _Thread_local int touched;

static void destroy(void *arg)
{
	(void)arg;
	destroyed++;
}

static int use_thread_state(void *arg)
{
	(void)arg;
	pthread_setspecific(key, &key);
	return touched++;
}

static void fresh_tasks_have_a_thread_of_their_own(void **state)
{
	ss_task task;
	int rc;

	(void)state;
	assert_int_equal(pthread_key_create(&key, destroy), 0);
	SS_SCOPE(scope, .name = NULL);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(ss_spawn_task(&scope, &task, SS_TASK_FRESH, use_thread_state, NULL), 0);
		assert_int_equal(ss_task_join(&task, &rc), 0);
		assert_int_equal(rc, 0);
		assert_int_equal(destroyed, i + 1); /* over with the join */
	}
	for (int i = 0; i < 5; i++)
		assert_int_equal(ss_spawn_task(&scope, NULL, SS_TASK_FRESH, use_thread_state, NULL), 0);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
	assert_int_equal(destroyed, 10);
	pthread_key_delete(key);
}

static int tell_name(void *arg)
{
	char name[16];

	CHECK_EQ(pthread_getname_np(pthread_self(), name, sizeof(name)), 0);
	CHECK(strcmp(ss_task_name(), arg) == 0);
	CHECK(strcmp(name, arg) == 0);
	CHECK(ss_task_id() > 0);
	return 0;
}

static int tell_no_name(void *arg)
{
	char name[16];

	(void)arg;
	CHECK_EQ(pthread_getname_np(pthread_self(), name, sizeof(name)), 0);
	CHECK(strcmp(name, "ss-worker") == 0);
	CHECK(strcmp(ss_task_name(), "") == 0);
	return 0;
}

static void names_are_those_of_the_threads(void **state)
{
	ss_task_opts opts = { .name = "fifteen-letters-and-more" };

	(void)state;
	for (opts.flags = 0; opts.flags < 2; opts.flags++) {
		ss_task task;

		SS_SCOPE(scope, .name = NULL);
		assert_int_equal(ss_spawn_at(&scope, &task, &opts, tell_name, "fifteen-letters", SS_HERE), 0);
		assert_int_equal(ss_task_join(&task, NULL), 0);
		assert_int_equal(ss_spawn(&scope, tell_no_name, NULL), 0);
		assert_int_equal(ss_scope_join(&scope, NULL), 0);
	}
	assert_int_equal(ss_task_id(), 0);
}

static int tell_stack(void *arg)
{
	pthread_attr_t attr;
	void *stack;
	size_t size;

	CHECK_EQ(pthread_getattr_np(pthread_self(), &attr), 0);
	CHECK_EQ(pthread_attr_getstack(&attr, &stack, &size), 0);
	pthread_attr_destroy(&attr);
	CHECK(size >= (size_t)(uintptr_t)arg); /* libc may reuse a larger one */
	return 0;
}

static void stack_size_and_attributes_are_honoured(void **state)
{
	const size_t size = 16u << 20; /* more than the default */
	ss_task_opts opts = { .stack_size = size };
	pthread_attr_t attr;

	(void)state;
	SS_SCOPE(scope, .name = NULL);
	assert_int_equal(ss_spawn_at(&scope, NULL, &opts, tell_stack, (void *)size, SS_HERE), 0);

	assert_int_equal(pthread_attr_init(&attr), 0);
	assert_int_equal(pthread_attr_setstacksize(&attr, size * 2), 0);
	assert_int_equal(pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED), 0);
	opts = (ss_task_opts){ .attr = &attr };
	assert_int_equal(ss_spawn_at(&scope, NULL, &opts, tell_stack, (void *)(size * 2), SS_HERE), 0);
	pthread_attr_destroy(&attr);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
}

static int tell_mask(void *arg)
{
	sigset_t mask;

	(void)arg;
	CHECK_EQ(pthread_sigmask(SIG_SETMASK, NULL, &mask), 0);
	return sigismember(&mask, SIGUSR1) | sigismember(&mask, SIGTERM) << 1 | sigismember(&mask, SIGSEGV) << 2;
}

static void signals_are_blocked_unless_inherited(void **state)
{
	ss_task task;
	sigset_t mask, before;
	int rc;

	(void)state;
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	assert_int_equal(pthread_sigmask(SIG_BLOCK, &mask, &before), 0);
	SS_SCOPE(scope, .flags = SS_SUPERVISE);
	for (unsigned flags = 0; flags < 2; flags++) {
		assert_int_equal(ss_spawn_task(&scope, &task, flags, tell_mask, NULL), 0);
		assert_int_equal(ss_task_join(&task, &rc), 0);
		assert_int_equal(rc, 3);
		assert_int_equal(ss_spawn_task(&scope, &task, flags | SS_TASK_INHERIT_MASK, tell_mask, NULL), 0);
		assert_int_equal(ss_task_join(&task, &rc), 0);
		assert_int_equal(rc, 1);
	}
	assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
	assert_int_equal(tell_mask(NULL), 0);
}

static int tell_thread(void *arg)
{
	*(pthread_t *)arg = pthread_self();
	return 0;
}

static void thread_of_a_task_is_known_at_once(void **state)
{
	pthread_t inside, outside;
	ss_task task;

	(void)state;
	SS_SCOPE(scope, .name = NULL);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(ss_spawn_task(&scope, &task, SS_TASK_FRESH, tell_thread, &inside), 0);
		outside = ss_task_thread(&task);
		assert_int_equal(ss_task_join(&task, NULL), 0);
		assert_true(pthread_equal(inside, outside));
	}
}

/* ---- ends ---- */

static void *exit_with_pointer(void *arg)
{
	ss_exit_ptr(arg);
}

static void *pthread_exit_with_pointer(void *arg)
{
	pthread_exit(arg);
}

static int exit_with_code(void *arg)
{
	ss_exit((int)(intptr_t)arg);
}

static void exits_carry_values(void **state)
{
	ss_task tasks[3];
	void *value;
	int rc;

	(void)state;
	for (unsigned flags = 0; flags < 2; flags++) {
		SS_SCOPE(scope, .flags = SS_SUPERVISE);
		assert_int_equal(ss_spawn_task_ptr(&scope, &tasks[0], flags, exit_with_pointer, &rc), 0);
		assert_int_equal(ss_spawn_task_ptr(&scope, &tasks[1], flags, pthread_exit_with_pointer, &rc), 0);
		assert_int_equal(ss_spawn_task(&scope, &tasks[2], flags, exit_with_code, (void *)11), 0);
		assert_int_equal(ss_task_join_ptr(&tasks[0], &value), 0);
		assert_ptr_equal(value, &rc);
		assert_int_equal(ss_task_join_ptr(&tasks[1], &value), 0);
		if (flags) /* a worker has nobody who takes the value of a foreign pthread_exit */
			assert_ptr_equal(value, &rc);
		assert_int_equal(ss_task_join(&tasks[2], &rc), 0);
		assert_int_equal(rc, 11);
		assert_int_equal(ss_scope_join(&scope, NULL), 11);
	}
}

static int join_it(void *arg)
{
	return ss_task_join(arg, NULL);
}

struct pair {
	ss_task a, b;
	struct gate started;
	_Atomic int deadlocks;
};

static int join_other(struct pair *pair, ss_task *other)
{
	int err;

	gate_wait(&pair->started);
	err = ss_task_join(other, NULL);
	if (err == EDEADLK)
		pair->deadlocks++;
	return 0;
}

static int join_b(void *arg)
{
	return join_other(arg, &((struct pair *)arg)->b);
}

static int join_a(void *arg)
{
	return join_other(arg, &((struct pair *)arg)->a);
}

static int join_outer(void *arg)
{
	SS_SCOPE(scope, .flags = SS_SUPERVISE);
	CHECK_EQ(ss_spawn(&scope, join_it, arg), 0);
	return ss_scope_join(&scope, NULL);
}

static void joins_that_would_never_end_are_refused(void **state)
{
	struct pair pair = { .started = GATE_INIT };
	ss_task task;
	int rc;

	(void)state;
	SS_SCOPE(scope, .flags = SS_SUPERVISE);
	assert_int_equal(ss_spawn_task(&scope, &task, 0, join_it, &task), 0);
	assert_int_equal(ss_task_join(&task, &rc), 0);
	assert_int_equal(rc, EDEADLK);
	assert_int_equal(ss_spawn_task(&scope, &task, 0, join_outer, &task), 0);
	assert_int_equal(ss_task_join(&task, &rc), 0);
	assert_int_equal(rc, EDEADLK);

	assert_int_equal(ss_spawn_task(&scope, &pair.a, 0, join_b, &pair), 0);
	assert_int_equal(ss_spawn_task(&scope, &pair.b, 0, join_a, &pair), 0);
	gate_open(&pair.started);
	assert_int_equal(ss_scope_join(&scope, NULL), EDEADLK);
	assert_int_equal(pair.deadlocks, 1);
}

static void one_task_is_cancelled_alone(void **state)
{
	struct gate gate = GATE_INIT;
	ss_task one, other;
	int rc;

	(void)state;
	SS_SCOPE(scope, .name = NULL);
	assert_int_equal(ss_spawn_task(&scope, &one, 0, sleep_long, NULL), 0);
	assert_int_equal(ss_spawn_task(&scope, &other, 0, pass_gate, &gate), 0);
	assert_int_equal(ss_task_cancel(&one, 5, "you"), 0);
	assert_int_equal(ss_task_join(&one, &rc), 0);
	assert_int_equal(rc, ECANCELED);
	assert_int_equal(ss_task_cancel(&one, 5, "again"), ESRCH);
	assert_int_equal(ss_cancelled(), 0);
	gate_open(&gate);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
}

static void deadline_of_a_task(void **state)
{
	const ss_task_opts opts = { .name = "slow", .deadline = ss_after(SS_MS(1)) };
	ss_error first;
	ss_task task;

	(void)state;
	SS_SCOPE(scope, .name = NULL);
	assert_int_equal(ss_spawn_at(&scope, &task, &opts, sleep_long, NULL, SS_HERE), 0);
	assert_int_equal(ss_scope_join(&scope, &first), ETIMEDOUT);
	assert_string_equal(first.task, "slow");
}

static void c11_results_are_mapped(void **state)
{
	(void)state;
	assert_int_equal(SS_THRD(0), thrd_success);
	assert_int_equal(SS_THRD(ENOMEM), thrd_nomem);
	assert_int_equal(SS_THRD(EAGAIN), thrd_error);
}

static void many_fresh_tasks_do_not_pile_up(void **state)
{
	(void)state;
	SS_SCOPE(scope, .name = NULL);
	for (unsigned i = 0; i < support_repeat(2000); i++) {
		assert_int_equal(ss_spawn_task(&scope, NULL, SS_TASK_FRESH, do_nothing, NULL), 0);
		if (i % 100 == 0)
			sched_yield();
	}
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(results_come_by_join),
	cmocka_unit_test(results_are_there_after_the_scope_was_joined),
	cmocka_unit_test(joins_may_give_up),
	cmocka_unit_test(cancelled_joiner_leaves_the_task),
	cmocka_unit_test(arguments_are_copied_before_the_call_returns),
	cmocka_unit_test(argument_is_freed_exactly_once),
	cmocka_unit_test(fresh_tasks_have_a_thread_of_their_own),
	cmocka_unit_test(names_are_those_of_the_threads),
	cmocka_unit_test(stack_size_and_attributes_are_honoured),
	cmocka_unit_test(signals_are_blocked_unless_inherited),
	cmocka_unit_test(thread_of_a_task_is_known_at_once),
	cmocka_unit_test(exits_carry_values),
	cmocka_unit_test(joins_that_would_never_end_are_refused),
	cmocka_unit_test(one_task_is_cancelled_alone),
	cmocka_unit_test(deadline_of_a_task),
	cmocka_unit_test(c11_results_are_mapped),
	cmocka_unit_test(many_fresh_tasks_do_not_pile_up),
};

SUPPORT_MAIN(tests, NULL)
