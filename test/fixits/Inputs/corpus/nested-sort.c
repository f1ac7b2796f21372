/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A sort that gives its left half to a thread. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct range {
	int *numbers;
	int count, depth;
};

static void *sort_range(void *arg);

static void merge(int *numbers, int middle, int count)
{
	int sorted[64], left = 0, right = middle;

	for (int i = 0; i < count; i++)
		sorted[i] = right == count || (left < middle && numbers[left] <= numbers[right]) ? numbers[left++]
												  : numbers[right++];
	memcpy(numbers, sorted, (size_t)count * sizeof(*sorted));
}

static void sort(int *numbers, int count, int depth)
{
	struct range left = { numbers, count / 2, depth - 1 };
	pthread_t thread;
	int threaded;

	if (count < 2)
		return;
	threaded = depth > 0 && pthread_create(&thread, NULL, sort_range, &left) == 0;
	if (!threaded)
		sort(numbers, count / 2, 0);
	sort(numbers + count / 2, count - count / 2, depth - 1);
	if (threaded)
		pthread_join(thread, NULL);
	merge(numbers, count / 2, count);
}

static void *sort_range(void *arg)
{
	struct range *range = arg;

	sort(range->numbers, range->count, range->depth);
	return NULL;
}

int main(void)
{
	int numbers[20];

	for (int i = 0; i < 20; i++)
		numbers[i] = i * 7 % 20;
	sort(numbers, 20, 2);
	for (int i = 0; i < 20; i++)
		printf("%d%c", numbers[i], i == 19 ? '\n' : ' ');
	return 0;
}
