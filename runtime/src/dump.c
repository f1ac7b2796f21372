/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What is there now: counters, and the tree of scopes and tasks as text. The dump is for signal handlers, so it formats
 * for itself, allocates nothing, and only tries for the lock: a handler may have interrupted the thread that holds it.
 * The lock is not held over a write. A tree that is longer than the buffer is written in rounds: each walks the tree
 * again and leaves out the lines that were written, as good as a tree that changes meanwhile allows.
 */
#include "ssi.h"

#define DUMP_LINE_SIZE 512

static struct dump {
	_Atomic bool busy;
	char text[8 * DUMP_LINE_SIZE];
	size_t size;
	struct ssi_text to;	     /* the line at hand */
	unsigned long line, written; /* the line of this walk, and how many are written */
	bool full;
} dump;

/* Begin a line; false: it is written already, or for a later round. */
static bool dump_line(unsigned depth)
{
	if (dump.full || dump.line++ < dump.written)
		return false;
	if (sizeof(dump.text) - dump.size < DUMP_LINE_SIZE) {
		dump.full = true;
		return false;
	}
	dump.to = (struct ssi_text){ dump.text + dump.size, DUMP_LINE_SIZE, 0 };
	for (; depth; depth--)
		ssi_text(&dump.to, "  ");
	return true;
}

static void dump_line_end(void)
{
	dump.size += dump.to.used;
	dump.text[dump.size++] = '\n'; /* in the place of its end */
}

static void dump_name(const char *what, const char *name)
{
	if (*name)
		ssi_text_quoted(&dump.to, what, name);
	else
		ssi_text(&dump.to, what);
}

/* ---- the tree --------------------------------------------------------------------------------------------------- */

static void dump_scope(const struct ssi_scope *scope)
{
	bool service = scope->object.kind == SSI_SERVICE;

	dump_name(service ? "service" : "scope", scope->object.name);
	ssi_text_site(&dump.to, service ? " started" : " opened", scope->object.site);
	ssi_text_count(&dump.to, ", tasks: ", scope->alive);
	if (scope->alive_background) {
		ssi_text_count(&dump.to, " + ", scope->alive_background);
		ssi_text(&dump.to, " in the background");
	}
	if (scope->limit)
		ssi_text_count(&dump.to, ", limit ", scope->limit);
	if (scope->errors)
		ssi_text_count(&dump.to, ", errors: ", scope->errors);
	if (scope->state == SSI_SCOPE_CLOSED && !service)
		ssi_text(&dump.to, ", closed");
}

static void dump_task(const struct ssi_task *task)
{
	dump_name("task", task->name);
	ssi_text_count(&dump.to, " #", task->id);
	ssi_text_site(&dump.to, " spawned", task->site);
	if (task->flags & SS_TASK_BACKGROUND)
		ssi_text(&dump.to, ", in the background");
	ssi_text(&dump.to, ", ");
	if (task->state == SSI_TASK_QUEUED)
		ssi_text(&dump.to, "waits for a slot");
	else
		ssi_text_wait(&dump.to, task);
}

static void dump_token(struct ssi_token *token, unsigned depth)
{
	int fired = ssi_token_error(token);

	if (!dump_line(depth))
		return;
	if (token->kind == SSI_SCOPE)
		dump_scope(SSI_CONTAINER(token, struct ssi_scope, token));
	else if (token->kind == SSI_TASK)
		dump_task(SSI_CONTAINER(token, struct ssi_task, token));
	else if (token->kind == SSI_CANCEL)
		ssi_text_site(&dump.to, "token made", SSI_CONTAINER(token, struct ssi_cancel, token)->object.site);
	else
		ssi_text(&dump.to, "shield");
	if (fired)
		ssi_text(&dump.to, fired == ETIMEDOUT ? ", past its deadline" : ", cancelled");
	dump_line_end();
}

static struct ssi_token *dump_last(struct ssi_token *token)
{
	while (token->next)
		token = token->next;
	return token;
}

/* What is below @root in order, oldest first; without recursion, since the stack is that of a signal handler. */
static void dump_tree(struct ssi_token *root)
{
	struct ssi_token *token = root;
	unsigned depth = 0;

	for (;;) {
		dump_token(token, depth);
		if (token->child) {
			token = dump_last(token->child);
			depth++;
			continue;
		}
		while (token != root && !token->prev) {
			token = token->parent;
			depth--;
		}
		if (token == root)
			return;
		token = token->prev;
	}
}

static struct ssi_token *dump_token_of(struct ssi_object *object)
{
	return object->kind == SSI_CANCEL ? &SSI_CONTAINER(object, struct ssi_cancel, object)->token
					  : &SSI_CONTAINER(object, struct ssi_scope, object)->token;
}

static void dump_all_locked(void)
{
	dump.size = 0;
	dump.line = 0;
	dump.full = false;
	if (dump_line(0)) {
		ssi_text_count(&dump.to, "safespawn: scopes: ", ssi.stats.scopes);
		ssi_text_count(&dump.to, ", services: ", ssi.stats.services);
		ssi_text_count(&dump.to, ", threads: ", ssi.stats.threads);
		ssi_text_count(&dump.to, " (parked: ", ssi.stats.parked);
		ssi_text_count(&dump.to, "), queued tasks: ", ssi.stats.queued);
		if (ssi.draining)
			ssi_text(&dump.to, ", draining");
		dump_line_end();
	}
	for (struct ssi_list *at = ssi.objects.next; at != &ssi.objects && !dump.full; at = at->next) {
		struct ssi_token *token = dump_token_of(SSI_CONTAINER(at, struct ssi_object, link));

		/* Nothing shows a shield, so what is below one stands for itself. */
		if (!token->parent || token->parent->kind == SSI_SHIELD)
			dump_tree(token);
	}
}

/* ---- the calls -------------------------------------------------------------------------------------------------- */

static int dump_lock(void)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	for (int tries = 100; pthread_mutex_trylock(&ssi.lock) != 0; tries--) {
		if (!tries)
			return EAGAIN;
		nanosleep(&pause, NULL);
	}
	return 0;
}

int ss_dump(int fd)
{
	int before = errno, err;

	if (atomic_exchange(&dump.busy, true))
		return EAGAIN;
	dump.written = 0;
	do {
		err = dump_lock();
		if (err)
			break;
		dump_all_locked();
		ssi_unlock();
		err = ssi_text_write(fd, &(struct ssi_text){ dump.text, sizeof(dump.text), dump.size });
		dump.written = dump.full ? dump.line - 1 : dump.line;
	} while (!err && dump.full);
	atomic_store(&dump.busy, false);
	errno = before;
	return err;
}

void ss_get_stats(ss_stats *ret_stats)
{
	ssi_lock();
	*ret_stats = ssi.stats;
	ssi_unlock();
}
