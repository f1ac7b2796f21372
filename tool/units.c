/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "units.h"

#include "database.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *skip_words(enum skip skip)
{
	static const char *const words[SKIP_KINDS] = {
		[SKIP_NO] = "",
		[SKIP_PARSE] = "does not parse",
		[SKIP_MISSING] = "no such file",
		[SKIP_UNREADABLE] = "cannot be read",
		[SKIP_LANGUAGE] = "not C",
		[SKIP_NO_COMPILE] = "no compile",
		[SKIP_CONFIG] = "configuration",
		[SKIP_COMPILER_CRASH] = "compiler crashed",
		[SKIP_COMPILER] = "compiler failed",
		[SKIP_TIME] = "time limit",
		[SKIP_NO_REPORT] = "no report",
		[SKIP_ANALYSIS_CRASH] = "analysis crashed",
		[SKIP_PARTLY] = "partly analysed",
		[SKIP_INTERRUPTED] = "interrupted",
	};

	return words[skip];
}

char *unit_path_of(const struct unit *unit, const char *file)
{
	return path_at(unit->directory, file);
}

static void unit_free(struct unit *unit)
{
	free(unit->file);
	free(unit->path);
	free(unit->directory);
	free(unit->why);
	strings_free(&unit->flags);
	strings_free(&unit->dropped);
	strings_free(&unit->tolerated);
	strings_free(&unit->errors);
	strings_free(&unit->depends_on);
	json_decref(unit->report);
}

void units_free(struct units *units)
{
	for (size_t i = 0; i < units->n; i++)
		unit_free(&units->v[i]);
	free(units->v);
	*units = (struct units){ 0 };
}

/* What can be said about a unit before anything runs. */
static void judge(struct unit *unit)
{
	auto_string path = unit_path_of(unit, unit->file);
	struct stat info;

	if (stat(unit->directory, &info) != 0 || !S_ISDIR(info.st_mode)) {
		unit->skip = SKIP_MISSING;
		unit->why =
			text("the compilation database runs its compile in %s, which is not there", unit->directory);
	} else if (stat(path, &info) != 0) {
		unit->skip = SKIP_MISSING;
		unit->why = text("the compilation database names it; make the database again");
	} else if (!flags_mean_c(&unit->flags, unit->file)) {
		unit->skip = SKIP_LANGUAGE;
	} else if (unit->entry == ENTRY_PART) {
		unit->skip = SKIP_NO_COMPILE;
		unit->why = copy_string("the compilation database has only what clang runs by itself for it (-cc1); "
					"make it again, or give the flags after --");
	} else if (!S_ISREG(info.st_mode) || access(path, R_OK) != 0) {
		unit->skip = SKIP_UNREADABLE;
		unit->why = copy_string(S_ISREG(info.st_mode) ? strerror(errno) : "it is not a regular file");
	}
}

static void add(struct units *units, const char *directory, const char *file, const struct strings *arguments,
		bool named)
{
	struct unit unit = {
		.file = copy_string(file),
		.directory = copy_string(directory),
		.path = path_real(directory, file),
		.entry = flags_entry(arguments),
		.named = named,
	};

	flags_clean(&unit.flags, arguments);
	judge(&unit);
	units->v = grow(units->v, units->n + 1, sizeof(*units->v));
	units->v[units->n++] = unit;
}

static int compare_lists(const struct strings *a, const struct strings *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++) {
		int order = strcmp(a->v[i], b->v[i]);

		if (order)
			return order;
	}
	return a->n < b->n ? -1 : a->n > b->n;
}

static int compare_units(const void *a, const void *b)
{
	const struct unit *x = a;
	const struct unit *y = b;
	int order = strcmp(x->path, y->path);

	if (!order && x->entry != y->entry)
		return x->entry < y->entry ? -1 : 1;
	if (!order)
		order = strcmp(x->directory, y->directory);
	return order ? order : compare_lists(&x->flags, &y->flags);
}

static void sort_and_merge(struct units *units)
{
	size_t kept = 0;

	if (!units->n)
		return;
	qsort(units->v, units->n, sizeof(*units->v), compare_units);
	for (size_t i = 1; i < units->n; i++) {
		const struct unit *last = &units->v[kept];
		bool lesser = units->v[i].entry != last->entry && strcmp(units->v[i].path, last->path) == 0;

		if (lesser || compare_units(last, &units->v[i]) == 0)
			unit_free(&units->v[i]);
		else
			units->v[++kept] = units->v[i];
	}
	units->n = kept + 1;
}

/* The folder of the database to use, or NULL for none. */
static int choose_database(const struct options *options, const char *here, char **ret_folder)
{
	auto_string start = NULL;

	if (options->flags_given)
		return 0;
	if (options->database) {
		auto_string folder = path_real(here, options->database);
		char *name = strrchr(folder, '/');

		if (strcmp(name, "/compile_commands.json") == 0 || strcmp(name, "/compile_flags.txt") == 0)
			*name = '\0';
		if (!database_in(folder))
			return say_usage("-p %s: there is no compile_commands.json or compile_flags.txt",
					 options->database);
		*ret_folder = copy_string(folder);
		return 0;
	}
	if (options->files.n) {
		start = path_at(here, options->files.v[0]);
		*strrchr(start, '/') = '\0';
	} else {
		start = copy_string(here);
	}
	*ret_folder = database_near(start);
	return 0;
}

