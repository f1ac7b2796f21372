/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "show.h"

#include <libsmartcols.h>
#include <string.h>

#define ERRORS_SHOWN 10 /* of one file: a missing header brings hundreds */
#define GAPS_SHOWN 10

/* The way clang colours the same parts. */
static const char bold[] = "1", magenta[] = "1;35", cyan[] = "1;36", green[] = "1;32";

static void put(const struct options *options, const char *color, const char *string)
{
	if (options->color)
		printf("\033[%sm%s\033[0m", color, string);
	else
		fputs(string, stdout);
}

/* ---- findings as text ---- */

/* The file last looked at: findings come sorted by file. */
struct source {
	char *path;
	struct buffer content;
};

static void source_free(struct source *source)
{
	free(source->path);
	buffer_free(&source->content);
}

static void put_snippet(struct source *source, const char *path, long long line, long long column,
			const struct options *options)
{
	const char *begin;
	const char *end;

	if (options->no_snippet)
		return;
	if (!source->path || strcmp(source->path, path) != 0) {
		source_free(source);
		*source = (struct source){ .path = copy_string(path) };
		if (buffer_read(&source->content, path) != 0)
			buffer_append(&source->content, "", 0);
	}
	begin = source->content.bytes;
	for (long long i = 1; i < line && begin; i++) {
		begin = strchr(begin, '\n');
		begin = begin ? begin + 1 : NULL;
	}
	if (!begin || !*begin)
		return;
	end = begin + strcspn(begin, "\r\n");
	printf("%5lld | %.*s\n      | ", line, (int)(end - begin), begin);
	for (const char *at = begin; at < end && at < begin + column - 1; at++)
		if (((unsigned char)*at & 0xc0) != 0x80) /* the first byte of a character */
			putchar(*at == '\t' ? '\t' : ' ');
	put(options, green, "^");
	putchar('\n');
}

static void put_place(const char *path, long long line, long long column, const struct options *options)
{
	auto_string place = text("%s:%lld:%lld: ", path_shown(path), line, column);

	put(options, bold, place);
}

static void put_notes(const struct finding *finding, struct source *source, const struct options *options)
{
	size_t at;
	json_t *note;

	json_array_foreach (finding->notes, at, note) {
		const char *path = json_string_value(json_object_get(note, "file"));
		long long line = json_integer_value(json_object_get(note, "line"));
		long long column = json_integer_value(json_object_get(note, "column"));

		put_place(path, line, column, options);
		put(options, cyan, "note: ");
		printf("%s\n", json_string_value(json_object_get(note, "message")));
		put_snippet(source, path, line, column, options);
	}
}

static void put_fixes(const struct finding *finding, const struct options *options)
{
	const char *what = json_array_size(finding->fixes) > 1 ? "fix to choose" : "fix available";
	size_t at;
	json_t *fix;

	json_array_foreach (finding->fixes, at, fix) {
		put_place(finding->path, finding->line, finding->column, options);
		put(options, cyan, "note: ");
		printf("%s: '%s' – %s\n", what, json_string_value(json_object_get(fix, "name")),
		       json_string_value(json_object_get(fix, "title")));
	}
}

void show_findings(const struct findings *findings, const struct options *options)
{
	CLEANUP(source_free) struct source source = { 0 };

	for (size_t i = 0; i < findings->n; i++) {
		const struct finding *finding = &findings->v[i];

		put_place(finding->path, finding->line, finding->column, options);
		put(options, magenta, "warning: ");
		put(options, bold, finding->message);
		printf(" [%s]\n", finding->rule);
		put_snippet(&source, finding->path, finding->line, finding->column, options);
		put_notes(finding, &source, options);
		put_fixes(finding, options);
	}
	fflush(stdout);
}

/* ---- findings as JSON ---- */

