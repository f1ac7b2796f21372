/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A clean-up handler that an exit of the runtime would pass over.
 * left: thread 't': the function may be jumped back into, by setjmp, pthread_cleanup_push or the like
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static void *work(void *arg)
{
	return arg;
}

static int run(void)
{
	int *memory = malloc(sizeof(*memory));
	pthread_t t;
	int err;

	if (!memory)
		return -1;
	pthread_cleanup_push(free, memory);
	*memory = 3;
	err = pthread_create(&t, NULL, work, memory);
	if (!err)
		pthread_join(t, NULL);
	pthread_cleanup_pop(1);
	return err;
}

int main(void)
{
	printf("%d\n", run());
	return 0;
}
