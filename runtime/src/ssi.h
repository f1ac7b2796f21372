/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What the files of the runtime share; nothing of it is visible outside of the library.
 *
 * One lock. ssi.lock guards the tree of tokens, the lists of scopes and tasks, slots and queues of limits, parked
 * workers, alarms and counters. A spawn and the end of a task have to take the lock of the parked workers anyway, so
 * one lock for all costs them nothing, and there is no order of locks to get wrong, no walker to wait for, and one lock
 * to take around a fork. It is held for pointers and counters only: never while code of the caller runs (tasks,
 * arg_free, defers, reports), never across an allocation, pthread_create or a wait. Functions that end in _locked want
 * it held.
 *
 * One wait. Whoever waits sleeps on a 32-bit word of its own (struct ssi_wait) that carries why it was woken. The waker
 * sets the word with ssi.lock or the lock of its own object held, so the word is alive; the wake-up itself may come
 * when the word is gone, which is harmless, since it only names an address.
 *
 * Who waits below a token leaves a hook there (struct ssi_hook): firing a token walks its subtree with the lock held,
 * marks each token and pulls its hooks. A hook is gone before the waiter returns.
 *
 * One list per thread (struct ssi_frame) of what has to be undone when a task ends early: defers, open scopes, ambient
 * tokens and, between them, the boundaries that ss_exit and ss_fail unwind to.
 *
 * The two-file form for embedding is one translation unit: names of static functions and types have to differ between
 * files, hence they start with the subject of their file.
 */
#ifndef SSI_H
#define SSI_H

#include "safespawn.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>

/* Small and called everywhere: in line they would be more than a KiB in all. */
#define SSI_SMALL __attribute__((noinline))

#ifndef SSI_FN
#define SSI_FN /* `static` in the two-file form */
#define SSI_DATA extern
#endif

/* Names of the library for two copies of it in one process. */
#ifdef SS_PREFIX
#define ssi SS_NAME_(ssi)
#endif

/* Of the thread sanitizer, where the program has it: see ssi_tsan_release. */
extern void __tsan_acquire(void *address) __attribute__((weak));
extern void __tsan_release(void *address) __attribute__((weak));

#pragma GCC visibility push(hidden)

/** What marks an object that is in use, at its own place: a copy of it is not one. */
#define SSI_MAGIC(pointer, kind) ((uint32_t)((uintptr_t)(pointer) >> 4) ^ (kind))
#define SSI_CONTAINER(pointer, type, member) ((type *)(void *)((char *)(pointer) - offsetof(type, member)))

/* ---- lists: list.c --------------------------------------------------------------------------------------------- */

/** A ring; empty when it points to itself. */
struct ssi_list {
	struct ssi_list *next, *prev;
};

static inline void ssi_list_init(struct ssi_list *list)
{
	list->next = list->prev = list;
}

static inline bool ssi_list_empty(const struct ssi_list *list)
{
	return list->next == list;
}

SSI_FN SSI_SMALL void ssi_list_append(struct ssi_list *list, struct ssi_list *item);
/** Also of an item that is in no list, if it was initialised. */
SSI_FN SSI_SMALL void ssi_list_remove(struct ssi_list *item);

/* ---- words: word.c --------------------------------------------------------------------------------------------- */

/** Sleep while *word == expected, at most to @until: 0 also for no reason at all, or ETIMEDOUT. Keeps errno. */
SSI_FN int ssi_word_wait(_Atomic uint32_t *word, uint32_t expected, ss_time until);
/** Wake one sleeper, or all. Takes the address only. A futex, or buckets of mutex and condvar (SAFESPAWN_PORTABLE). */
SSI_FN void ssi_word_wake(_Atomic uint32_t *word, bool all);

/** Whether it was worth while to look for something before sleeping on it; shared by all who wait for the like of it.
 */
struct ssi_patience {
	_Atomic uint32_t misses; /* times in a row that it was in vain */
	_Atomic uint32_t rests;	 /* times that are left out because of them */
};
/**
 * @patience, or NULL when one has to sleep at once: for what a thread of the runtime does or will do, if there is a
 * processor for each of them that is not parked, and for @others.
 */
