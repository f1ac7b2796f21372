/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * safespawn.h - structured concurrency for C over pthreads: scopes that tasks cannot outlive.
 *
 * What holds everywhere, unless a comment says otherwise:
 *
 *  - A function returns 0 or a positive errno value and leaves errno alone. A cancellable form of a POSIX call
 *    (ss_read, ss_poll, ss_waitpid, ...) keeps that call's contract, with ECANCELED and ETIMEDOUT as two more errors.
 *  - Times named `until` or of type ss_time are absolute nanoseconds of CLOCK_MONOTONIC, SS_NEVER is no time at all;
 *    every other int64_t is a relative number of nanoseconds.
 *  - The cancellation token is ambient: each blocking call watches the token of the task, scope body, ss_with_token or
 *    ss_shield that it runs in. Outside of all of them it is the plain call.
 *  - Storage of the public types is the caller's, is not moved or copied while in use, and its contents are private.
 *  - Misuse that would be undefined behaviour is reported with scope, task and spawn site. A debug build of the library
 *    then aborts, a release build returns the errno that is documented.
 *  - `Signals:` says which calls a signal handler may make; all others it may not. `Child:` says what a call does in
 *    the child of a fork with objects of the parent; without it, EOWNERDEAD at once, and never a wait. New objects
 *    may be made in the child.
 *
 * What errors mean: ECANCELED cancelled; ETIMEDOUT a deadline passed; EPIPE closed, joined or draining; EAGAIN limit
 * reached or no thread to be had; EDEADLK a wait that could never end; EBUSY too late to configure; EINVAL harmless
 * misuse; EOWNERDEAD the object belongs to the parent process; ESRCH joined already.
 *
 * The runtime needs libc and its threads, nothing else. State of the whole process - parked workers, one helper thread
 * for deadlines, the configuration - is made by the first scope or token and released by ss_drain.
 */
#ifndef SAFESPAWN_H
#define SAFESPAWN_H

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>

#define SS_VERSION_MAJOR 0
#define SS_VERSION_MINOR 1
#define SS_VERSION_PATCH 0
/** One number to compare: 0x00MMmmpp. */
#define SS_VERSION ((SS_VERSION_MAJOR << 16) | (SS_VERSION_MINOR << 8) | SS_VERSION_PATCH)

#define SS_ALIGN __attribute__((aligned(16)))
#define SS_NORETURN __attribute__((noreturn))
#define SS_NODISCARD __attribute__((warn_unused_result))
#define SS_PRINTF(format_, first_) __attribute__((format(printf, format_, first_)))
#define SS_CAT2_(a, b) a##b
#define SS_CAT_(a, b) SS_CAT2_(a, b)

/*
 * Two copies of the runtime in one process: compile library and callers with -DSS_PREFIX=mine_ and the functions are
 * called mine_ss_now and so on for the linker. Each copy has its own workers, and checks its own leaks only.
 */
