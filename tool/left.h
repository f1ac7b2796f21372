/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What is left as it is, and why: nothing that was found or asked for is passed over in silence.
 */
#ifndef SAFESPAWN_TOOL_LEFT_H
#define SAFESPAWN_TOOL_LEFT_H

#include "edits.h"

/** On stderr, by place: each report that stays, each rewrite that is not made, each thing that has none. */
void show_left(const struct plan *plan);

/** On stderr: what a person should know of the rewrites that are made. */
void show_made(const struct plan *plan);

#endif
