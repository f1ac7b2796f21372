/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What is to be analysed: one unit per compile of a file, and what became of it.
 */
#ifndef SAFESPAWN_TOOL_UNITS_H
#define SAFESPAWN_TOOL_UNITS_H

#include "flags.h"
#include "options.h"
#include "toolchain.h"

#include <jansson.h>

/** Why a file was not analysed, or not all of it; in the order of the summary. */
enum skip {
	SKIP_NO, /* it was analysed */
	SKIP_PARSE,
	SKIP_MISSING,
	SKIP_UNREADABLE,
	SKIP_LANGUAGE,
	SKIP_NO_COMPILE,
	SKIP_CONFIG,
	SKIP_COMPILER_CRASH,
	SKIP_COMPILER,
	SKIP_TIME,
	SKIP_NO_REPORT,
	SKIP_ANALYSIS_CRASH,
	SKIP_PARTLY,
	SKIP_INTERRUPTED,
	SKIP_KINDS,
};

/** The reason in the words of the summary: "does not parse". */
const char *skip_words(enum skip skip);

struct unit {
	/* how it is compiled */
	char *file;	 /* as the compile names it */
	char *path;	 /* its real path */
	char *directory; /* where the compile runs */
	struct strings flags;
	enum entry entry;
	bool named; /* on the command line */

	/* what clang asked for: see flags_adapt */
	struct strings dropped;
	struct strings tolerated;

	/* what became of it */
	enum skip skip;
	char *why;		   /* what to say about the skip beyond its words; NULL: nothing */
	struct strings errors;	   /* clang's own, when it does not parse */
	struct strings depends_on; /* the files it is made of, as clang names them; only when asked for */
	json_t *report;		   /* the plugin's, or NULL */
};

struct units {
	struct unit *v;
	size_t n;
};

/**
 * The units that @options name, sorted by path, each compile once. Units that cannot be compiled at all (a missing
 * file, another language) are among them, with their skip set.
 *
 * 0, or EXIT_USAGE after a message: nothing may run then.
 */
int units_find(struct units *ret, const struct options *options, const struct toolchain *toolchain);
/** The other units of the database that @known come from, if they come from one. */
void units_find_others(struct units *ret, const struct units *known, const struct options *options,
		       const struct toolchain *toolchain);
/** The folder of the database that @options lead to, else the current one. NULL after a message. */
char *units_place(const struct options *options);
void units_free(struct units *units);
#define auto_units CLEANUP(units_free) struct units

/** The absolute path of @file as the compile of @unit names it. */
char *unit_path_of(const struct unit *unit, const char *file);

#endif
