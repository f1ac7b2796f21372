/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Scopes: opened, cancelled, joined, left. What happens when a task begins and ends is in task.c.
 */
#include "ssi.h"

#include <stdlib.h>

_Static_assert(sizeof(struct ssi_scope) <= sizeof(ss_scope), "ss_scope is too small");

int ssi_scope_of(const ss_scope *storage, struct ssi_scope **ret_scope)
{
	struct ssi_scope *scope = (struct ssi_scope *)(void *)(uintptr_t)storage;

	*ret_scope = NULL;
	if (!scope || scope->magic != SSI_MAGIC(scope, SSI_SCOPE_MAGIC))
		return EINVAL;
	if (!ssi_is_ours(scope->generation))
		return EOWNERDEAD;
	*ret_scope = scope;
	return 0;
}

bool ssi_inside_locked(const struct ssi_scope *scope, const struct ssi_task *task)
{
	while (task && task->scope != scope)
		task = task->scope ? task->scope->opener : NULL;
	return task != NULL;
}

bool ssi_belongs_locked(const struct ssi_scope *scope)
{
	return scope->flags & SS_UNBOUND || pthread_equal(scope->owner, pthread_self()) ||
	       ssi_inside_locked(scope, ssi_self.task);
}

/* ---- open ------------------------------------------------------------------------------------------------------- */

static void scope_stuck(struct ssi_alarm *alarm)
{
	enum { SCOPE_STUCK_MAX = 8 };
	struct ssi_scope *scope = SSI_CONTAINER(alarm, struct ssi_scope, stuck);
	struct ssi_text *says = ssi_helper_says_locked();
	unsigned alive = 0;

	for (struct ssi_list *at = scope->tasks.next; at != &scope->tasks; at = at->next) {
		struct ssi_task *task = SSI_CONTAINER(at, struct ssi_task, link);

		if (task->state >= SSI_TASK_ENDED || alive++ >= SCOPE_STUCK_MAX)
			continue;
		ssi_text_of(says, task, scope);
		ssi_text_count(says, " goes on ", (uint64_t)(ss_now() - scope->fired_at) / 1000000);
		ssi_text(says, " ms after it was cancelled: ");
		ssi_text_wait(says, task);
		ssi_text(says, "\n");
	}
	if (alive > SCOPE_STUCK_MAX) {
		ssi_text_count(says, "and ", alive - SCOPE_STUCK_MAX);
		ssi_text(says, " more tasks of that scope\n");
	}
}

void ssi_scope_fired_locked(struct ssi_scope *scope)
{
	scope->fired_at = ss_now();
	if (scope->stuck_ns > 0)
		ssi_alarm_set_locked(&scope->stuck, ss_after(scope->stuck_ns));
}

static int64_t scope_stuck_ns(int64_t asked_ns)
{
	if (asked_ns)
		return asked_ns > 0 ? asked_ns : 0;
	return ssi_debug() ? SS_SEC(5) : 0;
}

int ss_scope_open(ss_scope *storage, const ss_scope_opts *opts, const ss_site *site)
{
	static const ss_scope_opts none = { .name = NULL };
	const unsigned known = SS_SUPERVISE | SS_EXIT_WAIT | SS_UNLINKED | SS_HELP | SS_UNBOUND;
	struct ssi_scope *scope = (struct ssi_scope *)(void *)storage;
	struct ssi_cause *cause = NULL;
	bool bound;
	int err;

	if (!scope)
		return EINVAL;
	scope->magic = 0; /* safe to leave, whatever comes */
	if (!opts)
		opts = &none;
	if (opts->flags & ~known)
		return EINVAL;
	bound = !(opts->flags & SS_UNBOUND);
	if (opts->deadline && opts->deadline != SS_NEVER)
		cause = ssi_cause_deadline(opts->name, 0, site);

	*scope = (struct ssi_scope){
		.owner = pthread_self(),
		.opener = bound ? ssi_self.task : NULL,
		.flags = opts->flags,
		.stuck_ns = scope_stuck_ns(opts->stuck_ns),
		.limit = opts->limit,
		.keep_errors = opts->keep_errors ? opts->keep_errors : 8,
	};
	scope->generation = atomic_load_explicit(&ssi.generation, memory_order_relaxed);
	scope->more_end = &scope->more;
	ssi_list_init(&scope->tasks);
	ssi_list_init(&scope->ended);
	ssi_list_init(&scope->queue);
	ssi_list_init(&scope->spawners);
	ssi_alarm_init(&scope->stuck, scope_stuck);

	err = ssi_start_locked();
	if (err) {
		ssi_cause_unref(cause);
		return err;
	}
	if (ssi.draining) {
		err = EPIPE;
	} else {
		ssi_object_add_locked(&scope->object, SSI_SCOPE, opts->name, site);
		ssi_token_init_locked(&scope->token, SSI_SCOPE,
				      bound && !(opts->flags & SS_UNLINKED) ? ssi_self.ambient : NULL);
		if (scope->token.walked)
			ssi_scope_fired_locked(scope);
		else if (opts->deadline && opts->deadline != SS_NEVER)
			ssi_token_deadline_locked(&scope->token, opts->deadline, &cause);
	}
	ssi_unlock();
	ssi_cause_unref(cause);
	if (err)
		return err;

	scope->magic = SSI_MAGIC(scope, SSI_SCOPE_MAGIC);
	if (bound)
		ssi_frame_push(&scope->frame, SSI_FRAME_SCOPE, &scope->token);
	return 0;
}

