/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A timer that is armed anew.
 * left: timer 'timer': it is armed more than once
 */
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

static sem_t fired;

static void expire(union sigval value)
{
	(void)value;
	sem_post(&fired);
}

int main(void)
{
	struct itimerspec when = { .it_value = { .tv_nsec = 1000 } };
	struct sigevent event = { 0 };
	timer_t timer;

	sem_init(&fired, 0, 0);
	event.sigev_notify = SIGEV_THREAD;
	event.sigev_notify_function = expire;
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0)
		return 1;
	for (int i = 0; i < 2; i++) {
		(void)timer_settime(timer, 0, &when, NULL);
		while (sem_wait(&fired) != 0)
			continue;
	}
	if (timer_settime(timer, 0, &when, NULL) != 0)
		return 1;
	timer_delete(timer);
	puts("twice");
	return 0;
}
