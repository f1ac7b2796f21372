/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "base.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

static void *need(void *memory)
{
	if (!memory) {
		say_error("out of memory");
		exit(EXIT_INCOMPLETE);
	}
	return memory;
}

void base_free_string(char **string)
{
	free(*string);
}

void base_close_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

void *zalloc(size_t count, size_t size)
{
	return need(calloc(count ? count : 1, size));
}

void *grow(void *take_memory, size_t count, size_t size)
{
	return need(count > SIZE_MAX / size ? NULL : realloc(take_memory, count * size));
}

char *copy_string(const char *string)
{
	return need(strdup(string));
}

char *copy_bytes(const char *bytes, size_t length)
{
	return need(strndup(bytes, length));
}

char *text(const char *format, ...)
{
	va_list arguments;
	char *result;

	va_start(arguments, format);
	if (vasprintf(&result, format, arguments) < 0)
		result = NULL;
	va_end(arguments);
	return need(result);
}

void strings_take(struct strings *list, char *take_string)
{
	list->v = grow(list->v, list->n + 2, sizeof(*list->v));
	list->v[list->n++] = take_string;
	list->v[list->n] = NULL;
}

void strings_add(struct strings *list, const char *string)
{
	strings_take(list, copy_string(string));
}

void strings_add_all(struct strings *list, const struct strings *more)
{
	for (size_t i = 0; i < more->n; i++)
		strings_add(list, more->v[i]);
}

bool strings_have(const struct strings *list, const char *string)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->v[i], string) == 0)
			return true;
	return false;
}

void strings_remove(struct strings *list, size_t at)
{
	free(list->v[at]);
	memmove(&list->v[at], &list->v[at + 1], (list->n - at) * sizeof(*list->v));
	list->n--;
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strings_sort(struct strings *list)
{
	if (list->n)
		qsort(list->v, list->n, sizeof(*list->v), compare_strings);
}

void strings_free(struct strings *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->v[i]);
	free(list->v);
	*list = (struct strings){ 0 };
}

void buffer_append(struct buffer *buffer, const char *bytes, size_t length)
{
	buffer->bytes = grow(buffer->bytes, buffer->length + length + 1, 1);
	if (length)
		memcpy(buffer->bytes + buffer->length, bytes, length);
	buffer->length += length;
	/* NOLINTNEXTLINE(clang-analyzer-security.ArrayBound): grow made room for it */
	buffer->bytes[buffer->length] = '\0';
}

bool buffer_equal(const struct buffer *a, const struct buffer *b)
{
	return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

void buffer_free(struct buffer *buffer)
{
	free(buffer->bytes);
	*buffer = (struct buffer){ 0 };
}

int buffer_read(struct buffer *ret, const char *path)
{
	auto_file file = fopen(path, "rbe");
	auto_buffer content = { 0 };
	char block[1 << 16];
	size_t length;

	if (!file)
		return errno;
	buffer_append(&content, "", 0);
	while ((length = fread(block, 1, sizeof(block), file)) > 0)
		buffer_append(&content, block, length);
	if (ferror(file))
		return errno ? errno : EIO;

	*ret = content;
	content = (struct buffer){ 0 };
	return 0;
}

int buffer_write(const struct buffer *buffer, const char *path)
{
	FILE *file = fopen(path, "wbe");
	int err = 0;

	if (!file)
		return errno;
	if (fwrite(buffer->bytes, 1, buffer->length, file) != buffer->length)
		err = errno;
	if (fclose(file) != 0 && !err)
		err = errno;
	return err;
}

bool starts_with(const char *string, const char *prefix)
{
	return strncmp(string, prefix, strlen(prefix)) == 0;
}

bool ends_with(const char *string, const char *suffix)
{
	size_t length = strlen(string);
	size_t end = strlen(suffix);

	return length >= end && strcmp(string + length - end, suffix) == 0;
}

char *path_at(const char *directory, const char *path)
{
	return path[0] == '/' ? copy_string(path) : text("%s/%s", directory, path);
}

char *path_absolute(const char *path)
{
	auto_string here = getcwd(NULL, 0);

	return path_at(here ? here : "/", path);
}

/* Without looking at the disk, so that it works for what does not exist; symbolic links are path_real's business. */
char *path_plain(const char *path)
{
	auto_string rest = copy_string(path);
	auto_strings parts = { 0 };
	auto_buffer result = { 0 };
	char *position = NULL;

	for (char *part = strtok_r(rest, "/", &position); part; part = strtok_r(NULL, "/", &position)) {
		if (strcmp(part, "..") == 0 && parts.n)
			strings_remove(&parts, parts.n - 1);
		else if (strcmp(part, ".") != 0 && strcmp(part, "..") != 0)
			strings_add(&parts, part);
	}
	for (size_t i = 0; i < parts.n; i++) {
		buffer_append(&result, "/", 1);
		buffer_append(&result, parts.v[i], strlen(parts.v[i]));
	}
	return copy_string(result.length ? result.bytes : "/");
}

char *path_real(const char *directory, const char *path)
{
	auto_string absolute = path_at(directory, path);
	char *real = realpath(absolute, NULL);

	return real ? real : path_plain(absolute);
}

const char *path_shown(const char *path)
{
	auto_string here = getcwd(NULL, 0);
	size_t length = here ? strlen(here) : 0;

	if (length > 1 && strncmp(path, here, length) == 0 && path[length] == '/')
		return path + length + 1;
	return path;
}

static void say(const char *what, const char *format, va_list arguments)
{
	fflush(stdout); /* what was found so far stays above what is said about it */
	fprintf(stderr, "safespawn: %s: ", what);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
}

void say_error(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say("error", format, arguments);
	va_end(arguments);
}

void say_note(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say("note", format, arguments);
	va_end(arguments);
}

int say_usage(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say("error", format, arguments);
	va_end(arguments);
	return EXIT_USAGE;
}

char *counted(size_t count, const char *noun)
{
	return text("%zu %s%s", count, noun, count == 1 ? "" : "s");
}