static json_t *flags_of(const struct unit *unit)
{
	json_t *flags = json_array();

	for (size_t i = 0; i < unit->flags.n; i++)
		json_array_append_new(flags, json_string(unit->flags.v[i]));
	for (size_t i = 0; i < unit->tolerated.n; i++)
		json_array_append_new(flags, json_string(unit->tolerated.v[i]));
	return flags;
}

void show_json(const struct findings *findings, const struct units *units)
{
	json_t *files = json_array();
	json_t *reports = json_array();
	json_t *problems = json_array();
	bool complete = true;
	json_t *all;

	for (size_t i = 0; i < units->n; i++) {
		const struct unit *unit = &units->v[i];
		json_t *functions = json_object_get(unit->report, "functions");

		complete = complete && unit->skip == SKIP_NO;
		json_array_append_new(files,
				      json_pack("{s:s, s:s, s:o, s:b, s:s, s:s, s:O?}", "file", unit->path, "directory",
						unit->directory, "flags", flags_of(unit), "analysed",
						unit->skip == SKIP_NO, "skipped", skip_words(unit->skip), "why",
						unit->why ? unit->why : "", "functions", functions));
	}
	for (size_t i = 0; i < findings->n_gaps; i++) {
		const struct gap *gap = &findings->gaps[i];

		json_array_append_new(problems, json_pack("{s:s, s:s, s:s, s:I, s:s}", "kind", gap->kind, "function",
							  gap->function, "file", gap->path, "line",
							  (json_int_t)gap->line, "why", gap->why));
	}
	for (size_t i = 0; i < findings->n; i++) {
		const struct finding *finding = &findings->v[i];

		json_array_append_new(reports,
				      json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:s, s:O, s:O}", "rule",
						finding->rule, "class", finding->class, "function", finding->function,
						"file", finding->path, "line", (json_int_t)finding->line, "column",
						(json_int_t)finding->column, "offset", (json_int_t)finding->offset,
						"message", finding->message, "notes", finding->notes, "fixes",
						finding->fixes));
	}
	all = json_pack("{s:i, s:b, s:o, s:o, s:o}", "version", 1, "complete", complete, "files", files, "problems",
			problems, "reports", reports);
	json_dumpf(all, stdout, JSON_INDENT(2));
	putchar('\n');
	fflush(stdout);
	json_decref(all);
}

/* ---- what was not analysed ---- */

/* A file counts once, however many compiles it has; it was analysed when all of them were. */
static void count_files(const struct units *units, size_t *ret_counts)
{
	for (size_t i = 0; i < units->n;) {
		enum skip worst = SKIP_NO;
		size_t first = i;

		for (; i < units->n && strcmp(units->v[i].path, units->v[first].path) == 0; i++)
			if (worst == SKIP_NO)
				worst = units->v[i].skip;
		ret_counts[worst]++;
	}
}

static void show_errors(const struct unit *unit)
{
	size_t shown = unit->errors.n < ERRORS_SHOWN ? unit->errors.n : ERRORS_SHOWN;

	for (size_t i = 0; i < shown; i++)
		fprintf(stderr, "%s\n", unit->errors.v[i]);
	if (shown < unit->errors.n)
		fprintf(stderr, "%s: note: and %zu more errors\n", path_shown(unit->path), unit->errors.n - shown);
}

static void show_skip(const struct unit *unit)
{
	/* What is said of functions stands in the report's problems; they are named one by one. */
	const char *whole = unit->report ? "not all of it was analysed" : "not analysed";
	/* That a database names C++ as well is no mistake. */
	const char *kind = unit->skip == SKIP_LANGUAGE && !unit->named ? "note" : "error";

	fprintf(stderr, "%s: %s: %s", path_shown(unit->path), kind, whole);
	if (unit->skip != SKIP_PARTLY)
		fprintf(stderr, ": %s", skip_words(unit->skip));
	if (unit->skip == SKIP_PARSE)
		fputs("; make clang compile it first", stderr);
	fprintf(stderr, "%s%s\n", unit->why ? ": " : "", unit->why ? unit->why : "");
}

