/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Running clang over units: to analyse them, to see whether edited files still compile and what is then reported.
 */
#ifndef SAFESPAWN_TOOL_ANALYSIS_H
#define SAFESPAWN_TOOL_ANALYSIS_H

#include "scratch.h"
#include "units.h"

struct analysis {
	const struct options *options;
	const struct toolchain *toolchain;
	struct scratch scratch;
	struct units units;
	bool want_dependencies; /* fill depends_on of each unit */
	bool has_runtime;	/* the scratch folder has safespawn.h, for units whose flags lead to no other */
	int stopped_by;		/* the signal that ended a run; 0: none */
};

/** Find the clang and the units. 0, or what to exit with after a message. */
int analysis_open(struct analysis *analysis, const struct options *options, struct toolchain *toolchain);
void analysis_close(struct analysis *analysis);
#define auto_analysis CLEANUP(analysis_close) struct analysis

/** Analyse every unit that has no skip yet. */
void analysis_run(struct analysis *analysis);

/** Forget what became of the units, so that they can be analysed again. */
void analysis_reset(struct analysis *analysis);

/** What a unit's attempt came to. */
struct attempt {
	bool failed;
	char *why;	/* of a failed one: clang's first error */
	json_t *report; /* the plugin's; NULL when it failed or none was asked for */
};
void attempt_free(struct attempt *attempt);

/**
 * Analyse the units marked in @wanted as if the files of an overlay (a file for -ivfsoverlay) had their new contents;
 * units that have no report, because they were never analysed, are only compiled. attempts[i] is written for each.
 */
void analysis_try(struct analysis *analysis, const struct units *units, const char *overlay, const bool *wanted,
		  struct attempt *attempts);

/** Compile @file, with its warnings, under the flags of the units marked in @wanted; @own: with no flag but these. */
void analysis_probe(struct analysis *analysis, const struct units *units, const char *file, bool own,
		    const bool *wanted, struct attempt *attempts);

/** Fill depends_on of all of @units by preprocessing them; those where that fails keep none. */
void analysis_scan(struct analysis *analysis, const struct units *units);

#endif
