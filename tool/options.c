/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "options.h"

#include "catalogue.h"
#include "nearest.h"
#include "run.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#define TIME_LIMIT_S 120

/* Values that popt hands back so that the text of an option is read here. */
enum {
	OPT_DATABASE = 1,
	OPT_CLANG,
	OPT_PROFILE,
	OPT_RULES,
	OPT_DEEP,
	OPT_TRIAGE,
	OPT_NO_CONFIG,
	OPT_TIME_LIMIT,
	OPT_JOBS,
	OPT_COLOR,
	OPT_PROGRESS,
	OPT_QUIET,
	OPT_NO_SNIPPET,
	OPT_FORMAT,
	OPT_STATS,
	OPT_FAIL_INCOMPLETE,
	OPT_EXIT_ZERO,
	OPT_APPLY,
	OPT_UNDO,
	OPT_INTERACTIVE,
	OPT_EXPORT,
	OPT_VENDOR,
	OPT_TO,
	OPT_DETACHED,
	OPT_LIMIT,
	OPT_CHOOSE,
	OPT_HELP,
};

#define FLAG(name, value, help) { name, '\0', POPT_ARG_NONE, NULL, value, help, NULL }
#define VALUE(name, letter, value, help, what) { name, letter, POPT_ARG_STRING, NULL, value, help, what }

static struct poptOption files_table[] = {
	VALUE("database", 'p', OPT_DATABASE,
	      "take flags (and files, when none are named) from the compile_commands.json or compile_flags.txt in DIR",
	      "DIR"),
	POPT_TABLEEND
};

static struct poptOption analysis_table[] = {
	VALUE("clang", '\0', OPT_CLANG, "the clang to run, else $SAFESPAWN_CLANG, else the newest with a plugin",
	      "PATH"),
	VALUE("profile", '\0', OPT_PROFILE, "which rules are on: default or strict", "NAME"),
	VALUE("rules", '\0', OPT_RULES, "turn rules on, or off with a leading '-', on top of the profile", "GLOB,..."),
	FLAG("deep", OPT_DEEP, "no budget of steps per function: prove more, take longer"),
	VALUE("triage", '\0', OPT_TRIAGE, "to look into safespawn itself: off explores also what triage clears",
	      "on|off"),
	FLAG("no-config", OPT_NO_CONFIG, "do not look for .safespawn.yaml"),
	VALUE("time-limit", '\0', OPT_TIME_LIMIT, "give up on a file after this time (120)", "SECONDS"),
	VALUE("jobs", 'j', OPT_JOBS, "how many files at a time (as many as there are processors)", "N"),
	POPT_TABLEEND
};

static struct poptOption output_table[] = {
	VALUE("color", '\0', OPT_COLOR, "auto, always or never; auto honours NO_COLOR", "WHEN"),
	VALUE("progress", '\0', OPT_PROGRESS, "auto (on a terminal) or none", "WHEN"),
	{ "quiet", 'q', POPT_ARG_NONE, NULL, OPT_QUIET, "no progress, no summary of a complete run", NULL },
	FLAG("no-snippet", OPT_NO_SNIPPET, "do not show source lines"),
	FLAG("stats", OPT_STATS, "show what was analysed, file by file"),
	FLAG("fail-incomplete", OPT_FAIL_INCOMPLETE, "exit 3 also when functions stay unproved"),
	FLAG("exit-zero", OPT_EXIT_ZERO, "exit 0 also when there are reports"),
	{ "help", '?', POPT_ARG_NONE, NULL, OPT_HELP, "show this help", NULL },
	POPT_TABLEEND
};

static struct poptOption check_table[] = {
	{ NULL, '\0', POPT_ARG_INCLUDE_TABLE, files_table, 0, "What to analyse:", NULL },
	{ NULL, '\0', POPT_ARG_INCLUDE_TABLE, analysis_table, 0, "How:", NULL },
	VALUE("format", '\0', OPT_FORMAT, "text or json", "NAME"),
	{ NULL, '\0', POPT_ARG_INCLUDE_TABLE, output_table, 0, "What is shown, and how it ends:", NULL },
	POPT_TABLEEND
};

static struct poptOption fix_table[] = {
	FLAG("apply", OPT_APPLY, "edit the files: all of them or none"),
	FLAG("interactive", OPT_INTERACTIVE, "show the edits one by one and make those that you say yes to"),
	VALUE("export-fixes", '\0', OPT_EXPORT, "write the edits for clang-apply-replacements", "FILE"),
	VALUE("vendor", '\0', OPT_VENDOR, "with --apply, put the runtime's safespawn.h and safespawn.c there, too",
	      "DIR"),
	FLAG("undo", OPT_UNDO, "give the files that the last --apply edited their old contents back"),
	VALUE("choose", '\0', OPT_CHOOSE, "where there are alternatives, take the fix of this name; may be repeated",
	      "NAME"),
	VALUE("to", '\0', OPT_TO,
	      "scope (spawns become tasks of a scope; the default) or minimal (the smallest edit that is right)",
	      "STYLE"),
	VALUE("detached", '\0', OPT_DETACHED,
	      "with --to=scope, threads that are detached on purpose: keep (the default), service or background", "AS"),
	VALUE("limit", '\0', OPT_LIMIT, "with --to=scope, how many tasks of a scope run at once; else all of them",
	      "N"),
	{ NULL, '\0', POPT_ARG_INCLUDE_TABLE, files_table, 0, "What to repair:", NULL },
	{ NULL, '\0', POPT_ARG_INCLUDE_TABLE, analysis_table, 0, "How:", NULL },
	{ NULL, '\0', POPT_ARG_INCLUDE_TABLE, output_table, 0, "What is shown, and how it ends:", NULL },
	POPT_TABLEEND
};

