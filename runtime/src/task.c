/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Tasks from spawn to join, and the slots of scopes that have a limit.
 *
 * A slot is taken by the spawn, or by who ends a task and gives its slot on: first to tasks that wait in the queue,
 * then to threads that wait to spawn. A task of a worker that waited for its slot, be it in the queue or in a spawn, is
 * run by the worker that gave it the slot: that one is awake, and the spawner does not have to wake another. A queued
 * task that has a thread of its own exists already, and waits for its turn. To join a task that waits for a slot starts
 * it, above the limit, so that joins never wait for slots.
 */
#include "ssi.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct ssi_task) <= sizeof(ss_task), "ss_task is too small");

/* ---- slots ------------------------------------------------------------------------------------------------------ */

/* A task on its way into its scope. */
struct task_newcomer {
	struct ssi_task *task;
	ss_time deadline; /* 0: none */
	struct ssi_cause *cause;
	bool has_begun; /* the worker that gave it the slot runs it as well */
};

/* A thread outside of a scope that is full. */
struct task_spawner {
	struct ssi_wait wait; /* in the scope's spawners; watches the token of the caller */
	struct ssi_hook hook; /* and that of the scope */
	struct task_newcomer *newcomer;
	bool granted; /* the slot is ours */
};

static void task_link_locked(struct task_newcomer *newcomer, struct ssi_scope *scope)
{
	struct ssi_task *task = newcomer->task;
	ss_time deadline = newcomer->deadline;

	task->id = ++ssi.task_ids;
	ssi_token_init_locked(&task->token, SSI_TASK, &scope->token);
	if (newcomer->cause)
		newcomer->cause->error.task_id = task->id;
	if (deadline)
		ssi_token_deadline_locked(&task->token, deadline, &newcomer->cause);
	task->token.follows = task->anonymous && !deadline && !(task->flags & SS_TASK_BACKGROUND);
	task->scope = scope;
	task->magic = SSI_MAGIC(task, SSI_TASK_MAGIC);
	ssi_list_append(&scope->tasks, &task->link);
	if (task->flags & SS_TASK_BACKGROUND)
		scope->alive_background++;
	else
		scope->alive++;
	ssi.stats.spawned++;
}

static int task_refusal_locked(const struct ssi_scope *scope)
{
	return scope->state != SSI_SCOPE_OPEN || ssi.draining ? EPIPE : ssi_token_error(&scope->token);
}

/* What is to be done without the lock after a slot was given on. */
struct task_passed {
	struct ssi_task *next;	/* to be performed, or NULL */
	_Atomic uint32_t *word; /* to be woken, or NULL */
};

/* Give a slot on, or back. @runs_next: the caller is a worker, and needs no other thread for what is next. */
static struct task_passed task_pass_slot_locked(struct ssi_scope *scope, bool runs_next)
{
	struct task_passed passed = { NULL, NULL };

	if (scope->running > scope->limit) {
		scope->running--;
	} else if (!ssi_list_empty(&scope->queue)) {
		struct ssi_task *task = SSI_CONTAINER(scope->queue.next, struct ssi_task, queued);

		ssi_list_remove(&task->queued);
		ssi.stats.queued--;
		task->has_slot = true;
		task->state = SSI_TASK_RUNNING;
		if (task->own_thread) {
			ssi_tsan_release(&task->turn);
			atomic_store_explicit(&task->turn, 1, memory_order_release);
			passed.word = &task->turn;
		} else if (scope->joiner_helps && !scope->gift) {
			scope->gift = task;
			passed.word = ssi_wake_later(scope->joiner);
		} else {
			passed.next = task;
		}
	} else if (!ssi_list_empty(&scope->spawners)) {
		struct ssi_wait *wait = SSI_CONTAINER(scope->spawners.next, struct ssi_wait, link);
		struct task_spawner *spawner = SSI_CONTAINER(wait, struct task_spawner, wait);
		struct ssi_task *task = spawner->newcomer->task;

		ssi_list_remove(&wait->link);
		spawner->granted = true;
		/* A worker is at hand for the task, whereas the spawner has still to wake up. */
		if (runs_next && !task->own_thread && !task_refusal_locked(scope) && !ssi_wait_fired(wait)) {
			task->has_slot = true;
			task->state = SSI_TASK_RUNNING;
			task_link_locked(spawner->newcomer, scope);
			spawner->newcomer->has_begun = true;
			passed.next = task;
		}
		passed.word = ssi_wake_later(wait);
	} else {
		scope->running--;
	}
	return passed;
}

