/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * safespawn fix: show the edits that repair what was found as a diff, or make them.
 *
 * An edit is shown or made only after each compile that its file is part of was seen to succeed with it.
 */
#include "analysis.h"
#include "edits.h"
#include "left.h"
#include "show.h"
#include "verbs.h"
#include "write.h"

#include <errno.h>
#include <git2.h>
#include <string.h>

/* ---- does it compile ---- */

/* Which files each unit is made of: reaches[unit * files + file]. */
struct trial {
	struct analysis *analysis;
	struct plan *plan;
	bool *reaches;
	bool *wanted, *failed; /* one per unit */
	json_t *spellings;     /* path as a compile names it -> index of the file */
};

static void note_spelling(struct trial *trial, size_t unit, const char *spelled)
{
	const struct plan *plan = trial->plan;
	auto_string absolute = unit_path_of(&trial->analysis->units.v[unit], spelled);
	auto_string plain = path_plain(absolute);
	auto_string real = path_real("/", absolute);

	for (size_t i = 0; i < plan->n_files; i++) {
		if (strcmp(plan->files[i].path, real) != 0)
			continue;
		trial->reaches[unit * plan->n_files + i] = true;
		json_object_set_new(trial->spellings, plain, json_integer((json_int_t)i));
	}
}

static void trial_open(struct trial *trial, struct analysis *analysis, struct plan *plan)
{
	const struct units *units = &analysis->units;

	*trial = (struct trial){
		.analysis = analysis,
		.plan = plan,
		.reaches = zalloc(units->n * plan->n_files, sizeof(bool)),
		.wanted = zalloc(units->n, sizeof(bool)),
		.failed = zalloc(units->n, sizeof(bool)),
		.spellings = json_object(),
	};
	for (size_t i = 0; i < plan->n_files; i++)
		json_object_set_new(trial->spellings, plan->files[i].path, json_integer((json_int_t)i));
	for (size_t i = 0; i < units->n; i++) {
		const struct unit *unit = &units->v[i];

		if (unit->skip != SKIP_NO && unit->skip != SKIP_PARTLY)
			continue; /* it did not compile before either */
		note_spelling(trial, i, unit->file);
		for (size_t j = 0; j < unit->depends_on.n; j++)
			note_spelling(trial, i, unit->depends_on.v[j]);
	}
}

static void trial_close(struct trial *trial)
{
	free(trial->reaches);
	free(trial->wanted);
	free(trial->failed);
	json_decref(trial->spellings);
}

static bool is_edited(const struct plan *plan, size_t file)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->fixes[i].left == LEFT_NOT && fix_touches(&plan->fixes[i], file))
			return true;
	return false;
}

/* The after of each file in the scratch folder, and the overlay that puts them in their places. */
static int write_overlay(struct trial *trial, char **ret_path)
{
	const struct scratch *scratch = &trial->analysis->scratch;
	json_t *roots = json_array();
	json_t *overlay;
	json_t *file;
	const char *spelling;
	int err = 0;

	for (size_t i = 0; i < trial->plan->n_files && !err; i++) {
		const struct buffer *after = &trial->plan->files[i].after;
		auto_string path = scratch_path(scratch, i, "after");
		auto_file stream = fopen(path, "wbe");

		if (!stream || fwrite(after->bytes, 1, after->length, stream) != after->length || fflush(stream) != 0)
			err = errno;
	}
	json_object_foreach (trial->spellings, spelling, file) {
		auto_string path = scratch_path(scratch, (size_t)json_integer_value(file), "after");

		json_array_append_new(roots, json_pack("{s:s, s:s, s:s}", "type", "file", "name", spelling,
						       "external-contents", path));
	}
	overlay = json_pack("{s:i, s:b, s:b, s:o}", "version", 0, "case-sensitive", 1, "use-external-names", 0, "roots",
			    roots);
	*ret_path = scratch_path(scratch, 0, "overlay");
	if (!err && json_dump_file(overlay, *ret_path, 0) != 0)
		err = errno ? errno : EIO;
	json_decref(overlay);
	return err;
}

/* Compile everything that the fixes now in the plan touch; false when some of it fails. */
static bool compiles(struct trial *trial)
{
	const struct plan *plan = trial->plan;
	size_t units = trial->analysis->units.n;
	auto_string overlay = NULL;
	bool all = true;
	int err;

	plan_apply(trial->plan);
	memset(trial->wanted, 0, units * sizeof(bool));
	memset(trial->failed, 0, units * sizeof(bool));
	for (size_t i = 0; i < units; i++)
		for (size_t j = 0; j < plan->n_files; j++)
			if (trial->reaches[i * plan->n_files + j] && is_edited(plan, j))
				trial->wanted[i] = true;
	err = write_overlay(trial, &overlay);
	if (err) {
		say_error("cannot try the edits: %s", strerror(err));
		return false;
	}
	analysis_compile(trial->analysis, overlay, trial->wanted, trial->failed);
	for (size_t i = 0; i < units; i++)
		all = all && !trial->failed[i];
	return all && !trial->analysis->stopped_by;
}

