/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A thread with a stack of its own size. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>

static void *stack_size(void *arg)
{
	pthread_attr_t attr;

	if (pthread_getattr_np(pthread_self(), &attr) != 0)
		return NULL;
	pthread_attr_getstacksize(&attr, arg);
	pthread_attr_destroy(&attr);
	return arg;
}

int main(void)
{
	pthread_attr_t attr;
	pthread_t t;
	size_t size = 0;
	int rc;

	if (pthread_attr_init(&attr) != 0)
		return 1;
	rc = pthread_attr_setstacksize(&attr, 1u << 20);
	if (!rc)
		rc = pthread_create(&t, &attr, stack_size, &size);
	pthread_attr_destroy(&attr);
	if (rc)
		return 1;
	pthread_join(t, NULL);
	puts(size >= (1u << 20) && size < (4u << 20) ? "as asked" : "not as asked");
	return 0;
}
