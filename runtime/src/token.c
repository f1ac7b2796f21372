/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Tokens: the tree that a cancellation runs down, the causes that it carries, and the descriptors that it makes
 * readable. Who waits, and how a wait ends, is decided elsewhere: here its hooks are pulled.
 */
#include "ssi.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#if defined(__linux__) && !defined(SAFESPAWN_PORTABLE)
#include <sys/eventfd.h>
#endif

_Static_assert(sizeof(struct ssi_cancel) <= sizeof(ss_cancel), "ss_cancel is too small");

/* Tokens that signal handlers fired, newest first: each is here once at most, see posting. */
static struct ssi_token *_Atomic token_posted;

/* ---- causes ----------------------------------------------------------------------------------------------------- */

struct ssi_cause *ssi_cause_new(int code, const char *name, uint64_t task_id, const ss_site *site, const char *format,
				va_list arguments)
{
	ss_error error = { .code = code, .task_id = task_id, .site = site };

	ssi_name_copy(error.task, name);
	if (format)
		vsnprintf(error.msg, sizeof(error.msg), format, arguments);
	return ssi_cause_of(&error);
}

struct ssi_cause *ssi_cause_of(const ss_error *error)
{
	struct ssi_cause *cause = malloc(sizeof(*cause));

	if (cause) {
		atomic_init(&cause->refs, 1);
		cause->error = *error;
	}
	return cause;
}

static struct ssi_cause *token_cause(int code, const char *name, uint64_t task_id, const ss_site *site,
				     const char *format, ...)
{
	struct ssi_cause *cause;
	va_list arguments;

	va_start(arguments, format);
	cause = ssi_cause_new(code, name, task_id, site, format, arguments);
	va_end(arguments);
	return cause;
}

struct ssi_cause *ssi_cause_deadline(const char *name, uint64_t task_id, const ss_site *site)
{
	return token_cause(ETIMEDOUT, name, task_id, site, "the deadline of a %s passed%s%s",
			   task_id ? "task"
			   : site  ? "scope"
				   : "token",
			   name ? ": " : "", name ? name : "");
}

void ssi_cause_unref(struct ssi_cause *cause)
{
	if (!cause)
		return;
	ssi_tsan_release(&cause->refs);
	if (atomic_fetch_sub_explicit(&cause->refs, 1, memory_order_acq_rel) == 1) {
		ssi_tsan_acquire(&cause->refs);
		free(cause);
	}
}

int ssi_token_error(const struct ssi_token *token)
{
	uint32_t state = token ? atomic_load_explicit(&token->state, memory_order_acquire) : SSI_LIVE;

	if (state == SSI_LIVE)
		return 0;
	ssi_tsan_acquire(&token->state);
	return state == SSI_TIMED_OUT ? ETIMEDOUT : ECANCELED;
}

/* ---- hooks ------------------------------------------------------------------------------------------------------ */

static void token_pull(struct ssi_hook *hook)
{
	switch (hook->kind) {
	case SSI_HOOK_WORD:
		ssi_tsan_release(hook->to.word);
		if (atomic_fetch_or_explicit(hook->to.word, SSI_FIRED, memory_order_acq_rel) == SSI_SLEEPS)
			ssi_word_wake(hook->to.word, false);
		return;
	case SSI_HOOK_COND:
		pthread_cond_broadcast(hook->to.cond);
		break;
	case SSI_HOOK_KICK:
		pthread_kill(hook->to.thread, atomic_load_explicit(&ssi.kick_signal, memory_order_relaxed));
		break;
	}
	/* The waiter may have looked at its token and not yet be in its wait: 0.1, 1, 10, 10, ... ms until it is gone.
	 */
	if (hook->pause_ns < SS_MS(10))
		hook->pause_ns = hook->pause_ns ? hook->pause_ns * 10 : SS_US(100);
	ssi_alarm_set_locked(&hook->again, ss_after(hook->pause_ns));
}

static void token_pull_again(struct ssi_alarm *alarm)
{
	token_pull(SSI_CONTAINER(alarm, struct ssi_hook, again));
}