SSI_FN struct ssi_patience *ssi_patience_locked(struct ssi_patience *patience, unsigned others);
/** Look at a word for some microseconds, as long as it is @expected: what is that near costs no switch of threads. */
SSI_FN void ssi_word_look(_Atomic uint32_t *word, uint32_t expected, struct ssi_patience *patience);

/** In the child of a fork, where nobody sleeps any more. */
SSI_FN void ssi_words_forked(void);

/**
 * What was written before a release has happened for whoever comes back from an acquire of the same address. For the
 * thread sanitizer alone: in a program that is built with it over a library that is not, it sees all that goes through
 * a mutex and nothing of what is ordered by an atomic. So where one thread hands something of the caller's to another
 * by an atomic, these stand beside it.
 */
SSI_FN void ssi_tsan_release(const volatile void *address);
SSI_FN void ssi_tsan_acquire(const volatile void *address);

/** Nanoseconds up to @until; a few milliseconds when the clock cannot be read, so that nobody waits an age for it. */
SSI_FN int64_t ssi_left(ss_time until);

/** Time spec of an absolute time, for the calls of others; saturates. */
SSI_FN struct timespec ssi_timespec(ss_time time);

struct ssi_text;

/* ---- alarms: helper.c ------------------------------------------------------------------------------------------ */

/**
 * Something that the helper thread does at a time: an entry of its heap (a pairing heap, so that arming cannot fail).
 * ring() is called on the helper with the lock held and the alarm off; it may arm it again.
 */
struct ssi_alarm {
	struct ssi_alarm *child, *next, *prev; /* prev: the sibling before, or the parent */
	ss_time at;			       /* SS_NEVER: off */
	void (*ring)(struct ssi_alarm *alarm);
};

SSI_FN void ssi_alarm_init(struct ssi_alarm *alarm, void (*ring)(struct ssi_alarm *alarm));
/** Arm, move or (SS_NEVER) stop an alarm. */
SSI_FN void ssi_alarm_set_locked(struct ssi_alarm *alarm, ss_time at);

/**
 * Take the lock, with the helper and the fork handlers in place: for what makes a scope or token, or arms an alarm
 * where neither is. 0, or EAGAIN or ENOMEM without the lock. The helper stays as long as there is an object or alarm.
 */
SSI_FN int ssi_start_locked(void);
/** Have the helper look at the tokens that were posted. From signal handlers. */
SSI_FN void ssi_helper_poke(void);
/** What the helper reports, in lines, as soon as it lets go of the lock; for ring() to add to. */
SSI_FN struct ssi_text *ssi_helper_says_locked(void);
/** End the helper and wait for it; part of a drain, when there is no scope and no token. */
SSI_FN void ssi_helper_retire(void);

/* ---- registry: process.c --------------------------------------------------------------------------------------- */

enum ssi_kind { SSI_SCOPE, SSI_TASK, SSI_CANCEL, SSI_SHIELD, SSI_SERVICE };

/** What a leak check and a dump find: scopes (with their tasks), services, tokens of ss_cancel_init. */
struct ssi_object {
	struct ssi_list link; /* in ssi.objects, in order of number */
	uint64_t number;      /* rises; see ss_leak_mark */
	const ss_site *site;
	enum ssi_kind kind;
	char name[16];
};

SSI_FN void ssi_object_add_locked(struct ssi_object *object, enum ssi_kind kind, const char *name, const ss_site *site);
SSI_FN void ssi_object_remove_locked(struct ssi_object *object);

/* ---- tokens: token.c ------------------------------------------------------------------------------------------- */

enum { SSI_LIVE, SSI_CANCELLED, SSI_TIMED_OUT };

/** Why a token fired; shared by all tokens below. Without memory for it there is the code alone. */
struct ssi_cause {
	_Atomic unsigned refs;
	ss_error error;
};

