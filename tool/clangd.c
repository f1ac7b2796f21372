/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * safespawn clangd: become the clangd that a plugin fits, with the plugin in it.
 *
 * An editor depends on the language server: whatever is wrong with the plugin is said on stderr, and clangd starts
 * without it.
 */
#include "catalogue.h"
#include "options.h"
#include "run.h"
#include "toolchain.h"
#include "verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct wishes {
	char *clangd;
	char *profile;
	char *rules;
	char *rewrites;
	int help;
};

static const char about[] =
	"Everything else is handed to clangd as it is. The clangd is --clangd, else $SAFESPAWN_CLANGD, else the "
	"newest\n"
	"clangd-NN that has a plugin. A clangd that cannot take the plugin is started without it, with a message.";

static void wishes_free(struct wishes *wishes)
{
	free(wishes->clangd);
	free(wishes->profile);
	free(wishes->rules);
	free(wishes->rewrites);
}

/* Which of our options is @word? The option's place in @table, or -1: clangd's. */
static int our_option(const struct poptOption *table, const char *word)
{
	if (!starts_with(word, "--"))
		return -1;
	for (int i = 0; table[i].longName; i++) {
		size_t length = strlen(table[i].longName);

		if (strncmp(word + 2, table[i].longName, length) == 0 &&
		    (word[2 + length] == '\0' || (word[2 + length] == '=' && table[i].arg != NULL)))
			return i;
	}
	return -1;
}

/* popt reads our options; clangd's, which it does not know, go around it. */
static int read_arguments(int argc, char **argv, const struct poptOption *table, struct strings *ret_rest)
{
	auto_strings ours = { 0 };
	poptContext context;
	int which;
	int code = 0;

	strings_add(&ours, argv[0]);
	for (int i = 1; i < argc; i++) {
		int at = our_option(table, argv[i]);

		strings_add(at < 0 ? ret_rest : &ours, argv[i]);
		if (at >= 0 && (table[at].argInfo & POPT_ARG_MASK) == POPT_ARG_STRING && !strchr(argv[i], '=') &&
		    i + 1 < argc)
			strings_add(&ours, argv[++i]);
	}
	context = poptGetContext(NULL, (int)ours.n, (const char **)ours.v, table, 0);
	which = poptGetNextOpt(context);
	if (which < -1)
		code = options_refused("clangd", context, which, table);
	poptFreeContext(context);
	return code;
}

/* Does the dynamic loader bring Clang's own library into it? One that holds Clang itself exports nothing to a plugin.
 */
static bool takes_plugins(const char *program)
{
	char *arguments[] = { (char *)program, "--version", NULL };
	auto_strings environment = { 0 };
	struct command command = { .arguments = arguments, .captured = STDOUT_FILENO };
	struct outcome outcome = { 0 };
	bool result;

	for (char **variable = environ; *variable; variable++)
		strings_add(&environment, *variable);
	strings_add(&environment, "LD_TRACE_LOADED_OBJECTS=1");
	command.environment = environment.v;
	run_one(&command, &outcome);
	result = outcome.output.bytes && strstr(outcome.output.bytes, "libclang-cpp");
	buffer_free(&outcome.output);
	return result;
}

static char *find_clangd(const struct wishes *wishes, const int *majors, size_t count)
{
	const char *given = wishes->clangd ? wishes->clangd : getenv("SAFESPAWN_CLANGD");

	if (given && *given)
		return run_which(given);
	for (size_t i = 0; i < count; i++) {
		char *program = toolchain_program("clangd", majors[i]);

		if (program)
			return program;
	}
	return run_which("clangd");
}