/* The same for who holds the lock and goes on with it. */
static void task_return_slot_locked(struct ssi_scope *scope)
{
	struct task_passed passed = task_pass_slot_locked(scope, false);

	ssi_unlock();
	ssi_wake_now(passed.word);
	ssi_task_start(passed.next);
	ssi_lock();
}

static struct ssi_patience task_spawn_patience;

/* Wait as an owner for a slot, or for a reason to look again. With the lock, which is given back meanwhile. */
static int task_wait_for_slot_locked(struct ssi_scope *scope, struct task_newcomer *newcomer, bool *ret_granted)
{
	struct task_spawner spawner = { .hook = { .kind = SSI_HOOK_WORD, .to.word = &spawner.wait.word },
					.newcomer = newcomer };
	struct ssi_patience *patience;
	_Atomic uint32_t *word = NULL;
	int err = ssi_wait_begin_locked(&spawner.wait);

	if (!err)
		err = ssi_hook_add_locked(&scope->token, &spawner.hook);
	if (!err) {
		ssi_list_append(&scope->spawners, &spawner.wait.link);
		scope->visitors++;
		patience = ssi_patience_locked(&task_spawn_patience, 0);
		ssi_unlock();
		ssi_wait_in(&spawner.wait, "ss_spawn", patience, SS_NEVER);
		ssi_lock();
		err = ssi_token_error(&scope->token);
		if (!err)
			err = ssi_token_error(ssi_self.ambient);
		if (newcomer->has_begun)
			err = 0; /* it is a task by now, and cancelled as one */
		if (!--scope->visitors)
			word = ssi_scope_less_locked(scope);
	}
	ssi_hook_remove_locked(&spawner.hook);
	ssi_wait_end_locked(&spawner.wait);
	if (err && spawner.granted)
		task_return_slot_locked(scope);
	*ret_granted = spawner.granted && !err;
	ssi_wake_now(word);
	return err;
}

/* A slot for a task, or its place in the queue: 0, or why the spawn fails. */
static int task_admit_locked(struct ssi_scope *scope, struct task_newcomer *newcomer, bool *ret_slot, bool *ret_queue)
{
	unsigned flags = newcomer->task->flags;
	bool granted = false;

	*ret_slot = *ret_queue = false;
	for (;;) {
		int err = task_refusal_locked(scope);

		if (err && granted)
			task_return_slot_locked(scope);
		if (err)
			return err;
		if (!scope->limit || flags & SS_TASK_BACKGROUND)
			return 0;
		if (!granted && scope->running < scope->limit) {
			scope->running++;
			granted = true;
		}
		if (granted) {
			*ret_slot = true;
			return 0;
		}
		if (flags & SS_TASK_NOWAIT)
			return EAGAIN;
		if (ssi_inside_locked(scope, ssi_self.task)) {
			*ret_queue = true;
			return 0;
		}
		err = task_wait_for_slot_locked(scope, newcomer, &granted);
		if (err || newcomer->has_begun)
			return err;
	}
}

/* ---- spawn ------------------------------------------------------------------------------------------------------ */

static int task_init(struct ssi_task *task, bool anonymous, const ss_task_opts *opts, const struct ssi_spawn *spawn)
{
	*task = (struct ssi_task){ .flags = opts->flags,
				   .anonymous = anonymous,
				   .returns_pointer = spawn->returns_pointer,
				   .arg = spawn->arg,
				   .arg_free = opts->arg_free,
				   .site = spawn->site };
	if (spawn->returns_pointer)
		task->body.to_pointer = spawn->body.to_pointer;
	else
		task->body.to_int = spawn->body.to_int;
	task->generation = atomic_load_explicit(&ssi.generation, memory_order_relaxed);
	task->own_thread = opts->flags & (SS_TASK_FRESH | SS_TASK_INHERIT_MASK) || opts->attr ||
			   (opts->stack_size && opts->stack_size != ssi.config.stack_size);
	ssi_name_copy(task->name, opts->name);
	ssi_list_init(&task->link);
	ssi_list_init(&task->queued);
	if (!spawn->copy)
		return 0;
	task->arg = task->copy;
	if (spawn->copy_size > sizeof(task->copy)) {
		task->arg = malloc(spawn->copy_size);
		if (!task->arg)
			return ENOMEM;
		task->arg_owned = true;
	}
	memcpy(task->arg, spawn->copy, spawn->copy_size);
	return 0;
}

