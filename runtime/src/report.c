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
		ssi_text_write(STDERR_FILENO, &(struct ssi_text){ text, sizeof(text), length });
	errno = before;
}

static void report_misuse(const struct ssi_task *task, const struct ssi_scope *scope, const char *what)
{
	char who[320];

	ssi_describe(who, sizeof(who), task, scope);
	ssi_report("%s%s%s", what, *who ? ": " : "", who);
}

int ssi_misuse(const struct ssi_task *task, const struct ssi_scope *scope, const char *what)
{
	if (ssi_debug())
		ssi_fatal(task, scope, what);
	report_misuse(task, scope, what);
	return EINVAL;
}

int ssi_misused(const char *what)
{
	return ssi_misuse(ssi_self.task, NULL, what);
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
