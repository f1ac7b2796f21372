/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A spawn that fails, and is heard. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

static void *work(void *arg)
{
	puts("works");
	return arg;
}

static int run(size_t stack_bytes)
{
	pthread_attr_t attr;
	pthread_t t;
	int err;

	err = pthread_attr_init(&attr);
	if (err)
		return err;
	err = pthread_attr_setstacksize(&attr, stack_bytes);
	if (!err)
		err = pthread_create(&t, &attr, work, NULL);
	if (!err)
		err = pthread_join(t, NULL);
	pthread_attr_destroy(&attr);
	return err;
}

int main(void)
{
	puts(run(1) == EINVAL ? "too small" : "what?");
	puts(run(1u << 20) == 0 ? "fits" : "what?");
	return 0;
}