int ssi_hook_add_locked(struct ssi_token *token, struct ssi_hook *hook)
{
	int err = ssi_token_error(token);

	ssi_list_init(&hook->link);
	ssi_alarm_init(&hook->again, token_pull_again);
	hook->pause_ns = 0;
	if (token && !err)
		ssi_list_append(&token->hooks, &hook->link);
	return err;
}

void ssi_hook_remove_locked(struct ssi_hook *hook)
{
	if (!hook->link.next)
		return;
	ssi_list_remove(&hook->link);
	ssi_alarm_set_locked(&hook->again, SS_NEVER);
}

/* ---- the tree --------------------------------------------------------------------------------------------------- */

static void token_make_readable(struct ssi_token *token)
{
	int fd = atomic_load(&token->fd_write), before = errno;
	const uint64_t one = 1; /* an eventfd wants eight bytes; a pipe takes them too */

	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0)
		errno = before; /* full: readable already */
}

static void token_deadline_passed(struct ssi_alarm *alarm)
{
	struct ssi_token *token = SSI_CONTAINER(alarm, struct ssi_token, deadline);

	ssi_token_fire_locked(token, SSI_TIMED_OUT, ETIMEDOUT, token->deadline_cause);
}

void ssi_token_init_locked(struct ssi_token *token, enum ssi_kind kind, struct ssi_token *parent)
{
	*token = (struct ssi_token){ .magic = SSI_MAGIC(token, SSI_TOKEN_MAGIC), .kind = kind, .parent = parent };
	token->generation = atomic_load_explicit(&ssi.generation, memory_order_relaxed);
	atomic_init(&token->fd, -1);
	atomic_init(&token->fd_write, -1);
	ssi_list_init(&token->hooks);
	ssi_alarm_init(&token->deadline, token_deadline_passed);
	if (!parent)
		return;
	token->next = parent->child;
	if (parent->child)
		parent->child->prev = token;
	parent->child = token;
	if (ssi_token_error(parent)) {
		atomic_init(&token->state, atomic_load_explicit(&parent->state, memory_order_relaxed));
		atomic_init(&token->code, atomic_load_explicit(&parent->code, memory_order_relaxed));
		token->cause = parent->cause;
		if (token->cause)
			atomic_fetch_add_explicit(&token->cause->refs, 1, memory_order_relaxed);
		/* A parent that was only posted still has its walk before it, and that is to find this one marked. */
		token->walked = true;
	}
}

static void token_take_rest(struct ssi_token *token, struct ssi_rest *ret_rest)
{
	*ret_rest = (struct ssi_rest){ .fd = atomic_exchange(&token->fd, -1),
				       .fd_write = atomic_exchange(&token->fd_write, -1),
				       .causes = { token->cause, token->deadline_cause } };
	token->cause = token->deadline_cause = NULL;
	token->magic = 0;
}

void ssi_token_release(const struct ssi_rest *rest)
{
	if (rest->fd_write >= 0 && rest->fd_write != rest->fd)
		close(rest->fd_write);
	if (rest->fd >= 0)
		close(rest->fd);
	ssi_cause_unref(rest->causes[0]);
	ssi_cause_unref(rest->causes[1]);
}

void ssi_token_disown(struct ssi_token *token)
{
	struct ssi_rest rest;

	token_take_rest(token, &rest);
	ssi_token_release(&rest);
}

void ssi_token_done_locked(struct ssi_token *token, struct ssi_rest *ret_rest)
{
	struct ssi_token *last;

	/* A posted token is in the list of posted ones. */
	if (atomic_load_explicit(&token->posting, memory_order_acquire))
		ssi_posted_locked();
	ssi_alarm_set_locked(&token->deadline, SS_NEVER);

	if (token->prev)
		token->prev->next = token->next;
	else if (token->parent)
		token->parent->child = token->next;
	if (token->next)
		token->next->prev = token->prev;

	for (last = token->child; last; last = last->next) {
		last->parent = token->parent;
		if (last->next)
			continue;
		if (token->parent) {
			last->next = token->parent->child;
			if (last->next)
				last->next->prev = last;
			token->parent->child = token->child;
			break;
		}
	}
	if (!token->parent) {
		for (struct ssi_token *root = token->child, *next; root; root = next) {
			next = root->next;
			root->next = root->prev = NULL;
		}
	}
	token->parent = token->child = token->next = token->prev = NULL;
	token_take_rest(token, ret_rest);
}

