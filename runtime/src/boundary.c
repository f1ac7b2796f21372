/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Where a failure stops, and what has to be undone on the way there: each thread has a list of its open scopes, defers
 * and ambient tokens, between the boundaries of tasks and of ss_try. ss_exit and ss_fail undo what is above a boundary
 * while all frames of the stack are still there, and jump only then.
 */
#include "ssi.h"

#include <stdio.h>
#include <stdlib.h>

#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

static _Thread_local struct ssi_thread boundary_thread;

struct ssi_thread *ssi_thread(void)
{
	return &boundary_thread;
}

struct ssi_defer {
	struct ssi_frame frame;
	void (*fn)(void *arg);
	void *arg;
	const pthread_mutex_t *mutex; /* of SS_LOCK */
	bool pending, holds;
};
_Static_assert(sizeof(struct ssi_defer) <= sizeof(ss_defer), "ss_defer is too small");

/* ---- the list --------------------------------------------------------------------------------------------------- */

void ssi_frame_push(struct ssi_frame *frame, enum ssi_frame_kind kind, struct ssi_token *token)
{
	*frame = (struct ssi_frame){ .outer = ssi_self.frames, .token = token, .kind = kind };
	frame->generation = atomic_load_explicit(&ssi.generation, memory_order_relaxed);
	ssi_self.frames = frame;
	if (token)
		ssi_self.ambient = token;
}

bool ssi_frame_remove(struct ssi_frame *frame)
{
	struct ssi_frame **at = &ssi_self.frames;

	while (*at && *at != frame)
		at = &(*at)->outer;
	if (!*at)
		return false;
	*at = frame->outer;

	ssi_self.ambient = NULL;
	for (frame = ssi_self.frames; frame && !ssi_self.ambient; frame = frame->outer)
		if (frame->token && ssi_is_ours(frame->generation))
			ssi_self.ambient = frame->token;
	return true;
}

static void boundary_run_defer(struct ssi_defer *defer)
{
	ssi_frame_remove(&defer->frame);
	if (!defer->pending)
		return;
	defer->pending = false;
	defer->fn(defer->arg);
}

/* Undo everything that was begun since @end was pushed; NULL: everything. */
static void boundary_unwind(struct ssi_frame *end)
{
	while (ssi_self.frames && ssi_self.frames != end) {
		struct ssi_frame *frame = ssi_self.frames;
		struct ssi_token *token = frame->token;

		switch (frame->kind) {
		case SSI_FRAME_DEFER:
			boundary_run_defer(SSI_CONTAINER(frame, struct ssi_defer, frame));
			break;
		case SSI_FRAME_SCOPE:
			ssi_scope_leave(SSI_CONTAINER(frame, struct ssi_scope, frame));
			ssi_frame_remove(frame); /* the scope of a parent process leaves it alone */
			break;
		case SSI_FRAME_TOKEN:
			ssi_frame_remove(frame);
			if (ssi_is_ours(frame->generation) && token->kind == SSI_SHIELD)
				ssi_shield_end(token);
			break;
		case SSI_FRAME_BOUNDARY:
			ssi_frame_remove(frame);
			break;
		}
	}
}

/* The innermost boundary, or the innermost of a task. A task of the parent process is none in the child. */
static struct ssi_boundary *boundary_find(bool of_task)
{
	for (struct ssi_frame *frame = ssi_self.frames; frame; frame = frame->outer) {
		struct ssi_boundary *boundary = SSI_CONTAINER(frame, struct ssi_boundary, frame);

		if (frame->kind == SSI_FRAME_BOUNDARY && (boundary->task ? ssi_is_ours(frame->generation) : !of_task))
			return boundary;
	}
	return NULL;
}

/* The innermost active pthread_cleanup_push of this thread, as far as libc tells: a jump must not go over one. */
static void *boundary_cleanups(void)
{
#if defined(__GLIBC__) && !defined(__EXCEPTIONS)
	__pthread_unwind_buf_t probe;

	__pthread_register_cancel(&probe);
	__pthread_unregister_cancel(&probe);
	return probe.__pad[0]; /* what was registered before */
#else
	return NULL;
#endif
}