static void task_unlink_locked(struct ssi_task *task, struct ssi_rest *ret_rest, _Atomic uint32_t **ret_word)
{
	struct ssi_scope *scope = task->scope;
	unsigned *alive = task->flags & SS_TASK_BACKGROUND ? &scope->alive_background : &scope->alive;

	ssi_token_done_locked(&task->token, ret_rest);
	*ret_word = --*alive ? NULL : ssi_scope_less_locked(scope);
}

/* There was no thread for a task that is linked already. */
static void task_withdraw(struct ssi_task *task)
{
	struct ssi_scope *scope = task->scope;
	struct task_passed passed = { NULL, NULL };
	struct ssi_rest rest;
	_Atomic uint32_t *word;

	ssi_lock();
	if (task->state == SSI_TASK_QUEUED) {
		ssi_list_remove(&task->queued);
		ssi.stats.queued--;
	}
	if (task->has_slot)
		passed = task_pass_slot_locked(scope, false);
	ssi_list_remove(&task->link);
	task_unlink_locked(task, &rest, &word);
	task->magic = 0;
	ssi.stats.spawned--;
	ssi_unlock();
	ssi_wake_now(passed.word);
	ssi_wake_now(word);
	ssi_token_release(&rest);
	ssi_task_start(passed.next);
}

/* Free what is over of tasks that nobody has a handle of, so that a scope that spawns for ever does not grow for ever.
 */
static void task_reap_some(struct ssi_scope *scope)
{
	for (int tries = 0; tries < 2; tries++) {
		struct ssi_task *task = NULL;
		_Atomic uint32_t *word = NULL;
		bool over;

		ssi_lock();
		if (!ssi_list_empty(&scope->ended)) {
			task = SSI_CONTAINER(scope->ended.next, struct ssi_task, link);
			ssi_list_remove(&task->link);
			scope->visitors++;
		}
		ssi_unlock();
		if (!task)
			return;
		over = ssi_thread_join(task, false);
		ssi_lock();
		if (!over)
			ssi_list_append(&scope->ended, &task->link);
		if (!--scope->visitors)
			word = ssi_scope_less_locked(scope);
		ssi_unlock();
		ssi_wake_now(word);
		if (over)
			free(task);
	}
}

static void task_report_late(const struct ssi_scope *scope, const ss_site *site)
{
	char who[320];

	ssi_describe(who, sizeof(who), NULL, scope);
	ssi_report("the spawn at %s:%d comes after the join of %s", site ? site->file : "an unknown place",
		   site ? site->line : 0, who);
}

static int task_spawn(struct ssi_scope *scope, struct ssi_task *task, bool anonymous, const ss_task_opts *opts,
		      const struct ssi_spawn *spawn)
{
	struct task_newcomer newcomer = { .task = task, .deadline = opts->deadline == SS_NEVER ? 0 : opts->deadline };
	bool stranger, joined, queue = false, slot = false, zombies, own_thread;
	struct ssi_worker *worker = NULL;
	int err = task_init(task, anonymous, opts, spawn);

	if (err)
		return err;
	own_thread = task->own_thread;
	if (newcomer.deadline)
		newcomer.cause = ssi_cause_deadline(opts->name, UINT64_MAX, spawn->site);
	ssi_lock();
	stranger = !ssi_belongs_locked(scope);
	joined = scope->state == SSI_SCOPE_JOINED;
	zombies = !ssi_list_empty(&scope->ended);
	err = stranger ? EINVAL : task_admit_locked(scope, &newcomer, &slot, &queue);
	if (!err && !newcomer.has_begun) {
		task->has_slot = slot;
		task->state = queue ? SSI_TASK_QUEUED : SSI_TASK_RUNNING;
		task->was_queued = queue;
		atomic_init(&task->turn, !queue);
		task_link_locked(&newcomer, scope);
		if (queue) {
			ssi_list_append(&scope->queue, &task->queued);
			ssi.stats.queued++;
		} else if (!own_thread) {
			worker = ssi_worker_take_locked();
			ssi.stats.reused += worker != NULL;
		}
	}
	ssi_unlock();
	ssi_cause_unref(newcomer.cause);
	if (stranger)
		return ssi_misuse(ssi_self.task, scope, "a thread spawns into a scope that it does not belong to");
	if (joined && ssi_debug())
		task_report_late(scope, spawn->site);
	if (err)
		return err;

	if (zombies)
		task_reap_some(scope);
	/* A task that queues or has begun may have ended already, and its storage with it; the others may from here on.
	 */
	if (own_thread)
		err = ssi_thread_create(task, opts);
	else if (!queue && !newcomer.has_begun)
		err = ssi_worker_give(worker, task);
	if (err)
		task_withdraw(task);
	return err;
}

