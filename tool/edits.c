/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "edits.h"

#include "hash.h"

#include <string.h>

static int file_in_plan(struct plan *plan, const char *path, size_t *ret_file)
{
	struct edited file = { 0 };
	auto_string real = path_real("/", path);
	int err;

	for (size_t i = 0; i < plan->n_files; i++) {
		if (strcmp(plan->files[i].path, real) == 0) {
			*ret_file = i;
			return 0;
		}
	}
	err = buffer_read(&file.before, real);
	if (err)
		return err;
	file.path = copy_string(real);
	file.changed = !hash_fits(&file.before, json_string_value(json_object_get(plan->findings->hashes, real)));
	plan->files = grow(plan->files, plan->n_files + 1, sizeof(*plan->files));
	plan->files[plan->n_files] = file;
	*ret_file = plan->n_files++;
	return 0;
}

/* The fix to make of a finding's: the only one, or the chosen one. NULL: the user has to choose. */
static const json_t *choose_fix(const struct finding *finding, const struct strings *choose)
{
	size_t at;
	json_t *fix;

	if (json_array_size(finding->fixes) == 1)
		return json_array_get(finding->fixes, 0);
	for (size_t i = 0; i < choose->n; i++) {
		json_array_foreach (finding->fixes, at, fix)
			if (strcmp(json_string_value(json_object_get(fix, "name")), choose->v[i]) == 0)
				return fix;
	}
	return NULL;
}

static int take_edits(struct plan *plan, struct fix *fix, const json_t *edits, char **ret_path)
{
	json_t *item;
	size_t at;

	fix->edits = zalloc(json_array_size(edits), sizeof(*fix->edits));
	json_array_foreach (edits, at, item) {
		const char *path = json_string_value(json_object_get(item, "file"));
		json_int_t offset = json_integer_value(json_object_get(item, "offset"));
		json_int_t length = json_integer_value(json_object_get(item, "length"));
		struct edit *edit = &fix->edits[fix->n];
		int err = file_in_plan(plan, path, &edit->file);

		if (err) {
			*ret_path = copy_string(path);
			return err;
		}
		if (offset < 0 || length < 0 || (size_t)offset > plan->files[edit->file].before.length ||
		    (size_t)length > plan->files[edit->file].before.length - (size_t)offset) {
			fix->left = LEFT_RANGE;
			continue;
		}
		edit->offset = (size_t)offset;
		edit->length = (size_t)length;
		edit->text = json_string_value(json_object_get(item, "text"));
		fix->n++;
	}
	return 0;
}

static bool same_edit(const struct edit *a, const struct edit *b)
{
	return a->file == b->file && a->offset == b->offset && a->length == b->length && strcmp(a->text, b->text) == 0;
}

/* Insertions at one place do not overlap: they come one after the other, in the order of the findings. */
static bool edits_overlap(const struct edit *a, const struct edit *b)
{
	return a->file == b->file && a->offset < b->offset + b->length && b->offset < a->offset + a->length;
}

static bool fixes_overlap(const struct fix *a, const struct fix *b)
{
	for (size_t i = 0; i < a->n; i++)
		for (size_t j = 0; j < b->n; j++)
			if (edits_overlap(&a->edits[i], &b->edits[j]) && !same_edit(&a->edits[i], &b->edits[j]))
				return true;
	return false;
}

static bool overlaps_itself(const struct fix *fix)
{
	for (size_t i = 0; i < fix->n; i++)
		for (size_t j = i + 1; j < fix->n; j++)
			if (edits_overlap(&fix->edits[i], &fix->edits[j]))
				return true;
	return false;
}

/* ---- which of them are made ---- */

static bool is_in_question(const struct fix *fix)
{
	return fix->left == LEFT_NOT || fix->left == LEFT_OVERLAP;
}

