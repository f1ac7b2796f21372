/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A thread in a block, while another one of the function runs. */
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_length;

static void *note(void *arg)
{
	pthread_mutex_lock(&lock);
	log_length += *(const int *)arg;
	pthread_mutex_unlock(&lock);
	return NULL;
}

static int run(int extra)
{
	static int outer_size = 100, inner_size = 10;
	pthread_t outer;

	if (pthread_create(&outer, NULL, note, &outer_size) != 0)
		return -1;
	if (extra) {
		pthread_t inner;

		if (pthread_create(&inner, NULL, note, &inner_size) == 0)
			pthread_join(inner, NULL);
	}
	pthread_join(outer, NULL);
	return 0;
}

int main(void)
{
	if (run(0) != 0 || run(1) != 0)
		return 1;
	printf("%d\n", log_length);
	return 0;
}
