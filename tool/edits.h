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
	LEFT_REMAINS,	/* the report is still there with it */
	LEFT_DRAWS,	/* the result draws a report that was not there */
	LEFT_RUNTIME,	/* safespawn.h does not compile there */
	LEFT_DECLINED,	/* the user said no */
	LEFT_UNCHECKED, /* no compile that works covers the file */
	LEFT_REWRITTEN, /* a rewrite repairs it, too */
	LEFT_OPPOSED,	/* another unit has a reason to leave one of its calls alone */
};

struct edit {
	size_t file; /* index into the plan's files */
	size_t offset, length;
	const char *text;
};

/** The fix of a finding, or a rewrite; its strings belong to the units' reports. */
struct fix {
	const struct finding *finding; /* NULL: a rewrite */
	const struct rewrite *rewrite; /* NULL: a fix */
	const char *name, *title;
	struct edit *edits;
	size_t n;
	enum left_out left;
	char *why;			/* what there is to say of it beyond the words for left; NULL: nothing */
	const struct fix *overlaps;	/* with LEFT_OVERLAP: one that it overlaps */
	const struct fix *rewritten_by; /* of a finding's fix: the rewrite that does the same if it is made; or NULL */
	const struct left_alone *opposing; /* with LEFT_OPPOSED */
};

/** Lines, counted from 1. */
struct span {
	size_t first, last;
};

struct edited {
	char *path;   /* real */
	bool changed; /* it is no longer what clang read */
	struct buffer before, after;
	struct span *changed_lines; /* of after */
	size_t n_changed_lines;
};

/** The fixes that repair one finding, as indexes into the plan's: its own comes first. */
struct repairs {
	size_t *v, n;
};

struct plan {
	struct fix *fixes; /* those of findings, in their order, then the rewrites */
	size_t n;
	const struct findings *findings;
	struct repairs *repairs; /* one per finding */
	struct edited *files;
	size_t n_files;
	bool is_unformatted; /* the user knows that formatting does not work */
	bool lacks_runtime;  /* files that are rewritten do not find safespawn.h yet */
};

/**
 * Plan the fixes and rewrites of @findings; of alternatives the first one whose name is in @choose. A rewrite comes
 * before the fixes of the findings that it repairs; these are made where it is not.
 *
 * Reads the files that are edited. 0, or the errno of the one that cannot be read, whose path is *ret_path then.
 */
int plan_make(struct plan *ret, const struct findings *findings, const struct strings *choose, char **ret_path);
void plan_free(struct plan *plan);
/** Decide anew between the fixes that nothing else speaks against, after one of them was left out. */
void plan_settle(struct plan *plan);
/** The fix or rewrite that is made and repairs a finding of the plan; NULL: none is. */
const struct fix *plan_repair(const struct plan *plan, const struct finding *finding);
#define auto_plan CLEANUP(plan_free) struct plan

/** Make the after of each file from the fixes that are not left out. */
void plan_apply(struct plan *plan);

/** How many fixes are made. */
size_t plan_made(const struct plan *plan);
/** Is a file edited by one of them? */
bool plan_edits(const struct plan *plan, size_t file);
bool fix_touches(const struct fix *fix, size_t file);

#endif