#ifdef SS_PREFIX
#define SS_NAME_(name) SS_CAT_(SS_PREFIX, name)
#define ss_accept SS_NAME_(ss_accept)
#define ss_after SS_NAME_(ss_after)
#define ss_cancel_at SS_NAME_(ss_cancel_at)
#define ss_cancel_cause SS_NAME_(ss_cancel_cause)
#define ss_cancel_done SS_NAME_(ss_cancel_done)
#define ss_cancel_fd SS_NAME_(ss_cancel_fd)
#define ss_cancel_fire SS_NAME_(ss_cancel_fire)
#define ss_cancel_init_at SS_NAME_(ss_cancel_init_at)
#define ss_cancel_post SS_NAME_(ss_cancel_post)
#define ss_cancel_state SS_NAME_(ss_cancel_state)
#define ss_cancel_wait SS_NAME_(ss_cancel_wait)
#define ss_cancelled SS_NAME_(ss_cancelled)
#define ss_cnd_wait SS_NAME_(ss_cnd_wait)
#define ss_cond_timedwait SS_NAME_(ss_cond_timedwait)
#define ss_cond_wait SS_NAME_(ss_cond_wait)
#define ss_configure SS_NAME_(ss_configure)
#define ss_connect SS_NAME_(ss_connect)
#define ss_defer_exit_ SS_NAME_(ss_defer_exit_)
#define ss_defer_pop SS_NAME_(ss_defer_pop)
#define ss_defer_push SS_NAME_(ss_defer_push)
#define ss_defer_push_ SS_NAME_(ss_defer_push_)
#define ss_drain SS_NAME_(ss_drain)
#define ss_dump SS_NAME_(ss_dump)
#define ss_epoll_wait SS_NAME_(ss_epoll_wait)
#define ss_exit SS_NAME_(ss_exit)
#define ss_exit_ptr SS_NAME_(ss_exit_ptr)
#define ss_fail SS_NAME_(ss_fail)
#define ss_get_stats SS_NAME_(ss_get_stats)
#define ss_interruptible SS_NAME_(ss_interruptible)
#define ss_kick_enable SS_NAME_(ss_kick_enable)
#define ss_leak_check SS_NAME_(ss_leak_check)
#define ss_leak_mark SS_NAME_(ss_leak_mark)
#define ss_lock_ok SS_NAME_(ss_lock_ok)
#define ss_lock_push_ SS_NAME_(ss_lock_push_)
#define ss_nanosleep SS_NAME_(ss_nanosleep)
#define ss_now SS_NAME_(ss_now)
#define ss_poll SS_NAME_(ss_poll)
#define ss_poll_ms SS_NAME_(ss_poll_ms)
#define ss_queue_close SS_NAME_(ss_queue_close)
#define ss_queue_fini SS_NAME_(ss_queue_fini)
#define ss_queue_init SS_NAME_(ss_queue_init)
#define ss_queue_pop SS_NAME_(ss_queue_pop)
#define ss_queue_push SS_NAME_(ss_queue_push)
#define ss_read SS_NAME_(ss_read)
#define ss_recv SS_NAME_(ss_recv)
#define ss_recvmsg SS_NAME_(ss_recvmsg)
#define ss_scope_cancel SS_NAME_(ss_scope_cancel)
#define ss_scope_close SS_NAME_(ss_scope_close)
#define ss_scope_current SS_NAME_(ss_scope_current)
#define ss_scope_errors SS_NAME_(ss_scope_errors)
#define ss_scope_exit_ SS_NAME_(ss_scope_exit_)
#define ss_scope_fini SS_NAME_(ss_scope_fini)
#define ss_scope_join SS_NAME_(ss_scope_join)
#define ss_scope_join_until SS_NAME_(ss_scope_join_until)
#define ss_scope_open SS_NAME_(ss_scope_open)
#define ss_scope_set_deadline SS_NAME_(ss_scope_set_deadline)
#define ss_scope_token SS_NAME_(ss_scope_token)
#define ss_sem_wait SS_NAME_(ss_sem_wait)
#define ss_send SS_NAME_(ss_send)
#define ss_sendmsg SS_NAME_(ss_sendmsg)
#define ss_service_start_at SS_NAME_(ss_service_start_at)
#define ss_service_state SS_NAME_(ss_service_state)
#define ss_service_stop SS_NAME_(ss_service_stop)
#define ss_shield SS_NAME_(ss_shield)
#define ss_sleep SS_NAME_(ss_sleep)
#define ss_sleep_until SS_NAME_(ss_sleep_until)
#define ss_spawn_at SS_NAME_(ss_spawn_at)
#define ss_spawn_copy_at SS_NAME_(ss_spawn_copy_at)
#define ss_spawn_process_at SS_NAME_(ss_spawn_process_at)
#define ss_spawn_ptr_at SS_NAME_(ss_spawn_ptr_at)
#define ss_spawn_task_at SS_NAME_(ss_spawn_task_at)
#define ss_spawn_task_ptr_at SS_NAME_(ss_spawn_task_ptr_at)
#define ss_task_cancel SS_NAME_(ss_task_cancel)
#define ss_task_id SS_NAME_(ss_task_id)
#define ss_task_join SS_NAME_(ss_task_join)
#define ss_task_join_ptr SS_NAME_(ss_task_join_ptr)
#define ss_task_join_ptr_until SS_NAME_(ss_task_join_ptr_until)
#define ss_task_join_until SS_NAME_(ss_task_join_until)
#define ss_task_name SS_NAME_(ss_task_name)
#define ss_task_thread SS_NAME_(ss_task_thread)
#define ss_task_tryjoin SS_NAME_(ss_task_tryjoin)
#define ss_task_tryjoin_ptr SS_NAME_(ss_task_tryjoin_ptr)
#define ss_thrd_ SS_NAME_(ss_thrd_)
#define ss_ticker_open SS_NAME_(ss_ticker_open)
#define ss_ticker_wait SS_NAME_(ss_ticker_wait)
#define ss_timer_missed SS_NAME_(ss_timer_missed)
#define ss_timer_start_at SS_NAME_(ss_timer_start_at)
#define ss_timer_stop SS_NAME_(ss_timer_stop)
#define ss_try SS_NAME_(ss_try)
#define ss_version SS_NAME_(ss_version)
#define ss_waitpid SS_NAME_(ss_waitpid)
#define ss_with_token SS_NAME_(ss_with_token)
#define ss_write SS_NAME_(ss_write)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- time -------------------------------------------------------------------------------------------------- */

typedef int64_t ss_time;
#define SS_NEVER INT64_MAX
#define SS_US(x) ((int64_t)(x) * 1000)
#define SS_MS(x) ((int64_t)(x) * 1000000)
#define SS_SEC(x) ((int64_t)(x) * 1000000000)

/** The version of the library that is linked, "0.1.0"; compare with SS_VERSION of the header. Threads: any.
 * Child: ok. */
const char *ss_version(void);

/** CLOCK_MONOTONIC now. Threads: any. Signals: safe. Child: ok. */
ss_time ss_now(void);

/** The time @ns from now; SS_NEVER instead of an overflow, now for a negative @ns. Threads: any. Signals: safe. Child:
 * ok. */
ss_time ss_after(int64_t ns);

/* ---- what all share ---------------------------------------------------------------------------------------- */

typedef int (*ss_fn)(void *arg);       /* as thrd_start_t; a result other than 0 is a failure */
typedef void *(*ss_ptr_fn)(void *arg); /* as the start routine of pthread_create; any result is a value */

/** A place in the caller's source. */
typedef struct ss_site {
	const char *file, *func;
	int line;
} ss_site;

#define SS_HERE                                                                   \
	__extension__({                                                           \
		static const ss_site ss_site_ = { __FILE__, __func__, __LINE__ }; \
		&ss_site_;                                                        \
	})

/** What went wrong, where. A plain value: copy freely. */
typedef struct ss_error {
	int code;	     /* as errno; 0 is none */
	uint64_t task_id;    /* 0: not a task's error */
	const ss_site *site; /* where the task was spawned, or the scope opened; NULL when neither */
	char task[16];	     /* name of the task or scope */
	char msg[160];
} ss_error;