static SS_NORETURN void boundary_jump(struct ssi_boundary *boundary)
{
	bool over_cleanup = boundary_cleanups() != boundary->cleanups;

	if (over_cleanup && (ssi_debug() || !boundary->task))
		ssi_fatal(ssi_self.task, NULL, "ss_exit or ss_fail over an active pthread_cleanup_push");
	boundary->leaving = true;
	boundary_unwind(&boundary->frame);
	/* pthread_exit runs the handlers, and the task ends as by a pthread_exit of its own. */
	if (over_cleanup)
		pthread_exit(NULL);
	_longjmp(boundary->jump, 1);
}

/* ---- the body of a task ----------------------------------------------------------------------------------------- */

void ssi_task_free_arg(struct ssi_task *task)
{
	if (task->arg_free)
		task->arg_free(task->arg);
	task->arg_free = NULL;
	if (task->arg_owned)
		free(task->arg);
	task->arg_owned = false;
}

void ssi_task_run(struct ssi_task *task, struct ssi_boundary *boundary)
{
	*boundary = (struct ssi_boundary){ .task = task, .cleanups = boundary_cleanups() };
	ssi_frame_push(&boundary->frame, SSI_FRAME_BOUNDARY, &task->token);
	if (_setjmp(boundary->jump) == 0) {
		void *value = NULL;
		int code = 0;

		if (task->returns_pointer)
			value = task->body.to_pointer(task->arg);
		else
			code = task->body.to_int(task->arg);
		/* In the child of a fork the task is the parent's, and its storage may have gone with other threads. */
		if (!ssi_is_ours(boundary->frame.generation))
			pthread_exit(NULL);
		task->value = value;
		task->given_pointer = task->returns_pointer;
		task->code = code;
		if (ssi_self.frames != &boundary->frame)
			ssi_misuse(task, NULL, "a task returned with a scope, defer or token of its own still open");
	}
	boundary_unwind(&boundary->frame);
	ssi_frame_remove(&boundary->frame);
	ssi_task_free_arg(task);
}

void ssi_task_exited(struct ssi_task *task, struct ssi_boundary *boundary)
{
	/*
	 * The frames above are gone, and with them what was on this list: nothing of it can be joined or run any more,
	 * or even looked at. What ss_exit and ss_fail leave here is clean.
	 */
	if (ssi_self.frames != &boundary->frame)
		ssi_fatal(task, NULL, "pthread_exit in a task with an open scope, defer, token or ss_try; see ss_exit");
	task->exited = !boundary->leaving;
	ssi_frame_remove(&boundary->frame);
	ssi_task_free_arg(task);
}

static bool boundary_is_main(void)
{
#ifdef __linux__
	return syscall(SYS_gettid) == getpid();
#else
	return false;
#endif
}

/* Not a task: what pthread_exit does, after the same clean-up. */
static SS_NORETURN void boundary_exit_thread(void *value)
{
	boundary_unwind(NULL);
	/* The process of a main thread that leaves ends with its last thread, and that is none of ours. */
	if (boundary_is_main())
		ssi_hurry();
	pthread_exit(value);
}

void ss_exit(int rc)
{
	struct ssi_boundary *boundary = boundary_find(true);

	if (!boundary)
		boundary_exit_thread((void *)(intptr_t)rc);
	if (!boundary->leaving)
		boundary->task->code = rc;
	boundary_jump(boundary);
}

void ss_exit_ptr(void *value)
{
	struct ssi_boundary *boundary = boundary_find(true);

	if (!boundary)
		boundary_exit_thread(value);
	if (!boundary->leaving) {
		boundary->task->value = value;
		boundary->task->given_pointer = true;
	}
	boundary_jump(boundary);
}

/* ---- failures --------------------------------------------------------------------------------------------------- */

/* A failure while another is on its way out: one more error of the scope. */
static void boundary_second(struct ssi_task *task, const ss_error *error)
{
	struct ssi_scope_error *more;

	if (!task)
		return;
	ssi_task_tell(task); /* the first one first */
	more = malloc(sizeof(*more));
	ssi_lock();
	ssi_scope_fail_locked(task->scope, error, &more);
	ssi_unlock();
	free(more);
}

