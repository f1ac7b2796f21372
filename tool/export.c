/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "export.h"

#include <errno.h>
#include <git2.h>
#include <string.h>
#include <unistd.h>

/* ---- replacements: where before and after differ ---- */

struct replaced {
	size_t file;
	size_t offset, length;
	char *text;
	size_t fix; /* whose diagnostic brings it */
};

struct export {
	const struct plan *plan;
	struct replaced *v;
	size_t n;
	size_t file;	       /* that is compared */
	size_t old_at, new_at; /* where the lines come to that were seen already */
	size_t old_from, new_from;
	bool differs; /* the lines between from and at */
};

/* The fix with the first edit at or behind @offset: those before it came with earlier replacements. */
static size_t fix_at(const struct plan *plan, size_t file, size_t offset, size_t end)
{
	size_t found = 0;
	size_t best = SIZE_MAX;

	for (size_t i = 0; i < plan->n; i++) {
		for (size_t j = 0; j < plan->fixes[i].n && plan->fixes[i].left == LEFT_NOT; j++) {
			const struct edit *edit = &plan->fixes[i].edits[j];
			size_t far = edit->offset < offset ? offset - edit->offset
				     : edit->offset > end  ? edit->offset - end
							   : 0;

			if (edit->file == file && far < best) {
				best = far;
				found = i;
			}
		}
	}
	return found;
}

/* A block of lines that differ: without the bytes at its ends that do not. */
static void end_block(struct export *export)
{
	const struct edited *file = &export->plan->files[export->file];
	const char *old = file->before.bytes + export->old_from;
	const char *new = file->after.bytes + export->new_from;
	size_t old_length = export->old_at - export->old_from;
	size_t new_length = export->new_at - export->new_from;
	size_t head = 0;

	if (!export->differs)
		return;
	export->differs = false;
	while (head < old_length && head < new_length && old[head] == new[head])
		head++;
	while (old_length > head && new_length > head && old[old_length - 1] == new[new_length - 1]) {
		old_length--;
		new_length--;
	}
	export->v = grow(export->v, export->n + 1, sizeof(*export->v));
	export->v[export->n++] = (struct replaced){
		.file = export->file,
		.offset = export->old_from + head,
		.length = old_length - head,
		.text = copy_bytes(new + head, new_length - head),
		.fix = fix_at(export->plan, export->file, export->old_from, export->old_at),
	};
}

static int take_line(const git_diff_delta *delta, const git_diff_hunk *hunk, const git_diff_line *line, void *data)
{
	struct export *export = data;
	bool is_old = line->origin == GIT_DIFF_LINE_DELETION || line->origin == GIT_DIFF_LINE_CONTEXT;
	bool is_new = line->origin == GIT_DIFF_LINE_ADDITION || line->origin == GIT_DIFF_LINE_CONTEXT;

	(void)delta;
	(void)hunk;
	if (!is_old && !is_new)
		return 0; /* what tells that a last line has no end */
	if (is_old && is_new)
		end_block(export);
	if (!export->differs) {
		export->old_from = export->old_at;
		export->new_from = export->new_at;
	}
	export->differs = !(is_old && is_new);
	export->old_at += is_old ? line->content_len : 0;
	export->new_at += is_new ? line->content_len : 0;
	return 0;
}

static int compare_file(struct export *export, size_t number)
{
	const struct edited *file = &export->plan->files[number];
	git_diff_options options;
	git_patch *patch = NULL;
	int failed;

	git_diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
	options.flags = GIT_DIFF_FORCE_TEXT;
	/* The whole file, so that counting the lines tells where each of them is. */
	options.context_lines = UINT32_MAX / 4;
	export->file = number;
	export->old_at = export->new_at = 0;
	failed = git_patch_from_buffers(&patch, file->before.bytes, file->before.length, NULL, file->after.bytes,
					file->after.length, NULL, &options);
	if (!failed)
		failed = git_patch_print(patch, take_line, export);
	if (!failed)
		end_block(export);
	git_patch_free(patch);
	return failed;
}

/* ---- YAML ---- */

/* A double-quoted scalar: JSON's strings are YAML's. */
static void put_string(FILE *file, const char *key, const char *string)
{
	json_t *value = json_string(string);
	char *quoted = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;

	fprintf(file, "%s%s\n", key, quoted ? quoted : "\"\"");
	free(quoted);
	json_decref(value);
}

static void put_fix(FILE *file, const struct export *export, size_t number)
{
	const struct plan *plan = export->plan;
	const struct fix *fix = &plan->fixes[number];
	bool any = false;
	auto_string here = getcwd(NULL, 0);

	put_string(file, "  - DiagnosticName:  ", fix->finding ? fix->finding->rule : fix->name);
	fputs("    DiagnosticMessage:\n", file);
	put_string(file, "      Message:         ", fix->finding ? fix->finding->message : fix->title);
	put_string(file, "      FilePath:        ", fix->finding ? fix->finding->path : fix->rewrite->path);
	fprintf(file, "      FileOffset:      %lld\n", fix->finding ? fix->finding->offset : fix->rewrite->offset);
	for (size_t i = 0; i < export->n; i++) {
		const struct replaced *replaced = &export->v[i];

		if (replaced->fix != number)
			continue;
		if (!any)
			fputs("      Replacements:\n", file);
		any = true;
		put_string(file, "        - FilePath:        ", plan->files[replaced->file].path);
		fprintf(file, "          Offset:          %zu\n", replaced->offset);
		fprintf(file, "          Length:          %zu\n", replaced->length);
		put_string(file, "          ReplacementText: ", replaced->text);
	}
	if (!any)
		fputs("      Replacements:    []\n", file);
	put_string(file, "    Level:           ", "Warning");
	put_string(file, "    BuildDirectory:  ", here ? here : "");
}

static bool is_utf8(const struct export *export)
{
	for (size_t i = 0; i < export->n; i++) {
		json_t *value = json_string(export->v[i].text);

		json_decref(value);
		if (!value)
			return false;
	}
	return true;
}

static int write_yaml(const struct export *export, const char *path)
{
	const struct plan *plan = export->plan;
	FILE *file = fopen(path, "wbe");
	bool wrong;

	if (!file)
		return errno;
	fputs("---\n", file);
	put_string(file, "MainSourceFile:  ", plan->n_files ? plan->files[0].path : "");
	fputs(plan_made(plan) ? "Diagnostics:\n" : "Diagnostics:     []\n", file);
	for (size_t i = 0; i < plan->n; i++)
		if (plan->fixes[i].left == LEFT_NOT)
			put_fix(file, export, i);
	fputs("...\n", file);
	wrong = ferror(file);
	return fclose(file) != 0 || wrong ? (errno ? errno : EIO) : 0;
}

int export_fixes(const struct plan *plan, const char *path)
{
	struct export export = { .plan = plan };
	int failed = 0;
	int err = 0;

	git_libgit2_init();
	for (size_t i = 0; i < plan->n_files && !failed; i++)
		if (plan_edits(plan, i))
			failed = compare_file(&export, i);
	git_libgit2_shutdown();
	if (!failed)
		err = is_utf8(&export) ? write_yaml(&export, path) : EILSEQ;
	if (failed)
		say_error("cannot compare the files: out of memory?");
	else if (err == EILSEQ)
		say_error("%s: cannot be written: what is edited is not UTF-8, and YAML is", path);
	else if (err)
		say_error("%s: cannot be written: %s", path, strerror(err));
	for (size_t i = 0; i < export.n; i++)
		free(export.v[i].text);
	free(export.v);
	return failed || err ? EXIT_INCOMPLETE : 0;
}
