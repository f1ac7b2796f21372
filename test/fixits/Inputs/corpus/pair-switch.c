/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Threads in the blocks of a switch. */
#include <pthread.h>
#include <stdio.h>

static int value;

static void *twice(void *arg)
{
	value *= 2;
	return arg;
}

static void *next(void *arg)
{
	value += 1;
	return arg;
}

static int step(char what)
{
	switch (what) {
	case 'd': {
		pthread_t t;

		if (pthread_create(&t, NULL, twice, NULL) != 0)
			return -1;
		pthread_join(t, NULL);
		break;
	}
	case 'i': {
		pthread_t t;

		if (pthread_create(&t, NULL, next, NULL) != 0)
			return -1;
		pthread_join(t, NULL);
		break;
	}
	default:
		return -1;
	}
	return 0;
}

int main(void)
{
	for (const char *at = "iddid"; *at; at++)
		if (step(*at) != 0)
			return 1;
	printf("%d %d\n", value, step('x'));
	return 0;
}