int ssi_spawn(ss_scope *storage, ss_task *ret_task, const struct ssi_spawn *spawn)
{
	static const ss_task_opts none = { .name = NULL };
	const unsigned known = SS_TASK_FRESH | SS_TASK_BACKGROUND | SS_TASK_NOWAIT | SS_TASK_INHERIT_MASK;
	const ss_task_opts *opts = spawn->opts ? spawn->opts : &none;
	struct ssi_task *task = (struct ssi_task *)(void *)ret_task;
	struct ssi_scope *scope;
	int err = ssi_scope_of(storage, &scope);

	if (!err && (opts->flags & ~known || (spawn->returns_pointer ? !spawn->body.to_pointer : !spawn->body.to_int)))
		err = EINVAL;
	else if (err == EINVAL)
		err = ssi_misused("a task is spawned into what is no open scope");
	if (!err && !task)
		err = (task = malloc(sizeof(*task))) ? 0 : ENOMEM;
	if (!err) {
		err = task_spawn(scope, task, !ret_task, opts, spawn);
		if (err && task->arg_owned)
			free(task->arg);
		if (err && !ret_task)
			free(task);
	}
	if (err && opts->arg_free)
		opts->arg_free(spawn->copy ? (void *)(uintptr_t)spawn->copy : spawn->arg);
	return err;
}

int ss_spawn_at(ss_scope *scope, ss_task *ret_task, const ss_task_opts *opts, ss_fn fn, void *arg, const ss_site *site)
{
	return ssi_spawn(scope, ret_task,
			 &(struct ssi_spawn){ .opts = opts, .body.to_int = fn, .arg = arg, .site = site });
}

int ss_spawn_copy_at(ss_scope *scope, ss_task *ret_task, const ss_task_opts *opts, ss_fn fn, const void *arg,
		     size_t size, const ss_site *site)
{
	if (!arg)
		size = 0;
	return ssi_spawn(
		scope, ret_task,
		&(struct ssi_spawn){ .opts = opts, .body.to_int = fn, .copy = arg, .copy_size = size, .site = site });
}

int ss_spawn_ptr_at(ss_scope *scope, ss_task *ret_task, const ss_task_opts *opts, ss_ptr_fn fn, void *arg,
		    const ss_site *site)
{
	return ssi_spawn(
		scope, ret_task,
		&(struct ssi_spawn){
			.opts = opts, .body.to_pointer = fn, .returns_pointer = true, .arg = arg, .site = site });
}

int ss_spawn_task_at(ss_scope *scope, ss_task *ret_task, unsigned flags, ss_fn fn, void *arg, const ss_site *site)
{
	const ss_task_opts opts = { .flags = flags };

	return ss_spawn_at(scope, ret_task, &opts, fn, arg, site);
}

int ss_spawn_task_ptr_at(ss_scope *scope, ss_task *ret_task, unsigned flags, ss_ptr_fn fn, void *arg,
			 const ss_site *site)
{
	const ss_task_opts opts = { .flags = flags };

	return ss_spawn_ptr_at(scope, ret_task, &opts, fn, arg, site);
}

/* ---- run and end ------------------------------------------------------------------------------------------------ */

