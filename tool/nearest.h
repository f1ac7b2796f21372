/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#ifndef SAFESPAWN_TOOL_NEAREST_H
#define SAFESPAWN_TOOL_NEAREST_H

#include "base.h"

/**
 * The one of @candidates that @word was probably meant to be, or NULL when nothing comes close.
 *
 * Near means few insertions, removals, replacements and swaps of neighbours, upper and lower case counting as equal.
 * A candidate that @word is the beginning of is near too. Of equally near ones the first is taken.
 */
const char *nearest(const char *word, const struct strings *candidates);

#endif
