/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "run.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#define OUTPUT_LIMIT (1 << 20)
#define GRACE_MS 1000 /* from the request to end to the kill */
#define QUESTION_MS 10000

static const int stop_signals[] = { SIGINT, SIGTERM, SIGHUP };
#define STOP_SIGNALS (sizeof(stop_signals) / sizeof(stop_signals[0]))

struct runner {
	const struct run_plan *plan;
	uv_loop_t loop;
	uv_signal_t signals[STOP_SIGNALS];
	bool watched[STOP_SIGNALS];
	struct child *children; /* those that did not end yet */
	size_t running;
	int stopped_by; /* the signal; 0: none */
};

struct child {
	struct runner *runner;
	struct child *next, **link;
	void *tag;
	uv_process_t process;
	uv_pipe_t pipe;
	uv_timer_t timer;
	int open; /* handles whose close has not been told yet */
	bool exited, drained;
	struct outcome outcome;
	char block[1 << 14];
};

static void start_more(struct runner *runner);

static void on_closed(uv_handle_t *handle)
{
	struct child *child = handle->data;
	struct runner *runner = child->runner;

	if (--child->open)
		return;
	*child->link = child->next;
	if (child->next)
		child->next->link = child->link;
	runner->running--;
	runner->plan->ended(runner->plan->data, child->tag, &child->outcome);
	buffer_free(&child->outcome.output);
	free(child);
	start_more(runner);
}

static void close_once(uv_handle_t *handle)
{
	if (!uv_is_closing(handle))
		uv_close(handle, on_closed);
}

/* A child is over when it exited and nobody holds its output open: what it started may still be writing. */
static void close_when_over(struct child *child)
{
	if (!child->exited || !child->drained)
		return;
	close_once((uv_handle_t *)&child->process);
	close_once((uv_handle_t *)&child->pipe);
	close_once((uv_handle_t *)&child->timer);
}

static void kill_group(struct child *child, int signal)
{
	/* The group may have members after its leader is gone; while it has any, the number is nobody else's. */
	if (child->process.pid > 0)
		kill(-child->process.pid, signal);
}

static void on_exit_of(uv_process_t *process, int64_t status, int signal)
{
	struct child *child = process->data;

	child->exited = true;
	if (child->outcome.end == RUN_EXITED) {
		child->outcome.end = signal ? RUN_SIGNALED : RUN_EXITED;
		child->outcome.code = signal ? signal : (int)status;
	}
	close_when_over(child);
}

static void on_block_wanted(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_block)
{
	struct child *child = handle->data;

	(void)suggested;
	*ret_block = uv_buf_init(child->block, sizeof(child->block));
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *block)
{
	struct child *child = stream->data;

	if (length > 0 && child->outcome.output.length < OUTPUT_LIMIT)
		buffer_append(&child->outcome.output, block->base, (size_t)length);
	if (length < 0) {
		child->drained = true;
		close_when_over(child);
	}
}

static void on_killed(uv_timer_t *timer)
{
	struct child *child = timer->data;

	kill_group(child, SIGKILL);
	child->drained = true; /* do not wait for one that fled from the group */
	close_when_over(child);
}

static void on_time_over(uv_timer_t *timer)
{
	struct child *child = timer->data;

	if (child->outcome.end != RUN_INTERRUPTED) {
		child->outcome.end = RUN_TIMED_OUT;
		child->outcome.code = 0;
	}
	on_killed(timer);
}

static void on_stop(uv_signal_t *handle, int signal)
{
	struct runner *runner = handle->data;
	bool again = runner->stopped_by;

	if (!again)
		runner->stopped_by = signal;
	for (struct child *child = runner->children; child; child = child->next) {
		child->outcome.end = RUN_INTERRUPTED;
		kill_group(child, again ? SIGKILL : SIGTERM);
		if (!uv_is_closing((uv_handle_t *)&child->timer))
			uv_timer_start(&child->timer, on_killed, GRACE_MS, 0);
	}
}

/* Where a stream of a child comes from or goes to. -1: it cannot be opened. */
static int open_stream(uv_stdio_container_t *stream, const char *path, int flags)
{
	int file = open(path, flags | O_CLOEXEC, 0600);

	stream->flags = UV_INHERIT_FD;
	stream->data.fd = file;
	return file;
}

static void close_stream(int file)
{
	if (file >= 0)
		close(file);
}

