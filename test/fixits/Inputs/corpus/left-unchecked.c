/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Nobody asks whether the thread was started, and the function cannot say that it failed.
 * left: thread 't': nobody asks whether it was started, and what to do when it was not is not clear
 */
#include <pthread.h>
#include <stdio.h>

static void *work(void *arg)
{
	*(int *)arg = 3;
	return NULL;
}

static int run(void)
{
	pthread_t t;
	int out = 0;

	pthread_create(&t, NULL, work, &out);
	pthread_join(t, NULL);
	return out;
}

int main(void)
{
	printf("%d\n", run());
	return 0;
}
