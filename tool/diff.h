/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What a plan does, as differences between the files before and after it.
 */
#ifndef SAFESPAWN_TOOL_DIFF_H
#define SAFESPAWN_TOOL_DIFF_H

#include "edits.h"
#include "options.h"

/** The unified diff on stdout. 0, or EXIT_INCOMPLETE after a message. */
int show_diff(const struct plan *plan, const struct options *options);

#endif
