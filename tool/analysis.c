/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "analysis.h"

#include "flags.h"
#include "run.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TRIES 8 /* each one drops flags that the one before did not get to */

/* A unit's way through one run. */
struct turn {
	struct unit *unit;
	struct strings arguments;
	char *report;
	char *dependencies;
	int tries;
};

struct run {
	struct analysis *analysis;
	const struct units *units;
	enum { ANALYSE, TRY, PROBE, SCAN } purpose;
	const char *overlay; /* with TRY */
	const char *file;    /* with PROBE: what is compiled */
	bool own;	     /* with PROBE: with the units' own flags only */
	struct attempt *attempts;
	struct turn *turns; /* one per unit */
	size_t *queue;	    /* units still to be started, from the end */
	size_t waiting, total, done;
};

int analysis_open(struct analysis *analysis, const struct options *options, struct toolchain *toolchain)
{
	int code = toolchain_find(toolchain, options->clang);
	int err;

	if (code)
		return code;
	analysis->options = options;
	analysis->toolchain = toolchain;
	code = units_find(&analysis->units, options, toolchain);
	if (code)
		return code;
	err = scratch_open(&analysis->scratch);
	if (err) {
		say_error("cannot make a folder for temporary files: %s; set TMPDIR to one that can be written",
			  strerror(err));
		return EXIT_INCOMPLETE;
	}
	return 0;
}

void analysis_close(struct analysis *analysis)
{
	units_free(&analysis->units);
	scratch_close(&analysis->scratch);
}

void analysis_reset(struct analysis *analysis)
{
	for (size_t i = 0; i < analysis->units.n; i++) {
		struct unit *unit = &analysis->units.v[i];

		if (unit->skip == SKIP_MISSING || unit->skip == SKIP_LANGUAGE || unit->skip == SKIP_UNREADABLE)
			continue;
		unit->skip = SKIP_NO;
		free(unit->why);
		unit->why = NULL;
		strings_free(&unit->errors);
		strings_free(&unit->depends_on);
		json_decref(unit->report);
		unit->report = NULL;
	}
}

/* ---- the command line ---- */

static void add_plugin(struct strings *arguments, const struct analysis *analysis, const struct turn *turn)
{
	static const char argument[] = "-fplugin-arg-safespawn-";
	const struct options *options = analysis->options;

	strings_take(arguments, text("-fplugin=%s", analysis->toolchain->plugin));
	strings_take(arguments, text("%sreport=%s", argument, turn->report));
	strings_take(arguments, text("%squiet", argument));
	strings_take(arguments, text("%stime-limit=%u", argument, options->time_limit_s));
	if (options->profile)
		strings_take(arguments, text("%sprofile=%s", argument, options->profile));
	if (options->rules)
		strings_take(arguments, text("%srules=%s", argument, options->rules));
	if (options->deep)
		strings_take(arguments, text("%sdeep", argument));
	if (options->no_triage)
		strings_take(arguments, text("%striage=off", argument));
	if (options->no_config)
		strings_take(arguments, text("%sno-config", argument));
	if (options->to_scope)
		strings_take(arguments, text("%sto=scope", argument));
	if (options->detached)
		strings_take(arguments, text("%sdetached=%s", argument, options->detached));
	if (options->limit)
		strings_take(arguments, text("%slimit=%u", argument, options->limit));
}

static void make_arguments(const struct run *run, struct turn *turn)
{
	/* Warnings are other people's business; errors must come one per line and all of them. */
	static const char *const always[] = { "-Qunused-arguments", "-ferror-limit=0", "-fno-caret-diagnostics",
					      "-fno-color-diagnostics", "-fno-crash-diagnostics" };
	struct strings *arguments = &turn->arguments;

	strings_free(arguments);
	strings_add(arguments, run->analysis->toolchain->program);
	strings_add_all(arguments, &turn->unit->flags);
	strings_add(arguments, "-fsyntax-only");
	if (run->purpose != PROBE)
		strings_add(arguments, "-w");
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		strings_add(arguments, always[i]);
	strings_add_all(arguments, &turn->unit->tolerated);
	/* A probe wants its warnings, which the compiler does not give about headers of the system. */
	if (run->analysis->has_runtime && !run->own)
		strings_take(arguments,
			     text("%s%s", run->purpose == PROBE ? "-I" : "-idirafter", run->analysis->scratch.folder));
	if (run->purpose == TRY) {
		strings_add(arguments, "-ivfsoverlay");
		strings_add(arguments, run->overlay);
	}
	if (run->purpose == ANALYSE || (run->purpose == TRY && turn->unit->report))
		add_plugin(arguments, run->analysis, turn);
	if (turn->dependencies) {
		strings_add(arguments, run->purpose == SCAN ? "-M" : "-MD");
		strings_add(arguments, "-MF");
		strings_add(arguments, turn->dependencies);
	}
	strings_add(arguments, "--");
	strings_add(arguments, run->purpose == PROBE ? run->file : turn->unit->file);
}