struct ssi_token {
	uint32_t magic;		/* SSI_MAGIC(token, SSI_TOKEN_MAGIC) while in use */
	uint32_t generation;	/* of the process that made it, see ssi.generation */
	_Atomic uint32_t state; /* SSI_LIVE, ...; a signal handler may set it before the subtree is walked */
	_Atomic int code;	/* what was said when it fired */
	_Atomic bool posting;	/* ss_cancel_post came */
	enum ssi_kind kind;
	bool origin;  /* it was fired itself, not from above */
	bool walked;  /* it has fired, and so has all that is below */
	bool follows; /* fires only together with its parent: shares its descriptor */
	struct ssi_token *parent, *child, *next, *prev;
	struct ssi_list hooks;
	struct ssi_alarm deadline;
	struct ssi_cause *cause, *deadline_cause; /* why it fired; why it will when the deadline passes */
	_Atomic int fd;				  /* readable once fired; -1: not made */
	_Atomic int fd_write;			  /* the same eventfd, or the other end of a pipe */
	struct ssi_token *next_posted;
};
#define SSI_TOKEN_MAGIC 0x746f6b65u

/** A token of ss_cancel_init. */
struct ssi_cancel {
	struct ssi_token token;
	struct ssi_object object;
};

/** Link a new token below @parent (NULL: a root), whose state it takes over. */
SSI_FN void ssi_token_init_locked(struct ssi_token *token, enum ssi_kind kind, struct ssi_token *parent);
/** What is left to release of a token, without the lock, when its storage may be gone already. */
struct ssi_rest {
	int fd, fd_write;
	struct ssi_cause *causes[2];
};
/** Unlink a token; what is below goes on below its parent. */
SSI_FN void ssi_token_done_locked(struct ssi_token *token, struct ssi_rest *ret_rest);
SSI_FN void ssi_token_release(const struct ssi_rest *rest);
/** The end of a token of the parent process, in the child of a fork: of that process there is only this thread. */
SSI_FN void ssi_token_disown(struct ssi_token *token);
/** Fire a token and what is below; no effect on tokens that have fired. Each takes a reference to @cause (or NULL). */
SSI_FN void ssi_token_fire_locked(struct ssi_token *token, uint32_t state, int code, struct ssi_cause *cause);
/** Move the deadline, only ever earlier. *cause is used up, and becomes NULL, where there was none yet. */
SSI_FN void ssi_token_deadline_locked(struct ssi_token *token, ss_time until, struct ssi_cause **cause);
/** A cause with one reference, or NULL without memory. Neither of the two with the lock held. */
SSI_FN struct ssi_cause *ssi_cause_new(int code, const char *name, uint64_t task_id, const ss_site *site,
				       const char *format, va_list arguments);
SSI_FN struct ssi_cause *ssi_cause_of(const ss_error *error);
SSI_FN struct ssi_cause *ssi_cause_deadline(const char *name, uint64_t task_id, const ss_site *site);
SSI_FN void ssi_cause_unref(struct ssi_cause *cause);
/** Act on tokens that were posted by signal handlers. */
SSI_FN void ssi_posted_locked(void);
/** The end of a token of ss_shield, whose frame is being left. */
SSI_FN void ssi_shield_end(struct ssi_token *token);
/** A descriptor that is readable once the token has fired, or -1 and errno. Owned by the token. Without the lock. */
SSI_FN int ssi_token_fd(struct ssi_token *token);

/** 0, ECANCELED or ETIMEDOUT; @token may be NULL. */
SSI_FN int ssi_token_error(const struct ssi_token *token);

/**
 * What to do with a waiter when its token fires. All of it happens with the lock held, so a hook that was removed under
 * the lock is not pulled any more, and what it points to is alive while it is there.
 */