static bool is_covered(const struct trial *trial, const struct fix *fix)
{
	const struct plan *plan = trial->plan;

	for (size_t i = 0; i < fix->n; i++) {
		bool covered = false;

		for (size_t j = 0; j < trial->analysis->units.n && !covered; j++)
			covered = trial->reaches[j * plan->n_files + fix->edits[i].file];
		if (!covered)
			return false;
	}
	return true;
}

/* Is the fix part of a unit that failed in the last trial? */
static bool is_suspect(const struct trial *trial, const struct fix *fix)
{
	for (size_t i = 0; i < trial->analysis->units.n; i++)
		for (size_t j = 0; j < fix->n && trial->failed[i]; j++)
			if (trial->reaches[i * trial->plan->n_files + fix->edits[j].file])
				return true;
	return false;
}

/*
 * Suspects are added one by one to those that are beyond doubt, so that one which compiles alone but not with an
 * earlier one is left out too.
 */
static void leave_suspects(struct trial *trial)
{
	struct plan *plan = trial->plan;
	bool *suspects = zalloc(plan->n, sizeof(*suspects));

	for (size_t i = 0; i < plan->n; i++) {
		suspects[i] = plan->fixes[i].left == LEFT_NOT && is_suspect(trial, &plan->fixes[i]);
		if (suspects[i])
			plan->fixes[i].left = LEFT_COMPILE;
	}
	for (size_t i = 0; i < plan->n && !trial->analysis->stopped_by; i++) {
		if (!suspects[i])
			continue;
		plan->fixes[i].left = LEFT_NOT;
		if (!compiles(trial))
			plan->fixes[i].left = LEFT_COMPILE;
	}
	free(suspects);
}

/* Leave out the fixes whose result does not compile. */
static void leave_broken(struct trial *trial)
{
	struct plan *plan = trial->plan;
	size_t made;

	for (size_t i = 0; i < plan->n; i++)
		if (plan->fixes[i].left == LEFT_NOT && !is_covered(trial, &plan->fixes[i]))
			plan->fixes[i].left = LEFT_UNCHECKED;
	plan_settle(plan);
	/* Without a rewrite the fixes that yielded to it have their turn. */
	do {
		made = plan_made(plan);
		if (!made || compiles(trial))
			break;
		leave_suspects(trial);
		made = plan_made(plan);
		plan_settle(plan);
	} while (plan_made(plan) != made && !trial->analysis->stopped_by);
	plan_apply(plan);
}

/* ---- showing it ---- */

static const char *diff_color(char origin)
{
	switch (origin) {
	case GIT_DIFF_LINE_ADDITION:
		return "\033[32m";
	case GIT_DIFF_LINE_DELETION:
		return "\033[31m";
	case GIT_DIFF_LINE_HUNK_HDR:
		return "\033[36m";
	case GIT_DIFF_LINE_FILE_HDR:
		return "\033[1m";
	default:
		return "";
	}
}

static int put_diff_line(const git_diff_delta *delta, const git_diff_hunk *hunk, const git_diff_line *line, void *data)
{
	const struct options *options = data;
	const char *color = options->color ? diff_color(line->origin) : "";

	(void)delta;
	(void)hunk;
	fputs(color, stdout);
	if (line->origin == GIT_DIFF_LINE_ADDITION || line->origin == GIT_DIFF_LINE_DELETION ||
	    line->origin == GIT_DIFF_LINE_CONTEXT)
		putchar(line->origin);
	fwrite(line->content, 1, line->content_len, stdout);
	if (*color)
		fputs("\033[0m", stdout);
	return 0;
}

static int show_diff(const struct plan *plan, const struct options *options)
{
	git_diff_options diff_options;
	int failed = 0;

	git_diff_options_init(&diff_options, GIT_DIFF_OPTIONS_VERSION);
	diff_options.flags = GIT_DIFF_FORCE_TEXT;
	for (size_t i = 0; i < plan->n_files && !failed; i++) {
		const struct edited *file = &plan->files[i];
		const char *name = path_shown(file->path);
		git_patch *patch = NULL;

		if (!is_edited(plan, i))
			continue;
		name += name[0] == '/'; /* a/ and b/ come before it */
		failed = git_patch_from_buffers(&patch, file->before.bytes, file->before.length, name,
						file->after.bytes, file->after.length, name, &diff_options);
		if (!failed)
			failed = git_patch_print(patch, put_diff_line, (void *)options);
		git_patch_free(patch);
	}
	if (failed)
		say_error("cannot make the diff: %s", git_error_last() ? git_error_last()->message : "unknown reason");
	fflush(stdout);
	return failed ? EXIT_INCOMPLETE : 0;
}

/* ---- making it ---- */

static int write_plan(const struct plan *plan)
{
	struct replacement *files = zalloc(plan->n_files, sizeof(*files));
	size_t count = 0;
	int err;

	for (size_t i = 0; i < plan->n_files; i++)
		if (is_edited(plan, i))
			files[count++] = (struct replacement){ plan->files[i].path, &plan->files[i].before,
							       &plan->files[i].after };
	err = write_all(files, count);
	if (!err) {
		auto_string fixes = text("%zu fix%s", plan_made(plan), plan_made(plan) == 1 ? "" : "es");
		auto_string edited = counted(count, "file");

		fprintf(stderr, "%s made in %s\n", fixes, edited);
	}
	free(files);
	return err;
}

