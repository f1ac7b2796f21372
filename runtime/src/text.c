/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Text for reports and dumps, and what they say of tasks, scopes and places. All of it may be used in a signal handler,
 * hence no printf.
 */
#include "ssi.h"

#include <unistd.h>

void ssi_text(struct ssi_text *to, const char *text)
{
	while (*text && to->used + 1 < to->size)
		to->text[to->used++] = *text++;
	to->text[to->used] = '\0';
}

void ssi_text_number(struct ssi_text *to, uint64_t number, unsigned base)
{
	char digits[24], *at = digits + sizeof(digits) - 1;

	*at = '\0';
	do {
		*--at = "0123456789abcdef"[number % base];
		number /= base;
	} while (number);
	ssi_text(to, at);
}

void ssi_text_count(struct ssi_text *to, const char *before, uint64_t count)
{
	ssi_text(to, before);
	ssi_text_number(to, count, 10);
}

void ssi_text_quoted(struct ssi_text *to, const char *what, const char *name)
{
	ssi_text(to, what);
	ssi_text(to, " \"");
	ssi_text(to, name);
	ssi_text(to, "\"");
}

void ssi_text_site(struct ssi_text *to, const char *verb, const ss_site *site)
{
	ssi_text(to, verb);
	ssi_text(to, " at ");
	ssi_text(to, site ? site->file : "an unknown place");
	if (site)
		ssi_text_count(to, ":", (uint64_t)site->line);
}

void ssi_text_wait(struct ssi_text *to, const struct ssi_task *task)
{
	const char *where = task ? atomic_load_explicit(&task->waits_in, memory_order_relaxed) : NULL;
	int fd = where ? atomic_load_explicit(&task->waits_fd, memory_order_relaxed) : -1;

	ssi_text(to, where ? "blocked in " : "running user code");
	if (where)
		ssi_text(to, where);
	if (fd >= 0) {
		ssi_text_count(to, "(fd ", (uint64_t)fd);
		ssi_text(to, ")");
	}
}

void ssi_text_of(struct ssi_text *to, const struct ssi_task *task, const struct ssi_scope *scope)
{
	if (task) {
		ssi_text_quoted(to, "task", task->name);
		ssi_text_count(to, " #", task->id);
		ssi_text_site(to, " (spawned", task->site);
		if (scope)
			ssi_text(to, ", ");
	}
	if (scope) {
		bool service = scope->object.kind == SSI_SERVICE;

		ssi_text_quoted(to, service ? "service" : "scope", scope->object.name);
		ssi_text_site(to, service ? " started" : " opened", scope->object.site);
	}
	if (task)
		ssi_text(to, ")");
}

void ssi_describe(char *buffer, size_t size, const struct ssi_task *task, const struct ssi_scope *scope)
{
	struct ssi_text to = { buffer, size, 0 };

	*buffer = '\0';
	ssi_text_of(&to, task, scope);
}

void ssi_describe_object(char *buffer, size_t size, const struct ssi_object *object, const struct ssi_task *task)
{
	struct ssi_text to = { buffer, size, 0 };

	if (object->kind == SSI_CANCEL)
		ssi_text_site(&to, "token made", object->site);
	else
		ssi_text_of(&to, task, SSI_CONTAINER(object, struct ssi_scope, object));
}

int ssi_text_write(int fd, const struct ssi_text *text)
{
	for (size_t done = 0; done < text->used;) {
		ssize_t part = write(fd, text->text + done, text->used - done);

		if (part < 0 && errno != EINTR)
			return errno;
		done += part > 0 ? (size_t)part : 0;
	}
	return 0;
}