/* False: it has fired before, and so has all that is below. */
static bool token_mark(struct ssi_token *token, uint32_t state, int code, struct ssi_cause *cause)
{
	uint32_t live = SSI_LIVE;

	if (token->walked)
		return false;
	token->walked = true;
	ssi_tsan_release(&token->state);
	/* Where a handler was first, what it said stays. */
	if (atomic_compare_exchange_strong(&token->state, &live, state)) {
		atomic_store_explicit(&token->code, code, memory_order_release);
		token->cause = cause;
		if (cause)
			atomic_fetch_add_explicit(&cause->refs, 1, memory_order_relaxed);
	}
	ssi_alarm_set_locked(&token->deadline, SS_NEVER);
	token_make_readable(token);
	while (!ssi_list_empty(&token->hooks)) {
		struct ssi_hook *hook = SSI_CONTAINER(token->hooks.next, struct ssi_hook, link);

		/* Off the list, so that each is pulled once; removing it is still right. */
		ssi_list_remove(&hook->link);
		token_pull(hook);
	}
	if (token->kind == SSI_SCOPE)
		ssi_scope_fired_locked(SSI_CONTAINER(token, struct ssi_scope, token));
	return true;
}

void ssi_token_fire_locked(struct ssi_token *token, uint32_t state, int code, struct ssi_cause *cause)
{
	struct ssi_token *at = token;

	token->origin |= !token->walked;
	for (;;) {
		if (token_mark(at, state, code, cause) && at->child) {
			at = at->child;
			continue;
		}
		while (at != token && !at->next)
			at = at->parent;
		if (at == token)
			return;
		at = at->next;
	}
}

void ssi_posted_locked(void)
{
	struct ssi_token *token = atomic_exchange_explicit(&token_posted, NULL, memory_order_acquire);

	while (token) {
		struct ssi_token *next = token->next_posted;

		ssi_token_fire_locked(token, SSI_CANCELLED, atomic_load_explicit(&token->code, memory_order_relaxed),
				      NULL);
		token = next;
	}
}

void ssi_posted_forked(void)
{
	atomic_store_explicit(&token_posted, NULL, memory_order_relaxed);
}

void ssi_token_deadline_locked(struct ssi_token *token, ss_time until, struct ssi_cause **cause)
{
	if (token->walked || until >= token->deadline.at)
		return;
	if (!token->deadline_cause) {
		token->deadline_cause = *cause;
		*cause = NULL;
	}
	ssi_alarm_set_locked(&token->deadline, until);
}

/* ---- descriptors ------------------------------------------------------------------------------------------------ */