typedef struct ss_scope {
	SS_ALIGN unsigned char priv[704];
} ss_scope;
typedef struct ss_task {
	SS_ALIGN unsigned char priv[448];
} ss_task;
typedef struct ss_cancel {
	SS_ALIGN unsigned char priv[224];
} ss_cancel;
typedef struct ss_timer {
	SS_ALIGN unsigned char priv[256];
} ss_timer;
typedef struct ss_ticker {
	SS_ALIGN unsigned char priv[64];
} ss_ticker;
typedef struct ss_queue {
	SS_ALIGN unsigned char priv[192];
} ss_queue;
typedef struct ss_service {
	SS_ALIGN unsigned char priv[1536];
} ss_service;
typedef struct ss_defer {
	SS_ALIGN unsigned char priv[64];
} ss_defer;

/* ---- scopes ------------------------------------------------------------------------------------------------ */

enum {
	SS_SUPERVISE = 1u << 0, /* a failed task does not cancel its siblings */
	SS_EXIT_WAIT = 1u << 1, /* leaving without a join waits; default: cancels, then waits */
	SS_UNLINKED = 1u << 2,	/* cancellation of the enclosing scope or task does not reach this one */
	SS_HELP = 1u << 3,	/* a join may run tasks that still wait for a slot, on the joining thread */
	SS_UNBOUND = 1u << 4	/* has a life of its own: see ss_scope_open */
};

/** All fields may be 0. */
typedef struct ss_scope_opts {
	const char *name;     /* for reports; the first 15 bytes are copied */
	unsigned flags;	      /* SS_SUPERVISE, ... */
	unsigned limit;	      /* tasks that run at a time; 0: each task is promised a thread of its own */
	unsigned keep_errors; /* length of the list of errors; 0: 8. The rest is counted */
	ss_time deadline;     /* 0 or SS_NEVER: none */
	int64_t stuck_ns; /* report tasks that live on this long after a cancel; 0: 5 s in debug, off in release; -1:
			     off */
} ss_scope_opts;

/**
 * Declare a scope and open it; every way out of the block joins its tasks.
 *
 *     SS_SCOPE(s, .name = "fetch", .deadline = ss_after(SS_SEC(5)));
 *     if (s_rc)
 *         return s_rc;
 *
 * What is declared after the scope dies before its tasks: lend them only what is declared above it.
 * Leaving without ss_scope_join cancels the tasks and waits for them (SS_EXIT_WAIT: waits only), which a debug build
 * reports once per site. ss_exit and ss_fail join it on their way; longjmp must not leave the block, and pthread_exit
 * from it ends the process with a report. C++ wants C++20 for the designated initialisers.
 * Threads: any; it becomes the owner. Child: ok.
 */
#ifdef __cplusplus
/* What is left out is 0: no place for the warning of C++. */
#define SS_OPTS_(...)                                                                                     \
	_Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wmissing-field-initializers\"") \
		__VA_ARGS__ _Pragma("GCC diagnostic pop")
