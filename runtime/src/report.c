/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The one place that prints: reports of misuse, of scopes that are left without a join, and of tasks that go on.
 */
#include "ssi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void ssi_report(const char *format, ...)
{
	char text[2200] = "safespawn: ";
	size_t prefix = strlen(text), length;
	int before = errno, written;
	va_list arguments;

	va_start(arguments, format);
	written = vsnprintf(text + prefix, sizeof(text) - prefix - 1, format, arguments);
	va_end(arguments);
	length = written < 0 ? 0 : strlen(text);
	if (length && text[length - 1] != '\n') {
		text[length++] = '\n';
		text[length] = '\0';
	}
	if (ssi.config.report)
		ssi.config.report(text, ssi.config.report_ctx);
	else
		for (size_t done = 0; done < length;) {
			ssize_t part = write(STDERR_FILENO, text + done, length - done);

			if (part < 0 && errno != EINTR)
				break;
			done += part > 0 ? (size_t)part : 0;
		}
	errno = before;
}

/* Like snprintf behind what is there already. */
static void report_add(char *buffer, size_t size, const char *format, ...) SS_PRINTF(3, 4);
static void report_add(char *buffer, size_t size, const char *format, ...)
{
	size_t length = strlen(buffer);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(buffer + length, size - length, format, arguments);
	va_end(arguments);
}

static void report_add_site(char *buffer, size_t size, const char *verb, const ss_site *site)
{
	if (site)
		report_add(buffer, size, "%s at %s:%d", verb, site->file, site->line);
	else
		report_add(buffer, size, "%s at an unknown place", verb);
}

void ssi_describe(char *buffer, size_t size, const struct ssi_task *task, const struct ssi_scope *scope)
{
	buffer[0] = '\0';
	if (task) {
		report_add(buffer, size, "task \"%s\" #%llu (", task->name, (unsigned long long)task->id);
		report_add_site(buffer, size, "spawned", task->site);
		if (scope)
			report_add(buffer, size, ", ");
	}
	if (scope) {
		bool service = scope->object.kind == SSI_SERVICE;

		report_add(buffer, size, "%s \"%s\" ", service ? "service" : "scope", scope->object.name);
		report_add_site(buffer, size, service ? "started" : "opened", scope->object.site);
	}
	if (task)
		report_add(buffer, size, ")");
}

void ssi_describe_object(char *buffer, size_t size, const struct ssi_object *object, const struct ssi_task *task)
{
	if (object->kind != SSI_CANCEL) {
		ssi_describe(buffer, size, task, SSI_CONTAINER(object, struct ssi_scope, object));
		return;
	}
	buffer[0] = '\0';
	report_add_site(buffer, size, "token made", object->site);
}

static void report_misuse(const struct ssi_task *task, const struct ssi_scope *scope, const char *what)
{
	char who[320];

	ssi_describe(who, sizeof(who), task, scope);
	ssi_report("%s%s%s", what, *who ? ": " : "", who);
}

int ssi_misuse(int error, const struct ssi_task *task, const struct ssi_scope *scope, const char *what)
{
	if (ssi_debug())
		ssi_fatal(task, scope, what);
	report_misuse(task, scope, what);
	return error;
}

void ssi_fatal(const struct ssi_task *task, const struct ssi_scope *scope, const char *what)
{
	report_misuse(task, scope, what);
	abort();
}

bool ssi_first_time(const ss_site *site)
{
	size_t i, places = sizeof(ssi.complained) / sizeof(*ssi.complained);

	ssi_lock();
	for (i = 0; i < places && ssi.complained[i] && ssi.complained[i] != site; i++)
		;
	if (i < places && !ssi.complained[i])
		ssi.complained[i] = site;
	else
		i = places;
	ssi_unlock();
	return i < places;
}
