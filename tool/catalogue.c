/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "catalogue.h"

#include "embedded.h"
#include "nearest.h"

#include <fnmatch.h>
#include <string.h>

#define PREFIX "safespawn."

/* The table's words as the reader sees them. */
#define WORD_BEHAVIORAL "behavioral"
#define WORD_RESOURCE "resource"
#define WORD_STRUCTURAL "structural"
#define WORD_DEFAULT "default"
#define WORD_STRICT "strict"

const struct rule catalogue[] = {
#define SAFESPAWN_RULE(family, name, class, profile, summary) \
	{ PREFIX #family "." #name, WORD_##class, WORD_##profile, summary },
#include "../checkers/Rules.def"
};
const size_t catalogue_size = sizeof(catalogue) / sizeof(catalogue[0]);

static const char *const profiles[] = { WORD_DEFAULT, WORD_STRICT };

const char *rule_short_id(const struct rule *rule)
{
	return rule->id + strlen(PREFIX);
}

bool rule_matches(const struct rule *rule, const char *glob)
{
	return fnmatch(glob, rule->id, 0) == 0 || fnmatch(glob, rule_short_id(rule), 0) == 0;
}

char *rule_nearest(const char *like)
{
	bool full = starts_with(like, PREFIX);
	auto_strings ids = { 0 };
	const char *found;

	for (size_t i = 0; i < catalogue_size; i++)
		strings_add(&ids, full ? catalogue[i].id : rule_short_id(&catalogue[i]));
	found = nearest(like, &ids);
	if (found)
		return copy_string(found);

	/* `Leak` for `thread.Leak`: the family was left out. */
	for (size_t i = 0; i < catalogue_size; i++) {
		auto_strings name = { 0 };

		strings_add(&name, strrchr(catalogue[i].id, '.') + 1);
		if (nearest(like, &name))
			return copy_string(rule_short_id(&catalogue[i]));
	}
	return NULL;
}

int rules_check(const char *globs)
{
	auto_string list = copy_string(globs);
	char *position = NULL;
	size_t count = 0;

	for (char *word = strtok_r(list, ",", &position); word; word = strtok_r(NULL, ",", &position)) {
		const char *glob = word[0] == '-' ? word + 1 : word;
		auto_string near = NULL;
		bool found = false;

		count++;
		for (size_t i = 0; i < catalogue_size && !found; i++)
			found = rule_matches(&catalogue[i], glob);
		if (found)
			continue;
		near = rule_nearest(glob);
		if (near)
			return say_usage("--rules: '%s' matches no rule; did you mean '%s'?", glob, near);
		return say_usage("--rules: '%s' matches no rule; 'safespawn rules' lists them", glob);
	}
	if (!count)
		return say_usage("--rules= names no rule; 'safespawn rules' lists them");
	return 0;
}

int profile_check(const char *profile)
{
	auto_strings known = { 0 };
	const char *near;

	for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++)
		strings_add(&known, profiles[i]);
	if (strings_have(&known, profile))
		return 0;
	near = nearest(profile, &known);
	if (near)
		return say_usage("--profile: there is no profile '%s'; did you mean '%s'?", profile, near);
	return say_usage("--profile: there is no profile '%s'; there are 'default' and 'strict'", profile);
}

const char *rule_page(const struct rule *rule)
{
	auto_string name = text("%s.md", rule_short_id(rule));

	for (const struct embedded *page = embedded_pages; page->name; page++)
		if (strcmp(page->name, name) == 0)
			return (const char *)page->bytes;
	return NULL;
}
