/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "journal.h"

#include "hash.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER ".safespawn-undo"
#define LIST "files.json"
#define DONE "done"
#define NEW "new"

static int failed(const char *path, const char *what, int err)
{
	fprintf(stderr, "%s: error: %s: %s; nothing was written\n", path_shown(path), what, strerror(err));
	return err;
}

/* ---- entries ---- */

static void remove_entry(const char *entry)
{
	DIR *files = opendir(entry);

	if (!files)
		return;
	/* Without its list it is no entry any more: what else is left when we are killed here is never read. */
	for (int round = 0; round < 2; round++) {
		rewinddir(files);
		for (struct dirent *file = readdir(files); file; file = readdir(files)) {
			auto_string path = text("%s/%s", entry, file->d_name);

			if (file->d_name[0] != '.' && (round || strcmp(file->d_name, LIST) == 0))
				unlink(path);
		}
	}
	closedir(files);
	rmdir(entry);
}

/*
 * The number of the newest entry; 0: there is none. What is no entry is what a run left that was killed before it had
 * one, or while it removed it; @clean: it goes.
 */
static unsigned long newest_entry(const char *folder, bool clean)
{
	DIR *entries = opendir(folder);
	unsigned long newest = 0;

	if (!entries)
		return 0;
	for (struct dirent *entry = readdir(entries); entry; entry = readdir(entries)) {
		auto_string path = text("%s/%s", folder, entry->d_name);
		auto_string list = text("%s/%s", path, LIST);
		char *end;
		unsigned long number = strtoul(entry->d_name, &end, 10);
		bool is_number = end != entry->d_name && !*end;
		bool is_entry = is_number && access(list, F_OK) == 0;

		if (is_entry && number > newest)
			newest = number;
		if (clean && !is_entry && (is_number || strcmp(entry->d_name, NEW) == 0))
			remove_entry(path);
	}
	closedir(entries);
	return newest;
}

static json_t *read_list(const char *entry)
{
	auto_string path = text("%s/%s", entry, LIST);
	json_t *list = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
	json_t *item;
	size_t at;
	const char *string;
	const char *hash;

	json_array_foreach (list, at, item) {
		/* A file that was not there before has no hash from then. */
		if (json_unpack(item, "{s:s, s?s, s:s}", "path", &string, "before", &hash, "after", &hash) == 0)
			continue;
		json_decref(list);
		return NULL;
	}
	return list;
}

enum state { STATE_BEFORE, STATE_AFTER, STATE_OTHER };

static enum state state_of(const json_t *item)
{
	const char *path = json_string_value(json_object_get(item, "path"));
	const char *before = json_string_value(json_object_get(item, "before"));
	auto_buffer now = { 0 };
	int err = buffer_read(&now, path);

	if (err)
		return err == ENOENT && !before ? STATE_BEFORE : STATE_OTHER;
	if (before && hash_fits(&now, before))
		return STATE_BEFORE;
	return hash_fits(&now, json_string_value(json_object_get(item, "after"))) ? STATE_AFTER : STATE_OTHER;
}

/* Was the run of this entry stopped between its first file and its last? */
static bool is_interrupted(const char *entry)
{
	auto_string done = text("%s/%s", entry, DONE);
	json_t *list = read_list(entry);
	size_t count[3] = { 0 };
	json_t *item;
	size_t at;

	json_array_foreach (list, at, item)
		count[state_of(item)]++;
	json_decref(list);
	return access(done, F_OK) != 0 && count[STATE_BEFORE] && count[STATE_AFTER];
}

static int sync_path(const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	int err = 0;

	if (file < 0)
		return errno;
	if (fsync(file) != 0)
		err = errno;
	close(file);
	return err;
}

static int keep(const char *entry, const char *name, const struct buffer *content)
{
	auto_string path = text("%s/%s", entry, name);
	int err = buffer_write(content, path);

	return err ? err : sync_path(path);
}

