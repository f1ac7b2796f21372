/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The runtime that rewritten code needs, as the command carries it: two files.
 */
#ifndef SAFESPAWN_TOOL_VENDOR_H
#define SAFESPAWN_TOOL_VENDOR_H

#include "base.h"

/** Append the content of safespawn.h or safespawn.c. */
void vendor_append(struct buffer *content, const char *name);

#endif
