/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Two threads; when the second one cannot be had, the first one is joined. */
#include <pthread.h>
#include <stdio.h>

struct half {
	const int *numbers;
	int count, best;
};

static void *find_best(void *arg)
{
	struct half *half = arg;

	half->best = half->numbers[0];
	for (int i = 1; i < half->count; i++)
		if (half->numbers[i] > half->best)
			half->best = half->numbers[i];
	return NULL;
}

static int best_of(const int *numbers, int count, int *ret_best)
{
	struct half low = { numbers, count / 2, 0 };
	struct half high = { numbers + count / 2, count - count / 2, 0 };
	pthread_t a, b;

	if (pthread_create(&a, NULL, find_best, &low) != 0)
		return -1;
	if (pthread_create(&b, NULL, find_best, &high) != 0) {
		pthread_join(a, NULL);
		return -1;
	}
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	*ret_best = low.best > high.best ? low.best : high.best;
	return 0;
}

int main(void)
{
	const int numbers[] = { 3, 14, 15, 92, 65, 35, 89 };
	int best;

	if (best_of(numbers, 7, &best) != 0)
		return 1;
	printf("best %d\n", best);
	return 0;
}