static void add_compiles(struct units *units, const struct compiles *compiles, const char *only_path)
{
	for (size_t i = 0; i < compiles->n; i++) {
		const struct compile *compile = &compiles->v[i];
		auto_string path = NULL;

		if (only_path) {
			path = path_real(compile->directory, compile->file);
			if (strcmp(path, only_path) != 0)
				continue;
		}
		add(units, compile->directory, compile->file, &compile->arguments, only_path != NULL);
	}
}

/* A file that the database does not name gets the flags of a similar one. */
static void add_unnamed(struct units *units, struct database *database, const struct compiles *all, const char *path)
{
	auto_compiles guessed = { 0 };
	const struct compile *like = NULL;
	size_t longest = 0;

	database_of(database, path, &guessed);
	if (guessed.n && flags_entry(&guessed.v[0].arguments) != ENTRY_PART)
		like = &guessed.v[0];
	/* It came from what clang runs by itself: then the compile of the file that lies nearest. */
	for (size_t i = 0; guessed.n && guessed.v != like && i < all->n; i++) {
		auto_string other = path_real(all->v[i].directory, all->v[i].file);
		size_t same = 1;

		while (other[same - 1] && other[same - 1] == path[same - 1])
			same++;
		if (same > longest && flags_entry(&all->v[i].arguments) != ENTRY_PART) {
			like = &all->v[i];
			longest = same;
		}
	}
	if (like)
		add(units, like->directory, path, &like->arguments, true);
}

static int add_from_database(struct units *units, const struct options *options, const char *here, const char *folder,
			     int major)
{
	auto_database *database = NULL;
	auto_compiles all = { 0 };
	int code = database_open(&database, folder, major);

	if (code)
		return code;
	database_all(database, &all);
	if (!options->files.n) {
		if (!all.n)
			return say_usage("the database in %s names no files: name those to analyse", folder);
		add_compiles(units, &all, NULL);
		return 0;
	}
	for (size_t i = 0; i < options->files.n; i++) {
		auto_string path = path_real(here, options->files.v[i]);
		size_t before = units->n;

		add_compiles(units, &all, path);
		if (units->n == before)
			add_unnamed(units, database, &all, path);
		if (units->n == before)
			add(units, here, options->files.v[i], &(struct strings){ 0 }, true);
	}
	return 0;
}

int units_find(struct units *ret, const struct options *options, const struct toolchain *toolchain)
{
	auto_units units = { 0 };
	auto_string here = getcwd(NULL, 0);
	auto_string folder = NULL;
	int code = 0;

	if (!here)
		return say_usage("the current folder is not there any more");
	for (size_t i = 0; i < options->files.n; i++)
		if (access(options->files.v[i], F_OK) != 0)
			code = say_usage("%s: %s", options->files.v[i], strerror(errno));
	if (code)
		return code;
	code = choose_database(options, here, &folder);
	if (code)
		return code;
	if (!folder && !options->files.n)
		return say_usage("no files named, and no compile_commands.json found here, above, or in build/: "
				 "name files, or the database's folder with -p");
	if (folder)
		code = add_from_database(&units, options, here, folder, toolchain->major);
	else
		for (size_t i = 0; i < options->files.n; i++)
			add(&units, here, options->files.v[i], &options->flags, true);
	if (code)
		return code;

	sort_and_merge(&units);
	*ret = units;
	units = (struct units){ 0 };
	return 0;
}

void units_find_others(struct units *ret, const struct units *known, const struct options *options,
		       const struct toolchain *toolchain)
{
	auto_string here = getcwd(NULL, 0);
	auto_string folder = NULL;
	auto_database *database = NULL;
	auto_compiles all = { 0 };
	size_t kept = 0;

	*ret = (struct units){ 0 };
	if (!here || !options->files.n || choose_database(options, here, &folder) != 0 || !folder ||
	    database_open(&database, folder, toolchain->major) != 0)
		return;
	database_all(database, &all);
	add_compiles(ret, &all, NULL);
	sort_and_merge(ret);
	for (size_t i = 0; i < ret->n; i++) {
		bool is_known = false;

		for (size_t j = 0; j < known->n && !is_known; j++)
			is_known = strcmp(known->v[j].path, ret->v[i].path) == 0;
		if (is_known)
			unit_free(&ret->v[i]);
		else
			ret->v[kept++] = ret->v[i];
	}
	ret->n = kept;
}

char *units_place(const struct options *options)
{
	auto_string here = getcwd(NULL, 0);
	auto_string folder = NULL;

	if (!here)
		say_usage("the current folder is not there any more");
	else if (choose_database(options, here, &folder) == 0)
		return copy_string(folder ? folder : here);
	return NULL;
}