#else
#define SS_OPTS_(...) __VA_ARGS__
#endif
#define SS_SCOPE(name_, ...)                                           \
	ss_scope name_ __attribute__((cleanup(ss_scope_exit_)));       \
	SS_OPTS_(const ss_scope_opts name_##_opts_ = { __VA_ARGS__ };) \
	int name_##_rc __attribute__((unused)) = ss_scope_open(&name_, &name_##_opts_, SS_HERE)

/**
 * Open a scope: a place that tasks are spawned into and joined from.
 *
 * @scope  the caller's storage; outlives ss_scope_fini, does not move
 * @opts   name, flags, limit, deadline; NULL for none of them; not needed after the call
 * @site   SS_HERE, or NULL
 *
 * There are two lifetimes. A bound scope (the default, and SS_SCOPE) belongs to the thread that opens it: its token is
 * ambient there until the join, and ss_exit or ss_fail of that thread joins it on the way out. An SS_UNBOUND one, for a
 * scope in a struct with start and stop functions, is on no thread's list, inherits no cancellation, is spawned into
 * from anywhere and is joined by any one thread that is not among its tasks. A scope that is opened by hand ends with
 * ss_scope_join and ss_scope_fini.
 *
 * A parent that is cancelled already gives a scope that is cancelled already.
 *
 * Threads: any; it becomes the owner of a bound scope. Child: ok, the child starts a tree of its own.
 * Errors:  EINVAL (no storage, unknown flag), EPIPE (the process is draining), EAGAIN (no thread for the helper),
 * ENOMEM. The storage is then safe for join, exit and fini.
 */
int ss_scope_open(ss_scope *scope, const ss_scope_opts *opts, const ss_site *site) SS_NODISCARD;

/**
 * Wait until all tasks ended: the ordinary ones, then the background ones, which are cancelled. Threads that are not
 * reused are over by then, with their thread-specific destructors.
 *
 * @first  the error that is returned, with its task and text; may be NULL
 *
 * Returns the first failure of a task, else the code of ss_scope_cancel, else ETIMEDOUT or ECANCELED when a deadline or
 * an enclosing scope ended it, else 0. Joined again, it says the same.
 * ECANCELED or ETIMEDOUT that a task returns after the scope was cancelled are consequences and no failures.
 * The wait itself does not end early: it has to outlive the tasks, cancelled or not.
 *
 * Threads: the owner; an unbound scope: any one thread. Child: EOWNERDEAD.
 * Errors:  EINVAL (not open, not the owner), EDEADLK (from one of its own tasks).
 */
int ss_scope_join(ss_scope *scope, ss_error *first);

/** As ss_scope_join; ETIMEDOUT with @first->code 0 when tasks were still alive at @until, and the scope is still open.
 */
int ss_scope_join_until(ss_scope *scope, ss_time until, ss_error *first) SS_NODISCARD;

/** Refuse more tasks: ss_spawn returns EPIPE from now on. Threads: any, while the scope lives. Child: no effect. */
void ss_scope_close(ss_scope *scope);

/**
 * Cancel all tasks, the tokens and scopes below them, and what the owner waits for.
 *
 * @code    the error that the join returns, unless a task failed before; with 0 the join does not fail
 * @format  why, for ss_cancel_cause and reports; copied; may be NULL
 *
 * The first cause stays. Threads: any, while the scope lives; from a signal handler see ss_cancel_post. Child: no
 * effect.
 */
void ss_scope_cancel(ss_scope *scope, int code, const char *format, ...) SS_PRINTF(3, 4);

/** Move the deadline of a scope; only to an earlier time. Threads: any, while the scope lives. Child: no effect. */
void ss_scope_set_deadline(ss_scope *scope, ss_time until);

/**
 * The errors of tasks in the order in which they came: the first one at index 0. Call it after the join.
 *
 * @ret_errors  room for @count; may be NULL for 0
 * Returns how many errors there were in all, kept or only counted. Threads: the one that joined. Child: ok.
 */
unsigned ss_scope_errors(const ss_scope *scope, ss_error *ret_errors, unsigned count);

/** The token of a scope; lives as long as the scope is open. Threads: any. Child: NULL. */
ss_cancel *ss_scope_token(ss_scope *scope);

/** The innermost scope: opened last by this thread, else the one that the task is in, else NULL. Threads: any.
 * Child: only those of the child. */
ss_scope *ss_scope_current(void);

/**
 * Release what a scope kept: the list of errors. A scope that is still open is left as SS_SCOPE leaves it.
 * NULL, failed opens and a second call are allowed. Threads: the one that joined. Child: ok.
 */
void ss_scope_fini(ss_scope *scope);

void ss_scope_exit_(ss_scope *scope); /* the end of an SS_SCOPE block */

/* ---- tasks ------------------------------------------------------------------------------------------------- */

enum {
	SS_TASK_FRESH = 1u << 0, /* a new thread of its own, never a parked worker; for users of thread-local state */
	SS_TASK_BACKGROUND = 1u << 1,  /* is not waited for: cancelled, then joined, once the ordinary tasks are done */
	SS_TASK_NOWAIT = 1u << 2,      /* EAGAIN instead of waiting or queueing when the limit is reached */
	SS_TASK_INHERIT_MASK = 1u << 3 /* starts with the signal mask of the spawning thread; means FRESH */
};

/** All fields may be 0. */
typedef struct ss_task_opts {
	const char *name;  /* the first 15 bytes are copied; also the name of the thread */
	unsigned flags;	   /* SS_TASK_FRESH, ... */
	size_t stack_size; /* bytes; 0: as ss_configure says. Another size than that means a thread of its own */
	const pthread_attr_t *attr;  /* all of it is honoured but the detach state; means a thread of its own */
	void (*arg_free)(void *arg); /* called exactly once: after the body, or by a spawn that fails */
	ss_time deadline;	     /* 0 or SS_NEVER: none */
} ss_task_opts;

/**
 * Start fn(arg) as a task of @scope.
 *
 * @ret_task  the caller's storage for a task that will be joined, cancelled or asked for by itself; lives until it was
 *            joined or the scope was. NULL: the runtime allocates, and there is no handle
 * @opts      NULL for none; not needed after the call
 * @fn        a result other than 0 is the task's failure, and cancels its siblings unless the scope has SS_SUPERVISE
 * @arg       borrowed until the task ends; with opts->arg_free, owned by the task even when the call fails
 *
 * By default a task runs on a parked worker, a thread that ran other tasks before, with all signals blocked but the
 * synchronous ones, SIGPROF and those of ss_configure.
 *
 * In a scope with a limit that is reached, the owner (any thread outside of an unbound scope) waits for a slot, while a
 * task of the scope, or of a scope below it, only queues. Joining a queued task starts it. Background tasks take no
 * slot.
 *
 * Threads: the owner and the tasks of the scope, also of scopes that those opened; any thread for an unbound scope.
 * Errors:  EPIPE (closed, joined, draining), ECANCELED and ETIMEDOUT (the scope or, while waiting for a slot, the
 * caller was cancelled), EAGAIN (limit and SS_TASK_NOWAIT; no thread), ENOMEM, EINVAL (stranger, unknown flag, no fn).
 */
int ss_spawn_at(ss_scope *scope, ss_task *ret_task, const ss_task_opts *opts, ss_fn fn, void *arg, const ss_site *site);

/** As ss_spawn_at with a copy of @size bytes of @arg, made before the call returns; up to 64 bytes need no allocation.
 */
int ss_spawn_copy_at(ss_scope *scope, ss_task *ret_task, const ss_task_opts *opts, ss_fn fn, const void *arg,
		     size_t size, const ss_site *site);

/** As ss_spawn_at for a start routine of pthread_create: its result is a value and never a failure. */
int ss_spawn_ptr_at(ss_scope *scope, ss_task *ret_task, const ss_task_opts *opts, ss_ptr_fn fn, void *arg,
		    const ss_site *site);

/** As ss_spawn_at and ss_spawn_ptr_at with flags only: what pthread_create and thrd_create are rewritten to. */
int ss_spawn_task_at(ss_scope *scope, ss_task *ret_task, unsigned flags, ss_fn fn, void *arg, const ss_site *site);
int ss_spawn_task_ptr_at(ss_scope *scope, ss_task *ret_task, unsigned flags, ss_ptr_fn fn, void *arg,
			 const ss_site *site);

#define ss_spawn(scope, fn, arg) ss_spawn_at((scope), NULL, NULL, (fn), (arg), SS_HERE)
#define ss_spawn_copy(scope, fn, arg, size) ss_spawn_copy_at((scope), NULL, NULL, (fn), (arg), (size), SS_HERE)
#define ss_spawn_ptr(scope, fn, arg) ss_spawn_ptr_at((scope), NULL, NULL, (fn), (arg), SS_HERE)
#define ss_spawn_task(scope, task, flags, fn, arg) ss_spawn_task_at((scope), (task), (flags), (fn), (arg), SS_HERE)
#define ss_spawn_task_ptr(scope, task, flags, fn, arg) \
	ss_spawn_task_ptr_at((scope), (task), (flags), (fn), (arg), SS_HERE)

/** An errno value as the result of thrd_create and its like; wants <threads.h>. Threads: any. Child: ok. */
#define SS_THRD(err) ss_thrd_((err), thrd_success, thrd_nomem, thrd_error)
int ss_thrd_(int err, int success, int nomem, int error);

/**
 * Run a program as a task: isolation that a thread cannot give.
 *
 * @argv, @envp    as execve; argv[0] is looked up in PATH; @envp NULL: the environment of the caller. Copied
 * @term_grace_ns  a cancelled program gets SIGTERM, and SIGKILL this much later
 *
 * The task starts the program, with an empty signal mask, and fails with what posix_spawn says, the exit status, or
 * 128 + the signal that ended it. What a cancelled program makes of its SIGTERM is no failure.
 * Threads, Errors: as ss_spawn_at.
 */
int ss_spawn_process_at(ss_scope *scope, ss_task *ret_task, const char *const argv[], const char *const envp[],
			int64_t term_grace_ns, const ss_site *site);
#define ss_spawn_process(scope, argv, term_grace_ns) \
	ss_spawn_process_at((scope), NULL, (argv), NULL, (term_grace_ns), SS_HERE)

/**
 * Wait until a task ended, and take its result. A task that still waits for a slot is started.
 *
 * @ret_rc  result of the body, or the code of ss_exit or ss_fail; 0 for a start routine that returned; may be NULL
 *
 * A caller that is cancelled meanwhile gets ECANCELED or ETIMEDOUT; the task goes on and belongs to the scope. A task
 * that ended already is joined in any case, also after the scope was.
 *
 * Threads: the owner of the scope and its tasks, one of them once; any thread for an unbound scope.
 * Errors:  ESRCH (joined already), EDEADLK (itself, a task that waits for the caller), ECANCELED, ETIMEDOUT, EINVAL.
 */
int ss_task_join(ss_task *task, int *ret_rc);
/** As ss_task_join for ss_spawn_ptr and ss_exit_ptr: @ret_value may be NULL; a task of int gives its result converted.
 */
int ss_task_join_ptr(ss_task *task, void **ret_value);
/** As ss_task_join; ETIMEDOUT also when the task still lived at @until: it can be joined again. */
int ss_task_join_until(ss_task *task, ss_time until, int *ret_rc) SS_NODISCARD;
int ss_task_join_ptr_until(ss_task *task, ss_time until, void **ret_value) SS_NODISCARD;
/** As ss_task_join without waiting: EBUSY while the task lives. */
int ss_task_tryjoin(ss_task *task, int *ret_rc) SS_NODISCARD;
int ss_task_tryjoin_ptr(ss_task *task, void **ret_value) SS_NODISCARD;

/**
 * Cancel one task, and what is below it. Siblings and the result of the scope's join are not touched.
 * ESRCH when it ended already. Threads: any, while the scope lives. Child: no effect, EOWNERDEAD.
 */
int ss_task_cancel(ss_task *task, int code, const char *format, ...) SS_PRINTF(3, 4);

/**
 * The thread of a task, for pthread_kill, pthread_setschedparam and their like; valid until the task is joined, and
 * only for tasks that have a thread of their own. 0 converted when there is none, or none yet. Threads: any, while the
 * scope lives. Child: 0 converted.
 */
pthread_t ss_task_thread(ss_task *task);

/** Name of the running task, "" without one; valid until the task ends. Threads: any. Child: "". */
const char *ss_task_name(void);
/** Number of the running task, never used twice in a process; 0 outside of a task. Threads: any. Child: 0. */
uint64_t ss_task_id(void);

/**
 * End the task from any depth, as pthread_exit ends a thread: its defers run and its open scopes are cancelled and
 * joined, from the innermost outwards. A result other than 0 is a failure, except for ss_exit_ptr.
 *
 * Where pthread_cleanup_push is active below the task's function, a debug build aborts; a release build runs these
 * handlers too, by pthread_exit. Outside of a task it is pthread_exit, after the same clean-up; when main leaves so,
 * threads of the runtime end as soon as they have nothing to do, so that the process ends with the last thread of its
 * own. Threads: any. Child: ok.
 */
SS_NORETURN void ss_exit(int rc);
SS_NORETURN void ss_exit_ptr(void *value);

/* ---- boundary: where a failure stops ------------------------------------------------------------------------ */

#ifndef __cplusplus
/**
 * Fail from any depth: up to the next ss_try, else the task, which then fails with @code (0: EINVAL) and the text.
 * On the way defers run and inner scopes are cancelled and joined. What has no defer is not released.
 * A defer that fails in its turn is a second error of the scope. C++ has exceptions instead.
 *
 * Outside of a task and of ss_try, and over an active pthread_cleanup_push, it reports and aborts.
 * Threads: tasks, and any thread within ss_try. Child: ok.
 */
SS_NORETURN void ss_fail(int code, const char *format, ...) SS_PRINTF(2, 3);
#endif

/** Run fn(arg) here, and stop ss_fail: returns the result or the code, with the text in @error (may be NULL). Threads:
 * any. Child: ok. */
int ss_try(ss_fn fn, void *arg, ss_error *error);

/**
 * Have fn(arg) run when the block is left, or when ss_exit or ss_fail leaves it; exactly once.
 *
 * @defer  storage in the block
 * Threads: push and pop on one thread, last in first out; anything else reports and aborts. Child: ok.
 */
void ss_defer_push(ss_defer *defer, void (*fn)(void *arg), void *arg);
/** Unregister, and run it unless it ran. Threads: the one that pushed it. Child: ok. */
void ss_defer_pop(ss_defer *defer);

ss_defer *ss_defer_push_(ss_defer *defer, void (*fn)(void *arg), void *arg);
ss_defer *ss_lock_push_(ss_defer *defer, pthread_mutex_t *mutex, const ss_site *site);
void ss_defer_exit_(ss_defer **defer);

/** ss_defer_push here and ss_defer_pop at the end of the block; one declaration. Threads: any. Child: ok. */
#define SS_DEFER(fn, arg)                                                                   \
	ss_defer SS_CAT_(ss_defer_, __LINE__),                                              \
		*SS_CAT_(ss_defer_at_, __LINE__) __attribute__((cleanup(ss_defer_exit_))) = \
			ss_defer_push_(&SS_CAT_(ss_defer_, __LINE__), (fn), (arg))

/**
 * Hold a mutex to the end of the block. One declaration: `if (c) SS_LOCK(m);` does not compile.
 * A lock that fails aborts with its site in a debug build; in release see ss_lock_ok. Threads: any. Child: ok.
 */
#define SS_LOCK(mutex)                                                                     \
	ss_defer SS_CAT_(ss_lock_, __LINE__),                                              \
		*SS_CAT_(ss_lock_at_, __LINE__) __attribute__((cleanup(ss_defer_exit_))) = \
			ss_lock_push_(&SS_CAT_(ss_lock_, __LINE__), (mutex), SS_HERE)

/** Does the innermost SS_LOCK of this thread for @mutex hold it? 1 or 0. Threads: any. Child: ok. */
int ss_lock_ok(const pthread_mutex_t *mutex);

/* ---- cancellation ------------------------------------------------------------------------------------------- */

/** Is the ambient token cancelled: 0, ECANCELED or ETIMEDOUT. Costs one load. Threads: any. Signals: safe. Child: ok.
 */
int ss_cancelled(void);

/**
 * Why the ambient token is cancelled: 0 while it is not, else its code (ECANCELED for code 0, ETIMEDOUT for a
 * deadline).
 *
 * @error  gets code, text and where it came from; may be NULL. Its code is what was said, so possibly 0
 * Threads: any. Child: ok.
 */
int ss_cancel_cause(ss_error *error);

/**
 * Make a token of one's own; ss_with_token makes it ambient.
 *
 * @token   the caller's storage until ss_cancel_done
 * @parent  cancels this one too, and outlives it; NULL: the ambient token
 *
 * Threads: any. Errors: EINVAL, EAGAIN (no thread for the helper), ENOMEM, EPIPE (draining). Child: ok.
 */
#define ss_cancel_init(token, parent) ss_cancel_init_at((token), (parent), SS_HERE)
int ss_cancel_init_at(ss_cancel *token, ss_cancel *parent, const ss_site *site);

/** End of a token. Nobody waits on it or has it ambient. Twice, NULL and failed inits are allowed. Threads: any. Child:
 * ok. */
void ss_cancel_done(ss_cancel *token);

/**
 * Cancel a token and all below it; the first cause stays. No code of the caller's is called from here, and any lock may
 * be held. Threads: any. Child: no effect.
 */
void ss_cancel_fire(ss_cancel *token, int code, const char *format, ...) SS_PRINTF(3, 4);

/** As ss_cancel_fire without a text; the helper thread does the rest soon. Threads: any. Signals: safe. Child: no
 * effect. */
void ss_cancel_post(ss_cancel *token, int code);

/** 0, ECANCELED or ETIMEDOUT. Threads: any. Signals: safe. */
int ss_cancel_state(const ss_cancel *token);

/** Fire at @until with ETIMEDOUT; only ever moves earlier. Threads: any. Child: no effect. */
void ss_cancel_at(ss_cancel *token, ss_time until);

/**
 * A descriptor that becomes readable when the token fires, for poll loops of others. Made by the first call, closed by
 * the token; do not read or close it. -1 and errno on failure. Threads: any. Child: do not use.
 */
int ss_cancel_fd(ss_cancel *token);

/**
 * Wait until @token fires: 0; ETIMEDOUT when @until passes first; ECANCELED or ETIMEDOUT when the ambient token fires.
 * Threads: any.
 */
int ss_cancel_wait(ss_cancel *token, ss_time until);

/** Run fn(arg) with @token ambient; returns its result. Threads: any. Errors: EINVAL. */
int ss_with_token(ss_cancel *token, ss_fn fn, void *arg);

/**
 * Run fn(arg), a clean-up, out of reach of pending and coming cancellation for at most @max_ns; then the calls in it
 * return ETIMEDOUT. Afterwards the cancellation is seen again. Returns the result of fn.
 * Threads: any. Child: ok.
 * Errors: EINVAL (@max_ns not above 0; there is no shield for ever), EAGAIN (no thread for the helper), ENOMEM.
 */
int ss_shield(int64_t max_ns, ss_fn fn, void *arg);

/* ---- cancellable blocking calls ------------------------------------------------------------------------------ */
/*
 * Threads: any. Child: ok. Data that was moved is returned, and the next call sees the cancellation.
 * Those on descriptors and processes need one descriptor per token, made by the first call that waits: EMFILE, ENFILE.
 */

/** Sleep @ns nanoseconds: 0, or ECANCELED or ETIMEDOUT when the ambient token fired. */
int ss_sleep(int64_t ns);
int ss_sleep_until(ss_time until);
/** nanosleep: -1 and errno; @ret_rest (may be NULL) gets what is left, also when cancelled. */
int ss_nanosleep(const struct timespec *time, struct timespec *ret_rest);

/** poll with an absolute time. 0 after @until; -1 and errno ETIMEDOUT is a deadline of an enclosing scope. */
int ss_poll(struct pollfd *fds, nfds_t count, ss_time until);
/** poll with its own relative milliseconds, negative for no end. */
int ss_poll_ms(struct pollfd *fds, nfds_t count, int timeout_ms);
struct epoll_event;
/** epoll_wait with its own relative milliseconds, negative for no end. Linux. */
int ss_epoll_wait(int epfd, struct epoll_event *events, int count, int timeout_ms);

/** read, recv, send, recvmsg, sendmsg, accept and waitpid, each with its own contract: -1 and errno. */
ssize_t ss_read(int fd, void *buffer, size_t size);
ssize_t ss_recv(int fd, void *buffer, size_t size, int flags);
ssize_t ss_send(int fd, const void *buffer, size_t size, int flags);
ssize_t ss_recvmsg(int fd, struct msghdr *message, int flags);
ssize_t ss_sendmsg(int fd, const struct msghdr *message, int flags);
int ss_accept(int fd, struct sockaddr *address, socklen_t *size);
pid_t ss_waitpid(pid_t pid, int *status, int options);
/** write; on a blocking descriptor it returns short only when cancelled. */
ssize_t ss_write(int fd, const void *buffer, size_t size);
/** connect; the flags of the descriptor are afterwards as before. */
int ss_connect(int fd, const struct sockaddr *address, socklen_t size);

/** sem_wait: -1 and errno. With ss_kick_enable it is woken, else it looks at its token every 10 ms. */
int ss_sem_wait(sem_t *semaphore);
/** pthread_cond_wait: the mutex is held on every return; spurious wake-ups, also of others, are possible. */
int ss_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex);
/** As ss_cond_wait; ETIMEDOUT after @until of CLOCK_MONOTONIC, whatever clock the condition has. */
int ss_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, ss_time until);
/** cnd_wait of <threads.h>, with its cnd_t and mtx_t: thrd_success, or an errno value. */
int ss_cnd_wait(void *cnd, void *mtx);

