/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "diff.h"

#include <git2.h>

static const char *diff_color(char origin)
{
	switch (origin) {
	case GIT_DIFF_LINE_ADDITION:
		return "\033[32m";
	case GIT_DIFF_LINE_DELETION:
		return "\033[31m";
	case GIT_DIFF_LINE_HUNK_HDR:
		return "\033[36m";
	case GIT_DIFF_LINE_FILE_HDR:
		return "\033[1m";
	default:
		return "";
	}
}

static int put_diff_line(const git_diff_delta *delta, const git_diff_hunk *hunk, const git_diff_line *line, void *data)
{
	const struct options *options = data;
	const char *color = options->color ? diff_color(line->origin) : "";

	(void)delta;
	(void)hunk;
	fputs(color, stdout);
	if (line->origin == GIT_DIFF_LINE_ADDITION || line->origin == GIT_DIFF_LINE_DELETION ||
	    line->origin == GIT_DIFF_LINE_CONTEXT)
		putchar(line->origin);
	fwrite(line->content, 1, line->content_len, stdout);
	if (*color)
		fputs("\033[0m", stdout);
	return 0;
}

int show_diff(const struct plan *plan, const struct options *options)
{
	git_diff_options diff_options;
	int failed = 0;

	git_diff_options_init(&diff_options, GIT_DIFF_OPTIONS_VERSION);
	diff_options.flags = GIT_DIFF_FORCE_TEXT;
	git_libgit2_init();
	for (size_t i = 0; i < plan->n_files && !failed; i++) {
		const struct edited *file = &plan->files[i];
		const char *name = path_shown(file->path);
		git_patch *patch = NULL;

		if (!plan_edits(plan, i))
			continue;
		name += name[0] == '/'; /* a/ and b/ come before it */
		failed = git_patch_from_buffers(&patch, file->before.bytes, file->before.length, name,
						file->after.bytes, file->after.length, name, &diff_options);
		if (!failed)
			failed = git_patch_print(patch, put_diff_line, (void *)options);
		git_patch_free(patch);
	}
	if (failed)
		say_error("cannot make the diff: %s", git_error_last() ? git_error_last()->message : "unknown reason");
	git_libgit2_shutdown();
	fflush(stdout);
	return failed ? EXIT_INCOMPLETE : 0;
}