struct ssi_hook {
	struct ssi_list link; /* in the token's hooks */
	enum {
		SSI_HOOK_WORD, /* set SSI_FIRED in the word, wake */
		SSI_HOOK_COND, /* broadcast; again and again until the hook is removed: the waiter may not wait yet */
		SSI_HOOK_KICK  /* send ssi.kick_signal to the thread; again and again likewise */
	} kind;
	union {
		_Atomic uint32_t *word;
		pthread_cond_t *cond;
		pthread_t thread;
	} to;
	struct ssi_alarm again; /* COND, KICK: the next attempt */
	int64_t pause_ns;	/* up to it */
};

/** Hook a waiter to @token (NULL: nothing happens). 0, or the error of a token that has fired: then it is not hooked.
 */
SSI_FN int ssi_hook_add_locked(struct ssi_token *token, struct ssi_hook *hook);
/** Afterwards the hook is not pulled any more. Also for a hook that was not added, if it is all zero. */
SSI_FN void ssi_hook_remove_locked(struct ssi_hook *hook);

/* ---- waits: wait.c --------------------------------------------------------------------------------------------- */

enum { SSI_WOKEN = 1, SSI_FIRED = 2, SSI_SLEEPS = 4 };

/** One wait of one thread for an event, the ambient token, or a time. */
struct ssi_wait {
	_Atomic uint32_t word; /* SSI_WOKEN, SSI_FIRED; who sets one of them first has to wake if there is SSI_SLEEPS */
	struct ssi_hook hook;  /* of the ambient token */
	struct ssi_list link;  /* for the list of whatever is waited for */
};

/** Prepare to wait: 0, or the error of the ambient token; either way ssi_wait_end_locked has to follow. */
SSI_FN int ssi_wait_begin_locked(struct ssi_wait *wait);
/** As before for an event alone: no token ends this wait. */
SSI_FN void ssi_wait_begin_steady(struct ssi_wait *wait);
/** Sleep: 0 when ssi_wake was called, ECANCELED or ETIMEDOUT when the token fired, ETIMEDOUT when @until passed. */
SSI_FN int ssi_wait_sleep(struct ssi_wait *wait, ss_time until);
/** The same in the call @what, see ssi_waits_in; with @patience (or NULL) it looks first. */
SSI_FN int ssi_wait_in(struct ssi_wait *wait, const char *what, struct ssi_patience *patience, ss_time until);
SSI_FN void ssi_wait_end_locked(struct ssi_wait *wait);
/** For who does not hold the lock. */
SSI_FN int ssi_wait_begin(struct ssi_wait *wait);
SSI_FN void ssi_wait_end(struct ssi_wait *wait);
/** Has a token ended the wait, or will it, unless the event came first? With the lock held. */
static inline bool ssi_wait_fired(const struct ssi_wait *wait)
{
	return atomic_load_explicit(&wait->word, memory_order_relaxed) & SSI_FIRED;
}
/** The event: with the lock held that keeps @wait alive. */
SSI_FN void ssi_wake(struct ssi_wait *wait);
/** The event for the first of a list of waiters, which it leaves; false: there is none. */
SSI_FN bool ssi_wake_first(struct ssi_list *waiters);
SSI_FN void ssi_wake_all(struct ssi_list *waiters);
/** The same in two steps: the word to wake once the lock is given back, or NULL. */
SSI_FN _Atomic uint32_t *ssi_wake_later(struct ssi_wait *wait);
static inline void ssi_wake_now(_Atomic uint32_t *word)
{
	if (word)
		ssi_word_wake(word, false);
}

/** For reports: the running task now waits in the function @what, a literal, for a descriptor or (-1) something else.
 */
SSI_FN void ssi_waits_in(const char *what, int fd);
SSI_FN void ssi_waits_no_more(void);

/** Is it a signal that a thread brings upon itself, which interrupts no wait? */
SSI_FN bool ssi_is_fault(int signo);

/* ---- frames and threads: boundary.c ---------------------------------------------------------------------------- */

enum ssi_frame_kind { SSI_FRAME_DEFER, SSI_FRAME_SCOPE, SSI_FRAME_TOKEN, SSI_FRAME_BOUNDARY };

