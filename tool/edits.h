/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A plan: which fixes of which findings go together, and what the files look like with them.
 *
 * A fix is made whole or not at all. Fixes that bring the same edit share it; fixes whose edits touch different text go
 * together; of fixes that overlap none is made. Nothing here writes a file.
 */
#ifndef SAFESPAWN_TOOL_EDITS_H
#define SAFESPAWN_TOOL_EDITS_H

#include "findings.h"

/** Why a fix of the plan is not made. */
enum left_out {
	LEFT_NOT,    /* it is made */
	LEFT_CHOICE, /* there are alternatives and none was chosen */
	LEFT_OVERLAP,
	LEFT_RANGE,	/* its edits lie outside the file, or on each other */
	LEFT_COMPILE,	/* the result does not compile */
	LEFT_UNCHECKED, /* no compile that works covers the file */
};

struct edit {
	size_t file; /* index into the plan's files */
	size_t offset, length;
	const char *text;
};

/** The fix of one finding; its strings belong to the finding's report. */
struct fix {
	const struct finding *finding;
	const char *name;
	struct edit *edits;
	size_t n;
	enum left_out left;
	const struct finding *overlaps; /* with LEFT_OVERLAP: the other one */
};

struct edited {
	char *path; /* real */
	struct buffer before, after;
};

struct plan {
	struct fix *fixes;
	size_t n;
	struct edited *files;
	size_t n_files;
};

/**
 * Plan the fixes of @findings; of alternatives the first one whose name is in @choose.
 *
 * Reads the files that are edited. 0, or the errno of the one that cannot be read, whose path is *ret_path then.
 */
int plan_make(struct plan *ret, const struct findings *findings, const struct strings *choose, char **ret_path);
void plan_free(struct plan *plan);
#define auto_plan CLEANUP(plan_free) struct plan

/** Make the after of each file from the fixes that are not left out. */
void plan_apply(struct plan *plan);

/** How many fixes are made. */
size_t plan_made(const struct plan *plan);
bool fix_touches(const struct fix *fix, size_t file);

#endif
