/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "format.h"

#include "run.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Most trees have no style, or one that says so: they need no program. */
static bool is_style(const char *path)
{
	auto_buffer content = { 0 };

	return buffer_read(&content, path) == 0 &&
	       (strstr(content.bytes, "Language:") || !strstr(content.bytes, "DisableFormat: true"));
}

static bool has_style(const char *path)
{
	auto_string folder = copy_string(path);

	for (char *slash = strrchr(folder, '/'); slash; slash = strrchr(folder, '/')) {
		auto_string dotted = NULL;
		auto_string plain = NULL;

		*slash = '\0';
		dotted = text("%s/.clang-format", folder);
		plain = text("%s/_clang-format", folder);
		if (access(dotted, F_OK) == 0)
			return is_style(dotted);
		if (access(plain, F_OK) == 0)
			return is_style(plain);
	}
	return false;
}

/* 0, or an errno with what was said of it. */
static int format_file(struct edited *file, size_t number, const char *program, const struct analysis *analysis,
		       char **ret_said)
{
	auto_string from = scratch_path(&analysis->scratch, number, "plain");
	auto_string to = scratch_path(&analysis->scratch, number, "formatted");
	auto_strings arguments = { 0 };
	struct command command = { .input = from, .output = to, .captured = STDERR_FILENO };
	struct outcome outcome = { 0 };
	auto_buffer formatted = { 0 };
	int err = buffer_write(&file->after, from);

	if (err)
		return err;
	strings_add(&arguments, program);
	strings_add(&arguments, "--style=file");
	strings_add(&arguments, "--fallback-style=none");
	strings_take(&arguments, text("--assume-filename=%s", file->path));
	for (size_t i = 0; i < file->n_changed_lines; i++)
		strings_take(&arguments,
			     text("--lines=%zu:%zu", file->changed_lines[i].first, file->changed_lines[i].last));
	command.arguments = arguments.v;
	run_one(&command, &outcome);
	if (outcome.end != RUN_EXITED || outcome.code != 0) {
		*ret_said = copy_bytes(outcome.output.bytes ? outcome.output.bytes : "",
				       outcome.output.bytes ? strcspn(outcome.output.bytes, "\n") : 0);
		buffer_free(&outcome.output);
		return EINVAL;
	}
	buffer_free(&outcome.output);
	err = buffer_read(&formatted, to);
	if (err)
		return err;
	buffer_free(&file->after);
	file->after = formatted;
	formatted = (struct buffer){ 0 };
	return 0;
}

void format_plan(struct plan *plan, const struct analysis *analysis, const bool *wanted)
{
	auto_string name = text("clang-format-%d", analysis->toolchain->major);
	auto_string program = NULL;

	for (size_t i = 0; i < plan->n_files; i++) {
		struct edited *file = &plan->files[i];
		auto_string said = NULL;
		int err;

		if ((wanted && !wanted[i]) || !file->n_changed_lines || !has_style(file->path))
			continue;
		if (!program)
			program = toolchain_program("clang-format", analysis->toolchain->major);
		if (!program)
			program = run_which("clang-format");
		err = program ? format_file(file, i, program, analysis, &said) : ENOENT;
		if (!err || plan->is_unformatted)
			continue;
		say_note("%s: the edits are not in the style of its .clang-format: %s: %s", path_shown(file->path),
			 program ? program : name, said && *said ? said : strerror(err));
		plan->is_unformatted = true;
	}
}