struct ssi_frame {
	struct ssi_frame *outer;
	struct ssi_token *token; /* ambient while this frame is the innermost that has one */
	uint32_t generation;	 /* of the process that pushed it: an older token may be gone */
	enum ssi_frame_kind kind;
};

/** Where ss_exit and ss_fail end: around the body of a task, and around that of ss_try. */
struct ssi_boundary {
	struct ssi_frame frame;
	struct ssi_task *task; /* NULL: ss_try */
	void *cleanups;	       /* pthread_cleanup_push that was active here */
	ss_error *error;       /* of ss_try, may be NULL */
	int code;	       /* what ended it */
	bool leaving;	       /* ss_exit or ss_fail is on its way here */
	jmp_buf jump;
};

struct ssi_thread {
	struct ssi_token *ambient; /* that of the innermost frame that has one */
	struct ssi_frame *frames;
	struct ssi_task *task;
};
/** That of the calling thread. By a call, since each access to it in a shared library is one, and a long one. */
SSI_FN SSI_SMALL struct ssi_thread *ssi_thread(void) __attribute__((const));
#define ssi_self (*ssi_thread())

SSI_FN void ssi_frame_push(struct ssi_frame *frame, enum ssi_frame_kind kind, struct ssi_token *token);
/** Take a frame out wherever it is in the list of this thread; false: not there. */
SSI_FN bool ssi_frame_remove(struct ssi_frame *frame);
/**
 * Run the body of @task within a boundary, on this thread, and its arg_free; sets its result.
 *
 * @boundary  storage of the caller, whose frame has to be there still when the thread leaves the body by pthread_exit
 */
SSI_FN void ssi_task_run(struct ssi_task *task, struct ssi_boundary *boundary);
SSI_FN void ssi_task_free_arg(struct ssi_task *task);
/** The end of a body that left by a pthread_exit of its own. */
SSI_FN void ssi_task_exited(struct ssi_task *task, struct ssi_boundary *boundary);

/* ---- scopes: scope.c ------------------------------------------------------------------------------------------- */

enum ssi_scope_state { SSI_SCOPE_OPEN, SSI_SCOPE_CLOSED, SSI_SCOPE_JOINED };

struct ssi_scope_error {
	struct ssi_scope_error *next;
	ss_error error;
};

struct ssi_scope {
	uint32_t magic; /* SSI_MAGIC(scope, SSI_SCOPE_MAGIC): opened, not yet finished */
	uint32_t generation;
	struct ssi_token token;
	struct ssi_object object;
	struct ssi_frame frame; /* bound scopes: on the list of the owner */
	pthread_t owner;
	struct ssi_task *opener; /* task that opened a bound scope, NULL outside of tasks and for unbound scopes */
	unsigned flags;
	enum ssi_scope_state state;
	int64_t stuck_ns; /* 0: no report */
	struct ssi_alarm stuck;
	ss_time fired_at; /* when the token fired, 0: not yet */

	/* all guarded by lock */
	struct ssi_list tasks;		  /* alive, and ended ones that have a handle */
	struct ssi_list ended;		  /* over, but for the thread that has to be joined; nobody has a handle */
	unsigned alive, alive_background; /* tasks that have not ended */
	unsigned visitors; /* threads in a call that goes on using the scope: joining a thread, waiting for a slot */
	unsigned limit, running;      /* slots; running counts those that were given away, also above the limit */
	struct ssi_list queue;	      /* tasks that want a slot, oldest first: struct ssi_task.queued */
	struct ssi_list spawners;     /* threads that want a slot for a task: struct task_spawner of task.c */
	struct ssi_wait *joiner;      /* the join; woken when alive, alive_background or visitors becomes 0 */
	struct ssi_task *joiner_task; /* the task that waits in the join for ever */
	bool joiner_helps;	      /* would run a queued task, which it gets in gift */
	struct ssi_task *gift;

	ss_error first;		      /* code 0: none yet */
	unsigned errors, keep_errors; /* how many there were; how many are kept, the first included */
	struct ssi_scope_error *more, **more_end;
};
#define SSI_SCOPE_MAGIC 0x73636f70u

