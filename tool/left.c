/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "left.h"

#include <string.h>

static void put_place(const char *path, long long line, long long column)
{
	fprintf(stderr, "%s:%lld:%lld: note: ", path_shown(path), line, column);
}

static void put_alternatives(const struct finding *finding)
{
	size_t count = json_array_size(finding->fixes);
	size_t at;
	json_t *fix;

	json_array_foreach (finding->fixes, at, fix) {
		if (at)
			fputs(at + 1 == count ? " or " : ", ", stderr);
		fprintf(stderr, "'%s'", json_string_value(json_object_get(fix, "name")));
	}
}

/* The end of a sentence that begins with "overlaps". */
static void put_other(const struct fix *fix, const struct fix *other)
{
	const struct finding *finding = other->finding;
	const struct rewrite *rewrite = other->rewrite;

	if (finding)
		fprintf(stderr, "%s of %s:%lld:%lld [%s]\n", fix->finding ? "that" : "the fix",
			path_shown(finding->path), finding->line, finding->column, finding->rule);
	else
		fprintf(stderr, "the rewrite '%s' of '%s' at %s:%lld:%lld\n", rewrite->name, rewrite->function,
			path_shown(rewrite->path), rewrite->line, rewrite->column);
}

static void put_reason(const struct fix *fix)
{
	auto_string it = fix->finding ? text("its fix '%s'", fix->name) : copy_string("it");

	switch (fix->left) {
	case LEFT_NOT:
	case LEFT_REWRITTEN:
		break;
	case LEFT_CHOICE:
		fputs("choose ", stderr);
		if (fix->finding)
			put_alternatives(fix->finding);
		else
			fprintf(stderr, "'%s' or another one", fix->name);
		fputs(" with --choose=NAME\n", stderr);
		break;
	case LEFT_OVERLAP:
		fprintf(stderr, "%s overlaps ", it);
		put_other(fix, fix->overlaps);
		break;
	case LEFT_RANGE:
		fprintf(stderr, "%s does not fit the file\n", it);
		break;
	case LEFT_COMPILE:
		fprintf(stderr, "with %s the code does not compile%s%s\n", it, fix->why ? ": " : "",
			fix->why ? fix->why : "");
		break;
	case LEFT_REMAINS:
		fprintf(stderr, "with %s the report stays: %s\n", it, fix->why);
		break;
	case LEFT_DRAWS:
		fprintf(stderr, "with %s there is another report: %s\n", it, fix->why);
		break;
	case LEFT_RUNTIME:
		fprintf(stderr, "safespawn.h does not compile there: %s\n", fix->why);
		break;
	case LEFT_DECLINED:
		fprintf(stderr, "%s was not wanted\n", it);
		break;
	case LEFT_UNCHECKED:
		fprintf(stderr, "%s cannot be tried: the file does not compile as it is\n", it);
		break;
	case LEFT_OPPOSED:
		fprintf(stderr, "another compile has a reason against it: %s: %s\n", fix->opposing->what,
			fix->opposing->why);
		break;
	}
}

/* The fix of a finding that is not made; NULL: it has none. */
static const struct fix *fix_of(const struct plan *plan, const struct finding *finding)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->fixes[i].finding == finding)
			return &plan->fixes[i];
	return NULL;
}

void show_left(const struct plan *plan)
{
	const struct findings *findings = plan->findings;

	for (size_t i = 0; i < findings->n; i++) {
		const struct finding *finding = &findings->v[i];
		const struct fix *fix = fix_of(plan, finding);

		if (plan_repair(plan, finding))
			continue;
		put_place(finding->path, finding->line, finding->column);
		fprintf(stderr, "left as it is: %s [%s]: ", finding->message, finding->rule);
		if (fix)
			put_reason(fix);
		else
			fputs("it has no fix\n", stderr);
	}
	for (size_t i = 0; i < plan->n; i++) {
		const struct rewrite *rewrite = plan->fixes[i].rewrite;

		if (!rewrite || plan->fixes[i].left == LEFT_NOT)
			continue;
		put_place(rewrite->path, rewrite->line, rewrite->column);
		fprintf(stderr, "left as it is: no rewrite '%s' of '%s': ", rewrite->name, rewrite->function);
		put_reason(&plan->fixes[i]);
	}
	for (size_t i = 0; i < findings->n_left; i++) {
		const struct left_alone *left = &findings->left[i];

		put_place(left->path, left->line, left->column);
		fprintf(stderr, "left as it is: %s: %s\n", left->what, left->why);
	}
}

void show_made(const struct plan *plan)
{
	size_t at;
	json_t *note;

	for (size_t i = 0; i < plan->n; i++) {
		const struct rewrite *rewrite = plan->fixes[i].rewrite;

		if (!rewrite || plan->fixes[i].left != LEFT_NOT)
			continue;
		json_array_foreach (rewrite->notes, at, note) {
			put_place(json_string_value(json_object_get(note, "file")),
				  json_integer_value(json_object_get(note, "line")),
				  json_integer_value(json_object_get(note, "column")));
			fprintf(stderr, "%s\n", json_string_value(json_object_get(note, "message")));
		}
	}
}
