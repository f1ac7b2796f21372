/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The project's style for what was edited: clang-format on the changed lines, where there is a .clang-format.
 */
#ifndef SAFESPAWN_TOOL_FORMAT_H
#define SAFESPAWN_TOOL_FORMAT_H

#include "analysis.h"
#include "edits.h"

/**
 * Format the lines of each after that plan_apply changed, of the files that are @wanted; NULL: of all. What cannot be
 * formatted stays as it is, with a note.
 */
void format_plan(struct plan *plan, const struct analysis *analysis, const bool *wanted);

#endif
