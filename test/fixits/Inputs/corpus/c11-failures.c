/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Results other than 0 are told apart by the one who joins. */
#include <stdio.h>
#include <threads.h>

enum { FOUND = 1, MISSING = 2 };

struct search {
	const char *text;
	char letter;
	thrd_t thread;
};

static int find(void *arg)
{
	struct search *search = arg;

	for (const char *at = search->text; *at; at++)
		if (*at == search->letter)
			return FOUND;
	return MISSING;
}

int main(void)
{
	struct search searches[3];

	for (int i = 0; i < 3; i++) {
		searches[i].text = "scope";
		searches[i].letter = "pxo"[i];
		if (thrd_create(&searches[i].thread, find, &searches[i]) != thrd_success)
			return 1;
	}
	for (int i = 0; i < 3; i++) {
		int result;

		if (thrd_join(searches[i].thread, &result) != thrd_success)
			return 1;
		printf("%c: %s\n", searches[i].letter, result == FOUND ? "found" : "missing");
	}
	return 0;
}
