/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "toolchain.h"

#include "run.h"

#include <dirent.h>
#include <string.h>
#include <unistd.h>

#define LOADER "safespawn.so"
#define PLUGIN "safespawn-clang-%d.so"

void toolchain_free(struct toolchain *toolchain)
{
	free(toolchain->program);
	free(toolchain->plugin);
	*toolchain = (struct toolchain){ 0 };
}

char *toolchain_library_folder(void)
{
	auto_string self = realpath("/proc/self/exe", NULL);
	char *slash = self ? strrchr(self, '/') : NULL;
	auto_string beside = NULL;

	if (!slash)
		return copy_string(".");
	*slash = '\0';
	beside = text("%s/../lib", self);
	return path_real("/", beside);
}

static int descending(const void *a, const void *b)
{
	return *(const int *)b - *(const int *)a;
}

int *toolchain_majors(const char *library_folder, size_t *ret_count)
{
	DIR *folder = opendir(library_folder);
	int *majors = zalloc(1, sizeof(*majors));
	size_t count = 0;

	if (folder) {
		for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
			int major;
			int end = 0;

			if (sscanf(entry->d_name, PLUGIN "%n", &major, &end) != 1 || !end || entry->d_name[end])
				continue;
			majors = grow(majors, count + 1, sizeof(*majors));
			majors[count++] = major;
		}
		closedir(folder);
	}
	qsort(majors, count, sizeof(*majors), descending);
	*ret_count = count;
	return majors;
}

char *toolchain_program(const char *name, int major)
{
	auto_string versioned = text("%s-%d", name, major);
	auto_string own = text("/usr/lib/llvm-%d/bin/%s", major, name);
	char *found = run_which(versioned);

	return found ? found : run_which(own);
}

int toolchain_major_of(const char *program)
{
	char *arguments[] = { (char *)program, "--version", NULL };
	struct command command = { .arguments = arguments, .captured = STDOUT_FILENO };
	struct outcome outcome = { 0 };
	const char *said;
	int major = 0;

	run_one(&command, &outcome);
	/* Distributions put their name before it: `Debian clang version 22.1.8`, `Debian clangd version 22.1.8`. */
	said = outcome.output.bytes ? strstr(outcome.output.bytes, "clang") : NULL;
	if (!said ||
	    (sscanf(said, "clang version %d.", &major) != 1 && sscanf(said, "clangd version %d.", &major) != 1))
		major = 0;
	buffer_free(&outcome.output);
	return major;
}

/* "19 and 22": for messages. */
static char *listed(const int *majors, size_t count)
{
	auto_buffer list = { 0 };

	for (size_t i = 0; i < count; i++) {
		const char *before = i + 1 == count ? " and " : ", ";
		auto_string word = text("%s%d", i ? before : "", majors[i]);

		buffer_append(&list, word, strlen(word));
	}
	return copy_string(list.length ? list.bytes : "none");
}

static int use(struct toolchain *toolchain, const char *wanted, const char *folder, const int *majors, size_t count)
{
	auto_string known = listed(majors, count);

	toolchain->program = run_which(wanted);
	if (!toolchain->program)
		return say_usage("there is no program '%s'; name the clang to use with --clang=PATH", wanted);
	toolchain->major = toolchain_major_of(toolchain->program);
	if (!toolchain->major)
		return say_usage("'%s --version' does not name a version of clang", wanted);
	for (size_t i = 0; i < count; i++)
		if (majors[i] == toolchain->major)
			return 0;
	return say_usage("'%s' is clang %d, and %s has plugins for %s: use one of those, or install the one for %d",
			 wanted, toolchain->major, folder, known, toolchain->major);
}

int toolchain_find(struct toolchain *ret, const char *wanted)
{
	auto_string folder = toolchain_library_folder();
	auto_toolchain found = { .plugin = text("%s/" LOADER, folder) };
	size_t count = 0;
	int *majors = toolchain_majors(folder, &count);
	const char *given = wanted ? wanted : getenv("SAFESPAWN_CLANG");
	int code = 0;

	if (access(found.plugin, R_OK) != 0 || !count) {
		code = say_usage("%s is not in %s: install safespawn again, or build its plugin",
				 count ? LOADER : "a plugin", folder);
	} else if (given && *given) {
		code = use(&found, given, folder, majors, count);
	} else {
		for (size_t i = 0; i < count && !found.program; i++) {
			found.program = toolchain_program("clang", majors[i]);
			found.major = majors[i];
		}
		if (!found.program) {
			auto_string known = listed(majors, count);

			code = say_usage("no clang found that has a plugin (%s): install clang-%d, or name one with "
					 "--clang=PATH",
					 known, majors[0]);
		}
	}
	free(majors);
	if (code)
		return code;
	*ret = found;
	found = (struct toolchain){ 0 };
	return 0;
}