/* Why the plugin cannot go into @program, or NULL when it can; the caller frees it. */
static char *obstacle(const char *program, const char *folder, const int *majors, size_t count)
{
	auto_string loader = text("%s/safespawn.so", folder);
	int major;
	bool fits = false;

	if (access(loader, R_OK) != 0)
		return text("%s is missing: install safespawn again", loader);
	major = toolchain_major_of(program);
	if (!major)
		return text("%s does not say which version it is", program);
	for (size_t i = 0; i < count; i++)
		fits = fits || majors[i] == major;
	if (!fits)
		return text("%s is version %d, and %s has no plugin for it: name another with --clangd=PATH", program,
			    major, folder);
	if (!takes_plugins(program))
		return text("%s does not load libclang-cpp (a static build, or a script): name the distribution's "
			    "clangd-%d with --clangd=PATH",
			    program, major);
	return NULL;
}

static void preload(const char *folder)
{
	const char *before = getenv("LD_PRELOAD");
	auto_string place = copy_string(folder);
	auto_string value = NULL;

	/* Spaces and colons separate the entries of LD_PRELOAD, and nothing quotes them: go by an open folder instead.
	 */
	if (strpbrk(folder, " :")) {
		int open_folder = open(folder, O_PATH | O_DIRECTORY); /* clangd inherits it */

		free(place);
		place = text("/proc/self/fd/%d", open_folder);
	}
	value = text("%s/safespawn.so%s%s", place, before && *before ? ":" : "", before ? before : "");
	setenv("LD_PRELOAD", value, 1);
}

int run_clangd(int argc, char **argv)
{
	CLEANUP(wishes_free) struct wishes wishes = { 0 };
	const struct poptOption table[] = {
		{ "clangd", '\0', POPT_ARG_STRING, &wishes.clangd, 0, "the clangd to start", "PATH" },
		{ "profile", '\0', POPT_ARG_STRING, &wishes.profile, 0, "which rules are on: default or strict",
		  "NAME" },
		{ "rules", '\0', POPT_ARG_STRING, &wishes.rules, 0, "turn rules on, or off with a leading '-'",
		  "GLOB,..." },
		{ "rewrites", '\0', POPT_ARG_STRING, &wishes.rewrites, 0,
		  "which rewrites are quick fixes: all, reports (those that repair one) or none", "WHICH" },
		{ "help", '\0', POPT_ARG_NONE, &wishes.help, 0, "show this help; clangd's own is 'clangd --help'",
		  NULL },
		POPT_TABLEEND
	};
	static const char *const rewrites[] = { "all", "reports", "none", NULL };
	auto_strings rest = { 0 };
	auto_strings arguments = { 0 };
	auto_string folder = toolchain_library_folder();
	auto_string program = NULL;
	auto_string why = NULL;
	size_t count = 0;
	size_t which;
	int *majors;
	int code = read_arguments(argc, argv, table, &rest);

	if (code)
		return code;
	if (wishes.help) {
		options_help("clangd", "[CLANGD'S OPTION...]", about, table);
		return EXIT_CLEAN;
	}
	/* A mistake in the editor's settings must not take the editor down: say it, and leave the wish out. */
	if (wishes.profile && profile_check(wishes.profile) == 0)
		setenv("SAFESPAWN_PROFILE", wishes.profile, 1);
	if (wishes.rules && rules_check(wishes.rules) == 0)
		setenv("SAFESPAWN_RULES", wishes.rules, 1);
	if (wishes.rewrites && options_word("--rewrites", wishes.rewrites, rewrites, &which) == 0)
		setenv("SAFESPAWN_REWRITES", wishes.rewrites, 1);

	majors = toolchain_majors(folder, &count);
	program = find_clangd(&wishes, majors, count);
	if (!program) {
		code = wishes.clangd ? say_usage("there is no program '%s'", wishes.clangd)
				     : say_usage("no clangd found: install clangd-%d, or name one with --clangd=PATH",
						 count ? majors[0] : 22);
		free(majors);
		return code;
	}
	why = obstacle(program, folder, majors, count);
	free(majors);
	if (why)
		say_error("clangd starts without the plugin: %s", why);
	else
		preload(folder);

	strings_add(&arguments, program);
	strings_add_all(&arguments, &rest);
	execv(program, arguments.v);
	return say_usage("%s cannot be started: %s", program, strerror(errno));
}
