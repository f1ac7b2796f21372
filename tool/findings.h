/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * From the reports of many units to the defects of a program: each one once, in an order that does not depend on which
 * unit was done first.
 */
#ifndef SAFESPAWN_TOOL_FINDINGS_H
#define SAFESPAWN_TOOL_FINDINGS_H

#include "units.h"

/** One defect. The strings belong to the report of a unit, which must outlive it; @path is its own. */
struct finding {
	char *path; /* real */
	long long line, column, offset;
	const char *rule, *class, *function, *message;
	const json_t *notes, *fixes;
};

/** Edits that belong together and answer no report. What several units say of it is brought together. */
struct rewrite {
	char *path;
	long long line, column, offset;
	const char *name, *title, *function;
	json_t *calls, *edits, *notes; /* as in a report; owned */
	bool needs_runtime;
};

/** What would have been rewritten but is not, and why. */
struct left_alone {
	char *path;
	long long line, column, offset;
	const char *function, *what, *why;
};

/** A function that stayed unproved, or was not analysed. */
struct gap {
	char *path;
	long long line, column; /* column 0: not known */
	const char *kind, *function, *why;
};

struct findings {
	struct finding *v;
	size_t n;
	struct gap *gaps; /* sorted and merged like the findings */
	size_t n_gaps;
	struct rewrite *rewrites; /* sorted by place and name */
	size_t n_rewrites;
	struct left_alone *left; /* sorted and merged like the findings */
	size_t n_left;
	json_t *hashes; /* of the files that edits are for: path -> the hash, as git has it, of what clang read */
};

/** What tells a report apart in a file that was edited since: not its line. The caller frees it. */
char *finding_name(const struct finding *finding);
/** The words that a reader knows the finding of a name by: "message [rule]". */
char *finding_words(const char *name);

void findings_collect(struct findings *ret, const struct units *units);
void findings_free(struct findings *findings);
#define auto_findings CLEANUP(findings_free) struct findings

/** How many gaps are of this kind. */
size_t findings_gaps(const struct findings *findings, const char *kind);

#endif
