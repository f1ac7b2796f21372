/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A join with a time of the wall clock.
 * left: thread 't': the runtime has no form for 'pthread_timedjoin_np' with its clock
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <time.h>

static void *work(void *arg)
{
	return arg;
}

int main(void)
{
	struct timespec until;
	pthread_t t;

	if (pthread_create(&t, NULL, work, NULL) != 0)
		return 1;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 60;
	if (pthread_timedjoin_np(t, NULL, &until) != 0)
		return 1;
	puts("joined");
	return 0;
}
