/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "findings.h"

#include <string.h>

static const char *string_in(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static long long number_in(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static int compare_numbers(long long a, long long b)
{
	return a < b ? -1 : a > b;
}

static int compare_findings(const void *a, const void *b)
{
	const struct finding *x = a;
	const struct finding *y = b;
	int order = strcmp(x->path, y->path);

	order = order ? order : compare_numbers(x->line, y->line);
	order = order ? order : compare_numbers(x->column, y->column);
	order = order ? order : compare_numbers(x->offset, y->offset);
	order = order ? order : strcmp(x->rule, y->rule);
	return order ? order : strcmp(x->message, y->message);
}

static int compare_gaps(const void *a, const void *b)
{
	const struct gap *x = a;
	const struct gap *y = b;
	int order = strcmp(x->path, y->path);

	order = order ? order : compare_numbers(x->line, y->line);
	order = order ? order : compare_numbers(x->column, y->column);
	order = order ? order : strcmp(x->kind, y->kind);
	order = order ? order : strcmp(x->function, y->function);
	return order ? order : strcmp(x->why, y->why);
}

static int compare_rewrites(const void *a, const void *b)
{
	const struct rewrite *x = a;
	const struct rewrite *y = b;
	int order = strcmp(x->path, y->path);

	order = order ? order : compare_numbers(x->offset, y->offset);
	return order ? order : strcmp(x->name, y->name);
}

static int compare_left(const void *a, const void *b)
{
	const struct left_alone *x = a;
	const struct left_alone *y = b;
	int order = strcmp(x->path, y->path);

	order = order ? order : compare_numbers(x->offset, y->offset);
	order = order ? order : strcmp(x->what, y->what);
	return order ? order : strcmp(x->why, y->why);
}

static void add_rewrites(struct findings *findings, const struct unit *unit)
{
	size_t at;
	json_t *item;

	json_array_foreach (json_object_get(unit->report, "rewrites"), at, item) {
		findings->rewrites = grow(findings->rewrites, findings->n_rewrites + 1, sizeof(*findings->rewrites));
		findings->rewrites[findings->n_rewrites++] = (struct rewrite){
			.path = path_real(unit->directory, string_in(item, "file")),
			.line = number_in(item, "line"),
			.column = number_in(item, "column"),
			.offset = number_in(item, "offset"),
			.name = string_in(item, "name"),
			.title = string_in(item, "title"),
			.function = string_in(item, "function"),
			.calls = json_copy(json_object_get(item, "calls")),
			.edits = json_copy(json_object_get(item, "edits")),
			.notes = json_copy(json_object_get(item, "notes")),
			.needs_runtime = json_is_true(json_object_get(item, "runtime")),
		};
	}
	json_array_foreach (json_object_get(unit->report, "left"), at, item) {
		findings->left = grow(findings->left, findings->n_left + 1, sizeof(*findings->left));
		findings->left[findings->n_left++] = (struct left_alone){
			.path = path_real(unit->directory, string_in(item, "file")),
			.line = number_in(item, "line"),
			.column = number_in(item, "column"),
			.offset = number_in(item, "offset"),
			.function = string_in(item, "function"),
			.what = string_in(item, "what"),
			.why = string_in(item, "why"),
		};
	}
}

/* Two units that read one file at different times saw what nobody can edit: a hash that no content has. */
static void add_hashes(struct findings *findings, const struct unit *unit)
{
	const char *path;
	json_t *hash;

	json_object_foreach (json_object_get(unit->report, "files"), path, hash) {
		auto_string real = path_real(unit->directory, path);
		json_t *known = json_object_get(findings->hashes, real);

		if (known && !json_equal(known, hash))
			json_object_set_new(findings->hashes, real, json_string(""));
		else
			json_object_set(findings->hashes, real, hash);
	}
}

static void add_unit(struct findings *findings, const struct unit *unit)
{
	size_t at;
	json_t *item;

	json_array_foreach (json_object_get(unit->report, "reports"), at, item) {
		findings->v = grow(findings->v, findings->n + 1, sizeof(*findings->v));
		findings->v[findings->n++] = (struct finding){
			.path = path_real(unit->directory, string_in(item, "file")),
			.line = number_in(item, "line"),
			.column = number_in(item, "column"),
			.offset = number_in(item, "offset"),
			.rule = string_in(item, "rule"),
			.class = string_in(item, "class"),
			.function = string_in(item, "function"),
			.message = string_in(item, "message"),
			.notes = json_object_get(item, "notes"),
			.fixes = json_object_get(item, "fixes"),
		};
	}
	json_array_foreach (json_object_get(unit->report, "problems"), at, item) {
		findings->gaps = grow(findings->gaps, findings->n_gaps + 1, sizeof(*findings->gaps));
		findings->gaps[findings->n_gaps++] = (struct gap){
			.path = path_real(unit->directory, string_in(item, "file")),
			.line = number_in(item, "line"),
			.column = number_in(item, "column"),
			.kind = string_in(item, "kind"),
			.function = string_in(item, "function"),
			.why = string_in(item, "why"),
		};
	}
}

/*
 * Units are sorted, and a merge sort keeps equal findings in their order: of a header's finding, the story that the
 * first unit tells is the one that stays, whichever unit ended first. qsort promises no such order.
 */
static void stable_sort(void *items, size_t count, size_t size, int (*compare)(const void *, const void *))
{
	size_t half = count / 2;
	char *base = items;
	char *left;
	char *to = items;
	size_t i = 0;
	size_t j = half;

	if (count < 2)
		return;
	stable_sort(base, half, size, compare);
	stable_sort(base + half * size, count - half, size, compare);
	left = zalloc(half, size);
	memcpy(left, base, half * size);
	while (i < half) {
		bool from_right = j < count && compare(base + j * size, left + i * size) < 0;

		memmove(to, from_right ? base + j++ * size : left + i++ * size, size);
		to += size;
	}
	free(left);
}

static void merge_findings(struct findings *findings)
{
	size_t kept = 0;

	stable_sort(findings->v, findings->n, sizeof(*findings->v), compare_findings);
	for (size_t i = 1; i < findings->n; i++) {
		if (compare_findings(&findings->v[kept], &findings->v[i]) == 0)
			free(findings->v[i].path);
		else
			findings->v[++kept] = findings->v[i];
	}
	findings->n = findings->n ? kept + 1 : 0;
}

static void merge_gaps(struct findings *findings)
{
	size_t kept = 0;

	stable_sort(findings->gaps, findings->n_gaps, sizeof(*findings->gaps), compare_gaps);
	for (size_t i = 1; i < findings->n_gaps; i++) {
		if (compare_gaps(&findings->gaps[kept], &findings->gaps[i]) == 0)
			free(findings->gaps[i].path);
		else
			findings->gaps[++kept] = findings->gaps[i];
	}
	findings->n_gaps = findings->n_gaps ? kept + 1 : 0;
}

/* Adds to @items what it does not have of @more. */
static void unite(json_t *items, const json_t *more)
{
	size_t at;
	json_t *item;

	json_array_foreach (more, at, item) {
		bool known = false;

		for (size_t i = 0; i < json_array_size(items) && !known; i++)
			known = json_equal(json_array_get(items, i), item);
		if (!known)
			json_array_append(items, item);
	}
}

static void rewrite_free(struct rewrite *rewrite)
{
	free(rewrite->path);
	json_decref(rewrite->calls);
	json_decref(rewrite->edits);
	json_decref(rewrite->notes);
}

static void merge_rewrites(struct findings *findings)
{
	size_t kept = 0;

	stable_sort(findings->rewrites, findings->n_rewrites, sizeof(*findings->rewrites), compare_rewrites);
	for (size_t i = 1; i < findings->n_rewrites; i++) {
		struct rewrite *last = &findings->rewrites[kept];
		struct rewrite *this = &findings->rewrites[i];

		if (compare_rewrites(last, this) != 0) {
			findings->rewrites[++kept] = *this;
			continue;
		}
		unite(last->calls, this->calls);
		unite(last->edits, this->edits);
		unite(last->notes, this->notes);
		last->needs_runtime = last->needs_runtime || this->needs_runtime;
		rewrite_free(this);
	}
	findings->n_rewrites = findings->n_rewrites ? kept + 1 : 0;
}

static void merge_left(struct findings *findings)
{
	size_t kept = 0;

	stable_sort(findings->left, findings->n_left, sizeof(*findings->left), compare_left);
	for (size_t i = 1; i < findings->n_left; i++) {
		if (compare_left(&findings->left[kept], &findings->left[i]) == 0)
			free(findings->left[i].path);
		else
			findings->left[++kept] = findings->left[i];
	}
	findings->n_left = findings->n_left ? kept + 1 : 0;
}

void findings_collect(struct findings *ret, const struct units *units)
{
	*ret = (struct findings){ .hashes = json_object() };
	for (size_t i = 0; i < units->n; i++) {
		if (!units->v[i].report)
			continue;
		add_unit(ret, &units->v[i]);
		add_rewrites(ret, &units->v[i]);
		add_hashes(ret, &units->v[i]);
	}
	merge_findings(ret);
	merge_gaps(ret);
	merge_rewrites(ret);
	merge_left(ret);
}

void findings_free(struct findings *findings)
{
	for (size_t i = 0; i < findings->n; i++)
		free(findings->v[i].path);
	for (size_t i = 0; i < findings->n_gaps; i++)
		free(findings->gaps[i].path);
	for (size_t i = 0; i < findings->n_rewrites; i++)
		rewrite_free(&findings->rewrites[i]);
	for (size_t i = 0; i < findings->n_left; i++)
		free(findings->left[i].path);
	free(findings->v);
	free(findings->gaps);
	free(findings->rewrites);
	free(findings->left);
	json_decref(findings->hashes);
	*findings = (struct findings){ 0 };
}

size_t findings_gaps(const struct findings *findings, const char *kind)
{
	size_t count = 0;

	for (size_t i = 0; i < findings->n_gaps; i++)
		count += strcmp(findings->gaps[i].kind, kind) == 0;
	return count;
}

char *finding_name(const struct finding *finding)
{
	return text("%s\n%s\n%s\n%s", finding->path, finding->function, finding->rule, finding->message);
}

char *finding_words(const char *name)
{
	const char *message = strrchr(name, '\n') + 1;
	const char *rule = memrchr(name, '\n', (size_t)(message - 1 - name));

	return text("%s [%.*s]", message, (int)(message - 1 - (rule + 1)), rule + 1);
}
