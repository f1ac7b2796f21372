/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Preloaded into the command: from its first touch of .safespawn-undo to the mark that all is done, call number $CRASH_AT
 * that changes something on the disk is its last ($CRASH=kill; of a write half is done), or fails for want of room
 * ($CRASH=full).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool armed;
static bool last; /* the mark that all is done is being written; what comes after it is no business of ours */
static int calls;

/* Is this the call? Then it fails, if it returns at all. */
static bool is_over(const char *path)
{
	const char *at = getenv("CRASH_AT");

	if (path && strstr(path, ".safespawn-undo") && strcmp(program_invocation_short_name, "safespawn") == 0)
		armed = true;
	if (!armed || ++calls != atoi(at))
		return false;
	if (strcmp(getenv("CRASH"), "kill") == 0)
		kill(getpid(), SIGKILL);
	errno = ENOSPC;
	return true;
}

static void *real(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

#define REPLACE_PATH(result, name, failure, parameters, arguments) \
	result name parameters \
	{ \
		result(*next) parameters; \
		*(void **)&next = real(#name); \
		return is_over(path) ? failure : next arguments; \
	}

REPLACE_PATH(int, mkdir, -1, (const char *path, mode_t mode), (path, mode))
REPLACE_PATH(int, rename, -1, (const char *path, const char *to), (path, to))
REPLACE_PATH(int, unlink, next(path), (const char *path), (path)) /* it needs no room */
REPLACE_PATH(int, rmdir, next(path), (const char *path), (path))

FILE *fopen(const char *path, const char *mode)
{
	FILE *(*next)(const char *, const char *);

	*(void **)&next = real("fopen");
	last = last || strstr(path, ".safespawn-undo/1/done");
	return is_over(path) ? NULL : next(path, mode);
}

int fsync(int file)
{
	int (*next)(int);

	int result;

	*(void **)&next = real("fsync");
	result = is_over(NULL) ? -1 : next(file);
	if (last)
		armed = false;
	return result;
}

int open(const char *path, int flags, ...)
{
	int (*next)(const char *, int, ...);
	va_list more;
	mode_t mode;

	va_start(more, flags);
	mode = va_arg(more, mode_t);
	va_end(more);
	*(void **)&next = real("open");
	return (flags & O_CREAT) && is_over(path) ? -1 : next(path, flags, mode);
}

ssize_t write(int file, const void *bytes, size_t length)
{
	ssize_t (*next)(int, const void *, size_t);

	*(void **)&next = real("write");
	if (armed && calls + 1 == atoi(getenv("CRASH_AT")))
		next(file, bytes, length / 2);
	return is_over(NULL) ? -1 : next(file, bytes, length);
}
