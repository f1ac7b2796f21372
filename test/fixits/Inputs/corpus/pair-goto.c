/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Labels that undo what was done. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct text {
	char *letters;
	int vowels;
};

static void *count_vowels(void *arg)
{
	struct text *text = arg;

	for (const char *at = text->letters; *at; at++)
		text->vowels += *at == 'a' || *at == 'e' || *at == 'i' || *at == 'o' || *at == 'u';
	return NULL;
}

static int vowels_of(const char *what)
{
	struct text text = { NULL, 0 };
	pthread_t t;
	int result = -1;

	text.letters = malloc(64);
	if (!text.letters)
		goto out;
	if (snprintf(text.letters, 64, "%s", what) >= 64)
		goto free_letters;
	if (pthread_create(&t, NULL, count_vowels, &text) != 0)
		goto free_letters;
	pthread_join(t, NULL);
	result = text.vowels;

free_letters:
	free(text.letters);
out:
	return result;
}

int main(void)
{
	printf("%d\n", vowels_of("a queue of people"));
	printf("%d\n", vowels_of("this is a line that is far too long to fit into the buffer of 64"));
	return 0;
}
