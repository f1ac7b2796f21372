/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Joined from the last one to the first. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

static void *cube(void *arg)
{
	intptr_t n = (intptr_t)arg;

	return (void *)(n * n * n);
}

int main(void)
{
	pthread_t t[5];
	int i = 0;

	while (i < 5) {
		if (pthread_create(&t[i], NULL, cube, (void *)(intptr_t)i) != 0)
			break;
		++i;
	}
	while (i-- > 0) {
		void *value;

		pthread_join(t[i], &value);
		printf("%d: %ld\n", i, (long)(intptr_t)value);
	}
	return 0;
}
