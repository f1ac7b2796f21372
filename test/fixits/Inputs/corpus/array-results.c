/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Each thread hands over memory that its joiner gives back. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *reversed(void *arg)
{
	const char *text = arg;
	size_t length = strlen(text);
	char *out = malloc(length + 1);

	if (!out)
		return NULL;
	for (size_t i = 0; i < length; i++)
		out[i] = text[length - 1 - i];
	out[length] = '\0';
	return out;
}

int main(void)
{
	char words[3][9] = { "stressed", "live", "star" };
	pthread_t threads[3];
	int count = 0;

	while (count < 3 && pthread_create(&threads[count], NULL, reversed, words[count]) == 0)
		count++;
	for (int i = 0; i < count; i++) {
		void *word = NULL;

		if (pthread_join(threads[i], &word) == 0 && word)
			puts(word);
		free(word);
	}
	return count == 3 ? 0 : 1;
}
