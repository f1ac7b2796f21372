/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The command `safespawn`: a table of verbs. Each verb reads its own options and decides its exit code.
 */
#include "base.h"
#include "nearest.h"
#include "toolchain.h"
#include "verbs.h"

#include <string.h>

struct verb {
	const char *name;
	const char *summary;
	int (*run)(int argc, char **argv);
};

static const struct verb verbs[] = {
	{ "check", "report unsafe concurrency in C files", run_check },
	{ "fix", "show or make the edits that repair what check reports", run_fix },
	{ "clangd", "start clangd with the reports and quick fixes in it", run_clangd },
	{ "rules", "list the rules, or explain one", run_rules },
};
#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

static int show_help(FILE *stream)
{
	fputs("Usage: safespawn VERB [OPTION...]\n\n", stream);
	for (size_t i = 0; i < VERBS; i++)
		fprintf(stream, "  %-10s%s\n", verbs[i].name, verbs[i].summary);
	fputs("\n'safespawn VERB --help' shows what a verb takes; 'safespawn --version' the version.\n", stream);
	return EXIT_CLEAN;
}

static int show_version(void)
{
	auto_string folder = toolchain_library_folder();
	size_t count = 0;
	int *majors = toolchain_majors(folder, &count);

	printf("safespawn %s\n", SAFESPAWN_VERSION);
	printf("plugins for clang:");
	for (size_t i = 0; i < count; i++)
		printf(" %d", majors[i]);
	puts(count ? "" : " none");
	free(majors);
	return EXIT_CLEAN;
}

static int refuse(const char *word)
{
	auto_strings known = { 0 };
	const char *near;

	for (size_t i = 0; i < VERBS; i++)
		strings_add(&known, verbs[i].name);
	strings_add(&known, "--help");
	strings_add(&known, "--version");
	near = nearest(word, &known);
	if (near)
		return say_usage("there is no verb '%s'; did you mean '%s'?", word, near);
	return say_usage("there is no verb '%s'; 'safespawn --help' lists them", word);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		show_help(stderr);
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < VERBS; i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(argc - 1, argv + 1);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "-?") == 0 ||
	    strcmp(argv[1], "help") == 0)
		return show_help(stdout);
	if (strcmp(argv[1], "--version") == 0)
		return show_version();
	return refuse(argv[1]);
}
