/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Stands for clang with the plugin: the report of a.c is a.c.json, with edits it is a.c.after.json. */
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	static const char argument[] = "-fplugin-arg-safespawn-report=";
	const char *kind = "";
	const char *to = NULL;
	char path[4096];
	FILE *report;
	FILE *copy;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--version") == 0)
			return printf("Quick clang version " MAJOR ".1.0\n") < 0;
		if (strcmp(argv[i], "-ivfsoverlay") == 0)
			kind = ".after";
		if (strncmp(argv[i], argument, strlen(argument)) == 0)
			to = argv[i] + strlen(argument);
	}
	if (!to)
		return 0;
	snprintf(path, sizeof(path), "%s%s.json", argv[argc - 1], kind);
	report = fopen(path, "r");
	copy = fopen(to, "w");
	if (!report || !copy)
		return 1;
	for (int c = getc(report); c != EOF; c = getc(report))
		putc(c, copy);
	fclose(report);
	return fclose(copy) != 0;
}