/**
 * Run fn(arg), code of others that blocks but returns on EINTR, so that a cancellation interrupts it by a signal until
 * it returns. Returns the result of fn. Wants ss_kick_enable.
 * Errors: EINVAL (not enabled), ECANCELED and ETIMEDOUT (cancelled before, so fn was not called).
 */
int ss_interruptible(ss_fn fn, void *arg);
/** Give the runtime a signal for ss_interruptible; once, from main. Errors: EBUSY (done already), EINVAL (that signal).
 */
int ss_kick_enable(int signo);

/* ---- timers -------------------------------------------------------------------------------------------------- */

/**
 * Call fn(arg) as a task of @scope after @delay_ns and then, with a @period_ns above 0, every period. Calls never
 * overlap; periods that were missed are counted and not made up for. A failure is the scope's, and ends the timer. The
 * join of the scope stops it.
 *
 * @timer  the caller's storage until it was stopped or the scope was joined
 * Threads, Errors: as ss_spawn_at.
 */
#define ss_timer_start(scope, timer, delay_ns, period_ns, fn, arg) \
	ss_timer_start_at((scope), (timer), (delay_ns), (period_ns), (fn), (arg), SS_HERE)
int ss_timer_start_at(ss_scope *scope, ss_timer *timer, int64_t delay_ns, int64_t period_ns, ss_fn fn, void *arg,
		      const ss_site *site);
