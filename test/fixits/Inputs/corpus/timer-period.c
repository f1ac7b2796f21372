/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A timer that fires until it is deleted; it is told a number. */
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

static sem_t fired;
static atomic_int sum;

static void expire(union sigval value)
{
	atomic_fetch_add(&sum, value.sival_int);
	sem_post(&fired);
}

static int run(void)
{
	struct itimerspec when = { 0 };
	struct sigevent event = { 0 };
	timer_t timer;

	event.sigev_notify = SIGEV_THREAD;
	event.sigev_notify_function = expire;
	event.sigev_value.sival_int = 7;
	event.sigev_notify_attributes = NULL;
	if (timer_create(CLOCK_REALTIME, &event, &timer) != 0)
		return -1;
	when.it_value.tv_nsec = 500000;
	when.it_interval.tv_nsec = 500000;
	if (timer_settime(timer, 0, &when, NULL) != 0) {
		timer_delete(timer);
		return -2;
	}
	for (int i = 0; i < 3; i++)
		while (sem_wait(&fired) != 0)
			continue;
	timer_delete(timer);
	return 0;
}

int main(void)
{
	sem_init(&fired, 0, 0);
	if (run() != 0)
		return 1;
	puts(atomic_load(&sum) >= 21 && atomic_load(&sum) % 7 == 0 ? "sevens" : "no");
	return 0;
}