/** The scope behind the storage when it is open or joined, and of this process: 0, EINVAL, EOWNERDEAD. */
SSI_FN int ssi_scope_of(const ss_scope *storage, struct ssi_scope **ret_scope);
/** Is @task inside of @scope: one of its tasks, or of a scope that such a task opened? @task may be NULL. */
SSI_FN bool ssi_inside_locked(const struct ssi_scope *scope, const struct ssi_task *task);
/** May this thread spawn into @scope and join its tasks? */
SSI_FN bool ssi_belongs_locked(const struct ssi_scope *scope);
/**
 * Does @from hold up @task or, when that is NULL, something inside of @scope, by joins without an end alone? Then to
 * wait for these would be for ever.
 */
SSI_FN bool ssi_is_awaited_locked(const struct ssi_task *from, const struct ssi_task *task,
				  const struct ssi_scope *scope);
/** Add a failure. @more is memory for one that is not the first: *more is used up, and becomes NULL, if it is kept. */
SSI_FN void ssi_scope_fail_locked(struct ssi_scope *scope, const ss_error *error, struct ssi_scope_error **more);
/** Leave an open scope: cancel, join, release. For frames that are unwound. */
SSI_FN void ssi_scope_leave(struct ssi_scope *scope);
SSI_FN void ssi_scope_fired_locked(struct ssi_scope *scope); /* the token has fired: watch for tasks that go on */
/** The last task or visitor may have gone: the word of the join, to be woken without the lock, or NULL. */
SSI_FN _Atomic uint32_t *ssi_scope_less_locked(struct ssi_scope *scope);

/* ---- tasks: task.c --------------------------------------------------------------------------------------------- */

struct ssi_worker;

enum ssi_task_state { SSI_TASK_QUEUED, SSI_TASK_RUNNING, SSI_TASK_ENDED, SSI_TASK_JOINED };

struct ssi_task {
	uint32_t magic; /* SSI_MAGIC(task, SSI_TASK_MAGIC) */
	uint32_t generation;
	struct ssi_token token;
	struct ssi_scope *scope;   /* NULL once the scope was joined */
	struct ssi_list link;	   /* in the scope's tasks */
	struct ssi_list queued;	   /* in the scope's queue */
	enum ssi_task_state state; /* guarded by lock */
	unsigned flags;
	bool anonymous;	 /* allocated by us */
	bool own_thread; /* has a thread that has to be joined */
	bool has_slot;
	bool returns_pointer; /* a start routine of pthread_create */
	bool given_pointer;   /* result is value: it returned one, or called ss_exit_ptr */
	bool was_queued;      /* not started when it is cancelled before its turn */
	bool exited;	      /* by a pthread_exit of its own: the value is that of the thread */
	bool arg_owned;	      /* arg was copied to the heap */
	union {
		ss_fn to_int;
		ss_ptr_fn to_pointer;
	} body;
	void *arg;
	void (*arg_free)(void *arg);
	const ss_site *site;
	uint64_t id;
	char name[16];
	int code; /* result or failure */
	void *value;
	bool failed;		/* by ss_fail, or never started: @error says how */
	bool told;		/* the scope knows of the failure */
	ss_error *error;	/* text of ss_fail, on the stack of the thread that runs it */
	_Atomic uint32_t turn;	/* own thread: may run; see task.c */
	_Atomic uint32_t begun; /* own thread: `thread` is set */
	pthread_t thread;
	struct ssi_wait *joiner;      /* the one that waits in ss_task_join */
	struct ssi_task *joiner_task; /* the task that waits there for ever */
	const char *_Atomic waits_in; /* ssi_waits_in */
	_Atomic int waits_fd;
	SS_ALIGN unsigned char copy[64];
};
#define SSI_TASK_MAGIC 0x7461736bu