static void show_dropped(const struct units *units)
{
	auto_strings flags = { 0 };
	auto_buffer list = { 0 };

	for (size_t i = 0; i < units->n; i++)
		for (size_t j = 0; j < units->v[i].dropped.n; j++)
			if (!strings_have(&flags, units->v[i].dropped.v[j]))
				strings_add(&flags, units->v[i].dropped.v[j]);
	strings_sort(&flags);
	for (size_t i = 0; i < flags.n; i++) {
		auto_string files = NULL;
		auto_string word = NULL;
		size_t count = 0;

		for (size_t j = 0; j < units->n; j++)
			count += strings_have(&units->v[j].dropped, flags.v[i]);
		files = counted(count, "file");
		word = text("%s%s (%s)", i ? ", " : "", flags.v[i], files);
		buffer_append(&list, word, strlen(word));
	}
	if (flags.n)
		say_note("dropped flags that clang does not know: %s", list.bytes);
}

static void show_gaps(const struct findings *findings, const char *kind, const char *what, size_t limit)
{
	size_t shown = 0;
	size_t count = findings_gaps(findings, kind);

	for (size_t i = 0; i < findings->n_gaps && shown < limit; i++) {
		const struct gap *gap = &findings->gaps[i];

		if (strcmp(gap->kind, kind) != 0)
			continue;
		fprintf(stderr, "%s:%lld: note: function '%s' %s: %s\n", path_shown(gap->path), gap->line,
			gap->function, what, gap->why);
		shown++;
	}
	if (shown < count)
		fprintf(stderr, "safespawn: note: and %zu more; --stats names them all\n", count - shown);
}

/* Mistakes in a configuration count for all files below it, and are said once. */
static void show_config(const struct units *units, const struct findings *findings)
{
	size_t counts[SKIP_KINDS] = { 0 };
	auto_string files = NULL;

	count_files(units, counts);
	if (!counts[SKIP_CONFIG])
		return;
	for (size_t i = 0; i < findings->n_gaps; i++) {
		const struct gap *gap = &findings->gaps[i];

		if (strcmp(gap->kind, "config") == 0)
			fprintf(stderr, "%s:%lld:%lld: error: %s\n", path_shown(gap->path), gap->line, gap->column,
				gap->why);
	}
	files = counted(counts[SKIP_CONFIG], "file");
	say_error("for that, nothing of %s was analysed: correct it, or use --no-config", files);
}

void show_skipped(const struct units *units, const struct findings *findings, const struct options *options)
{
	size_t limit = options->stats ? findings->n_gaps : GAPS_SHOWN;

	fflush(stdout);
	for (size_t i = 0; i < units->n; i++) {
		const struct unit *unit = &units->v[i];

		bool expected = unit->skip == SKIP_LANGUAGE && !unit->named;

		if (unit->skip == SKIP_NO || unit->skip == SKIP_INTERRUPTED || (expected && !options->stats))
			continue;
		if (unit->skip == SKIP_CONFIG)
			continue; /* said once for all */
		if (i > 0 && expected && strcmp(unit->path, units->v[i - 1].path) == 0)
			continue; /* another compile of the same file */
		show_errors(unit);
		show_skip(unit);
	}
	show_config(units, findings);
	show_gaps(findings, "skipped", "was not analysed", limit);
	if (options->quiet && !options->fail_incomplete)
		return;
	show_gaps(findings, "unproved", "is unproved", limit);
	if (!options->quiet)
		show_dropped(units);
}

/* ---- the summary ---- */

bool is_misconfigured(const struct units *units)
{
	for (size_t i = 0; i < units->n; i++)
		if (units->v[i].skip == SKIP_CONFIG)
			return true;
	return false;
}

