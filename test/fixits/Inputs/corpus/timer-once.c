/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A timer that fires once. */
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static sem_t fired;

static void expire(union sigval value)
{
	int *number = value.sival_ptr;

	printf("fired %d\n", *number);
	sem_post(&fired);
}

int main(void)
{
	struct itimerspec when = { .it_value = { .tv_nsec = 1000000 } };
	struct sigevent event;
	int number = 5;
	timer_t timer;

	sem_init(&fired, 0, 0);
	memset(&event, 0, sizeof(event));
	event.sigev_notify = SIGEV_THREAD;
	event.sigev_notify_function = expire;
	event.sigev_value.sival_ptr = &number;
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) {
		perror("timer_create");
		return 1;
	}
	if (timer_settime(timer, 0, &when, NULL) == -1)
		return 1;
	while (sem_wait(&fired) != 0)
		continue;
	timer_delete(timer);
	puts("done");
	return 0;
}