/* ---- what came back ---- */

static void skip(struct unit *unit, enum skip skip, char *take_why)
{
	unit->skip = skip;
	free(unit->why);
	unit->why = take_why;
}

/* The lines with errors; returns the first one that names no place, such as the driver's own. */
static char *take_errors(struct strings *ret_errors, const char *said)
{
	auto_string lines = copy_string(said ? said : "");
	char *position = NULL;
	char *unplaced = NULL;

	strings_free(ret_errors);
	for (char *line = strtok_r(lines, "\r\n", &position); line; line = strtok_r(NULL, "\r\n", &position)) {
		const char *error = strstr(line, "error: ");
		int line_number;
		int column;

		if (!error)
			continue;
		/* `path:12:5: error: `, and paths may hold colons. */
		for (const char *colon = strchr(line, ':'); colon && colon < error; colon = strchr(colon + 1, ':')) {
			int end = 0;

			if (sscanf(colon, ":%d:%d: %n", &line_number, &column, &end) == 2 && end) {
				strings_add(ret_errors, line);
				error = NULL;
				break;
			}
		}
		if (error && !unplaced)
			unplaced = copy_string(error + strlen("error: "));
	}
	return unplaced;
}

static const char *problem_of_kind(const json_t *report, const char *kind)
{
	size_t at;
	json_t *problem;

	json_array_foreach (json_object_get(report, "problems"), at, problem) {
		const char *its_kind = json_string_value(json_object_get(problem, "kind"));

		if (its_kind && strcmp(its_kind, kind) == 0)
			return json_string_value(json_object_get(problem, "why"));
	}
	return NULL;
}

static bool all_have_shape(json_t *items, bool (*has_shape)(json_t *, json_error_t *), json_error_t *error)
{
	json_t *item;
	size_t at;

	json_array_foreach (items, at, item)
		if (!has_shape(item, error))
			return false;
	return true;
}

static bool note_has_shape(json_t *note, json_error_t *error)
{
	const char *string;
	json_int_t number;

	return json_unpack_ex(note, error, 0, "{s:s, s:I, s:I, s:s}", "file", &string, "line", &number, "column",
			      &number, "message", &string) == 0;
}

static bool edit_has_shape(json_t *edit, json_error_t *error)
{
	const char *string;
	json_int_t number;

	return json_unpack_ex(edit, error, 0, "{s:s, s:I, s:I, s:s}", "file", &string, "offset", &number, "length",
			      &number, "text", &string) == 0;
}

static bool fix_has_shape(json_t *fix, json_error_t *error)
{
	json_t *edits;
	const char *string;

	return json_unpack_ex(fix, error, 0, "{s:s, s:s, s:o}", "name", &string, "title", &string, "edits", &edits) ==
		       0 &&
	       all_have_shape(edits, edit_has_shape, error);
}

static bool call_has_shape(json_t *call, json_error_t *error)
{
	const char *string;
	json_int_t number;

	return json_unpack_ex(call, error, 0, "{s:s, s:I, s:I}", "file", &string, "line", &number, "offset", &number) ==
	       0;
}

static bool rewrite_has_shape(json_t *rewrite, json_error_t *error)
{
	json_t *calls;
	json_t *notes;
	const char *string;
	json_int_t number;
	int flag;

	return fix_has_shape(rewrite, error) &&
	       json_unpack_ex(rewrite, error, 0, "{s:s, s:s, s:I, s:I, s:I, s:b, s:o, s:o}", "function", &string,
			      "file", &string, "line", &number, "column", &number, "offset", &number, "runtime", &flag,
			      "calls", &calls, "notes", &notes) == 0 &&
	       all_have_shape(calls, call_has_shape, error) && all_have_shape(notes, note_has_shape, error);
}

