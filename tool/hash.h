/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The name of a content: the one that git gives a blob, so that the plugin, the command and a user can tell alike.
 */
#ifndef SAFESPAWN_TOOL_HASH_H
#define SAFESPAWN_TOOL_HASH_H

#include "base.h"

/** The caller frees it. */
char *hash_of(const struct buffer *content);
/** Is @hash, which may be NULL, that of @content? */
bool hash_fits(const struct buffer *content, const char *hash);

#endif
