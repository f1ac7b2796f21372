/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The same handles for one phase after the other. */
#include <pthread.h>
#include <stdio.h>

#define THREADS 3

static int data[THREADS];

static void *add_one(void *arg)
{
	*(int *)arg += 1;
	return NULL;
}

static void *times_ten(void *arg)
{
	*(int *)arg *= 10;
	return NULL;
}

int main(void)
{
	pthread_t t[THREADS];

	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, add_one, &data[i]))
			return 1;
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, times_ten, &data[i]))
			return 1;
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	printf("%d %d %d\n", data[0], data[1], data[2]);
	return 0;
}
