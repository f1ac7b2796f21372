/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What every file of the command uses: owned strings and lists of them, messages, exit codes.
 *
 * Memory: a command that cannot get memory ends with a message and EXIT_INCOMPLETE; no function here returns NULL for
 * want of memory.
 */
#ifndef SAFESPAWN_TOOL_BASE_H
#define SAFESPAWN_TOOL_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/** What the command ends with; where several fit, the first of INTERRUPTED, USAGE, INCOMPLETE, FOUND, CLEAN. */
enum {
	EXIT_CLEAN = 0,
	EXIT_FOUND = 1,
	EXIT_USAGE = 2,
	EXIT_INCOMPLETE = 3,
	EXIT_SIGNAL = 128, /* plus the number of the signal */
};

#define PRINTF_LIKE(string, first) __attribute__((format(printf, string, first)))
#define CLEANUP(function) __attribute__((cleanup(function)))

void base_free_string(char **string);
void base_close_file(FILE **file);
#define auto_string CLEANUP(base_free_string) char *
#define auto_file CLEANUP(base_close_file) FILE *

void *zalloc(size_t count, size_t size);
void *grow(void *take_memory, size_t count, size_t size);
char *copy_string(const char *string);
char *copy_bytes(const char *bytes, size_t length);
char *text(const char *format, ...) PRINTF_LIKE(1, 2);

/** A list of owned strings. @v is NULL-terminated as soon as something was added, and may be handed to exec. */
struct strings {
	char **v;
	size_t n;
};

void strings_take(struct strings *list, char *take_string);
void strings_add(struct strings *list, const char *string);
void strings_add_all(struct strings *list, const struct strings *more);
bool strings_have(const struct strings *list, const char *string);
void strings_remove(struct strings *list, size_t at);
void strings_sort(struct strings *list);
void strings_free(struct strings *list);
#define auto_strings CLEANUP(strings_free) struct strings

/** Bytes that grow; @bytes always ends with a zero that @length does not count. */
struct buffer {
	char *bytes;
	size_t length;
};

void buffer_append(struct buffer *buffer, const char *bytes, size_t length);
bool buffer_equal(const struct buffer *a, const struct buffer *b);
void buffer_free(struct buffer *buffer);
#define auto_buffer CLEANUP(buffer_free) struct buffer

/** Read a whole file. Errors: 0 or an errno; @ret is untouched then. */
int buffer_read(struct buffer *ret, const char *path);

/** Make @path a file with this content, whatever was there. Errors: 0 or an errno. */
int buffer_write(const struct buffer *buffer, const char *path);

bool starts_with(const char *string, const char *prefix);
bool ends_with(const char *string, const char *suffix);

/** @path, made absolute at @directory unless it is absolute already; neither need exist. */
char *path_at(const char *directory, const char *path);
/** @path, made absolute at the current folder; symbolic links stay. */
char *path_absolute(const char *path);
/** An absolute path without `.`, `..` and doubled slashes, made without looking at the disk. */
char *path_plain(const char *path);
/** The real path; of a path that does not exist, the absolute one without `.` and `..`. */
char *path_real(const char *directory, const char *path);
/** The part of @path that tells it apart for a reader: relative to the current folder where it lies below. */
const char *path_shown(const char *path);

/** `safespawn: error: …` on stderr. */
void say_error(const char *format, ...) PRINTF_LIKE(1, 2);
void say_note(const char *format, ...) PRINTF_LIKE(1, 2);
/** `safespawn: error: …`, and the exit code for wrong usage to hand up. */
int say_usage(const char *format, ...) PRINTF_LIKE(1, 2);

/** "1 file", "2 files": @count with @noun, which takes a plain s. */
char *counted(size_t count, const char *noun);

#endif
