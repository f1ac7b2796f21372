/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What the files were before `fix` wrote them, beside the build: PLACE/.safespawn-undo/N, one folder per run.
 *
 * An entry is whole before the first file changes, and until it is marked as done a run was interrupted: whatever
 * moment the process is killed at, each file has its old or its new content, and the entry has all the old ones.
 */
#ifndef SAFESPAWN_TOOL_JOURNAL_H
#define SAFESPAWN_TOOL_JOURNAL_H

#include "write.h"

struct journal {
	char *folder; /* PLACE/.safespawn-undo */
	char *entry;  /* the one that was opened */
	int lock;     /* held while somebody writes; -1: not held */
};

/** Whether @place has a journal. */
bool journal_is_in(const char *place);

/** 0, or EBUSY after a message: an earlier run was interrupted and its files were not restored yet. */
int journal_check(const char *place);

/**
 * Keep the old contents of @files, which are about to be written, in a new entry.
 *
 * 0, or an errno after a message; then nothing may be written.
 */
int journal_open(struct journal *journal, const char *place, const struct replacement *files, size_t count);

/** All files are written (@done), or none: the entry goes. It stays where some are and some are not. */
void journal_close(struct journal *journal, bool done);

/** Give the files of the newest entry their old contents back, if none was changed since: what to exit with. */
int journal_undo(const char *place);

#endif
