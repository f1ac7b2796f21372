/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * safespawn fix: show the edits that repair what was found as a diff, or make them.
 *
 * An edit is shown or made only after each compile that its file is part of was seen to succeed with it.
 */
#include "ask.h"
#include "diff.h"
#include "export.h"
#include "journal.h"
#include "left.h"
#include "show.h"
#include "trial.h"
#include "vendor.h"
#include "verbs.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* ---- making it ---- */

static int write_plan(const struct plan *plan, const char *place, const struct options *options)
{
	struct replacement *files = zalloc(plan->n_files + VENDOR_FILES, sizeof(*files));
	auto_vendor vendor = { 0 };
	size_t count = 0;
	size_t given;
	int err;

	if (options->vendor && vendor_plan(&vendor, options->vendor) != 0) {
		free(files);
		return EACCES;
	}
	for (size_t i = 0; i < plan->n_files; i++)
		if (plan_edits(plan, i))
			files[count++] = (struct replacement){ plan->files[i].path, &plan->files[i].before,
							       &plan->files[i].after };
	given = vendor_files(&vendor, files + count);
	err = count + given ? write_all(files, count + given, place) : 0;
	if (!err && count) {
		auto_string fixes = text("%zu fix%s", plan_made(plan), plan_made(plan) == 1 ? "" : "es");
		auto_string edited = counted(count, "file");

		fprintf(stderr, "%s made in %s\n", fixes, edited);
	}
	for (size_t i = 0; i < given && !err; i++)
		fprintf(stderr, "%s written\n", path_shown(files[count + i].path));
	free(files);
	return err;
}

/* Gather the plan: 0, or what to exit with after a message. */
static int make_plan(struct plan *ret, struct analysis *analysis, const struct findings *findings)
{
	auto_plan plan = { 0 };
	auto_string path = NULL;
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
	err = trial_run(analysis, &plan);
	*ret = plan;
	plan = (struct plan){ 0 };
	return err;
}

static void note_fixable(struct strings *ret_names, const struct findings *findings)
{
	for (size_t i = 0; i < findings->n; i++)
		if (json_array_size(findings->v[i].fixes))
			strings_take(ret_names, finding_name(&findings->v[i]));
}

/* A fix can make another one possible: one round is made, and the rest is the user's to ask for. */
static void show_fixable_now(const struct findings *findings, const struct strings *before)
{
	size_t count = 0;

	for (size_t i = 0; i < findings->n; i++) {
		auto_string name = finding_name(&findings->v[i]);

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
 * Analyse and show or make the fixes, with the journal in @place. *ret_again: files were edited, and what is left to
 * report is not known yet;
 * @ret_fixable has the names of the reports that had fixes.
 */
static int repair(struct analysis *analysis, const char *place, bool *ret_again, struct strings *ret_fixable)
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

	if (!stopped && options->interactive && ask(&plan, options))
		code = trial_run(analysis, &plan); /* what was said no to may be what the rest needs */
	if (!code && options->export_fixes && !stopped)
		code = export_fixes(&plan, options->export_fixes);
	if (code)
		return code;
	if (!stopped && !analysis->stopped_by) {
		if (!options->apply)
			code = show_diff(&plan, options);
		show_made(&plan);
		show_left(&plan);
		if (options->apply && write_plan(&plan, place, options) != 0)
			return EXIT_INCOMPLETE;
		if (plan.lacks_runtime)
			vendor_show(options->vendor);
		*ret_again = options->apply && plan_made(&plan);
	}
	if (*ret_again)
		return 0;

	if (options->stats)
		show_stats(&findings, &analysis->units);
	show_skipped(&analysis->units, &findings, options);
	show_summary(&analysis->units, &findings, options);
	if (code)
		return EXIT_INCOMPLETE;
	code = verdict(&analysis->units, &findings, options);
	/* A rewrite that waits to be made needs no report. */
	return !code && plan_made(&plan) && !options->exit_zero ? EXIT_FOUND : code;
}

/* Rewritten code includes safespawn.h: it shall compile before the user's build knows where that is. */
static int give_header(struct analysis *analysis)
{
	auto_string path = text("%s/safespawn.h", analysis->scratch.folder);
	auto_buffer header = { 0 };
	int err;

	vendor_append(&header, "safespawn.h");
	err = buffer_write(&header, path);
	if (err) {
		say_error("cannot write %s: %s", path, strerror(err));
		return EXIT_INCOMPLETE;
	}
	analysis->has_runtime = true;
	return 0;
}

/*
 * What the journal lies beside. A run on plain files kept it in the current folder: --undo does not hear of their flags,
 * and looks there before it looks for a database.
 */
static char *journal_place(const struct options *options)
{
	auto_string here = options->undo && !options->database ? getcwd(NULL, 0) : NULL;

	return here && journal_is_in(here) ? copy_string(here) : units_place(options);
}

int run_fix(int argc, char **argv)
{
	auto_options options = { 0 };
	auto_toolchain toolchain = { 0 };
	auto_analysis analysis = { .want_dependencies = true };
	auto_strings fixable = { 0 };
	auto_string place = NULL;
	bool again = false;
	int code;

	if (!options_read(&options, "fix", argc, argv, &code))
		return code;
	place = journal_place(&options);
	if (!place)
		return EXIT_USAGE;
	if (options.undo)
		return journal_undo(place);
	if (options.apply && journal_check(place) != 0)
		return EXIT_INCOMPLETE;
	code = analysis_open(&analysis, &options, &toolchain);
	if (!code)
		code = give_header(&analysis);
	if (code)
		return code;
	code = repair(&analysis, place, &again, &fixable);
	if (again)
		code = check_again(&analysis, &fixable);
	return analysis.stopped_by ? EXIT_SIGNAL + analysis.stopped_by : code;
}