/**
 * Stop a timer, and wait for a call that is under way, which is not cancelled, unless this is made from it: 0, or
 * EALREADY when it was over. Threads: any, while the storage lives.
 */
int ss_timer_stop(ss_timer *timer);

/** How many periods passed while a call was under way. Threads: any, while the storage lives. Child: 0. */
uint64_t ss_timer_missed(const ss_timer *timer);

/** A steady beat without descriptor or thread: nothing to release. Threads: one. Errors: EINVAL. Child: ok. */
int ss_ticker_open(ss_ticker *ticker, int64_t period_ns);
/**
 * Sleep up to the next beat: 0, ECANCELED, ETIMEDOUT. Beats that passed since the last call are left out;
 * @ret_missed (may be NULL) says how many. Threads: one. Child: ok.
 */
int ss_ticker_wait(ss_ticker *ticker, uint64_t *ret_missed);

/* ---- bounded queue ------------------------------------------------------------------------------------------- */

#ifndef SS_NO_QUEUE
/**
 * A queue of at most @capacity pointers.
 *
 * @ring  the caller's storage of that many pointers
 * @drop  gets what is left at ss_queue_fini; may be NULL
 * Threads: any. Errors: EINVAL. Child: ok.
 */
int ss_queue_init(ss_queue *queue, void **ring, size_t capacity, void (*drop)(void *item));
/** Add an item, which is the queue's on success and stays the caller's on error: EPIPE (closed), ETIMEDOUT, ECANCELED.
 * Threads: any. */