/* ---- errors ----------------------------------------------------------------------------------------------------- */

void ssi_scope_fail_locked(struct ssi_scope *scope, const ss_error *error, struct ssi_scope_error **more)
{
	scope->errors++;
	if (scope->errors == 1) {
		scope->first = *error;
	} else if (scope->errors <= scope->keep_errors && *more) {
		(*more)->next = NULL;
		(*more)->error = *error;
		*scope->more_end = *more;
		scope->more_end = &(*more)->next;
		*more = NULL;
	}
}

unsigned ss_scope_errors(const ss_scope *storage, ss_error *ret_errors, unsigned count)
{
	struct ssi_scope *scope = (struct ssi_scope *)(void *)(uintptr_t)storage;
	unsigned kept = 0;

	if (!scope || scope->magic != SSI_MAGIC(scope, SSI_SCOPE_MAGIC))
		return 0;
	if (scope->errors && kept < count)
		ret_errors[kept++] = scope->first;
	for (struct ssi_scope_error *more = scope->more; more && kept < count; more = more->next)
		ret_errors[kept++] = more->error;
	return scope->errors;
}

/* ---- join ------------------------------------------------------------------------------------------------------- */

_Atomic uint32_t *ssi_scope_less_locked(struct ssi_scope *scope)
{
	return !scope->alive && !scope->visitors && scope->joiner ? ssi_wake_later(scope->joiner) : NULL;
}

static void scope_cancel_background(struct ssi_scope *scope)
{
	for (struct ssi_list *at = scope->tasks.next; at != &scope->tasks; at = at->next) {
		struct ssi_task *task = SSI_CONTAINER(at, struct ssi_task, link);

		if (task->state < SSI_TASK_ENDED)
			ssi_token_fire_locked(&task->token, SSI_CANCELLED, 0, NULL);
	}
}

static struct ssi_patience scope_join_patience;

/* With the lock, which is given back on the way: 0 when all tasks ended, or ETIMEDOUT. */
static int scope_wait_locked(struct ssi_scope *scope, ss_time until)
{
	int err = 0;

	while (scope->alive || scope->alive_background || scope->visitors) {
		struct ssi_patience *patience;
		struct ssi_wait wait;
		struct ssi_task *gift;

		if (!scope->alive && !scope->visitors) {
			scope->state = SSI_SCOPE_CLOSED;
			scope_cancel_background(scope);
		}
		if (err)
			return err;
		ssi_wait_begin_steady(&wait);
		scope->joiner = &wait;
		scope->joiner_helps = scope->flags & SS_HELP;
		patience = ssi_patience_locked(&scope_join_patience, 1);
		ssi_unlock();
		err = ssi_wait_in(&wait, "ss_scope_join", patience, until);
		ssi_lock();
		scope->joiner = NULL;
		scope->joiner_helps = false;

		gift = scope->gift;
		scope->gift = NULL;
		while (gift) {
			bool late = ss_now() >= until;

			ssi_unlock();
			if (late)
				ssi_task_start(gift);
			gift = late ? NULL : ssi_task_perform(gift, NULL);
			ssi_lock();
		}
	}
	return 0;
}

/* What the join says: with the lock held. */
static int scope_result_locked(struct ssi_scope *scope, ss_error *first)
{
	struct ssi_token *token = &scope->token;
	int state = ssi_token_error(token), code = 0;
	ss_error error = scope->first;

	if (!error.code && state) {
		code = token->origin && state == ECANCELED ? atomic_load_explicit(&token->code, memory_order_relaxed)
							   : state;
		if (token->cause)
			error = token->cause->error;
		if (!error.site)
			error.site = scope->object.site;
		error.code = code;
	}
	if (!error.code)
		error = (ss_error){ 0 };
	scope->first = error;
	if (first)
		*first = error;
	return error.code;
}

