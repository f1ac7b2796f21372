/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The table of rules (checkers/Rules.def) and the page of each, as the command sees them.
 */
#ifndef SAFESPAWN_TOOL_CATALOGUE_H
#define SAFESPAWN_TOOL_CATALOGUE_H

#include "base.h"

struct rule {
	const char *id;	     /* safespawn.thread.Leak */
	const char *class;   /* behavioral, resource or structural */
	const char *profile; /* the profile that turns it on: default or strict */
	const char *summary;
};

extern const struct rule catalogue[];
extern const size_t catalogue_size;

/** A rule's id without the `safespawn.` that all of them have. */
const char *rule_short_id(const struct rule *rule);

/** Does @glob fit the rule's full or short id? */
bool rule_matches(const struct rule *rule, const char *glob);

/** The rule id (in the form @like has, full or short) that @like was probably meant to be, or NULL; the caller frees
 * it. */
char *rule_nearest(const char *like);

/** 0, or EXIT_USAGE after a message: every glob of the comma-separated @globs must match a rule. */
int rules_check(const char *globs);

/** 0, or EXIT_USAGE after a message. */
int profile_check(const char *profile);

/** The text of docs/rules/<short id>.md as of the build, zero-terminated, or NULL when the rule has no page. */
const char *rule_page(const struct rule *rule);

#endif
