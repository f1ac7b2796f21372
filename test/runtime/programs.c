// RUN: %run programs
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A program as a task: its status is the task's, and a cancellation ends it. */
#include "support.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* Spawn a shell with @script in @scope; the arguments are gone when it starts. */
static int shell(ss_scope *scope, ss_task *task, const char *script, const char *const envp[], int64_t grace_ns)
{
	char name[] = "sh", flag[] = "-c", text[256];
	const char *argv[4] = { name, flag, text, NULL };
	int err;

	snprintf(text, sizeof(text), "%s", script);
	err = ss_spawn_process_at(scope, task, argv, envp, grace_ns, SS_HERE);
	memset(text, 'x', sizeof(text));
	memset(name, 'x', sizeof(name));
	return err;
}

static int status_of(const char *script, ss_error *error)
{
	SS_SCOPE(scope, .name = "shell");
	assert_int_equal(scope_rc, 0);
	assert_int_equal(shell(&scope, NULL, script, NULL, SS_SEC(1)), 0);
	return ss_scope_join(&scope, error);
}

static void the_status_is_the_tasks(void **state)
{
	ss_error error;

	(void)state;
	assert_int_equal(status_of("exit 0", &error), 0);
	assert_int_equal(status_of("exit 3", &error), 3);
	assert_string_equal(error.msg, "sh exited with status 3");
	assert_string_equal(error.task, "sh");
	/* No signal is blocked in it, although a worker blocks them all. */
	assert_int_equal(status_of("kill -TERM $$; exit 0", &error), 128 + SIGTERM);
	assert_string_equal(error.msg, "sh was ended by signal 15");
}

static void what_cannot_start_fails(void **state)
{
	const char *const argv[] = { "/nowhere/to-be-found", NULL }, *const empty[] = { NULL };
	ss_error error;

	(void)state;
	SS_SCOPE(scope, .name = "nowhere");
	assert_int_equal(ss_spawn_process(&scope, NULL, 0), EINVAL);
	assert_int_equal(ss_spawn_process(&scope, empty, 0), EINVAL);
	assert_int_equal(ss_spawn_process(&scope, argv, -1), EINVAL);
	assert_int_equal(ss_spawn_process(&scope, argv, 0), 0);
	/* Where the child of posix_spawn has a copy of the memory it cannot say why, and exits with 127. */
	if (support_is("valgrind")) {
		assert_int_equal(ss_scope_join(&scope, &error), 127);
	} else {
		assert_int_equal(ss_scope_join(&scope, &error), ENOENT);
		assert_non_null(strstr(error.msg, "cannot start /nowhere/to-be-found: "));
	}
	assert_string_equal(error.task, "to-be-found");
	assert_int_equal(ss_spawn_process(&scope, argv, 0), EPIPE);
}

static void the_environment_is_handed_on(void **state)
{
	const char *const envp[] = { "WHAT=this", NULL };
	ss_error error;

	(void)state;
	SS_SCOPE(scope, .flags = SS_SUPERVISE);
	assert_int_equal(shell(&scope, NULL, "test \"$WHAT\" = this -a -z \"$OTHER\"", envp, 0), 0);
	setenv("OTHER", "that", 1);
	assert_int_equal(shell(&scope, NULL, "test \"$OTHER\" = that", NULL, 0), 0);
	assert_int_equal(ss_scope_join(&scope, &error), 0);
	unsetenv("OTHER");
}

/* The shell says when it is ready, at the write end that it inherits. */
static void cancel_a_shell(const char *script, int64_t grace_ns, int wanted)
{
	char text[256], byte;
	ss_task task;
	int fds[2], rc;

	assert_int_equal(pipe(fds), 0);
	snprintf(text, sizeof(text), script, fds[1]);
	SS_SCOPE(scope, .flags = SS_SUPERVISE);
	assert_int_equal(shell(&scope, &task, text, NULL, grace_ns), 0);
	assert_int_equal(read(fds[0], &byte, 1), 1);
	ss_scope_cancel(&scope, 0, NULL);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
	assert_int_equal(ss_task_join(&task, &rc), 0);
	assert_int_equal(rc, wanted);
	close(fds[1]);
	/* It is over: nobody holds the other end. */
	assert_int_equal(read(fds[0], &byte, 1), 0);
	close(fds[0]);
}

static void cancel_asks_it_to_end(void **state)
{
	(void)state;
	cancel_a_shell("printf x >&%d; exec sleep 1000", SS_SEC(60), ECANCELED);
}

static void what_ends_well_has_not_failed(void **state)
{
	(void)state;
	cancel_a_shell(
		"exec 3>&1; trap 'exit 0' TERM; printf x >&%d; while :; do read line < /dev/tty; done 2>/dev/null",
		SS_SEC(60), 0);
}

static void who_does_not_listen_is_killed(void **state)
{
	(void)state;
	cancel_a_shell("trap '' TERM; printf x >&%d; exec sleep 1000", SS_MS(5), ECANCELED);
	cancel_a_shell("trap '' TERM; printf x >&%d; exec sleep 1000", 0, ECANCELED);
}

static void a_deadline_ends_it(void **state)
{
	ss_error error;

	(void)state;
	SS_SCOPE(scope, .name = "deadline");
	assert_int_equal(shell(&scope, NULL, "exec sleep 1000", NULL, SS_SEC(60)), 0);
	ss_scope_set_deadline(&scope, ss_after(SS_MS(5)));
	assert_int_equal(ss_scope_join(&scope, &error), ETIMEDOUT);
}

/* With a limit, a program starts when it has its slot, and never when it is cancelled before. */
static void a_limit_holds(void **state)
{
	ss_stats before, now;

	(void)state;
	ss_get_stats(&before);
	SS_SCOPE(scope, .limit = 1);
	for (int i = 0; i < 4; i++)
		assert_int_equal(shell(&scope, NULL, "exit 0", NULL, 0), 0);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
	ss_get_stats(&now);
	assert_int_equal(now.spawned - before.spawned, 4);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_status_is_the_tasks),
	cmocka_unit_test(what_cannot_start_fails),
	cmocka_unit_test(the_environment_is_handed_on),
	cmocka_unit_test(cancel_asks_it_to_end),
	cmocka_unit_test(what_ends_well_has_not_failed),
	cmocka_unit_test(who_does_not_listen_is_killed),
	cmocka_unit_test(a_deadline_ends_it),
	cmocka_unit_test(a_limit_holds),
};
SUPPORT_MAIN(tests, NULL)
