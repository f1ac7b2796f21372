/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A program as a task: the task starts it, waits for it, and ends it when it is cancelled. What it costs a thread buys
 * limits, deadlines, joins and errors that are those of any other task.
 */
#include "ssi.h"

#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

extern char **environ;

/* One allocation: this, the vectors, the strings. */
struct proctask {
	int64_t grace_ns;
	char **envp; /* NULL: that of the process, when it starts */
	pid_t pid;
	int status;
	char *argv[];
};

static size_t proctask_measure(const char *const *vector, size_t *text_size)
{
	size_t count = 0;

	while (vector[count])
		*text_size += strlen(vector[count++]) + 1;
	return count + 1;
}

/* Copy the strings to *at, and move it behind them. */
static void proctask_copy(char **ret_vector, const char *const *vector, char **at)
{
	for (; *vector; vector++) {
		size_t size = strlen(*vector) + 1;

		*ret_vector++ = memcpy(*at, *vector, size);
		*at += size;
	}
	*ret_vector = NULL;
}

static struct proctask *proctask_new(const char *const argv[], const char *const envp[], int64_t grace_ns)
{
	size_t text_size = 0, arguments = proctask_measure(argv, &text_size);
	size_t variables = envp ? proctask_measure(envp, &text_size) : 0;
	size_t vectors_size = (arguments + variables) * sizeof(char *);
	struct proctask *program = malloc(sizeof(*program) + vectors_size + text_size);
	char *text;

	if (!program)
		return NULL;
	*program = (struct proctask){ .grace_ns = grace_ns };
	text = (char *)program->argv + vectors_size;
	proctask_copy(program->argv, argv, &text);
	if (envp) {
		program->envp = program->argv + arguments;
		proctask_copy(program->envp, envp, &text);
	}
	return program;
}

static int proctask_start(struct proctask *program)
{
	posix_spawnattr_t attributes;
	sigset_t none;
	int err = posix_spawnattr_init(&attributes);

	if (err)
		return err;
	/* A worker blocks all signals, which is nothing to inherit. */
	sigemptyset(&none);
	err = posix_spawnattr_setsigmask(&attributes, &none);
	if (!err)
		err = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	if (!err)
		err = posix_spawnp(&program->pid, program->argv[0], NULL, &attributes, program->argv,
				   program->envp ? program->envp : environ);
	posix_spawnattr_destroy(&attributes);
	return err;
}

/* Wait for the end: 0, or an errno value. */
static int proctask_wait(void *arg)
{
	struct proctask *program = arg;
	int before = errno, err;
	pid_t ended;

	do
		ended = ss_waitpid(program->pid, &program->status, 0);
	while (ended < 0 && errno == EINTR);
	err = ended < 0 ? errno : 0;
	errno = before;
	return err;
}

/* Cancelled: ask, wait, kill. */
static int proctask_end(struct proctask *program)
{
	int err = ETIMEDOUT, before = errno;

	if (program->grace_ns > 0) {
		kill(program->pid, SIGTERM);
		err = ss_shield(program->grace_ns, proctask_wait, program);
	}
	if (err && err != ECHILD) {
		kill(program->pid, SIGKILL);
		while ((err = waitpid(program->pid, &program->status, 0) < 0 ? errno : 0) == EINTR)
			;
	}
	errno = before;
	return err;
}

static int proctask_body(void *arg)
{
	struct proctask *program = arg;
	int cancelled = ss_cancelled(), err;

	if (cancelled)
		return cancelled;
	err = proctask_start(program);
	if (err)
		ss_fail(err, "cannot start %s: %s", program->argv[0], strerror(err));

	err = proctask_wait(program);
	cancelled = err ? ss_cancelled() : 0;
	if (cancelled)
		err = proctask_end(program);
	if (err)
		ss_fail(err, "cannot wait for %s: %s", program->argv[0], strerror(err));
	if (WIFEXITED(program->status) && WEXITSTATUS(program->status) == 0)
		return 0;
	/* How it takes its SIGTERM is a consequence, not a failure of its own. */
	if (cancelled)
		return cancelled;
	if (WIFEXITED(program->status))
		ss_fail(WEXITSTATUS(program->status), "%s exited with status %d", program->argv[0],
			WEXITSTATUS(program->status));
	ss_fail(128 + WTERMSIG(program->status), "%s was ended by signal %d", program->argv[0],
		WTERMSIG(program->status));
}

int ss_spawn_process_at(ss_scope *scope, ss_task *ret_task, const char *const argv[], const char *const envp[],
			int64_t term_grace_ns, const ss_site *site)
{
	ss_task_opts opts = { .arg_free = free };
	struct proctask *program;
	const char *base;

	if (!argv || !argv[0] || term_grace_ns < 0)
		return EINVAL;
	program = proctask_new(argv, envp, term_grace_ns);
	if (!program)
		return ENOMEM;
	base = strrchr(argv[0], '/');
	opts.name = base ? base + 1 : argv[0];
	return ss_spawn_at(scope, ret_task, &opts, proctask_body, program, site);
}
