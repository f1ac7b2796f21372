/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "ask.h"

#include "diff.h"

static void show_one(struct plan *plan, size_t number, const struct options *options)
{
	enum left_out *left = zalloc(plan->n, sizeof(*left));
	const struct fix *fix = &plan->fixes[number];

	for (size_t i = 0; i < plan->n; i++) {
		left[i] = plan->fixes[i].left;
		if (i != number)
			plan->fixes[i].left = LEFT_DECLINED;
	}
	plan_apply(plan);
	show_diff(plan, options);
	for (size_t i = 0; i < plan->n; i++)
		plan->fixes[i].left = left[i];
	free(left);
	if (fix->finding)
		printf("%s:%lld:%lld: %s [%s]\n", path_shown(fix->finding->path), fix->finding->line,
		       fix->finding->column, fix->finding->message, fix->finding->rule);
	else
		printf("%s:%lld:%lld: '%s'\n", path_shown(fix->rewrite->path), fix->rewrite->line, fix->rewrite->column,
		       fix->rewrite->function);
	printf("'%s': %s\n", fix->name, fix->title);
}

/* One of y, n, a and q; the end of the input is a q. */
static int read_answer(void)
{
	char line[64];

	for (;;) {
		fputs("make this edit? [y,n,a,q,?] ", stdout);
		fflush(stdout);
		if (!fgets(line, sizeof(line), stdin)) {
			putchar('\n');
			return 'q';
		}
		if (line[0] == 'y' || line[0] == 'n' || line[0] == 'a' || line[0] == 'q')
			return line[0];
		fputs("y  make it\n"
		      "n  leave it\n"
		      "a  make it and all that follow\n"
		      "q  leave it and all that follow\n"
		      "?  this help\n",
		      stdout);
	}
}

bool ask(struct plan *plan, const struct options *options)
{
	bool declined = false;
	int answer = 'n';

	for (size_t i = 0; i < plan->n && answer != 'a'; i++) {
		if (plan->fixes[i].left != LEFT_NOT)
			continue;
		if (answer != 'q') {
			show_one(plan, i, options);
			answer = read_answer();
		}
		if (answer == 'y' || answer == 'a')
			continue;
		plan->fixes[i].left = LEFT_DECLINED;
		declined = true;
	}
	/* Nobody said yes to the fix that would stand for a rewrite that was not wanted. */
	for (size_t i = 0; i < plan->n; i++) {
		struct fix *fix = &plan->fixes[i];

		if (fix->left == LEFT_REWRITTEN && fix->rewritten_by->left == LEFT_DECLINED)
			fix->left = LEFT_DECLINED;
	}
	plan_apply(plan);
	return declined;
}