int ss_queue_push(ss_queue *queue, void *item, ss_time until);
/** Take the oldest item; a closed queue gives what is left, then EPIPE. Errors: EPIPE, ETIMEDOUT, ECANCELED.
 * Threads: any. */
int ss_queue_pop(ss_queue *queue, void **ret_item, ss_time until);
/** No more pushes; all who wait return. Any number of times. Threads: any. Child: no effect. */
void ss_queue_close(ss_queue *queue);
/** End of a queue that nobody uses any more. Threads: any. Child: drops nothing, the items are the parent's. */
void ss_queue_fini(ss_queue *queue);
#endif

/* ---- services: daemons with a life of their own -------------------------------------------------------------- */

/** All fields may be 0. */
typedef struct ss_service_opts {
	const char *name;      /* for reports; the first 15 bytes are copied */
	int64_t stop_grace_ns; /* how long ss_drain waits for it; 0: as long as the drain itself */
	unsigned restarts;     /* how often a body that failed is run again; not after ss_exit */
	int64_t backoff_ns;    /* pause before the first restart, doubled for each further one */
} ss_service_opts;

/**
 * Run fn(arg) until it returns or is stopped. Not part of any scope.
 *
 * @service  the caller's storage until ss_service_stop returned 0
 * Threads: any. Errors: EALREADY (runs), EPIPE (draining), EAGAIN (no thread), ENOMEM, EINVAL. Child: the child's are
 * all stopped.
 */