/** What a spawn needs to know; ss_spawn_..._at fill it in. */
struct ssi_spawn {
	const ss_task_opts *opts;
	union {
		ss_fn to_int;
		ss_ptr_fn to_pointer;
	} body;
	bool returns_pointer;
	void *arg;
	const void *copy; /* NULL: arg as it is */
	size_t copy_size;
	const ss_site *site;
};

/** The way in of all spawns; consumes opts->arg_free(arg) whatever comes out. */
SSI_FN int ssi_spawn(ss_scope *scope, ss_task *ret_task, const struct ssi_spawn *spawn);
/**
 * Run and end @task on this thread. Afterwards the task may be gone. @worker, which may be NULL, is parked with it
 * unless there is a task that has waited for the slot: that one is returned, and to be performed next.
 */
SSI_FN struct ssi_task *ssi_task_perform(struct ssi_task *task, struct ssi_worker *worker);
/** Tell the scope of the failure of a task, if it failed and was not told yet. */
SSI_FN void ssi_task_tell(struct ssi_task *task);
/** Perform @task on a thread of the runtime, or fail it for want of one; then the next that has waited, and so on. */
SSI_FN void ssi_task_start(struct ssi_task *task);

/* ---- workers: worker.c ------------------------------------------------------------------------------------------ */

/** Take a parked worker, or NULL: then one has to be made. */
SSI_FN struct ssi_worker *ssi_worker_take_locked(void);
/** Run @task, which is linked and counted, on the worker that was taken (NULL: a new one); EAGAIN without a thread. */
SSI_FN int ssi_worker_give(struct ssi_worker *worker, struct ssi_task *task);
/** The worker waits for a task from now on, unless there are enough that do; @others as of ssi_patience_locked. */
SSI_FN void ssi_worker_park_locked(struct ssi_worker *worker, unsigned others);
/** Put right what a task changed in its thread; false when that cannot be done, and the worker should end. */
SSI_FN bool ssi_worker_clean(struct ssi_worker *worker, const struct ssi_task *task);
/** Make the thread of a task that has one of its own: 0 or EAGAIN, or what @opts->attr is refused with. */
SSI_FN int ssi_thread_create(struct ssi_task *task, const ss_task_opts *opts);
/** Join that thread; false: not yet over, which is only possible when not @wait. */
SSI_FN bool ssi_thread_join(struct ssi_task *task, bool wait);
/** End all parked workers, and do not wait for it. */
SSI_FN void ssi_workers_dismiss_locked(void);
/** End all parked workers and wait until the threads are gone. */
SSI_FN void ssi_workers_retire(void);

/* ---- the process: process.c -------------------------------------------------------------------------------------- */

/** State of the process; see the top. Everything without a comment is guarded by lock. */
struct ssi_process {
	pthread_mutex_t lock;
	_Atomic uint32_t generation; /* counts forks: what is older belongs to the parent */
	_Atomic uint32_t debug;
	_Atomic int64_t idle_ns; /* see ss_config */
	bool started;		 /* configuration is fixed */
	unsigned processors;	 /* that there are for this process */
	bool draining;
	bool faults;		  /* the handlers are in place; fixed by the first scope */
	bool drains;		  /* a thread is in ss_drain */
	struct ssi_wait *drainer; /* woken when the last object is gone */
	struct ssi_list objects;
	uint64_t numbers, task_ids;
	uint64_t leak_mark, leak_mark_tasks; /* numbers and task_ids at the last ss_leak_mark */
	struct ssi_list parked;		     /* struct ssi_worker, the last one first */
	ss_stats stats;
	ss_config config;	       /* fixed by the first scope */
	sigset_t signals_kept;	       /* ss_config.sig_keep */
	_Atomic int kick_signal;       /* of ss_kick_enable; 0: none */
	const ss_site *complained[16]; /* sites that were reported once already */
};
SSI_DATA struct ssi_process ssi;

SSI_FN SSI_SMALL void ssi_lock(void);
SSI_FN SSI_SMALL void ssi_unlock(void);

static inline bool ssi_debug(void)
{
	return atomic_load_explicit(&ssi.debug, memory_order_relaxed);
}