void options_free(struct options *options)
{
	free(options->database);
	free(options->clang);
	free(options->profile);
	free(options->rules);
	free(options->detached);
	free(options->export_fixes);
	free(options->vendor);
	strings_free(&options->files);
	strings_free(&options->flags);
	strings_free(&options->choose);
	*options = (struct options){ 0 };
}

static void names_in(const struct poptOption *table, struct strings *names)
{
	for (const struct poptOption *option = table;
	     option->longName || option->shortName || option->arg || option->argInfo; option++) {
		if (option->arg && (option->argInfo & POPT_ARG_MASK) == POPT_ARG_INCLUDE_TABLE)
			names_in(option->arg, names);
		else if (option->longName)
			strings_take(names, text("--%s", option->longName));
	}
}

int options_refused(const char *verb, poptContext context, int error, const struct poptOption *table)
{
	const char *given = poptBadOption(context, POPT_BADOPTION_NOALIAS);
	auto_string word = copy_bytes(given, strcspn(given, "="));
	auto_strings names = { 0 };
	const char *near;

	if (error != POPT_ERROR_BADOPT)
		return say_usage("%s: %s; 'safespawn %s --help' shows what it takes", word, poptStrerror(error), verb);
	names_in(table, &names);
	near = nearest(word, &names);
	if (near)
		return say_usage("%s has no option '%s'; did you mean '%s'?", verb, word, near);
	return say_usage("%s has no option '%s'; 'safespawn %s --help' lists them", verb, word, verb);
}

void options_help(const char *verb, const char *operands, const char *about, const struct poptOption *table)
{
	auto_string name = text("safespawn %s", verb);
	const char *argv[] = { name, NULL };
	poptContext context = poptGetContext(NULL, 1, argv, table, 0);

	poptSetOtherOptionHelp(context, operands);
	poptPrintHelp(context, stdout, 0);
	printf("\n%s\n", about);
	poptFreeContext(context);
}

int options_word(const char *option, const char *given, const char *const *words, size_t *ret_at)
{
	auto_strings known = { 0 };
	auto_buffer list = { 0 };
	const char *near;

	for (size_t i = 0; words[i]; i++) {
		if (strcmp(words[i], given) == 0) {
			*ret_at = i;
			return 0;
		}
		strings_add(&known, words[i]);
		buffer_append(&list, i ? ", " : "", i ? 2 : 0);
		buffer_append(&list, words[i], strlen(words[i]));
	}
	near = nearest(given, &known);
	if (near)
		return say_usage("%s=%s: did you mean '%s'?", option, given, near);
	return say_usage("%s=%s: it takes %s", option, given, list.bytes);
}

static int read_number(const char *option, const char *given, unsigned long least, unsigned long most,
		       unsigned long *ret)
{
	char *end;

	errno = 0;
	*ret = strtoul(given, &end, 10);
	if (errno || end == given || *end || given[0] == '-' || *ret < least || *ret > most)
		return say_usage("%s=%s: it takes a number from %lu to %lu", option, given, least, most);
	return 0;
}

static void set(char **string, const char *given)
{
	free(*string);
	*string = copy_string(given);
}

static bool color_wanted(size_t when)
{
	const char *no_color = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");

	if (when != 0)
		return when == 1;
	return isatty(STDOUT_FILENO) && !(no_color && *no_color) && !(terminal && strcmp(terminal, "dumb") == 0);
}

