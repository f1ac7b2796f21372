/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* An array of workers, in one function. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct worker {
	pthread_t thread;
	const char *word;
	size_t length;
};

static void *measure(void *arg)
{
	struct worker *worker = arg;

	worker->length = strlen(worker->word);
	return NULL;
}

int main(void)
{
	static const char *const words[] = { "one", "three", "eleven" };
	struct worker workers[3];
	size_t sum = 0;

	for (size_t i = 0; i < 3; i++) {
		struct worker *worker = &workers[i];

		worker->word = words[i];
		if (pthread_create(&workers[i].thread, NULL, measure, worker) != 0)
			return 1;
	}
	for (size_t i = 0; i < 3; i++) {
		pthread_join(workers[i].thread, NULL);
		sum += workers[i].length;
	}
	printf("%zu\n", sum);
	return 0;
}