void ss_fail(int code, const char *format, ...)
{
	struct ssi_boundary *boundary = boundary_find(false);
	struct ssi_task *task = ssi_self.task;
	ss_error error = { .code = code ? code : EINVAL };
	va_list arguments;

	va_start(arguments, format);
	if (format)
		vsnprintf(error.msg, sizeof(error.msg), format, arguments);
	va_end(arguments);
	if (task) {
		error.task_id = task->id;
		error.site = task->site;
		ssi_name_copy(error.task, task->name);
	}
	if (!boundary) {
		ssi_report("ss_fail(%d) outside of a task and of ss_try: %s", code, error.msg);
		abort();
	}

	if (boundary->leaving) {
		boundary_second(task, &error);
	} else if (boundary->task) {
		boundary->task->code = error.code;
		boundary->task->failed = true;
		if (boundary->task->error)
			*boundary->task->error = error;
	} else {
		boundary->code = error.code;
		if (boundary->error)
			*boundary->error = error;
	}
	boundary_jump(boundary);
}

int ss_try(ss_fn fn, void *arg, ss_error *error)
{
	struct ssi_boundary boundary = { .cleanups = boundary_cleanups(), .error = error };

	if (!fn)
		return EINVAL;
	if (error)
		*error = (ss_error){ 0 };
	ssi_frame_push(&boundary.frame, SSI_FRAME_BOUNDARY, NULL);
	if (_setjmp(boundary.jump) == 0) {
		boundary.code = fn(arg);
		if (error)
			error->code = boundary.code;
	}
	boundary_unwind(&boundary.frame);
	ssi_frame_remove(&boundary.frame);
	return boundary.code;
}

/* ---- defers ----------------------------------------------------------------------------------------------------- */

ss_defer *ss_defer_push_(ss_defer *storage, void (*fn)(void *arg), void *arg)
{
	struct ssi_defer *defer = (struct ssi_defer *)(void *)storage;

	defer->fn = fn;
	defer->arg = arg;
	defer->mutex = NULL;
	defer->pending = fn != NULL;
	defer->holds = false;
	ssi_frame_push(&defer->frame, SSI_FRAME_DEFER, NULL);
	return storage;
}

void ss_defer_push(ss_defer *storage, void (*fn)(void *arg), void *arg)
{
	ss_defer_push_(storage, fn, arg);
}

void ss_defer_pop(ss_defer *storage)
{
	struct ssi_defer *defer = (struct ssi_defer *)(void *)storage;
	struct ssi_frame *frame = ssi_self.frames;

	/* A scope may be left before a defer that was pushed later is; defers are as nested as the blocks they are in.
	 */
	while (frame && frame != &defer->frame && frame->kind == SSI_FRAME_SCOPE)
		frame = frame->outer;
	if (frame == &defer->frame)
		boundary_run_defer(defer);
	else if (defer->pending)
		ssi_fatal(ssi_self.task, NULL, "a defer is popped out of order, or by another thread");
}

void ss_defer_exit_(ss_defer **defer)
{
	ss_defer_pop(*defer);
}

static void boundary_unlock(void *mutex)
{
	pthread_mutex_unlock(mutex);
}

ss_defer *ss_lock_push_(ss_defer *storage, pthread_mutex_t *mutex, const ss_site *site)
{
	struct ssi_defer *defer = (struct ssi_defer *)(void *)storage;
	int err = pthread_mutex_lock(mutex);

	/* The next owner of a robust mutex does hold it. */
	if (err && err != EOWNERDEAD && ssi_debug()) {
		ssi_report("SS_LOCK at %s:%d failed with error %d", site->file, site->line, err);
		abort();
	}
	ss_defer_push_(storage, boundary_unlock, mutex);
	defer->mutex = mutex;
	defer->holds = defer->pending = !err || err == EOWNERDEAD;
	return storage;
}

int ss_lock_ok(const pthread_mutex_t *mutex)
{
	for (struct ssi_frame *frame = ssi_self.frames; frame; frame = frame->outer) {
		struct ssi_defer *defer = SSI_CONTAINER(frame, struct ssi_defer, frame);

		if (frame->kind == SSI_FRAME_DEFER && defer->mutex == mutex)
			return defer->holds;
	}
	return 0;
}
