/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A thread in each round of a loop, with ways round and out of it. */
#include <pthread.h>
#include <stdio.h>

static void *square(void *arg)
{
	int *number = arg;

	*number *= *number;
	return NULL;
}

int main(void)
{
	for (int i = 0; i < 6; i++) {
		int number = i;
		pthread_t t;

		if (i % 2)
			continue;
		if (pthread_create(&t, NULL, square, &number) != 0)
			break;
		printf("round %d\n", i);
		pthread_join(t, NULL);
		printf("square %d\n", number);
	}
	return 0;
}
