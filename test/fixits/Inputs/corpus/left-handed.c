/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The handle is handed to a function that stores it.
 * left: thread 't': 't' is used for more than to start, join or name a thread: 'remember(t)'
 */
#include <pthread.h>
#include <stdio.h>

static pthread_t known[4];
static int count;

static void remember(pthread_t t)
{
	known[count++] = t;
}

static void *work(void *arg)
{
	return arg;
}

int main(void)
{
	for (int i = 0; i < 4; i++) {
		pthread_t t;

		if (pthread_create(&t, NULL, work, NULL) != 0)
			return 1;
		remember(t);
	}
	while (count > 0)
		pthread_join(known[--count], NULL);
	puts("all");
	return 0;
}
