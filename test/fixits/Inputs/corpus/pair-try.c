/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A join that does not wait, and then one that does. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void *pass(void *arg)
{
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	return arg;
}

int main(void)
{
	pthread_t t;
	void *value = NULL;
	int err;

	pthread_mutex_lock(&gate);
	if (pthread_create(&t, NULL, pass, "through") != 0) {
		pthread_mutex_unlock(&gate);
		return 1;
	}
	err = pthread_tryjoin_np(t, &value);
	pthread_mutex_unlock(&gate);
	puts(err == EBUSY ? "busy" : "over");
	if (err == EBUSY)
		pthread_join(t, &value);
	puts(value);
	return 0;
}