/* Join the threads that are over, and let go of the tasks whose storage is the caller's. With the lock held. */
static void scope_reap_locked(struct ssi_scope *scope)
{
	struct ssi_list *lists[] = { &scope->ended, &scope->tasks };

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		while (!ssi_list_empty(lists[i])) {
			struct ssi_task *task = SSI_CONTAINER(lists[i]->next, struct ssi_task, link);

			ssi_list_remove(&task->link);
			task->scope = NULL;
			if (!task->own_thread)
				continue;
			ssi_unlock();
			ssi_thread_join(task, true);
			if (task->anonymous)
				free(task);
			ssi_lock();
		}
	}
}

static bool scope_awaits(const struct ssi_task *from, const struct ssi_task *task, const struct ssi_scope *scope,
			 unsigned *steps)
{
	for (const struct ssi_task *opener; from; from = opener) {
		const struct ssi_scope *in = from->scope;

		if (task ? from == task : ssi_inside_locked(scope, from))
			return true;
		if (++*steps > 10000)
			return false; /* a web of joins; who waits in vain is in the dump */
		/* The opener of a bound scope waits for what is inside, sooner or later. */
		opener = in ? in->opener : NULL;
		if (in && in->joiner_task && in->joiner_task != opener &&
		    scope_awaits(in->joiner_task, task, scope, steps))
			return true;
		if (from->joiner_task && from->joiner_task != opener &&
		    scope_awaits(from->joiner_task, task, scope, steps))
			return true;
	}
	return false;
}

bool ssi_is_awaited_locked(const struct ssi_task *from, const struct ssi_task *task, const struct ssi_scope *scope)
{
	unsigned steps = 0;

	return scope_awaits(from, task, scope, &steps);
}

static int scope_join(struct ssi_scope *scope, ss_time until, ss_error *first)
{
	struct ssi_rest rest;
	int err = 0;

	if (first)
		*first = (ss_error){ 0 };
	ssi_lock();
	if (scope->state == SSI_SCOPE_JOINED) {
		err = scope->first.code;
		if (first)
			*first = scope->first;
		ssi_unlock();
		return err;
	}
	if (ssi_is_awaited_locked(ssi_self.task, NULL, scope))
		err = EDEADLK;
	else if (!(scope->flags & SS_UNBOUND) && !pthread_equal(scope->owner, pthread_self()))
		err = EINVAL;
	else if (scope->joiner_task || scope->joiner)
		err = EINVAL;
	if (err) {
		ssi_unlock();
		return err == EINVAL ? ssi_misuse(NULL, scope, "a scope is joined by a stranger, or by two") : err;
	}

	scope->joiner_task = until == SS_NEVER ? ssi_self.task : NULL;
	err = scope_wait_locked(scope, until);
	scope->joiner_task = NULL;
	if (err) {
		ssi_unlock();
		return err;
	}
	scope->state = SSI_SCOPE_CLOSED;
	scope_reap_locked(scope);
	/* Tasks that saw a posted token may be over before the helper has done its part. */
	if (atomic_load_explicit(&scope->token.posting, memory_order_acquire))
		ssi_posted_locked();
	err = scope_result_locked(scope, first);
	scope->state = SSI_SCOPE_JOINED;
	ssi_token_done_locked(&scope->token, &rest);
	ssi_alarm_set_locked(&scope->stuck, SS_NEVER); /* firing arms it: only now can it not be fired any more */
	ssi_object_remove_locked(&scope->object);
	ssi_unlock();

	if (!(scope->flags & SS_UNBOUND))
		ssi_frame_remove(&scope->frame);
	ssi_token_release(&rest);
	return err;
}

int ss_scope_join_until(ss_scope *storage, ss_time until, ss_error *first)
{
	struct ssi_scope *scope;
	int err = ssi_scope_of(storage, &scope);

	if (first)
		*first = (ss_error){ 0 };
	return err ? err : scope_join(scope, until, first);
}

int ss_scope_join(ss_scope *storage, ss_error *first)
{
	return ss_scope_join_until(storage, SS_NEVER, first);
}

/* ---- leave ------------------------------------------------------------------------------------------------------ */

static void scope_release(struct ssi_scope *scope)
{
	struct ssi_scope_error *more = scope->more;

	scope->magic = 0;
	scope->more = NULL;
	while (more) {
		struct ssi_scope_error *next = more->next;

		free(more);
		more = next;
	}
}

