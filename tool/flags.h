/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * From the command line of a compile to the flags under which its source can be analysed.
 */
#ifndef SAFESPAWN_TOOL_FLAGS_H
#define SAFESPAWN_TOOL_FLAGS_H

#include "base.h"

/**
 * The flags of @arguments (a compile without its compiler) that decide how the source reads: no input files, no
 * outputs, no dependency files, nothing for the assembler or linker, no other plugin.
 */
void flags_clean(struct strings *ret_flags, const struct strings *arguments);

/**
 * What a command with these @arguments does for a file. Bear records what clang runs by itself, and configure scripts
 * and dependency rules run the preprocessor; neither is a compile of its own.
 */
enum entry {
	ENTRY_COMPILE,
	ENTRY_STEP, /* preprocesses or writes dependencies; its flags are those of a compile */
	ENTRY_PART, /* clang -cc1 and the like: its flags are not the driver's */
};
enum entry flags_entry(const struct strings *arguments);

/** Is @file, compiled with @flags, C? */
bool flags_mean_c(const struct strings *flags, const char *file);

/**
 * Learn from what clang said when it refused a compile that another compiler takes.
 *
 * @flags      loses what clang does not know; what was lost is added to @dropped
 * @tolerated  gains the warnings (-Wno-error=…) that clang takes for errors by default; they follow the other flags
 *
 * Returns whether anything changed, so that another try makes sense.
 */
bool flags_adapt(struct strings *flags, struct strings *dropped, struct strings *tolerated, const char *said);

#endif
