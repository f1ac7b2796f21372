/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The command line: one option table per verb, from which its help is made.
 */
#ifndef SAFESPAWN_TOOL_OPTIONS_H
#define SAFESPAWN_TOOL_OPTIONS_H

#include "base.h"

#include <popt.h>

/** What the user asked for; strings are owned, and NULL when not given. */
struct options {
	/* which files, compiled how */
	char *database; /* -p */
	struct strings files;
	struct strings flags; /* after -- */
	bool flags_given;     /* there was a -- */

	/* the analysis */
	char *clang;
	char *profile;
	char *rules;
	bool deep;
	bool no_triage;
	bool no_config;
	unsigned time_limit_s;
	size_t jobs;

	/* what is shown */
	bool color; /* on stdout */
	bool progress;
	bool quiet;
	bool no_snippet;
	bool json;
	bool stats;

	/* how it ends */
	bool fail_incomplete;
	bool exit_zero;

	/* fix */
	bool apply;
	bool undo;
	bool interactive;
	char *export_fixes;
	char *vendor;
	bool to_scope;	/* rewrite spawns into tasks of scopes */
	char *detached; /* what becomes of threads that are detached on purpose */
	unsigned limit; /* tasks at once in a scope; 0: any number */
	struct strings choose;
};

void options_free(struct options *options);
#define auto_options CLEANUP(options_free) struct options

/**
 * Read the command line of @verb, "check" or "fix"; argv[0] is the verb.
 *
 * 0 to go on, else the command is done: *ret_code is what to exit with (0 after help, EXIT_USAGE after a message).
 */
bool options_read(struct options *ret, const char *verb, int argc, char **argv, int *ret_code);

/** Print the help of a verb, made from its table. */
void options_help(const char *verb, const char *operands, const char *about, const struct poptOption *table);

/** Which of @words, NULL at their end, was @given to @option: 0, or EXIT_USAGE after a message that names the nearest.
 */
int options_word(const char *option, const char *given, const char *const *words, size_t *ret_at);

/** Complain about an option popt refused, naming the nearest one of @table: EXIT_USAGE. */
int options_refused(const char *verb, poptContext context, int error, const struct poptOption *table);

#endif
