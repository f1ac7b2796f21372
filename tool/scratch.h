/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A folder of our own for what passes between us and the compilers, gone when the command ends.
 */
#ifndef SAFESPAWN_TOOL_SCRATCH_H
#define SAFESPAWN_TOOL_SCRATCH_H

#include "base.h"

struct scratch {
	char *folder;
};

/** Make the folder, in $TMPDIR or /tmp. Errors: 0 or an errno. */
int scratch_open(struct scratch *scratch);
/** Remove the folder and the files in it. */
void scratch_close(struct scratch *scratch);
#define auto_scratch CLEANUP(scratch_close) struct scratch

/** The path of file number @number of a kind. */
char *scratch_path(const struct scratch *scratch, size_t number, const char *kind);

#endif
