/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * --interactive: the user decides edit by edit.
 */
#ifndef SAFESPAWN_TOOL_ASK_H
#define SAFESPAWN_TOOL_ASK_H

#include "edits.h"
#include "options.h"

/** Show each fix and rewrite that is made, and leave out those that the user does not want. Were there any? */
bool ask(struct plan *plan, const struct options *options);

#endif