static inline bool ssi_is_ours(uint32_t generation)
{
	return generation == atomic_load_explicit(&ssi.generation, memory_order_relaxed);
}

/** Name the task of a fault before it takes its course: fault.c. */
SSI_FN void ssi_faults_report(void);
/** Give this thread a second stack to do that on, if it is asked for: NULL, or what to free at its end. */
SSI_FN void *ssi_fault_stack(void);
SSI_FN void ssi_fault_stack_free(void *stack);
/** From now on threads of the runtime end as soon as they have nothing to do. */
SSI_FN void ssi_hurry(void);
/** In the child of a fork, by the one thread there is, for what a file keeps in static data. */
SSI_FN void ssi_helper_forked(void);
SSI_FN void ssi_posted_forked(void);
SSI_FN void ssi_workers_forked(void);
SSI_FN void ssi_io_forked(void);
/** Install the handlers of fork; once. */
SSI_FN int ssi_fork_prepare(void);

/* ---- reports: report.c, text.c ----------------------------------------------------------------------------------- */

/** One report, a line or more, to where ss_configure says. Never with the lock held. */
SSI_FN void ssi_report(const char *format, ...) SS_PRINTF(1, 2);

/** The text that is made in @size bytes, always with an end; what there is no room for is left out. See text.c. */
struct ssi_text {
	char *text;
	size_t size, used;
};
SSI_FN void ssi_text(struct ssi_text *to, const char *text);
SSI_FN void ssi_text_number(struct ssi_text *to, uint64_t number, unsigned base);
SSI_FN void ssi_text_count(struct ssi_text *to, const char *before, uint64_t count);
/** what "name" */
SSI_FN void ssi_text_quoted(struct ssi_text *to, const char *what, const char *name);
/** verb at f.c:3 */
SSI_FN void ssi_text_site(struct ssi_text *to, const char *verb, const ss_site *site);
/** Where a task waits, if it does; @task may be NULL. */
SSI_FN void ssi_text_wait(struct ssi_text *to, const struct ssi_task *task);
/** task "x" #4 (spawned at f.c:3, scope "s" opened at f.c:1), or what there is of both. */
SSI_FN void ssi_text_of(struct ssi_text *to, const struct ssi_task *task, const struct ssi_scope *scope);
/** All of it: 0, or the error of write. */
SSI_FN int ssi_text_write(int fd, const struct ssi_text *text);

/** ssi_text_of as a string in @buffer. */
SSI_FN void ssi_describe(char *buffer, size_t size, const struct ssi_task *task, const struct ssi_scope *scope);
/** The same for what the registry holds: @task of the scope @object, or (NULL) the object itself. */
SSI_FN void ssi_describe_object(char *buffer, size_t size, const struct ssi_object *object,
				const struct ssi_task *task);

/** Misuse: reports @what about task and scope (either may be NULL), aborts in debug, else returns EINVAL. */
SSI_FN int ssi_misuse(const struct ssi_task *task, const struct ssi_scope *scope, const char *what);
/** The same of the running task: what it gave is not what it has to be. */
SSI_FN int ssi_misused(const char *what);
/** As before where there is no errno to return: aborts in either build. */
SSI_FN SS_NORETURN void ssi_fatal(const struct ssi_task *task, const struct ssi_scope *scope, const char *what);

/** Is it the first complaint about this site? Takes the lock. */
SSI_FN bool ssi_first_time(const ss_site *site);

/** Copy at most 15 bytes of @name (NULL: none). */
SSI_FN void ssi_name_copy(char ret_name[16], const char *name);

/* ---- what is left: leak.c -------------------------------------------------------------------------------------- */

/** Report each object and task that is alive and has a number above these: "@what task ...". Returns how many. */
SSI_FN unsigned ssi_report_left(const char *what, uint64_t objects, uint64_t tasks);
/** Report, once for each place, that a task which was spawned there gets no thread because of max_threads: who has
 * them. */
SSI_FN void ssi_report_ceiling(const struct ssi_task *task);

#pragma GCC visibility pop
#endif