/* What a task failed of, for its scope; false when it did not. */
static bool task_failure(const struct ssi_task *task, ss_error *ret_error)
{
	if (!task->failed && (task->given_pointer || !task->code))
		return false;
	*ret_error = (ss_error){ 0 };
	if (task->failed && task->error)
		*ret_error = *task->error;
	ret_error->code = task->code;
	ret_error->task_id = task->id;
	ret_error->site = task->site;
	ssi_name_copy(ret_error->task, task->name);
	return true;
}

/* Is the failure only what the cancellation led to? */
static bool task_follows_cancel_locked(const struct ssi_task *task)
{
	if (task->code != ECANCELED && task->code != ETIMEDOUT)
		return false;
	return ssi_token_error(&task->scope->token) ||
	       (task->code == ECANCELED && ssi_token_error(&task->token) == ECANCELED);
}

void ssi_task_tell(struct ssi_task *task)
{
	struct ssi_scope *scope = task->scope;
	struct ssi_scope_error *more;
	struct ssi_cause *cause;
	ss_error error;

	if (task->told || !task_failure(task, &error))
		return;
	task->told = true;
	more = malloc(sizeof(*more));
	cause = ssi_cause_of(&error);
	ssi_lock();
	if (!task_follows_cancel_locked(task)) {
		ssi.stats.failed++;
		ssi_scope_fail_locked(scope, &error, &more);
		if (!(scope->flags & SS_SUPERVISE))
			ssi_token_fire_locked(&scope->token, SSI_CANCELLED, error.code, cause);
	}
	ssi_unlock();
	ssi_cause_unref(cause);
	free(more);
}

/* End a task that ran, or never will, and whose storage is somebody else's. Returns as ssi_task_perform. */
static struct ssi_task *task_end_lent(struct ssi_task *task, struct ssi_worker *worker)
{
	struct ssi_scope *scope = task->scope;
	struct task_passed passed = { NULL, NULL };
	_Atomic uint32_t *join_word = NULL, *scope_word;
	struct ssi_rest rest;

	ssi_task_tell(task);
	ssi_lock();
	if (task->has_slot)
		passed = task_pass_slot_locked(scope, worker != NULL);
	task->state = SSI_TASK_ENDED;
	task->error = NULL;
	if (task->joiner)
		join_word = ssi_wake_later(task->joiner);
	if (task->anonymous) {
		ssi_list_remove(&task->link);
		if (task->own_thread)
			ssi_list_append(&scope->ended, &task->link);
	}
	/* First parked, then announced: who waited for this task finds the worker free. It may look for the next task
	 * if that leaves a processor to who spawns it, which in a scope with a limit waits as soon as its slots are
	 * taken. */
	if (worker && !passed.next)
		ssi_worker_park_locked(worker, scope->limit ? 1 : 2);
	task_unlink_locked(task, &rest, &scope_word);
	ssi_unlock();

	ssi_wake_now(passed.word);
	ssi_wake_now(join_word);
	ssi_wake_now(scope_word);
	ssi_token_release(&rest);
	return passed.next;
}

static bool task_is_lent(const struct ssi_task *task)
{
	return !task->anonymous || task->own_thread;
}

static struct ssi_task *task_end(struct ssi_task *task, struct ssi_worker *worker)
{
	bool lent = task_is_lent(task);
	struct ssi_task *next = task_end_lent(task, worker);

	if (!lent)
		free(task);
	return next;
}

struct task_performance {
	struct ssi_task *task, *outer;
	uint32_t generation;
	struct ssi_boundary boundary;
};

/* The thread leaves by a pthread_exit in the body, or by pthread_cancel. */
static void task_leaves(void *arg)
{
	struct task_performance *performance = arg;

	if (!ssi_is_ours(performance->generation))
		return; /* in the child of a fork: the task is the parent's */
	ssi_task_exited(performance->task, &performance->boundary);
	ssi_self.task = performance->outer;
	ssi_task_start(task_end(performance->task, NULL));
}

static void task_run_body(struct ssi_task *task)
{
	struct task_performance performance;

	performance.task = task;
	performance.outer = ssi_self.task;
	performance.generation = task->generation;
	ssi_self.task = task;
	pthread_cleanup_push(task_leaves, &performance);
	ssi_task_run(task, &performance.boundary);
	pthread_cleanup_pop(0);
	ssi_self.task = performance.outer;
}

static struct ssi_task *task_perform_lent(struct ssi_task *task, struct ssi_worker *worker)
{
	int cancelled = ssi_token_error(&task->token);
	ss_error error;