#define ss_service_start(service, opts, fn, arg) ss_service_start_at((service), (opts), (fn), (arg), SS_HERE)
int ss_service_start_at(ss_service *service, const ss_service_opts *opts, ss_fn fn, void *arg, const ss_site *site);
/**
 * Cancel the service and wait for it: 0; ETIMEDOUT when it still ran at @until, which the report names; EALREADY when
 * it was stopped before. @error (may be NULL) gets the failure of the body, if it failed.
 * Threads: any.
 */
int ss_service_stop(ss_service *service, ss_time until, ss_error *error);

enum { SS_SERVICE_STOPPED, SS_SERVICE_RUNNING, SS_SERVICE_WAITING, SS_SERVICE_STOPPING, SS_SERVICE_FAILED };
/** One of SS_SERVICE_...; WAITING is the pause before a restart. Threads: any, while the storage lives. Child: STOPPED.
 */
int ss_service_state(const ss_service *service);

/* ---- the process --------------------------------------------------------------------------------------------- */

typedef struct ss_stats {
	/* Tasks, so far: all; those that were given to a parked worker; with an error; never run. */
	uint64_t spawned, reused, failed, cancelled;
	/* Now: threads of tasks and workers; of these, parked ones; tasks that wait for a slot; scopes; services. */
	uint64_t threads, parked, queued, scopes, services;
} ss_stats;

/** All fields may be 0. */
typedef struct ss_config {
	unsigned max_parked;  /* workers kept for reuse; 0: 1024 */
	unsigned max_threads; /* ceiling for threads of the runtime, above EAGAIN and a report; 0: none */
	int64_t idle_ns;      /* a parked worker or an idle helper ends after this long; 0: 10 s */
	size_t stack_size;    /* bytes, of workers and fresh threads; 0: the default of the process */
	int debug;	      /* 1: checks of a debug build, 0: as the library was built, -1: off */
	int faults;	      /* 1: report task, scope and site of SIGSEGV and its like before they take their course */
	void (*report)(const char *text, void *ctx); /* gets each report, whole lines; NULL: standard error */
	void *report_ctx;
	unsigned sig_keep_n; /* signals that workers do not block */
	const int *sig_keep; /* copied */
} ss_config;

/** Set what holds for the process. Threads: main. Errors: EBUSY (there was a scope or token already), EINVAL.
 * Child: ok. */
int ss_configure(const ss_config *config);

/**
 * Shut down: stop services in reverse order, refuse scopes and tasks, wait for the tasks there are, end all workers and
 * the helper. After 0 the library may be unloaded, or used again. Child: 0.
 *
 * After ETIMEDOUT the process goes on to refuse, and ss_drain may be called again.
 *
 * Threads: main, without an open scope. Errors: ETIMEDOUT (a report names who is late), EDEADLK (from a task, with an
 * open scope), EALREADY (another thread drains).
 */
int ss_drain(ss_time until);

/** From here on ss_leak_check looks only at what is made later. Threads: any, at a quiet moment.
 * Child: ok. */
int ss_leak_mark(void);
/**
 * Are scopes, tasks, services, timers or tokens left over after at most @grace_ns? Returns how many; a report says
 * where each was made. Parked workers and the helper do not count. Threads: any, at a quiet moment.
 * Child: ok, of what the child made.
 */
int ss_leak_check(int64_t grace_ns);

/** Counters of the process. Threads: any. Child: starts at 0. */
void ss_get_stats(ss_stats *ret_stats);

/**
 * Write the tree of scopes and tasks to @fd: best effort, for a look at a process that hangs.
 * Threads: any. Signals: safe. Child: ok.
 * Errors: EAGAIN (the runtime is in the middle of something: ask again), or those of write.
 */
int ss_dump(int fd);

#ifdef __cplusplus
}
#endif
#endif
