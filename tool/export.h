/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The edits of a plan as clang-apply-replacements reads them.
 */
#ifndef SAFESPAWN_TOOL_EXPORT_H
#define SAFESPAWN_TOOL_EXPORT_H

#include "edits.h"

/**
 * Write all that @plan makes to @path. What clang-apply-replacements makes of it is what --apply makes: no replacement
 * overlaps another. 0, or EXIT_INCOMPLETE after a message.
 */
int export_fixes(const struct plan *plan, const char *path);

#endif