static bool finding_has_shape(json_t *finding, json_error_t *error)
{
	json_t *notes;
	json_t *fixes;
	const char *string;
	json_int_t number;

	if (json_unpack_ex(finding, error, 0, "{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:s, s:o, s:o}", "rule", &string,
			   "class", &string, "function", &string, "file", &string, "line", &number, "column", &number,
			   "offset", &number, "message", &string, "notes", &notes, "fixes", &fixes) != 0)
		return false;
	return all_have_shape(notes, note_has_shape, error) && all_have_shape(fixes, fix_has_shape, error);
}

static bool problem_has_shape(json_t *problem, json_error_t *error)
{
	const char *string;
	json_int_t number;

	return json_unpack_ex(problem, error, 0, "{s:s, s:s, s:s, s:I, s:s}", "kind", &string, "function", &string,
			      "file", &string, "line", &number, "why", &string) == 0;
}

static bool left_has_shape(json_t *left, json_error_t *error)
{
	const char *string;
	json_int_t number;

	return json_unpack_ex(left, error, 0, "{s:s, s:I, s:I, s:I, s:s, s:s, s:s}", "file", &string, "line", &number,
			      "column", &number, "offset", &number, "function", &string, "what", &string, "why",
			      &string) == 0;
}

/* What is read from a report elsewhere relies on this: keys are there and of their type. */
static bool has_shape(json_t *report, json_error_t *error)
{
	json_t *problems;
	json_t *reports;
	json_t *functions;
	json_t *rewrites;
	json_t *left;
	json_t *files;
	json_t *item;
	const char *string;
	const char *path;
	int version;
	int flag;

	if (json_unpack_ex(report, error, 0, "{s:i, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "version", &version,
			   "main", &string, "complete", &flag, "functions", &functions, "problems", &problems,
			   "reports", &reports, "rewrites", &rewrites, "left", &left, "files", &files) != 0)
		return false;
	if (!all_have_shape(problems, problem_has_shape, error) || !all_have_shape(reports, finding_has_shape, error) ||
	    !all_have_shape(rewrites, rewrite_has_shape, error) || !all_have_shape(left, left_has_shape, error))
		return false;
	json_object_foreach (files, path, item)
		if (json_unpack_ex(item, error, 0, "s", &string) != 0)
			return false;
	return true;
}

/* The report in @path; NULL with a reason, or without one where there is no such file. */
static json_t *read_report(const char *path, char **ret_why)
{
	json_error_t error;
	json_t *report;

	if (access(path, F_OK) != 0)
		return NULL;
	report = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	if (report && has_shape(report, &error))
		return report;
	json_decref(report);
	*ret_why = text("the plugin's report is not what was expected: %s", error.text);
	return NULL;
}

/* A dependency file as make reads it: `target: a.c b\ c.h \` and a line end. */
static void take_dependencies(struct strings *ret, const char *path)
{
	auto_buffer content = { 0 };
	auto_buffer word = { 0 };
	const char *at;

	if (buffer_read(&content, path) != 0)
		return;
	at = strstr(content.bytes, ": ");
	for (at = at ? at + 2 : ""; *at; at++) {
		bool escaped = *at == '\\' && at[1] && strchr(" #\\\n", at[1]);

		if (escaped && at[1] == '\n') {
			at++;
		} else if (escaped || (*at == '$' && at[1] == '$')) {
			buffer_append(&word, ++at, 1);
			continue;
		} else if (*at != ' ' && *at != '\n') {
			buffer_append(&word, at, 1);
			continue;
		}
		if (word.length)
			strings_add(ret, word.bytes);
		word.length = 0;
	}
	if (word.length)
		strings_add(ret, word.bytes);
}

static void judge_report(struct unit *unit)
{
	const char *why;

	if (json_is_true(json_object_get(unit->report, "complete")))
		return;
	why = problem_of_kind(unit->report, "timeout");
	if (why) {
		skip(unit, SKIP_TIME, copy_string(why));
		return;
	}
	why = problem_of_kind(unit->report, "crash");
	if (why) {
		skip(unit, SKIP_ANALYSIS_CRASH, copy_string(why));
		return;
	}
	why = problem_of_kind(unit->report, "error");
	skip(unit, SKIP_PARTLY, why ? copy_string(why) : NULL);
}

