/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A thread that asks by itself whether it is to end. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static atomic_int rounds;

static void work(void)
{
	atomic_fetch_add(&rounds, 1);
	pthread_testcancel();
	usleep(100);
}

static void *loop(void *arg)
{
	(void)arg;
	for (;;)
		work();
	return NULL;
}

int main(void)
{
	pthread_t t;
	void *value;
	int err;

	err = pthread_create(&t, NULL, loop, NULL);
	if (err)
		return 1;
	while (atomic_load(&rounds) < 3)
		usleep(100);
	(void)pthread_cancel(t);
	pthread_join(t, &value);
	puts(atomic_load(&rounds) >= 3 && value == PTHREAD_CANCELED ? "cancelled" : "no");
	return 0;
}
