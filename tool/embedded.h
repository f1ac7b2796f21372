/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Files that the build puts into the command, so that it needs none beside it. See EmbedFiles.cmake.
 */
#ifndef SAFESPAWN_TOOL_EMBEDDED_H
#define SAFESPAWN_TOOL_EMBEDDED_H

#include <stddef.h>

struct embedded {
	const char *name;	    /* without its folder */
	const unsigned char *bytes; /* a zero follows that length does not count */
	size_t length;
};

/* Each list ends with an entry without a name. */
extern const struct embedded embedded_pages[];	 /* docs/rules */
extern const struct embedded embedded_runtime[]; /* the two files that runtime/embed makes */

#endif