static int keep_all(const char *entry, const struct replacement *files, size_t count)
{
	json_t *list = json_array();
	auto_string path = text("%s/%s", entry, LIST);
	char *words;
	struct buffer content = { 0 };
	int err = 0;

	for (size_t i = 0; i < count && !err; i++) {
		auto_string before = files[i].before ? hash_of(files[i].before) : NULL;
		auto_string after = hash_of(files[i].after);
		auto_string name = text("%zu", i);

		json_array_append_new(
			list, json_pack("{s:s, s:s*, s:s}", "path", files[i].path, "before", before, "after", after));
		if (files[i].before)
			err = keep(entry, name, files[i].before);
	}
	words = json_dumps(list, JSON_INDENT(1));
	json_decref(list);
	if (!words)
		return ENOMEM;
	buffer_append(&content, words, strlen(words));
	free(words);
	if (!err)
		err = keep(entry, LIST, &content);
	buffer_free(&content);
	return err ? err : sync_path(entry);
}

/* ---- a run that writes ---- */

static int open_folder(struct journal *journal)
{
	static const char nothing_of_it[] = "*\n";
	auto_string ignore = text("%s/.gitignore", journal->folder);
	auto_string lock = text("%s/lock", journal->folder);
	auto_buffer content = { 0 };
	int err = 0;

	if (mkdir(journal->folder, 0777) != 0 && errno != EEXIST)
		return errno;
	buffer_append(&content, nothing_of_it, strlen(nothing_of_it));
	if (access(ignore, F_OK) != 0)
		err = buffer_write(&content, ignore);
	if (err)
		return err;
	journal->lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	return journal->lock < 0 || flock(journal->lock, LOCK_EX) != 0 ? errno : 0;
}

static void release(struct journal *journal)
{
	if (journal->lock >= 0)
		close(journal->lock);
	free(journal->folder);
	free(journal->entry);
	*journal = (struct journal){ .lock = -1 };
}

/* Of a folder without entries nothing stays. */
static void remove_if_empty(const char *folder)
{
	auto_string ignore = text("%s/.gitignore", folder);
	auto_string lock = text("%s/lock", folder);

	if (newest_entry(folder, false))
		return;
	unlink(ignore);
	unlink(lock);
	rmdir(folder);
}

int journal_check(const char *place)
{
	auto_string folder = text("%s/%s", place, FOLDER);
	unsigned long newest = newest_entry(folder, false);
	auto_string entry = text("%s/%lu", folder, newest);

	if (!newest || !is_interrupted(entry))
		return 0;
	fprintf(stderr,
		"%s: error: an earlier fix was interrupted while it wrote: 'safespawn fix --undo' takes it back; "
		"nothing "
		"was written\n",
		path_shown(entry));
	return EBUSY;
}

int journal_open(struct journal *journal, const char *place, const struct replacement *files, size_t count)
{
	auto_string fresh = text("%s/%s/%s", place, FOLDER, NEW);
	int err;

	*journal = (struct journal){ .folder = text("%s/%s", place, FOLDER), .lock = -1 };
	err = open_folder(journal);
	if (err)
		goto fail;
	err = journal_check(place);
	if (err) {
		release(journal);
		return err;
	}
	journal->entry = text("%s/%lu", journal->folder, newest_entry(journal->folder, true) + 1);
	if (mkdir(fresh, 0777) != 0)
		err = errno;
	if (!err)
		err = keep_all(fresh, files, count);
	if (err)
		goto remove;
	if (rename(fresh, journal->entry) != 0)
		err = errno;
	if (!err)
		err = sync_path(journal->folder);
	if (!err)
		return 0;

remove:
	remove_entry(fresh);
	remove_entry(journal->entry);
fail:
	failed(journal->folder, "the old contents cannot be kept there", err);
	remove_if_empty(journal->folder);
	release(journal);
	return err;
}

