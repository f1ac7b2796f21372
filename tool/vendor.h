/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The runtime that rewritten code needs, as the command carries it: two files, and how a build comes to them.
 */
#ifndef SAFESPAWN_TOOL_VENDOR_H
#define SAFESPAWN_TOOL_VENDOR_H

#include "write.h"

#define VENDOR_FILES 2

struct vendor {
	char *paths[VENDOR_FILES];
	struct buffer before[VENDOR_FILES], after[VENDOR_FILES];
	bool is_new[VENDOR_FILES];
	char *folder;
	size_t folders_made; /* it, and those above it */
};

/** Append the content of safespawn.h or safespawn.c. */
void vendor_append(struct buffer *content, const char *name);

/**
 * Plan to put the two files into @folder, which is made if need be. 0, or EXIT_INCOMPLETE after a message: there is
 * something else of their name, or no such folder can be. vendor_free takes the folders back that stay empty.
 */
int vendor_plan(struct vendor *ret, const char *folder);
void vendor_free(struct vendor *vendor);
#define auto_vendor CLEANUP(vendor_free) struct vendor

/** Those of the files that are not there yet, or are of another version: appended to @files. Their number. */
size_t vendor_files(const struct vendor *vendor, struct replacement *files);

/** On stderr, the lines that a build needs; @folder as given, where the two files are, or NULL: they are installed. */
void vendor_show(const char *folder);

#endif