/* False: the unit is to be tried again. */
static bool judge(const struct run *run, struct turn *turn, const struct outcome *outcome)
{
	const struct analysis *analysis = run->analysis;
	struct unit *unit = turn->unit;
	const char *said = outcome->output.bytes ? outcome->output.bytes : "";
	auto_string unplaced = NULL;
	char *why = NULL;

	switch (outcome->end) {
	case RUN_NOT_STARTED:
		skip(unit, SKIP_COMPILER, text("%s: %s", analysis->toolchain->program, strerror(outcome->code)));
		return true;
	case RUN_INTERRUPTED:
		skip(unit, SKIP_INTERRUPTED, NULL);
		return true;
	case RUN_TIMED_OUT:
		skip(unit, SKIP_TIME,
		     text("the compiler was ended; --time-limit=SECONDS gives it more than %u",
			  analysis->options->time_limit_s));
		return true;
	case RUN_EXITED:
	case RUN_SIGNALED:
		break;
	}

	if (outcome->end == RUN_EXITED && outcome->code == 1 && ++turn->tries < TRIES &&
	    flags_adapt(&unit->flags, &unit->dropped, &unit->tolerated, said)) {
		unlink(turn->report);
		return false;
	}
	unplaced = take_errors(&unit->errors, said);
	if (turn->dependencies)
		take_dependencies(&unit->depends_on, turn->dependencies);
	unit->report = read_report(turn->report, &why);

	if (why)
		skip(unit, SKIP_NO_REPORT, why);
	else if (unit->report && problem_of_kind(unit->report, "config"))
		skip(unit, SKIP_CONFIG, NULL);
	else if (outcome->end == RUN_SIGNALED)
		skip(unit, SKIP_COMPILER_CRASH, text("signal %d, %s", outcome->code, strsignal(outcome->code)));
	else if (outcome->code > 1)
		skip(unit, SKIP_COMPILER_CRASH,
		     text("exit %d%s%s", outcome->code, unplaced ? ": " : "", unplaced ? unplaced : ""));
	else if (outcome->code && unit->errors.n)
		skip(unit, SKIP_PARSE, NULL);
	else if (outcome->code)
		skip(unit, SKIP_COMPILER, unplaced ? copy_string(unplaced) : text("exit %d", outcome->code));
	else if (!unit->report)
		skip(unit, SKIP_NO_REPORT, text("the compile ended well but the plugin wrote none: did it load?"));
	else
		judge_report(unit);
	return true;
}

/* Whatever keeps us from knowing that the unit is well is a failure. */
static void judge_attempt(const struct turn *turn, const struct outcome *outcome, struct attempt *attempt)
{
	const char *said = outcome->output.bytes ? outcome->output.bytes : "";
	const char *problem;
	auto_strings errors = { 0 };
	auto_string unplaced = NULL;

	*attempt = (struct attempt){ .failed = true };
	if (outcome->end != RUN_EXITED || outcome->code != 0) {
		unplaced = take_errors(&errors, said);
		if (errors.n || unplaced)
			attempt->why = copy_string(errors.n ? errors.v[0] : unplaced);
		return;
	}
	attempt->failed = false;
	attempt->report = read_report(turn->report, &attempt->why);
	problem = problem_of_kind(attempt->report, "timeout");
	if (!problem)
		problem = problem_of_kind(attempt->report, "crash");
	if (problem)
		attempt->why = copy_string(problem);
	if (attempt->why) {
		attempt->failed = true;
		json_decref(attempt->report);
		attempt->report = NULL;
	}
}

void attempt_free(struct attempt *attempt)
{
	free(attempt->why);
	json_decref(attempt->report);
	*attempt = (struct attempt){ 0 };
}

/* ---- one run over the units ---- */

static bool next(void *data, struct command *ret_command, void **ret_tag)
{
	struct run *run = data;
	struct turn *turn;

	if (!run->waiting)
		return false;
	turn = &run->turns[run->queue[--run->waiting]];
	make_arguments(run, turn);
	*ret_command = (struct command){
		.arguments = turn->arguments.v,
		.directory = turn->unit->directory,
		.captured = STDERR_FILENO,
	};
	*ret_tag = turn;
	return true;
}