/* What popt handed back: 0, or EXIT_USAGE after a message. */
static int take(struct options *options, int which, const char *given, size_t *color)
{
	static const char *const whens[] = { "auto", "always", "never", NULL };
	static const char *const progresses[] = { "auto", "none", NULL };
	static const char *const switches[] = { "on", "off", NULL };
	static const char *const formats[] = { "text", "json", NULL };
	static const char *const styles[] = { "minimal", "scope", NULL };
	static const char *const purposes[] = { "keep", "service", "background", NULL };
	unsigned long number;
	size_t at;
	int code;

	switch (which) {
	case OPT_DATABASE:
		set(&options->database, given);
		return 0;
	case OPT_CLANG:
		set(&options->clang, given);
		return 0;
	case OPT_PROFILE:
		set(&options->profile, given);
		return profile_check(given);
	case OPT_RULES:
		set(&options->rules, given);
		return rules_check(given);
	case OPT_DEEP:
		options->deep = true;
		return 0;
	case OPT_TRIAGE:
		code = options_word("--triage", given, switches, &at);
		if (!code)
			options->no_triage = at == 1;
		return code;
	case OPT_NO_CONFIG:
		options->no_config = true;
		return 0;
	case OPT_TIME_LIMIT:
		code = read_number("--time-limit", given, 1, 86400, &number);
		options->time_limit_s = (unsigned)number;
		return code;
	case OPT_JOBS:
		code = read_number("--jobs", given, 1, 1024, &number);
		options->jobs = number;
		return code;
	case OPT_COLOR:
		return options_word("--color", given, whens, color);
	case OPT_PROGRESS:
		code = options_word("--progress", given, progresses, &at);
		if (!code && at == 1)
			options->progress = false;
		return code;
	case OPT_QUIET:
		options->quiet = true;
		return 0;
	case OPT_NO_SNIPPET:
		options->no_snippet = true;
		return 0;
	case OPT_FORMAT:
		code = options_word("--format", given, formats, &at);
		if (!code)
			options->json = at == 1;
		return code;
	case OPT_STATS:
		options->stats = true;
		return 0;
	case OPT_FAIL_INCOMPLETE:
		options->fail_incomplete = true;
		return 0;
	case OPT_EXIT_ZERO:
		options->exit_zero = true;
		return 0;
	case OPT_APPLY:
		options->apply = true;
		return 0;
	case OPT_UNDO:
		options->undo = true;
		return 0;
	case OPT_INTERACTIVE:
		options->interactive = options->apply = true;
		return 0;
	case OPT_EXPORT:
		set(&options->export_fixes, given);
		return 0;
	case OPT_VENDOR:
		set(&options->vendor, given);
		return 0;
	case OPT_TO:
		code = options_word("--to", given, styles, &at);
		if (!code)
			options->to_scope = at == 1;
		return code;
	case OPT_DETACHED:
		set(&options->detached, given);
		return options_word("--detached", given, purposes, &at);
	case OPT_LIMIT:
		code = read_number("--limit", given, 1, UINT_MAX, &number);
		options->limit = (unsigned)number;
		return code;
	case OPT_CHOOSE:
		strings_add(&options->choose, given);
		return 0;
	default:
		return 0;
	}
}

static const char check_about[] =
	"Files without -p take their flags from the nearest compilation database: the folder of the first file\n"
	"(or the current one), each folder above it, and build/ in each; FLAGS after -- are used instead.\n"
	"Exit: 0 clean, 1 reports, 2 wrong usage, 3 incomplete (something was not analysed).";
static const char fix_about[] =
	"Shows the edits as a diff; --apply makes them, after every file touched compiled with them.\n"
	"Files find their flags as in 'safespawn check'.\n"
	"Exit: 0 nothing left to report, 1 something is left, 2 wrong usage, 3 incomplete or not written.";

bool options_read(struct options *ret, const char *verb, int argc, char **argv, int *ret_code)
{
	bool fix = strcmp(verb, "fix") == 0;
	const struct poptOption *table = fix ? fix_table : check_table;
	auto_options options = {
		.time_limit_s = TIME_LIMIT_S,
		.jobs = run_parallelism(),
		.progress = isatty(STDERR_FILENO),
		.to_scope = fix,
	};
	size_t color = 0;
	poptContext context;
	int before = 0;
	int which;
	int code = 0;
	bool help = false;

	/* popt does not tell what came before -- from what came after it. */
	while (before < argc && strcmp(argv[before], "--") != 0)
		before++;
	options.flags_given = before < argc;
	for (int i = before + 1; i < argc; i++)
		strings_add(&options.flags, argv[i]);

	context = poptGetContext(NULL, before, (const char **)argv, table, 0);
	while (!code && (which = poptGetNextOpt(context)) > 0) {
		auto_string given = poptGetOptArg(context);

		if (which == OPT_HELP)
			help = true;
		else
			code = take(&options, which, given, &color);
	}
	if (!code && which < -1)
		code = options_refused(verb, context, which, table);
	for (const char *file = poptGetArg(context); file; file = poptGetArg(context))
		strings_add(&options.files, file);
	poptFreeContext(context);

	options.color = color_wanted(color);
	if (options.quiet)
		options.progress = false;
	*ret_code = code;
	if (code)
		return false;
	if (help) {
		options_help(verb, "[OPTION...] [FILE...] [-- FLAG...]", fix ? fix_about : check_about, table);
		return false;
	}
	if (options.undo && options.apply) {
		*ret_code = say_usage("--undo takes back what --apply did: one of them at a time");
		return false;
	}
	if (options.vendor && !options.apply) {
		*ret_code = say_usage("--vendor writes files: it needs --apply");
		return false;
	}
	if (options.flags_given && options.database) {
		*ret_code = say_usage("flags come from -p or follow --, not both");
		return false;
	}
	if (fix && !options.to_scope && (options.detached || options.limit)) {
		*ret_code = say_usage("--detached and --limit say what a scope is like: they need --to=scope");
		return false;
	}
	if (options.flags_given && !options.files.n) {
		*ret_code = say_usage("there are flags after -- but no files before it");
		return false;
	}
	*ret = options;
	options = (struct options){ 0 };
	return true;
}
