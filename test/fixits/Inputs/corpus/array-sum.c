/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A thread for each part of an array. */
#include <pthread.h>
#include <stdio.h>

#define PARTS 4

struct part {
	int first, last;
	long sum;
};

static void *add(void *arg)
{
	struct part *part = arg;

	for (int i = part->first; i < part->last; i++)
		part->sum += i;
	return NULL;
}

int main(void)
{
	struct part parts[PARTS];
	pthread_t threads[PARTS];
	long sum = 0;

	for (int i = 0; i < PARTS; i++) {
		parts[i] = (struct part){ i * 100, i * 100 + 100, 0 };
		if (pthread_create(&threads[i], NULL, add, &parts[i]) != 0)
			return 1;
	}
	for (int i = 0; i < PARTS; i++) {
		pthread_join(threads[i], NULL);
		sum += parts[i].sum;
	}
	printf("%ld\n", sum);
	return 0;
}