static void start(struct runner *runner, const struct command *command, void *tag)
{
	struct child *child = zalloc(1, sizeof(*child));
	uv_stdio_container_t streams[3] = { { .flags = UV_IGNORE }, { .flags = UV_IGNORE }, { .flags = UV_IGNORE } };
	uv_process_options_t options = {
		.file = command->arguments[0],
		.args = command->arguments,
		.env = command->environment,
		.cwd = command->directory,
		.exit_cb = on_exit_of,
		.flags = UV_PROCESS_DETACHED,
		.stdio = streams,
		.stdio_count = 3,
	};
	int input = -1;
	int output = -1;
	int err;

	child->runner = runner;
	child->tag = tag;
	child->process.data = child->pipe.data = child->timer.data = child;
	child->next = runner->children;
	child->link = &runner->children;
	if (child->next)
		child->next->link = &child->next;
	runner->children = child;
	runner->running++;

	uv_timer_init(&runner->loop, &child->timer);
	uv_pipe_init(&runner->loop, &child->pipe, 0);
	child->open = 3;
	/* NOLINTNEXTLINE(clang-analyzer-optin.core.EnumCastOutOfRange): libuv's flags are meant to be joined */
	streams[command->captured].flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
	streams[command->captured].data.stream = (uv_stream_t *)&child->pipe;

	if (command->input)
		input = open_stream(&streams[STDIN_FILENO], command->input, O_RDONLY);
	if (command->output)
		output = open_stream(&streams[STDOUT_FILENO], command->output, O_WRONLY | O_CREAT | O_TRUNC);
	err = (command->input && input < 0) || (command->output && output < 0)
		      ? -errno
		      : uv_spawn(&runner->loop, &child->process, &options);
	close_stream(input);
	close_stream(output);
	if (err) {
		child->outcome.end = RUN_NOT_STARTED;
		child->outcome.code = -err;
		child->exited = child->drained = true;
		close_when_over(child);
		return;
	}
	err = uv_read_start((uv_stream_t *)&child->pipe, on_block_wanted, on_read);
	if (err)
		child->drained = true;
	if (runner->plan->limit_ms)
		uv_timer_start(&child->timer, on_time_over, runner->plan->limit_ms, 0);
}

static void unwatch(struct runner *runner)
{
	for (size_t i = 0; i < STOP_SIGNALS; i++)
		if (runner->watched[i] && !uv_is_closing((uv_handle_t *)&runner->signals[i]))
			uv_close((uv_handle_t *)&runner->signals[i], NULL);
}

static void start_more(struct runner *runner)
{
	while (!runner->stopped_by && runner->running < runner->plan->jobs) {
		struct command command = { 0 };
		void *tag;

		if (!runner->plan->next(runner->plan->data, &command, &tag))
			break;
		start(runner, &command, tag);
	}
	if (!runner->running)
		unwatch(runner); /* the loop has nothing left to wait for */
}

static void watch(struct runner *runner)
{
	for (size_t i = 0; i < STOP_SIGNALS; i++) {
		struct sigaction before;

		/* nohup stays nohup. A shell's background job ignores SIGINT too, but whoever sends it one means it. */
		if (stop_signals[i] == SIGHUP && sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler == SIG_IGN)
			continue;
		uv_signal_init(&runner->loop, &runner->signals[i]);
		runner->signals[i].data = runner;
		runner->watched[i] = true;
		uv_signal_start(&runner->signals[i], on_stop, stop_signals[i]);
	}
}

void run_all(const struct run_plan *plan, int *ret_signal)
{
	struct runner runner = { .plan = plan };
	int err = uv_loop_init(&runner.loop);

	if (err) {
		say_error("cannot run programs: %s", uv_strerror(err));
		exit(EXIT_INCOMPLETE);
	}
	watch(&runner);
	start_more(&runner);
	uv_run(&runner.loop, UV_RUN_DEFAULT);
	uv_loop_close(&runner.loop);
	*ret_signal = runner.stopped_by;
}

struct question {
	const struct command *command; /* NULL: asked already */
	struct outcome *outcome;
};

static bool next_question(void *data, struct command *ret_command, void **ret_tag)
{
	struct question *question = data;

	if (!question->command)
		return false;
	*ret_command = *question->command;
	*ret_tag = NULL;
	question->command = NULL;
	return true;
}

static void answered(void *data, void *tag, const struct outcome *outcome)
{
	struct question *question = data;

	(void)tag;
	*question->outcome = *outcome;
	question->outcome->output = (struct buffer){ 0 };
	buffer_append(&question->outcome->output, outcome->output.bytes, outcome->output.length);
}

void run_one(const struct command *command, struct outcome *ret_outcome)
{
	struct question question = { command, ret_outcome };
	struct run_plan plan = {
		.next = next_question, .ended = answered, .data = &question, .jobs = 1, .limit_ms = QUESTION_MS
	};
	int stopped_by;

	run_all(&plan, &stopped_by);
	if (stopped_by)
		raise(stopped_by);
}

size_t run_parallelism(void)
{
	return uv_available_parallelism();
}

static bool is_program(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0;
}

char *run_which(const char *program)
{
	const char *path = getenv("PATH");
	auto_string places = copy_string(path ? path : "/usr/local/bin:/usr/bin:/bin");
	char *position = NULL;

	if (strchr(program, '/'))
		return is_program(program) ? path_absolute(program) : NULL;
	for (char *place = strtok_r(places, ":", &position); place; place = strtok_r(NULL, ":", &position)) {
		auto_string found = text("%s/%s", place, program);

		if (is_program(found))
			return path_absolute(found);
	}
	return NULL;
}
