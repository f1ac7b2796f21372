/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What is there now: counters, and the tree of scopes and tasks as text. The dump is for signal handlers, so it formats
 * for itself, allocates nothing, and only tries for the lock: a handler may have interrupted the thread that holds it.
 * The lock is not held over a write. A tree that is longer than the buffer is written in rounds: each walks the tree
 * again and leaves out the lines that were written, as good as a tree that changes meanwhile allows.
 */
#include "ssi.h"

#include <string.h>
#include <unistd.h>

#define DUMP_LINE_SIZE 512

static struct dump {
	_Atomic bool busy;
	char text[8 * DUMP_LINE_SIZE];
	size_t size, line_begin;
	unsigned long line, written; /* the line of this walk, and how many are written */
	bool full;
} dump;

/* ---- text ------------------------------------------------------------------------------------------------------- */

static void dump_text(const char *text)
{
	/* One byte of a line is for its end. */
	size_t room = DUMP_LINE_SIZE - 1 - (dump.size - dump.line_begin), length = strnlen(text, room);

	memcpy(dump.text + dump.size, text, length);
	dump.size += length;
}

static void dump_number(uint64_t number)
{
	char digits[24], *at = digits + sizeof(digits) - 1;

	*at = '\0';
	do
		*--at = (char)('0' + number % 10);
	while (number /= 10);
	dump_text(at);
}

static void dump_count(const char *before, uint64_t number, const char *after)
{
	dump_text(before);
	dump_number(number);
	dump_text(after);
}

/* Begin a line; false: it is written already, or for a later round. */
static bool dump_line(unsigned depth)
{
	if (dump.full || dump.line++ < dump.written)
		return false;
	if (sizeof(dump.text) - dump.size < DUMP_LINE_SIZE) {
		dump.full = true;
		return false;
	}
	dump.line_begin = dump.size;
	for (; depth; depth--)
		dump_text("  ");
	return true;
}

static void dump_line_end(void)
{
	dump.text[dump.size++] = '\n';
}

static void dump_name(const char *what, const char *name, uint64_t id)
{
	dump_text(what);
	if (*name) {
		dump_text(" \"");
		dump_text(name);
		dump_text("\"");
	}
	if (id)
		dump_count(" #", id, "");
}

static void dump_site(const char *verb, const ss_site *site)
{
	dump_text(verb);
	dump_text(site ? site->file : "an unknown place");
	if (site)
		dump_count(":", (uint64_t)site->line, "");
}

/* ---- the tree --------------------------------------------------------------------------------------------------- */

static void dump_scope(const struct ssi_scope *scope)
{
	bool service = scope->object.kind == SSI_SERVICE;

	dump_name(service ? "service" : "scope", scope->object.name, 0);
	dump_site(service ? " started at " : " opened at ", scope->object.site);
	dump_count(", tasks: ", scope->alive, "");
	if (scope->alive_background)
		dump_count(" + ", scope->alive_background, " in the background");
	if (scope->limit)
		dump_count(", limit ", scope->limit, "");
	if (scope->errors)
		dump_count(", errors: ", scope->errors, "");
	if (scope->state == SSI_SCOPE_CLOSED && !service)
		dump_text(", closed");
}

static void dump_task(const struct ssi_task *task)
{
	const char *where = atomic_load_explicit(&task->waits_in, memory_order_relaxed);
	int fd = atomic_load_explicit(&task->waits_fd, memory_order_relaxed);

	dump_name("task", task->name, task->id);
	dump_site(" spawned at ", task->site);
	if (task->flags & SS_TASK_BACKGROUND)
		dump_text(", in the background");
	if (task->state == SSI_TASK_QUEUED)
		dump_text(", waits for a slot");
	else if (!where)
		dump_text(", runs");
	else
		dump_text(", blocked in ");
	if (where)
		dump_text(where);
	if (where && fd >= 0)
		dump_count("(fd ", (uint64_t)fd, ")");
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
		dump_site("token made at ", SSI_CONTAINER(token, struct ssi_cancel, token)->object.site);
	else
		dump_text("shield");
	if (fired)
		dump_text(fired == ETIMEDOUT ? ", past its deadline" : ", cancelled");
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
		dump_count("safespawn: scopes: ", ssi.stats.scopes, "");
		dump_count(", services: ", ssi.stats.services, "");
		dump_count(", threads: ", ssi.stats.threads, "");
		dump_count(" (parked: ", ssi.stats.parked, ")");
		dump_count(", queued tasks: ", ssi.stats.queued, ssi.draining ? ", draining" : "");
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

static int dump_write(int fd)
{
	for (size_t done = 0; done < dump.size;) {
		ssize_t part = write(fd, dump.text + done, dump.size - done);

		if (part < 0 && errno != EINTR)
			return errno;
		done += part > 0 ? (size_t)part : 0;
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
		err = dump_write(fd);
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
