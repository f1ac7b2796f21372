/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A limit that was asked for.
 * fix: --limit=2
 */
#include <pthread.h>
#include <stdio.h>

static void *halve(void *arg)
{
	int *number = arg;

	*number /= 2;
	return NULL;
}

int main(void)
{
	pthread_t t[6];
	int numbers[6];
	int sum = 0;

	for (int i = 0; i < 6; i++) {
		numbers[i] = 2 * i;
		if (pthread_create(&t[i], NULL, halve, &numbers[i]) != 0)
			return 1;
	}
	for (int i = 0; i < 6; i++) {
		pthread_join(t[i], NULL);
		sum += numbers[i];
	}
	printf("%d\n", sum);
	return 0;
}
