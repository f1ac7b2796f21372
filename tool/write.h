/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Replacing the contents of several files: all of them or none.
 */
#ifndef SAFESPAWN_TOOL_WRITE_H
#define SAFESPAWN_TOOL_WRITE_H

#include "base.h"

struct replacement {
	const char *path;	     /* of a regular file, not of a link to it */
	const struct buffer *before; /* NULL: there is no such file */
	const struct buffer *after;  /* NULL: there shall be none */
};

/**
 * Replace each file's content, which must still be @before; what it was is kept in the journal in @place, if not NULL.
 *
 * Whatever can be found out before is found out before the first file changes: write access, unchanged contents, room
 * on the disk. Files keep their mode and, where allowed, their owner. Should a rename fail all the same, the files
 * that were renamed get their old contents back.
 *
 * 0, or an errno after a message (ESTALE: a file changed).
 */
int write_all(const struct replacement *files, size_t count, const char *place);

/** Remove what a run that was killed may have left beside @path. */
void write_clean(const char *path);

#endif