/* Gather the plan: 0, or what to exit with after a message. */
static int make_plan(struct plan *ret, struct analysis *analysis, const struct findings *findings)
{
	auto_plan plan = { 0 };
	auto_string path = NULL;
	struct trial trial;
	int err = plan_make(&plan, findings, &analysis->options->choose, &path);

	if (err) {
		fprintf(stderr, "%s: error: cannot be read: %s; nothing was written\n", path_shown(path),
			strerror(err));
		return EXIT_INCOMPLETE;
	}
	for (size_t i = 0; i < plan.n_files; i++) {
		if (!plan.files[i].changed)
			continue;
		fprintf(stderr, "%s: error: changed while it was analysed; nothing was written: run again\n",
			path_shown(plan.files[i].path));
		return EXIT_INCOMPLETE;
	}
	trial_open(&trial, analysis, &plan);
	leave_broken(&trial);
	trial_close(&trial);
	*ret = plan;
	plan = (struct plan){ 0 };
	return 0;
}

/* What tells a report apart in a file that was edited since: not its line. */
static char *name_of(const struct finding *finding)
{
	return text("%s:%s:%s:%s", finding->path, finding->function, finding->rule, finding->message);
}

static void note_fixable(struct strings *ret_names, const struct findings *findings)
{
	for (size_t i = 0; i < findings->n; i++)
		if (json_array_size(findings->v[i].fixes))
			strings_take(ret_names, name_of(&findings->v[i]));
}

/* A fix can make another one possible: one round is made, and the rest is the user's to ask for. */
static void show_fixable_now(const struct findings *findings, const struct strings *before)
{
	size_t count = 0;

	for (size_t i = 0; i < findings->n; i++) {
		auto_string name = name_of(&findings->v[i]);

		count += json_array_size(findings->v[i].fixes) && !strings_have(before, name);
	}
	if (count) {
		auto_string reports = counted(count, "report");

		say_note("%s can be fixed that could not before: run it again", reports);
	}
}

/* After the edits: what a check says now. */
static int check_again(struct analysis *analysis, const struct strings *fixable_before)
{
	auto_findings findings = { 0 };

	analysis_reset(analysis);
	analysis_run(analysis);
	findings_collect(&findings, &analysis->units);
	show_findings(&findings, analysis->options);
	if (analysis->options->stats)
		show_stats(&findings, &analysis->units);
	show_skipped(&analysis->units, &findings, analysis->options);
	show_fixable_now(&findings, fixable_before);
	show_summary(&analysis->units, &findings, analysis->options);
	return verdict(&analysis->units, &findings, analysis->options);
}

/*
 * Analyse and show or make the fixes. *ret_again: files were edited, and what is left to report is not known yet;
 * @ret_fixable has the names of the reports that had fixes.
 */
static int repair(struct analysis *analysis, bool *ret_again, struct strings *ret_fixable)
{
	const struct options *options = analysis->options;
	auto_findings findings = { 0 };
	auto_plan plan = { 0 };
	bool stopped;
	int code;

	analysis_run(analysis);
	findings_collect(&findings, &analysis->units);
	note_fixable(ret_fixable, &findings);
	/* With a broken configuration nothing is sure: what a call means may stand in it. */
	stopped = analysis->stopped_by || is_misconfigured(&analysis->units);
	code = stopped ? 0 : make_plan(&plan, analysis, &findings);
	if (code)
		return code;

	*ret_again = options->apply && plan_made(&plan) && !analysis->stopped_by;
	if (!stopped && !analysis->stopped_by) {
		if (!options->apply)
			code = show_diff(&plan, options);
		show_made(&plan);
		show_left(&plan);
		if (*ret_again && write_plan(&plan) != 0) {
			*ret_again = false;
			return EXIT_INCOMPLETE;
		}
	}
	if (*ret_again)
		return 0;

	if (options->stats)
		show_stats(&findings, &analysis->units);
	show_skipped(&analysis->units, &findings, options);
	show_summary(&analysis->units, &findings, options);
	return code ? EXIT_INCOMPLETE : verdict(&analysis->units, &findings, options);
}

int run_fix(int argc, char **argv)
{
	auto_options options = { 0 };
	auto_toolchain toolchain = { 0 };
	auto_analysis analysis = { .want_dependencies = true };
	auto_strings fixable = { 0 };
	bool again = false;
	int code;

	if (!options_read(&options, "fix", argc, argv, &code))
		return code;
	code = analysis_open(&analysis, &options, &toolchain);
	if (code)
		return code;
	git_libgit2_init();
	code = repair(&analysis, &again, &fixable);
	git_libgit2_shutdown();
	if (again)
		code = check_again(&analysis, &fixable);
	return analysis.stopped_by ? EXIT_SIGNAL + analysis.stopped_by : code;
}
