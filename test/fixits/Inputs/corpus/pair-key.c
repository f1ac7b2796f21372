/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The destructor of a key has run when the join returns. */
#include <pthread.h>
#include <stdio.h>

static pthread_key_t key;
static int released;

static void release(void *value)
{
	released += *(int *)value;
}

static void *use(void *arg)
{
	pthread_setspecific(key, arg);
	return NULL;
}

int main(void)
{
	int one = 1, two = 2;
	pthread_t t;

	if (pthread_key_create(&key, release) != 0)
		return 1;
	if (pthread_create(&t, NULL, use, &one) == 0) {
		pthread_join(t, NULL);
		printf("released %d\n", released);
	}
	if (pthread_create(&t, NULL, use, &two) == 0) {
		pthread_join(t, NULL);
		printf("released %d\n", released);
	}
	pthread_key_delete(key);
	return 0;
}