static void leave_overlaps(struct plan *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		for (size_t j = i + 1; j < plan->n; j++) {
			struct fix *a = &plan->fixes[i];
			struct fix *b = &plan->fixes[j];

			if (!is_in_question(a) || !is_in_question(b) || a->rewritten_by == b || !fixes_overlap(a, b))
				continue;
			a->left = b->left = LEFT_OVERLAP;
			a->overlaps = a->overlaps ? a->overlaps : b;
			b->overlaps = b->overlaps ? b->overlaps : a;
		}
	}
}

void plan_settle(struct plan *plan)
{
	size_t made;

	do {
		made = plan_made(plan);
		for (size_t i = 0; i < plan->n; i++) {
			struct fix *fix = &plan->fixes[i];
			bool yields = fix->rewritten_by && fix->rewritten_by->left == LEFT_NOT;

			if (fix->left == LEFT_NOT || fix->left == LEFT_REWRITTEN)
				fix->left = yields ? LEFT_REWRITTEN : LEFT_NOT;
		}
		leave_overlaps(plan);
	} while (plan_made(plan) != made);
}

/* ---- gathering them ---- */

/* Is one of the calls that @rewrite makes another at this place, told by @key: its line or its offset? */
static bool rewrites_call(const struct rewrite *rewrite, const char *path, const char *key, json_int_t value)
{
	size_t at;
	json_t *call;

	json_array_foreach (rewrite->calls, at, call) {
		auto_string file = NULL;

		if (json_integer_value(json_object_get(call, key)) != value)
			continue;
		file = path_real("/", json_string_value(json_object_get(call, "file")));
		if (strcmp(file, path) == 0)
			return true;
	}
	return false;
}

/* What a lock's rules say of a call that is made another holds of the new one as well. */
static bool rewrites_finding(const struct rewrite *rewrite, const struct finding *finding)
{
	size_t at;
	json_t *note;

	if (!starts_with(finding->rule, "safespawn.thread."))
		return false;
	if (rewrites_call(rewrite, finding->path, "line", finding->line))
		return true;
	json_array_foreach (finding->notes, at, note) {
		auto_string file = path_real("/", json_string_value(json_object_get(note, "file")));

		if (rewrites_call(rewrite, file, "line", json_integer_value(json_object_get(note, "line"))))
			return true;
	}
	return false;
}

/* Both loops are long in a large project, and to compare places takes time: it is asked once. */
static void find_repairs(struct plan *plan)
{
	const struct findings *findings = plan->findings;

	plan->repairs = zalloc(findings->n, sizeof(*plan->repairs));
	for (size_t i = 0; i < findings->n; i++) {
		struct repairs *repairs = &plan->repairs[i];

		for (size_t j = 0; j < plan->n; j++) {
			const struct fix *fix = &plan->fixes[j];

			if (fix->finding != &findings->v[i] &&
			    !(fix->rewrite && rewrites_finding(fix->rewrite, &findings->v[i])))
				continue;
			repairs->v = grow(repairs->v, repairs->n + 1, sizeof(*repairs->v));
			repairs->v[repairs->n++] = j;
		}
	}
}

const struct fix *plan_repair(const struct plan *plan, const struct finding *finding)
{
	const struct repairs *repairs = &plan->repairs[finding - plan->findings->v];

	for (size_t i = 0; i < repairs->n; i++)
		if (plan->fixes[repairs->v[i]].left == LEFT_NOT)
			return &plan->fixes[repairs->v[i]];
	return NULL;
}

/* The rewrite that a finding's fix yields to: the first that may be made, or one that is not. */
static struct fix *rewrite_instead(struct plan *plan, const struct fix *fix)
{
	const struct repairs *repairs = &plan->repairs[fix->finding - plan->findings->v];
	struct fix *found = NULL;

	for (size_t i = repairs->n; i-- > 0;) {
		struct fix *other = &plan->fixes[repairs->v[i]];

		if (other->rewrite && (!found || other->left == LEFT_NOT))
			found = other;
	}
	return found;
}