/* Was something left out of the analysis that the user expects to be in it? */
static bool is_incomplete(const struct units *units, const struct findings *findings, const struct options *options)
{
	size_t counts[SKIP_KINDS] = { 0 };

	count_files(units, counts);
	if (!counts[SKIP_NO])
		return true;
	if (options->fail_incomplete && findings_gaps(findings, "unproved"))
		return true;
	for (size_t i = 0; i < units->n; i++) {
		bool expected = units->v[i].skip == SKIP_LANGUAGE && !units->v[i].named;

		if (units->v[i].skip != SKIP_NO && !expected)
			return true;
	}
	return false;
}

int verdict(const struct units *units, const struct findings *findings, const struct options *options)
{
	if (is_misconfigured(units))
		return EXIT_USAGE;
	if (is_incomplete(units, findings, options))
		return EXIT_INCOMPLETE;
	return findings->n && !options->exit_zero ? EXIT_FOUND : EXIT_CLEAN;
}

void show_summary(const struct units *units, const struct findings *findings, const struct options *options)
{
	size_t counts[SKIP_KINDS] = { 0 };
	size_t skipped = 0;
	auto_buffer reasons = { 0 };
	auto_string files = NULL;
	auto_string unproved = NULL;
	auto_string reports = NULL;

	if (options->quiet && !is_incomplete(units, findings, options))
		return;
	count_files(units, counts);
	for (int i = SKIP_NO + 1; i < SKIP_KINDS; i++) {
		auto_string reason = text("%s%s: %zu", skipped ? ", " : " (", skip_words(i), counts[i]);

		if (!counts[i])
			continue;
		skipped += counts[i];
		buffer_append(&reasons, reason, strlen(reason));
	}
	files = counted(counts[SKIP_NO], "file");
	unproved = counted(findings_gaps(findings, "unproved"), "function");
	reports = counted(findings->n, "report");
	fflush(stdout);
	fprintf(stderr, "%s analysed, %zu skipped%s%s, %s unproved; %s\n", files, skipped,
		reasons.length ? reasons.bytes : "", reasons.length ? ")" : "", unproved, reports);
}

/* ---- --stats ---- */

static void add_row(struct libscols_table *table, const char *name, const long long *numbers, size_t count)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);

	scols_line_set_data(line, 0, name);
	for (size_t i = 0; i < count; i++) {
		auto_string number = text("%lld", numbers[i]);

		scols_line_set_data(line, i + 1, number);
	}
}

void show_stats(const struct findings *findings, const struct units *units)
{
	static const char *const keys[] = { "seen", "relevant", "suspects", "proved", "unproved", "skipped" };
	enum { KEYS = sizeof(keys) / sizeof(keys[0]) };
	long long total[KEYS + 1] = { 0 };
	struct libscols_table *table;

	scols_init_debug(0);
	table = scols_new_table();
	scols_table_new_column(table, "FILE", 0, 0);
	for (size_t i = 0; i < KEYS; i++)
		scols_table_new_column(
			table,
			(const char *[]){ "FUNCTIONS", "RELEVANT", "SUSPECTS", "PROVED", "UNPROVED", "SKIPPED" }[i], 0,
			SCOLS_FL_RIGHT);
	scols_table_new_column(table, "REPORTS", 0, SCOLS_FL_RIGHT);

	for (size_t i = 0; i < units->n; i++) {
		const json_t *report = units->v[i].report;
		long long numbers[KEYS + 1] = { 0 };

		if (!report)
			continue;
		for (size_t j = 0; j < KEYS; j++)
			numbers[j] = json_integer_value(json_object_get(json_object_get(report, "functions"), keys[j]));
		numbers[KEYS] = (long long)json_array_size(json_object_get(report, "reports"));
		for (size_t j = 0; j < KEYS; j++)
			total[j] += numbers[j];
		add_row(table, path_shown(units->v[i].path), numbers, KEYS + 1);
	}
	total[KEYS] = (long long)findings->n; /* one in a header is one, however many files include it */
	add_row(table, "total", total, KEYS + 1);
	scols_print_table(table);
	scols_unref_table(table);
	fflush(stdout);
}