	task->error = &error;
	if (task->was_queued && cancelled) {
		task->code = cancelled;
		ssi_task_free_arg(task);
	} else {
		task_run_body(task);
	}
	if (worker && !ssi_worker_clean(worker, task))
		worker = NULL;
	return task_end_lent(task, worker);
}

struct ssi_task *ssi_task_perform(struct ssi_task *task, struct ssi_worker *worker)
{
	bool lent = task_is_lent(task);
	struct ssi_task *next = task_perform_lent(task, worker);

	if (!lent)
		free(task);
	return next;
}

/* Give a task that got its slot late to a worker. */
static int task_give(struct ssi_task *task)
{
	struct ssi_worker *worker;

	ssi_lock();
	worker = ssi_worker_take_locked();
	ssi.stats.reused += worker != NULL;
	ssi_unlock();
	return ssi_worker_give(worker, task);
}

void ssi_task_start(struct ssi_task *task)
{
	while (task && task_give(task) != 0) {
		task->failed = true;
		task->code = EAGAIN;
		ssi_task_free_arg(task);
		task = task_end(task, NULL);
	}
}

/* ---- join ------------------------------------------------------------------------------------------------------- */

static int task_of(const ss_task *storage, struct ssi_task **ret_task)
{
	struct ssi_task *task = (struct ssi_task *)(void *)(uintptr_t)storage;

	*ret_task = NULL;
	if (!task || task->magic != SSI_MAGIC(task, SSI_TASK_MAGIC))
		return EINVAL;
	if (!ssi_is_ours(task->generation))
		return EOWNERDEAD;
	*ret_task = task;
	return 0;
}

/* A task that waits for a slot gets one above the limit, or a joining thread that may run it. */
static void task_claim_locked(struct ssi_task *task)
{
	struct ssi_scope *scope = task->scope;
	bool here = scope->flags & SS_HELP && !task->own_thread;
	struct ssi_task *next = NULL;

	ssi_list_remove(&task->queued);
	ssi.stats.queued--;
	task->state = SSI_TASK_RUNNING;
	task->has_slot = !here;
	scope->running += !here;
	if (task->own_thread) {
		ssi_tsan_release(&task->turn);
		atomic_store_explicit(&task->turn, 1, memory_order_release);
		ssi_word_wake(&task->turn, false);
		return;
	}
	ssi_unlock();
	/* Without a thread it is run here, which is better than never. Who joins it has a handle of it. */
	if (here || task_give(task) != 0)
		next = task_perform_lent(task, NULL);
	ssi_task_start(next);
	ssi_lock();
}

static struct ssi_patience task_join_patience;

enum task_haste { TASK_TRY, TASK_UNTIL };

/* Wait for the end, with the lock, which is given back meanwhile. */
static int task_wait_locked(struct ssi_task *task, enum task_haste haste, ss_time until)
{
	struct ssi_patience *patience;
	struct ssi_wait wait;
	int err = 0;

	if (task->state == SSI_TASK_ENDED)
		return 0;
	if (haste == TASK_TRY)
		return EBUSY;
	if (task->state == SSI_TASK_QUEUED)
		task_claim_locked(task);
	if (task->state == SSI_TASK_ENDED)
		return 0;

	err = ssi_wait_begin_locked(&wait);
	if (!err) {
		task->joiner = &wait;
		task->joiner_task = until == SS_NEVER ? ssi_self.task : NULL;
		patience = ssi_patience_locked(&task_join_patience, 1);
		ssi_unlock();
		err = ssi_wait_in(&wait, "ss_task_join", patience, until);
		ssi_lock();
		task->joiner = NULL;
		task->joiner_task = NULL;
	}
	ssi_wait_end_locked(&wait);
	return task->state == SSI_TASK_ENDED ? 0 : err;
}

