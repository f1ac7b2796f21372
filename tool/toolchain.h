/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Which Clang, which clangd, which plugin: a plugin works in one LLVM major only, so they are chosen together.
 */
#ifndef SAFESPAWN_TOOL_TOOLCHAIN_H
#define SAFESPAWN_TOOL_TOOLCHAIN_H

#include "base.h"

struct toolchain {
	char *program; /* absolute path of the clang or clangd */
	int major;     /* 0: unknown */
	char *plugin;  /* absolute path of safespawn.so */
};

/**
 * Find the clang to run: @wanted (a path or a name), else $SAFESPAWN_CLANG, else the highest major that has both a
 * plugin beside safespawn.so and a clang-NN.
 *
 * 0, or EXIT_USAGE after a message that says what to install.
 */
int toolchain_find(struct toolchain *ret, const char *wanted);
void toolchain_free(struct toolchain *toolchain);
#define auto_toolchain CLEANUP(toolchain_free) struct toolchain

/** The folder with safespawn.so and the plugins: ../lib of the command itself, wherever it was moved to. */
char *toolchain_library_folder(void);

/** The majors there is a plugin for, highest first. *ret_count of them; the caller frees the array. */
int *toolchain_majors(const char *library_folder, size_t *ret_count);

/** The program @name-NN, from PATH or from LLVM's own folder: the caller frees it. NULL: not there. */
char *toolchain_program(const char *name, int major);

/** Ask @program for its LLVM major. 0: it did not say. */
int toolchain_major_of(const char *program);

#endif
