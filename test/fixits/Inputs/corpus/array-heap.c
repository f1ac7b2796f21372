/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* As many handles as the caller wants. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static void *negate(void *arg)
{
	int *number = arg;

	*number = -*number;
	return NULL;
}

static int negate_all(int *numbers, size_t count)
{
	pthread_t *threads = malloc(count * sizeof(*threads));
	size_t started;

	if (!threads)
		return -1;
	for (started = 0; started < count; started++)
		if (pthread_create(&threads[started], NULL, negate, &numbers[started]) != 0)
			break;
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	free(threads);
	return started == count ? 0 : -1;
}

int main(void)
{
	int numbers[] = { 5, -6, 7, -8, 9 };

	if (negate_all(numbers, 5) != 0)
		return 1;
	for (int i = 0; i < 5; i++)
		printf("%d\n", numbers[i]);
	return 0;
}