static int task_join(ss_task *storage, enum task_haste haste, ss_time until, int *ret_rc, void **ret_value)
{
	_Atomic uint32_t *word = NULL;
	struct ssi_scope *scope;
	struct ssi_task *task;
	int err = task_of(storage, &task);

	if (err == EINVAL)
		return ssi_misused("what is joined is no task");
	if (err)
		return err;
	ssi_lock();
	scope = task->scope;
	if (task->state == SSI_TASK_JOINED)
		err = ESRCH;
	else if (task->state != SSI_TASK_ENDED && haste != TASK_TRY && ssi_is_awaited_locked(ssi_self.task, task, NULL))
		err = EDEADLK;
	else if (task->joiner || (scope && !ssi_belongs_locked(scope)))
		err = EINVAL;
	else
		err = task_wait_locked(task, haste, until);
	if (err) {
		ssi_unlock();
		if (err == EINVAL)
			err = ssi_misuse(task, scope, "a task is joined by a stranger, or by two");
		return err;
	}

	/* From here on it is ours alone: its scope does not know it any more. */
	scope = task->scope;
	task->state = SSI_TASK_JOINED;
	ssi_list_remove(&task->link);
	if (scope && task->own_thread) {
		bool over;

		scope->visitors++;
		ssi_unlock();
		over = ssi_thread_join(task, haste != TASK_TRY);
		ssi_lock();
		if (!over) {
			task->state = SSI_TASK_ENDED;
			ssi_list_append(&scope->tasks, &task->link);
			err = EBUSY;
		}
		if (!--scope->visitors)
			word = ssi_scope_less_locked(scope);
	}
	if (!err)
		task->scope = NULL;
	ssi_unlock();
	ssi_wake_now(word);
	if (err)
		return err;
	if (ret_rc)
		*ret_rc = task->code;
	if (ret_value)
		*ret_value = task->given_pointer ? task->value : (void *)(intptr_t)task->code;
	return 0;
}

int ss_task_join(ss_task *task, int *ret_rc)
{
	return task_join(task, TASK_UNTIL, SS_NEVER, ret_rc, NULL);
}

int ss_task_join_ptr(ss_task *task, void **ret_value)
{
	return task_join(task, TASK_UNTIL, SS_NEVER, NULL, ret_value);
}

int ss_task_join_until(ss_task *task, ss_time until, int *ret_rc)
{
	return task_join(task, TASK_UNTIL, until, ret_rc, NULL);
}

int ss_task_join_ptr_until(ss_task *task, ss_time until, void **ret_value)
{
	return task_join(task, TASK_UNTIL, until, NULL, ret_value);
}

int ss_task_tryjoin(ss_task *task, int *ret_rc)
{
	return task_join(task, TASK_TRY, 0, ret_rc, NULL);
}

int ss_task_tryjoin_ptr(ss_task *task, void **ret_value)
{
	return task_join(task, TASK_TRY, 0, NULL, ret_value);
}

/* ---- the rest --------------------------------------------------------------------------------------------------- */

int ss_task_cancel(ss_task *storage, int code, const char *format, ...)
{
	struct ssi_task *task;
	struct ssi_cause *cause;
	va_list arguments;
	int err = task_of(storage, &task);

	if (err)
		return err;
	va_start(arguments, format);
	cause = ssi_cause_new(code, task->name, task->id, task->site, format, arguments);
	va_end(arguments);
	ssi_lock();
	if (task->state >= SSI_TASK_ENDED)
		err = ESRCH;
	else
		ssi_token_fire_locked(&task->token, SSI_CANCELLED, code, cause);
	ssi_unlock();
	ssi_cause_unref(cause);
	return err;
}

pthread_t ss_task_thread(ss_task *storage)
{
	struct ssi_task *task;
	pthread_t none;
	uint32_t begun;
	bool own;

	memset(&none, 0, sizeof(none));
	if (task_of(storage, &task))
		return none;
	ssi_lock();
	own = task->own_thread && task->state != SSI_TASK_JOINED;
	ssi_unlock();
	if (!own)
		return none;
	/* The thread exists, and is about to say who it is: 0 not yet, 1 and somebody waits for it, 2 done. */
	while ((begun = atomic_load_explicit(&task->begun, memory_order_acquire)) != 2) {
		if (begun == 1 || atomic_compare_exchange_strong(&task->begun, &begun, 1))
			ssi_word_wait(&task->begun, 1, SS_NEVER);
	}
	return task->thread;
}

const char *ss_task_name(void)
{
	return ssi_self.task ? ssi_self.task->name : "";
}

uint64_t ss_task_id(void)
{
	return ssi_self.task ? ssi_self.task->id : 0;
}
