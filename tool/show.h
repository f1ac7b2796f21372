/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What the user gets to see: findings on stdout, as text or JSON; what was not analysed and the summary on stderr.
 */
#ifndef SAFESPAWN_TOOL_SHOW_H
#define SAFESPAWN_TOOL_SHOW_H

#include "findings.h"

/** Findings as `file:line:column: warning: message [rule]` with notes and source lines. */
void show_findings(const struct findings *findings, const struct options *options);

/** Findings and the state of each unit as one JSON object. */
void show_json(const struct findings *findings, const struct units *units);

/** --stats: a table, file by file, and each function that is unproved or was skipped. */
void show_stats(const struct findings *findings, const struct units *units);

/** Name each file that was not analysed and why, and the flags that clang did not know. */
void show_skipped(const struct units *units, const struct findings *findings, const struct options *options);

/** The last line: "3 files analysed, 1 skipped (does not parse: 1), 0 functions unproved; 2 reports". */
void show_summary(const struct units *units, const struct findings *findings, const struct options *options);

/** Is there a .safespawn.yaml with mistakes? The files below it were not analysed. */
bool is_misconfigured(const struct units *units);

/** What a run that nobody stopped ends with: EXIT_USAGE (misconfigured), EXIT_INCOMPLETE, EXIT_FOUND, EXIT_CLEAN. */
int verdict(const struct units *units, const struct findings *findings, const struct options *options);

#endif