static void show_progress(const struct run *run, const char *path)
{
	struct winsize window;
	int width = ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col ? window.ws_col : 80;
	auto_string line = text("[%zu/%zu] %s", run->done, run->total, path_shown(path));

	fprintf(stderr, "\r\033[K%.*s", width - 1, line);
	if (run->done == run->total)
		fprintf(stderr, "\r\033[K");
	fflush(stderr);
}

static void ended(void *data, void *tag, const struct outcome *outcome)
{
	struct run *run = data;
	struct turn *turn = tag;
	size_t number = (size_t)(turn - run->turns);

	switch (run->purpose) {
	case ANALYSE:
		if (judge(run, turn, outcome))
			break;
		run->queue[run->waiting++] = number;
		return;
	case TRY:
	case PROBE:
		judge_attempt(turn, outcome, &run->attempts[number]);
		break;
	case SCAN:
		if (outcome->end == RUN_EXITED && outcome->code == 0)
			take_dependencies(&turn->unit->depends_on, turn->dependencies);
		break;
	}
	run->done++;
	if (run->analysis->options->progress)
		show_progress(run, turn->unit->path);
}

static void run_units(struct run *run, const bool *wanted)
{
	struct analysis *analysis = run->analysis;
	const struct units *units = run->units;
	unsigned limit_s = analysis->options->time_limit_s;
	struct run_plan plan = {
		.next = next,
		.ended = ended,
		.data = run,
		.jobs = analysis->options->jobs,
		/* The plugin gives up by itself at the limit, and then names what it did not get to. */
		.limit_ms = limit_s * 1000 + limit_s * 250 + 500,
	};

	run->turns = zalloc(units->n, sizeof(*run->turns));
	run->queue = zalloc(units->n, sizeof(*run->queue));
	for (size_t i = units->n; i-- > 0;) {
		if (!wanted[i])
			continue;
		run->turns[i].unit = &units->v[i];
		run->turns[i].report = scratch_path(&analysis->scratch, i, "json");
		if (run->purpose == SCAN || (run->purpose == ANALYSE && analysis->want_dependencies))
			run->turns[i].dependencies = scratch_path(&analysis->scratch, i, "d");
		run->queue[run->waiting++] = i;
		unlink(run->turns[i].report);
	}
	run->total = run->waiting;
	if (!analysis->stopped_by && run->total)
		run_all(&plan, &analysis->stopped_by);

	while (run->waiting && run->purpose == ANALYSE)
		skip(&units->v[run->queue[--run->waiting]], SKIP_INTERRUPTED, NULL);
	for (size_t i = 0; i < units->n; i++) {
		strings_free(&run->turns[i].arguments);
		free(run->turns[i].report);
		free(run->turns[i].dependencies);
	}
	free(run->turns);
	free(run->queue);
}

static void run_all_units(struct run *run)
{
	bool *wanted = zalloc(run->units->n, sizeof(*wanted));

	for (size_t i = 0; i < run->units->n; i++)
		wanted[i] = run->units->v[i].skip == SKIP_NO;
	run_units(run, wanted);
	free(wanted);
}

void analysis_run(struct analysis *analysis)
{
	struct run run = { .analysis = analysis, .units = &analysis->units, .purpose = ANALYSE };

	run_all_units(&run);
}

void analysis_try(struct analysis *analysis, const struct units *units, const char *overlay, const bool *wanted,
		  struct attempt *attempts)
{
	struct run run = {
		.analysis = analysis,
		.units = units,
		.purpose = TRY,
		.overlay = overlay,
		.attempts = attempts,
	};

	run_units(&run, wanted);
}

void analysis_probe(struct analysis *analysis, const struct units *units, const char *file, bool own,
		    const bool *wanted, struct attempt *attempts)
{
	struct run run = {
		.analysis = analysis,
		.units = units,
		.purpose = PROBE,
		.file = file,
		.own = own,
		.attempts = attempts,
	};

	run_units(&run, wanted);
}

void analysis_scan(struct analysis *analysis, const struct units *units)
{
	struct run run = { .analysis = analysis, .units = units, .purpose = SCAN };

	run_all_units(&run);
}
