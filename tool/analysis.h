/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Running clang over units: with the plugin to analyse them, or without it to see whether edited files compile.
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

/**
 * Compile the units marked in @wanted as if the files of an overlay (a file for -ivfsoverlay) had their new contents.
 * ret_failed[i] is set for each unit that did not compile.
 */
void analysis_compile(struct analysis *analysis, const char *overlay, const bool *wanted, bool *ret_failed);

#endif
