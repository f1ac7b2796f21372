/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse(const char *path, const char *what, int err)
{
	fflush(stdout);
	fprintf(stderr, "%s: error: %s%s%s; nothing was written\n", path_shown(path), what, err ? ": " : "",
		err ? strerror(err) : "");
	return err ? err : EACCES;
}

static char *folder_of(const char *path)
{
	return copy_bytes(path, (size_t)(strrchr(path, '/') - path) + 1);
}

static int check_access(const struct replacement *wanted)
{
	const char *path = wanted->path;
	auto_string folder = folder_of(path);
	struct stat info;

	if (access(folder, W_OK | X_OK) != 0)
		return refuse(path, "its folder cannot be written", errno);
	if (!wanted->before)
		return 0;
	if (stat(path, &info) != 0)
		return refuse(path, "cannot be edited", errno);
	if (!S_ISREG(info.st_mode))
		return refuse(path, "is not a regular file", 0);
	/* The superuser may write everything; a file nobody may write is meant to stay as it is. */
	if (!(info.st_mode & (S_IWUSR | S_IWGRP | S_IWOTH)))
		return refuse(path, "is read-only", 0);
	if (access(path, W_OK) != 0)
		return refuse(path, "cannot be edited", errno);
	return 0;
}

static int check_unchanged(const struct replacement *file)
{
	auto_buffer now = { 0 };
	int err = buffer_read(&now, file->path);

	if (err == ENOENT && !file->before)
		return 0;
	if (err)
		return refuse(file->path, "cannot be read", err);
	if (file->before && buffer_equal(&now, file->before))
		return 0;
	refuse(file->path, "changed since it was analysed: run again", 0);
	return ESTALE;
}

static int write_bytes(int file, const struct buffer *content)
{
	for (size_t done = 0; done < content->length;) {
		ssize_t length = write(file, content->bytes + done, content->length - done);

		if (length < 0 && errno != EINTR)
			return errno;
		done += length > 0 ? (size_t)length : 0;
	}
	return 0;
}

/* What the new content of @path is called until it takes its place: one name, so that a killed run leaves one at most.
 */
static char *name_beside(const char *path)
{
	return text("%s.safespawn-new", path);
}

void write_clean(const char *path)
{
	auto_string beside = name_beside(path);

	unlink(beside);
}

static int take_mode_of(const char *path, int file)
{
	struct stat info;

	if (stat(path, &info) != 0)
		return errno == ENOENT ? 0 : errno; /* a new file has the mode that new files have */
	/* Of another owner's file we may only keep the group, or neither; that is no reason not to edit it. */
	if (fchown(file, info.st_uid, info.st_gid) != 0 && fchown(file, (uid_t)-1, info.st_gid) != 0)
		errno = 0;
	return fchmod(file, info.st_mode & 07777) == 0 ? 0 : errno;
}

/* A file beside @path with @content and the mode and owner of @path, safe on the disk. Errors: 0 or an errno. */
static int write_beside(const char *path, const struct buffer *content)
{
	auto_string beside = name_beside(path);
	int file = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
	int err;

	if (file < 0)
		return errno;
	err = write_bytes(file, content);
	if (!err)
		err = take_mode_of(path, file);
	if (!err && fsync(file) != 0)
		err = errno;
	if (close(file) != 0 && !err)
		err = errno;
	if (err)
		unlink(beside);
	return err;
}

static void sync_folder(const char *path)
{
	auto_string folder = folder_of(path);
	int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (file < 0)
		return;
	fsync(file);
	close(file);
}

/* The file gets @content, or goes where that is NULL. */
static int put(const char *path, const struct buffer *content)
{
	auto_string beside = name_beside(path);

	return (content ? rename(beside, path) : unlink(path)) == 0 ? 0 : errno;
}

static void restore(const struct replacement *file)
{
	int err = file->before ? write_beside(file->path, file->before) : 0;

	if (!err)
		err = put(file->path, file->before);
	if (err)
		fprintf(stderr, "%s: error: could not be restored: %s\n", path_shown(file->path), strerror(err));
}

/* All new contents to their places, or none. */
static int put_all(const struct replacement *files, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int err = put(files[i].path, files[i].after);

		if (!err)
			continue;
		for (size_t j = 0; j < i; j++)
			restore(&files[j]);
		fprintf(stderr, "%s: error: cannot be replaced: %s; the other files have their old contents again\n",
			path_shown(files[i].path), strerror(err));
		return err;
	}
	for (size_t i = 0; i < count; i++)
		sync_folder(files[i].path);
	return 0;
}

static int write_checked(const struct replacement *files, size_t count)
{
	int err = 0;

	for (size_t i = 0; i < count && !err; i++) {
		err = files[i].after ? write_beside(files[i].path, files[i].after) : 0;
		if (err)
			refuse(files[i].path, "no new file can be written beside it", err);
	}
	for (size_t i = 0; i < count && !err; i++)
		err = check_unchanged(&files[i]);
	if (!err)
		err = put_all(files, count);
	for (size_t i = 0; i < count && err; i++)
		write_clean(files[i].path);
	return err;
}

int write_all(const struct replacement *files, size_t count, const char *place)
{
	struct journal journal = { 0 };
	sigset_t stops;
	sigset_t before;
	int err = 0;

	/* Between the first file and the last one is no place to stop. */
	sigemptyset(&stops);
	sigaddset(&stops, SIGINT);
	sigaddset(&stops, SIGTERM);
	sigaddset(&stops, SIGHUP);
	sigprocmask(SIG_BLOCK, &stops, &before);

	for (size_t i = 0; i < count && !err; i++)
		err = check_access(&files[i]);
	if (!err && place)
		err = journal_open(&journal, place, files, count);
	if (!err) {
		err = write_checked(files, count);
		journal_close(&journal, !err);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return err;
}
