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
};

void findings_collect(struct findings *ret, const struct units *units);
void findings_free(struct findings *findings);
#define auto_findings CLEANUP(findings_free) struct findings

/** How many gaps are of this kind. */
size_t findings_gaps(const struct findings *findings, const char *kind);

#endif