static int add_fix(struct plan *plan, const struct finding *finding, const struct strings *choose, char **ret_path)
{
	const json_t *json = choose_fix(finding, choose);
	struct fix *fix = &plan->fixes[plan->n++];

	fix->finding = finding;
	if (!json) {
		fix->left = LEFT_CHOICE;
		return 0;
	}
	fix->name = json_string_value(json_object_get(json, "name"));
	fix->title = json_string_value(json_object_get(json, "title"));
	return take_edits(plan, fix, json_object_get(json, "edits"), ret_path);
}

/* Of rewrites that begin at one place one is made. */
static bool is_chosen(const struct findings *findings, size_t number, const struct strings *choose)
{
	const struct rewrite *rewrite = &findings->rewrites[number];
	const char *chosen = NULL;
	size_t alternatives = 0;
	size_t first = choose->n;

	for (size_t i = 0; i < findings->n_rewrites; i++) {
		const struct rewrite *other = &findings->rewrites[i];

		if (strcmp(other->path, rewrite->path) != 0 || other->offset != rewrite->offset)
			continue;
		alternatives++;
		for (size_t j = 0; j < first; j++) {
			if (strcmp(choose->v[j], other->name) == 0) {
				chosen = other->name;
				first = j;
			}
		}
	}
	return alternatives == 1 || (chosen && strcmp(chosen, rewrite->name) == 0);
}

static int add_rewrite(struct plan *plan, size_t number, const struct strings *choose, char **ret_path)
{
	const struct findings *findings = plan->findings;
	const struct rewrite *rewrite = &findings->rewrites[number];
	struct fix *fix = &plan->fixes[plan->n++];

	fix->rewrite = rewrite;
	fix->name = rewrite->name;
	fix->title = rewrite->title;
	fix->left = is_chosen(findings, number, choose) ? LEFT_NOT : LEFT_CHOICE;
	for (size_t i = 0; i < findings->n_left; i++) {
		const struct left_alone *left = &findings->left[i];

		if (fix->left == LEFT_NOT && rewrites_call(rewrite, left->path, "offset", left->offset)) {
			fix->left = LEFT_OPPOSED;
			fix->opposing = left;
		}
	}
	return take_edits(plan, fix, rewrite->edits, ret_path);
}

int plan_make(struct plan *ret, const struct findings *findings, const struct strings *choose, char **ret_path)
{
	auto_plan plan = {
		.fixes = zalloc(findings->n + findings->n_rewrites, sizeof(*plan.fixes)),
		.findings = findings,
	};
	size_t fixes;
	int err = 0;

	for (size_t i = 0; i < findings->n && !err; i++)
		if (json_array_size(findings->v[i].fixes))
			err = add_fix(&plan, &findings->v[i], choose, ret_path);
	fixes = plan.n;
	for (size_t i = 0; i < findings->n_rewrites && !err; i++)
		err = add_rewrite(&plan, i, choose, ret_path);
	if (err)
		return err;
	for (size_t i = 0; i < plan.n; i++)
		if (plan.fixes[i].left == LEFT_NOT && overlaps_itself(&plan.fixes[i]))
			plan.fixes[i].left = LEFT_RANGE;
	find_repairs(&plan);
	for (size_t i = 0; i < fixes; i++)
		plan.fixes[i].rewritten_by = rewrite_instead(&plan, &plan.fixes[i]);
	plan_settle(&plan);
	*ret = plan;
	plan = (struct plan){ 0 };
	return 0;
}

void plan_free(struct plan *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		free(plan->fixes[i].edits);
		free(plan->fixes[i].why);
	}
	for (size_t i = 0; i < plan->n_files; i++) {
		free(plan->files[i].path);
		buffer_free(&plan->files[i].before);
		buffer_free(&plan->files[i].after);
		free(plan->files[i].changed_lines);
	}
	for (size_t i = 0; plan->repairs && i < plan->findings->n; i++)
		free(plan->repairs[i].v);
	free(plan->repairs);
	free(plan->fixes);
	free(plan->files);
	*plan = (struct plan){ 0 };
}

