// RUN: %run forked
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The child of a fork: what belongs to the parent answers at once, and new scopes work. */
#include "support.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static int sleep_long(void *arg)
{
	(void)arg;
	return ss_sleep(SS_SEC(3600));
}

static int open_and_sleep(void *arg)
{
	gate_open(arg);
	return sleep_long(NULL);
}

static int count_up(void *arg)
{
	atomic_fetch_add((_Atomic int *)arg, 1);
	return 0;
}

/* Run @body in a child of this process; it says what went wrong by its line. */
#define WANT(condition)                  \
	do {                             \
		if (!(condition))        \
			_exit(__LINE__); \
	} while (0)

/* What only threads of the parent knew of is a leak to valgrind, which looks for one at each exit but this. */
static _Noreturn void end_child(void)
{
	if (support_is("valgrind"))
		raise(SIGKILL);
	_exit(0);
}

static int wait_for(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (support_is("valgrind") && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return 0;
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void use_new_ones(void)
{
	_Atomic int count = 0;

	/* Its records of the parent's threads stay, and a new one at the address of an old one is an error to it. */
	if (support_is("tsan"))
		return;

	SS_SCOPE(scope, .name = "child", .deadline = ss_after(SS_SEC(60)));
	WANT(scope_rc == 0);
	for (int i = 0; i < 10; i++)
		WANT(ss_spawn_task(&scope, NULL, i % 2 ? SS_TASK_FRESH : 0, count_up, &count) == 0);
	WANT(ss_spawn(&scope, sleep_long, NULL) == 0);
	ss_scope_cancel(&scope, 0, NULL);
	WANT(ss_scope_join(&scope, NULL) == 0);
	WANT(count == 10);
}

static void child_of_an_owner(void **state)
{
	ss_cancel token;
	ss_task task;
	pid_t pid;

	(void)state;
	assert_int_equal(ss_cancel_init(&token, NULL), 0);
	assert_true(ss_cancel_fd(&token) >= 0);
	{
		struct gate started = GATE_INIT;

		SS_SCOPE(scope, .name = "parent");
		assert_int_equal(ss_spawn_task(&scope, &task, 0, open_and_sleep, &started), 0);
		gate_wait(&started);
		pid = fork();
		if (pid == 0) {
			ss_stats stats;

			WANT(ss_cancelled() == 0);
			WANT(ss_scope_current() == NULL);
			WANT(ss_spawn(&scope, sleep_long, NULL) == EOWNERDEAD);
			WANT(ss_task_join(&task, NULL) == EOWNERDEAD);
			WANT(ss_task_cancel(&task, 1, NULL) == EOWNERDEAD);
			WANT(ss_scope_join(&scope, NULL) == EOWNERDEAD);
			ss_scope_cancel(&scope, 1, NULL);
			ss_scope_close(&scope);
			ss_cancel_fire(&token, 1, NULL);
			ss_cancel_post(&token, 1);
			WANT(ss_cancel_state(&token) == EOWNERDEAD);
			ss_cancel_done(&token);
			WANT(ss_leak_check(0) == 0);
			use_new_ones();
			ss_get_stats(&stats);
			WANT(stats.scopes == 0);
			ss_scope_exit_(&scope);
			WANT(ss_drain(ss_after(SS_SEC(60))) == 0);
			end_child();
		}
		assert_int_equal(wait_for(pid), 0);
		assert_int_equal(ss_cancelled(), 0);
		ss_scope_cancel(&scope, 0, NULL);
		assert_int_equal(ss_scope_join(&scope, NULL), 0);
	}
	ss_cancel_done(&token);
}

static int fork_in_task(void *arg)
{
	pid_t pid = fork();

	if (pid == 0) {
		WANT(ss_task_id() == 0);
		use_new_ones();
		ss_exit(0); /* the last thread of the program ends, and with it the child */
	}
	*(pid_t *)arg = pid;
	return 0;
}

/* The end of the task's function is the end of the only thread. */
static int fork_and_return(void *arg)
{
	pid_t pid = fork();

	if (pid != 0)
		*(pid_t *)arg = pid;
	return 0;
}

static void child_of_a_task(void **state)
{
	const ss_fn bodies[] = { fork_in_task, fork_and_return };

	(void)state;
	if (support_is("asan") || support_is("valgrind"))
		return; /* they call a leak what only the parent's threads know of */
	for (size_t i = 0; i < COUNT(bodies); i++) {
		for (unsigned flags = 0; flags < 2; flags++) {
			pid_t pid = 0;

			SS_SCOPE(scope, .name = NULL);
			assert_int_equal(ss_spawn_task(&scope, NULL, flags, bodies[i], &pid), 0);
			assert_int_equal(ss_scope_join(&scope, NULL), 0);
			assert_int_equal(wait_for(pid), 0);
		}
	}
}

/* Forks while other threads spawn, cancel and end tasks. */
static int keep_busy(void *arg)
{
	while (!ss_cancelled()) {
		SS_SCOPE(scope, .name = NULL);
		CHECK(scope_rc == 0);
		for (int i = 0; i < 5; i++) {
			int err = ss_spawn(&scope, count_up, arg);

			CHECK(err == 0 || err == ECANCELED);
		}
	}
	return 0;
}

static void fork_at_any_time(void **state)
{
	_Atomic int count = 0;

	(void)state;
	if (support_is("asan"))
		return; /* its allocator may be locked by another thread, for ever in the child */
	SS_SCOPE(scope, .name = NULL);
	for (int i = 0; i < 3; i++)
		assert_int_equal(ss_spawn(&scope, keep_busy, &count), 0);
	for (unsigned i = 0; i < support_repeat(60); i++) {
		pid_t pid = fork();

		if (pid == 0) {
			use_new_ones();
			end_child();
		}
		assert_int_equal(wait_for(pid), 0);
	}
	ss_scope_cancel(&scope, 0, NULL);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(child_of_an_owner),
	cmocka_unit_test(child_of_a_task),
	cmocka_unit_test(fork_at_any_time),
};

SUPPORT_MAIN(tests, NULL)
