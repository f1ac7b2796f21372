/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The proof of a plan: nothing of it is shown or made that was not tried.
 */
#ifndef SAFESPAWN_TOOL_TRIAL_H
#define SAFESPAWN_TOOL_TRIAL_H

#include "analysis.h"
#include "edits.h"

/**
 * Leave out of @plan what does not prove right, and make the after of its files.
 *
 * Every unit that an edited file is part of, also those of the database that were not to be analysed, compiles with the
 * edits, under its own flags; the reports that were to be repaired are gone; a rewrite draws no new ones.
 *
 * 0, or EXIT_INCOMPLETE after a message: nothing could be tried.
 */
int trial_run(struct analysis *analysis, struct plan *plan);

#endif
