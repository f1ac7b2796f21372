/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * safespawn rules: the table of rules, or the pages of some.
 */
#include "catalogue.h"
#include "options.h"
#include "verbs.h"

#include <libsmartcols.h>
#include <unistd.h>

enum { OPT_HELP = 1 };

static const struct poptOption table_of_options[] = {
	{ "help", '?', POPT_ARG_NONE, NULL, OPT_HELP, "show this help", NULL }, POPT_TABLEEND
};

static const char about[] =
	"Without RULE: all rules in a table. With a RULE, such as thread.Leak, safespawn.thread.Leak\n"
	"or 'thread.*': what it reports, why, and what to do.";

static int list(void)
{
	struct libscols_table *table;

	scols_init_debug(0);
	table = scols_new_table();
	scols_table_new_column(table, "RULE", 0, 0);
	scols_table_new_column(table, "CLASS", 0, 0);
	scols_table_new_column(table, "PROFILE", 0, 0);
	scols_table_new_column(table, "REPORTS", 0, isatty(STDOUT_FILENO) ? SCOLS_FL_WRAP : 0);
	for (size_t i = 0; i < catalogue_size; i++) {
		struct libscols_line *line = scols_table_new_line(table, NULL);

		scols_line_set_data(line, 0, rule_short_id(&catalogue[i]));
		scols_line_set_data(line, 1, catalogue[i].class);
		scols_line_set_data(line, 2, catalogue[i].profile);
		scols_line_set_data(line, 3, catalogue[i].summary);
	}
	scols_print_table(table);
	scols_unref_table(table);
	return EXIT_CLEAN;
}

static void explain(const struct rule *rule)
{
	const char *page = rule_page(rule);

	if (page)
		fputs(page, stdout);
	else
		printf("%s (%s, %s): %s\n", rule->id, rule->class, rule->profile, rule->summary);
}

int run_rules(int argc, char **argv)
{
	poptContext context = poptGetContext(NULL, argc, (const char **)argv, table_of_options, 0);
	int which = poptGetNextOpt(context);
	int code = EXIT_CLEAN;
	size_t explained = 0;
	const char *glob;

	if (which == OPT_HELP) {
		options_help("rules", "[RULE...]", about, table_of_options);
		goto free_context;
	}
	if (which < -1) {
		code = options_refused("rules", context, which, table_of_options);
		goto free_context;
	}
	if (!poptPeekArg(context)) {
		code = list();
		goto free_context;
	}
	while ((glob = poptGetArg(context))) {
		size_t before = explained;

		for (size_t i = 0; i < catalogue_size; i++) {
			if (!rule_matches(&catalogue[i], glob))
				continue;
			if (explained++)
				putchar('\n');
			explain(&catalogue[i]);
		}
		if (explained == before) {
			auto_string near = rule_nearest(glob);

			code = near ? say_usage("there is no rule '%s'; did you mean '%s'?", glob, near)
				    : say_usage("there is no rule '%s'; 'safespawn rules' lists them", glob);
		}
	}

free_context:
	poptFreeContext(context);
	return code;
}
