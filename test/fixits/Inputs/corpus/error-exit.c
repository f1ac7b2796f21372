/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Who gets no thread ends the program. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(call)                                    \
	do {                                           \
		int err_ = (call);                     \
		if (err_) {                            \
			fprintf(stderr, "%d\n", err_); \
			exit(EXIT_FAILURE);            \
		}                                      \
	} while (0)

static int total;

static void *add(void *arg)
{
	total += *(int *)arg;
	return NULL;
}

int main(void)
{
	for (int i = 1; i < 4; i++) {
		pthread_t t;

		if (pthread_create(&t, NULL, add, &i) != 0)
			exit(EXIT_FAILURE);
		CHECK(pthread_join(t, NULL));
	}
	printf("%d\n", total);
	return 0;
}
