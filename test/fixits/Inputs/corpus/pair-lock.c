/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Two threads count under one lock, each in a variable of its own. */
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int total;

static void *count(void *arg)
{
	int step = *(int *)arg;

	for (int i = 0; i < 100; i++) {
		pthread_mutex_lock(&lock);
		total += step;
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

int main(void)
{
	int one = 1, ten = 10;
	pthread_t ones, tens;
	int err;

	err = pthread_create(&ones, NULL, count, &one);
	if (err)
		return 1;
	err = pthread_create(&tens, NULL, count, &ten);
	if (err) {
		pthread_join(ones, NULL);
		return 1;
	}
	pthread_join(tens, NULL);
	pthread_join(ones, NULL);
	printf("%d\n", total);
	return 0;
}
