/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* One thread, whose value its join gets. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static void *last_word(void *arg)
{
	return strrchr(arg, ' ') + 1;
}

int main(void)
{
	char line[] = "the last word";
	pthread_t t;
	void *word;

	if (pthread_create(&t, NULL, last_word, line) != 0)
		return 1;
	if (pthread_join(t, &word) != 0)
		return 1;
	printf("%s\n", (char *)word);
	return 0;
}