static int token_make_fds(int fds[2])
{
#if defined(__linux__) && !defined(SAFESPAWN_PORTABLE)
	fds[0] = fds[1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return fds[0] < 0 ? errno : 0;
#else
	if (pipe(fds) != 0)
		return errno;
	for (int i = 0; i < 2; i++) {
		fcntl(fds[i], F_SETFD, FD_CLOEXEC);
		fcntl(fds[i], F_SETFL, O_NONBLOCK);
	}
	return 0;
#endif
}

int ssi_token_fd(struct ssi_token *token)
{
	int fd, fds[2], err;

	/* A task without a handle is never cancelled alone: all of its kind wait for the descriptor of their scope. */
	while (token->follows && token->parent)
		token = token->parent;
	fd = atomic_load(&token->fd);
	if (fd >= 0)
		return fd;
	err = token_make_fds(fds);
	if (err) {
		errno = err;
		return -1;
	}

	ssi_lock();
	fd = atomic_load(&token->fd);
	if (fd < 0) {
		fd = fds[0];
		/* First the descriptor, then the look at the state; a signal handler does it the other way round. */
		atomic_store(&token->fd_write, fds[1]);
		atomic_store(&token->fd, fd);
		fds[0] = fds[1] = -1;
		if (atomic_load(&token->state) != SSI_LIVE)
			token_make_readable(token);
	}
	ssi_unlock();

	if (fds[1] >= 0 && fds[1] != fds[0])
		close(fds[1]);
	if (fds[0] >= 0)
		close(fds[0]);
	return fd;
}

/* ---- the public side -------------------------------------------------------------------------------------------- */

/* The token behind the storage: of a ss_cancel or, by ss_scope_token, of a scope. */
static int token_of(const ss_cancel *storage, struct ssi_token **ret_token)
{
	struct ssi_token *token = (struct ssi_token *)(void *)(uintptr_t)storage;

	*ret_token = NULL;
	if (!token || token->magic != SSI_MAGIC(token, SSI_TOKEN_MAGIC))
		return EINVAL;
	if (!ssi_is_ours(token->generation))
		return EOWNERDEAD;
	*ret_token = token;
	return 0;
}

static int token_of_or_misuse(const ss_cancel *storage, struct ssi_token **ret_token)
{
	int err = token_of(storage, ret_token);

	if (err == EINVAL)
		ssi_misused("this is no token, or it has ended");
	return err;
}

int ss_cancel_init_at(ss_cancel *storage, ss_cancel *parent, const ss_site *site)
{
	struct ssi_cancel *cancel = (struct ssi_cancel *)(void *)storage;
	struct ssi_token *above = ssi_self.ambient;
	int err;

	if (!storage)
		return EINVAL;
	cancel->token.magic = 0;
	err = parent ? token_of_or_misuse(parent, &above) : 0;
	if (!err)
		err = ssi_start_locked();
	if (err)
		return err;
	if (ssi.draining) {
		err = EPIPE;
	} else {
		ssi_token_init_locked(&cancel->token, SSI_CANCEL, above);
		ssi_object_add_locked(&cancel->object, SSI_CANCEL, NULL, site);
	}
	ssi_unlock();
	return err;
}

void ss_cancel_done(ss_cancel *storage)
{
	struct ssi_cancel *cancel = (struct ssi_cancel *)(void *)storage;
	struct ssi_token *token;
	struct ssi_rest rest;
	int err = token_of(storage, &token);

	if (err == EINVAL || (token && token->kind != SSI_CANCEL))
		return;
	if (err) {
		ssi_token_disown(&cancel->token);
		return;
	}
	ssi_lock();
	ssi_object_remove_locked(&cancel->object);
	ssi_token_done_locked(token, &rest);
	ssi_unlock();
	ssi_token_release(&rest);
}

void ss_cancel_fire(ss_cancel *storage, int code, const char *format, ...)
{
	struct ssi_token *token;
	struct ssi_cause *cause;
	va_list arguments;

	if (token_of_or_misuse(storage, &token))
		return;
	va_start(arguments, format);
	cause = ssi_cause_new(code, NULL, ss_task_id(), NULL, format, arguments);
	va_end(arguments);
	ssi_lock();
	ssi_token_fire_locked(token, SSI_CANCELLED, code, cause);
	ssi_unlock();
	ssi_cause_unref(cause);
}

void ss_cancel_post(ss_cancel *storage, int code)
{
	struct ssi_token *token;
	uint32_t live = SSI_LIVE;

	if (token_of(storage, &token) || atomic_exchange(&token->posting, true))
		return;
	ssi_tsan_release(&token->state);
	if (atomic_load(&token->state) == SSI_LIVE) {
		atomic_store_explicit(&token->code, code, memory_order_relaxed);
		atomic_compare_exchange_strong(&token->state, &live, SSI_CANCELLED);
	}
	token_make_readable(token);
	token->next_posted = atomic_load_explicit(&token_posted, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(&token_posted, &token->next_posted, token, memory_order_release,
						      memory_order_relaxed))
		;
	ssi_helper_poke();
}

int ss_cancel_state(const ss_cancel *storage)
{
	struct ssi_token *token;
	int err = token_of(storage, &token);

	return err ? err : ssi_token_error(token);
}

void ss_cancel_at(ss_cancel *storage, ss_time until)
{
	struct ssi_token *token;
	struct ssi_cause *cause;

	if (token_of_or_misuse(storage, &token))
		return;
	cause = ssi_cause_deadline(NULL, 0, NULL);
	ssi_lock();
	ssi_token_deadline_locked(token, until, &cause);
	ssi_unlock();
	ssi_cause_unref(cause);
}

int ss_cancel_fd(ss_cancel *storage)
{
	struct ssi_token *token;
	int err = token_of_or_misuse(storage, &token);

	if (!err)
		return ssi_token_fd(token);
	errno = err;
	return -1;
}

int ss_cancel_wait(ss_cancel *storage, ss_time until)
{
	struct ssi_token *token;
	struct ssi_wait wait;
	struct ssi_hook hook = { .kind = SSI_HOOK_WORD, .to.word = &wait.word };
	int err = token_of_or_misuse(storage, &token), fired;

	if (err)
		return err;
	ssi_lock();
	err = ssi_wait_begin_locked(&wait);
	fired = ssi_hook_add_locked(token, &hook);
	ssi_unlock();
	if (!err && !fired)
		err = ssi_wait_in(&wait, "ss_cancel_wait", NULL, until);
	ssi_lock();
	ssi_hook_remove_locked(&hook);
	ssi_wait_end_locked(&wait);
	fired = ssi_token_error(token);
	ssi_unlock();
	return fired ? 0 : err;
}

int ss_cancelled(void)
{
	return ssi_token_error(ssi_self.ambient);
}

int ss_cancel_cause(ss_error *error)
{
	struct ssi_token *token = ssi_self.ambient;
	int state = ssi_token_error(token), code;

	if (error)
		*error = (ss_error){ 0 };
	if (!state)
		return 0;
	ssi_lock();
	code = atomic_load_explicit(&token->code, memory_order_relaxed);
	if (error && token->cause)
		*error = token->cause->error;
	else if (error)
		error->code = code;
	ssi_unlock();
	return code ? code : state;
}

/* ---- ambient for one call --------------------------------------------------------------------------------------- */

int ss_with_token(ss_cancel *storage, ss_fn fn, void *arg)
{
	struct ssi_token *token;
	struct ssi_frame frame;
	int err = fn ? token_of_or_misuse(storage, &token) : EINVAL;

	if (err)
		return err;
	ssi_frame_push(&frame, SSI_FRAME_TOKEN, token);
	err = fn(arg);
	ssi_frame_remove(&frame);
	return err;
}

/* The token of a shield is released by its frame, also when ss_exit or ss_fail leaves it. */
void ssi_shield_end(struct ssi_token *token)
{
	struct ssi_rest rest;

	ssi_lock();
	ssi_token_done_locked(token, &rest);
	ssi_unlock();
	ssi_token_release(&rest);
}

int ss_shield(int64_t max_ns, ss_fn fn, void *arg)
{
	struct ssi_token token;
	struct ssi_frame frame;
	struct ssi_cause *cause;
	int rc;

	if (max_ns <= 0 || !fn)
		return EINVAL;
	cause = token_cause(ETIMEDOUT, NULL, 0, NULL, "the time of a shield is over");
	rc = ssi_start_locked();
	if (rc) {
		ssi_cause_unref(cause);
		return rc;
	}
	ssi_token_init_locked(&token, SSI_SHIELD, NULL);
	ssi_token_deadline_locked(&token, ss_after(max_ns), &cause);
	ssi_unlock();
	ssi_cause_unref(cause);

	ssi_frame_push(&frame, SSI_FRAME_TOKEN, &token);
	rc = fn(arg);
	ssi_frame_remove(&frame);
	ssi_shield_end(&token);
	return rc;
}
