/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A thread that works beside main, and ends with it.
 * fix: --detached=background
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static atomic_int seconds;

static void *clock_run(void *arg)
{
	(void)arg;
	for (;;) {
		usleep(1000);
		atomic_fetch_add(&seconds, 1);
	}
	return NULL;
}

int main(void)
{
	pthread_t clock;

	if (pthread_create(&clock, NULL, clock_run, NULL) != 0)
		return 1;
	pthread_detach(clock);
	while (atomic_load(&seconds) < 2)
		usleep(100);
	puts("it ran");
	return 0;
}