void ssi_scope_leave(struct ssi_scope *scope)
{
	if (scope->magic != SSI_MAGIC(scope, SSI_SCOPE_MAGIC))
		return;
	if (!ssi_is_ours(scope->generation)) {
		/* In the child of a fork there is nobody to wait for; the descriptors were copied. */
		if (!(scope->flags & SS_UNBOUND))
			ssi_frame_remove(&scope->frame);
		if (scope->state != SSI_SCOPE_JOINED)
			ssi_token_disown(&scope->token);
	} else if (scope->state != SSI_SCOPE_JOINED) {
		if (!(scope->flags & SS_EXIT_WAIT)) {
			ssi_lock();
			ssi_token_fire_locked(&scope->token, SSI_CANCELLED, 0, NULL);
			ssi_unlock();
		}
		if (scope_join(scope, SS_NEVER, NULL) == EDEADLK)
			ssi_fatal(ssi_self.task, scope, "a scope is left by one of its own tasks");
	}
	scope_release(scope);
}

/* In debug: say once per site that tasks were left without a join. */
static void scope_complain(struct ssi_scope *scope)
{
	unsigned alive;
	char who[320];

	ssi_lock();
	alive = scope->state == SSI_SCOPE_JOINED ? 0 : scope->alive;
	ssi_unlock();
	if (!alive || !ssi_first_time(scope->object.site))
		return;
	ssi_describe(who, sizeof(who), NULL, scope);
	ssi_report("%s is left without a join: %u tasks are %s", who, alive,
		   scope->flags & SS_EXIT_WAIT ? "waited for" : "cancelled and waited for");
}

void ss_scope_exit_(ss_scope *storage)
{
	ss_scope_fini(storage);
}

void ss_scope_fini(ss_scope *storage)
{
	struct ssi_scope *scope;
	int err = ssi_scope_of(storage, &scope);

	if (err == EINVAL)
		return;
	if (!err && ssi_debug())
		scope_complain(scope);
	ssi_scope_leave((struct ssi_scope *)(void *)storage);
}

/* ---- from any thread -------------------------------------------------------------------------------------------- */

void ss_scope_close(ss_scope *storage)
{
	struct ssi_scope *scope;

	if (ssi_scope_of(storage, &scope))
		return;
	ssi_lock();
	if (scope->state == SSI_SCOPE_OPEN) {
		scope->state = SSI_SCOPE_CLOSED;
		/* Who waits for a slot looks again. */
		ssi_wake_all(&scope->spawners);
	}
	ssi_unlock();
}

void ss_scope_cancel(ss_scope *storage, int code, const char *format, ...)
{
	struct ssi_scope *scope;
	struct ssi_cause *cause;
	va_list arguments;

	if (ssi_scope_of(storage, &scope))
		return;
	va_start(arguments, format);
	cause = ssi_cause_new(code, scope->object.name, 0, scope->object.site, format, arguments);
	va_end(arguments);
	ssi_lock();
	if (scope->state != SSI_SCOPE_JOINED)
		ssi_token_fire_locked(&scope->token, SSI_CANCELLED, code, cause);
	ssi_unlock();
	ssi_cause_unref(cause);
}

void ss_scope_set_deadline(ss_scope *storage, ss_time until)
{
	struct ssi_scope *scope;
	struct ssi_cause *cause;

	if (ssi_scope_of(storage, &scope))
		return;
	cause = ssi_cause_deadline(scope->object.name, 0, scope->object.site);
	ssi_lock();
	if (scope->state != SSI_SCOPE_JOINED)
		ssi_token_deadline_locked(&scope->token, until, &cause);
	ssi_unlock();
	ssi_cause_unref(cause);
}

ss_cancel *ss_scope_token(ss_scope *storage)
{
	struct ssi_scope *scope;

	return ssi_scope_of(storage, &scope) ? NULL : (ss_cancel *)(void *)&scope->token;
}

ss_scope *ss_scope_current(void)
{
	for (struct ssi_frame *frame = ssi_self.frames; frame; frame = frame->outer) {
		if (frame->kind == SSI_FRAME_SCOPE && ssi_is_ours(frame->generation))
			return (ss_scope *)(void *)SSI_CONTAINER(frame, struct ssi_scope, frame);
		if (frame->kind == SSI_FRAME_BOUNDARY && SSI_CONTAINER(frame, struct ssi_boundary, frame)->task)
			break;
	}
	return ssi_self.task ? (ss_scope *)(void *)ssi_self.task->scope : NULL;
}
