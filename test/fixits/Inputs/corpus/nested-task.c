/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A thread that starts threads. */
#include <pthread.h>
#include <stdio.h>

static void *leaf(void *arg)
{
	*(int *)arg += 1;
	return NULL;
}

static void *branch(void *arg)
{
	int *numbers = arg;
	pthread_t left, right;

	if (pthread_create(&left, NULL, leaf, &numbers[0]) != 0)
		return NULL;
	if (pthread_create(&right, NULL, leaf, &numbers[1]) != 0) {
		pthread_join(left, NULL);
		return NULL;
	}
	pthread_join(left, NULL);
	pthread_join(right, NULL);
	return NULL;
}

int main(void)
{
	int numbers[4] = { 10, 20, 30, 40 };
	pthread_t branches[2];

	for (int i = 0; i < 2; i++)
		if (pthread_create(&branches[i], NULL, branch, &numbers[2 * i]) != 0)
			return 1;
	for (int i = 0; i < 2; i++)
		pthread_join(branches[i], NULL);
	printf("%d %d %d %d\n", numbers[0], numbers[1], numbers[2], numbers[3]);
	return 0;
}