/* An edit to make, and whose: the order of the fixes decides between insertions at one place. */
struct step {
	const struct edit *edit;
	size_t fix, number;
};

static int compare_steps(const void *a, const void *b)
{
	const struct step *x = a;
	const struct step *y = b;

	if (x->edit->offset != y->edit->offset)
		return x->edit->offset < y->edit->offset ? -1 : 1;
	if (!x->edit->length != !y->edit->length)
		return x->edit->length ? 1 : -1; /* an insertion goes before the text that is replaced */
	if (x->fix != y->fix)
		return x->fix < y->fix ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static bool brought_before(const struct step *steps, size_t count, const struct step *step)
{
	for (size_t i = 0; i < count; i++)
		if (steps[i].fix != step->fix && same_edit(steps[i].edit, step->edit))
			return true;
	return false;
}

static size_t count_lines(const char *from, const char *to)
{
	size_t lines = 0;

	for (; from < to; from++)
		lines += *from == '\n';
	return lines;
}

/* @file's after has the text of an edit from @offset on, which is in line @first. */
static void note_changed(struct edited *file, size_t first, size_t offset, const char *text)
{
	const char *begin = file->after.bytes + offset;
	size_t length = strlen(text);

	/* A line end at its end belongs to the last line, not to the one that follows. */
	length -= length && text[length - 1] == '\n';
	file->changed_lines = grow(file->changed_lines, file->n_changed_lines + 1, sizeof(*file->changed_lines));
	file->changed_lines[file->n_changed_lines++] =
		(struct span){ first, first + (length ? count_lines(begin, begin + length) : 0) };
}

static void apply_to_file(const struct plan *plan, size_t file)
{
	struct edited *edited = &plan->files[file];
	const struct buffer *before = &edited->before;
	struct buffer *after = &edited->after;
	struct step *steps = NULL;
	size_t count = 0;
	size_t at = 0;
	size_t line = 1;

	for (size_t i = 0; i < plan->n; i++) {
		const struct fix *fix = &plan->fixes[i];

		for (size_t j = 0; j < fix->n && fix->left == LEFT_NOT; j++) {
			struct step step = { &fix->edits[j], i, j };

			if (fix->edits[j].file != file || brought_before(steps, count, &step))
				continue;
			steps = grow(steps, count + 1, sizeof(*steps));
			steps[count++] = step;
		}
	}
	if (count)
		qsort(steps, count, sizeof(*steps), compare_steps);

	buffer_free(after);
	edited->n_changed_lines = 0;
	for (size_t i = 0; i < count; i++) {
		const struct edit *edit = steps[i].edit;
		size_t begin = after->length;

		buffer_append(after, before->bytes + at, edit->offset - at);
		line += count_lines(after->bytes + begin, after->bytes + after->length);
		begin = after->length;
		buffer_append(after, edit->text, strlen(edit->text));
		note_changed(edited, line, begin, edit->text);
		line += count_lines(after->bytes + begin, after->bytes + after->length);
		at = edit->offset + edit->length;
	}
	buffer_append(after, before->bytes + at, before->length - at);
	free(steps);
}

void plan_apply(struct plan *plan)
{
	for (size_t i = 0; i < plan->n_files; i++)
		apply_to_file(plan, i);
}

size_t plan_made(const struct plan *plan)
{
	size_t made = 0;

	for (size_t i = 0; i < plan->n; i++)
		made += plan->fixes[i].left == LEFT_NOT;
	return made;
}

bool fix_touches(const struct fix *fix, size_t file)
{
	for (size_t i = 0; i < fix->n; i++)
		if (fix->edits[i].file == file)
			return true;
	return false;
}

bool plan_edits(const struct plan *plan, size_t file)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->fixes[i].left == LEFT_NOT && fix_touches(&plan->fixes[i], file))
			return true;
	return false;
}
