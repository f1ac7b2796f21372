/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A timer whose event starts with what it does, in a function that returns early.
 */
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

struct clock {
	sem_t rang;
	int rings;
};

static void ring(union sigval value)
{
	struct clock *clock = value.sival_ptr;

	clock->rings++;
	sem_post(&clock->rang);
}

static int wait_for(struct clock *clock, int count)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD,
		.sigev_notify_function = ring,
		.sigev_value.sival_ptr = clock,
	};
	struct itimerspec when = { .it_value.tv_nsec = 1000000, .it_interval.tv_nsec = 1000000 };
	timer_t timer;

	if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0)
		return -1;
	if (timer_settime(timer, 0, &when, NULL) != 0) {
		timer_delete(timer);
		return -1;
	}
	while (count-- > 0)
		sem_wait(&clock->rang);
	timer_delete(timer);
	return 0;
}

int main(void)
{
	struct clock clock = { .rings = 0 };

	if (sem_init(&clock.rang, 0, 0) != 0 || wait_for(&clock, 3) != 0)
		return 1;
	puts(clock.rings >= 3 ? "three times" : "not");
	sem_destroy(&clock.rang);
	return 0;
}
