/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* An early way out forgets the thread. */
#include <pthread.h>
#include <stdio.h>

static int sum;

static void *add(void *arg)
{
	int *numbers = arg;

	for (int i = 0; i < 3; i++)
		sum += numbers[i];
	return NULL;
}

static int run(int *numbers, int stop)
{
	pthread_t t;

	if (pthread_create(&t, NULL, add, numbers))
		return -1;
	if (stop)
		return 1;
	pthread_join(t, NULL);
	return 0;
}

int main(void)
{
	int numbers[] = { 1, 2, 3 };

	if (run(numbers, 0) == 0)
		printf("sum %d\n", sum);
	return 0;
}