void journal_close(struct journal *journal, bool done)
{
	if (!journal->folder)
		return;
	if (done)
		keep(journal->entry, DONE, &(struct buffer){ 0 });
	else if (!is_interrupted(journal->entry))
		remove_entry(journal->entry);
	if (!done)
		remove_if_empty(journal->folder);
	release(journal);
}

/* ---- undo ---- */

struct restored {
	struct replacement *files;
	struct buffer *contents; /* of each file two: as it is, and as it is to be again */
	size_t n;
};

static void restored_free(struct restored *restored)
{
	for (size_t i = 0; i < 2 * restored->n; i++)
		buffer_free(&restored->contents[i]);
	free(restored->contents);
	free(restored->files);
}

/* Which files have what @list says that the run wrote. 0, or what to exit with after a message. */
static int read_entry(struct restored *ret, const char *entry, const json_t *list)
{
	json_t *item;
	size_t at;

	ret->files = zalloc(json_array_size(list), sizeof(*ret->files));
	ret->contents = zalloc(2 * json_array_size(list), sizeof(*ret->contents));
	json_array_foreach (list, at, item) {
		const char *path = json_string_value(json_object_get(item, "path"));
		const char *hash = json_string_value(json_object_get(item, "before"));
		struct buffer *now = &ret->contents[2 * ret->n];
		struct buffer *before = now + 1;
		auto_string kept = text("%s/%zu", entry, at);
		enum state state = state_of(item);

		if (state == STATE_BEFORE)
			continue;
		if (state == STATE_OTHER) {
			fprintf(stderr, "%s: error: changed since fix wrote it; nothing was undone\n",
				path_shown(path));
			return EXIT_INCOMPLETE;
		}
		ret->n++;
		if (buffer_read(now, path) != 0 ||
		    (hash && (buffer_read(before, kept) != 0 || !hash_fits(before, hash)))) {
			fprintf(stderr, "%s: error: its old content is not in %s any more; nothing was undone\n",
				path_shown(path), path_shown(kept));
			return EXIT_INCOMPLETE;
		}
		ret->files[ret->n - 1] = (struct replacement){ path, now, hash ? before : NULL };
	}
	return 0;
}

static int undo_entry(const char *entry)
{
	CLEANUP(restored_free) struct restored restored = { 0 };
	auto_string done = text("%s/%s", entry, DONE);
	json_t *list = read_list(entry);
	auto_string files = NULL;
	json_t *item;
	size_t at;
	int code;

	if (!list) {
		fprintf(stderr, "%s: error: cannot be read; nothing was undone\n", path_shown(entry));
		return EXIT_INCOMPLETE;
	}
	code = read_entry(&restored, entry, list);
	if (!code)
		unlink(done); /* from here on it is a run between its first file and its last again */
	if (!code && write_all(restored.files, restored.n, NULL) != 0)
		code = EXIT_INCOMPLETE;
	json_array_foreach (list, at, item)
		write_clean(json_string_value(json_object_get(item, "path")));
	json_decref(list);
	if (code)
		return code;
	remove_entry(entry);
	files = counted(restored.n, "file");
	fprintf(stderr, "%s restored\n", files);
	return 0;
}

bool journal_is_in(const char *place)
{
	auto_string folder = text("%s/%s", place, FOLDER);

	return access(folder, F_OK) == 0;
}

int journal_undo(const char *place)
{
	struct journal journal = { .folder = text("%s/%s", place, FOLDER), .lock = -1 };
	int err = journal_is_in(place) ? open_folder(&journal) : 0;
	unsigned long newest = newest_entry(journal.folder, true);
	int code;

	if (err) {
		failed(journal.folder, "cannot be written", err);
		code = EXIT_INCOMPLETE;
	} else if (!newest) {
		remove_if_empty(journal.folder);
		code = say_usage("there is nothing to undo in %s", path_shown(place));
	} else {
		journal.entry = text("%s/%lu", journal.folder, newest);
		code = undo_entry(journal.entry);
		remove_if_empty(journal.folder);
	}
	release(&journal);
	return code;
}
