/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a timer hands over is another number when it is armed.
 * left: timer 'timer': the value that it hands over may be another one when it is armed
 */
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

static sem_t rang;
static int got;

static void ring(union sigval value)
{
	got = value.sival_int;
	sem_post(&rang);
}

int main(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD, .sigev_notify_function = ring };
	struct itimerspec when = { .it_value.tv_nsec = 1000000 };
	timer_t timer;
	int number = 1;

	if (sem_init(&rang, 0, 0) != 0)
		return 1;
	event.sigev_value.sival_int = number;
	number++;
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0)
		return 1;
	if (timer_settime(timer, 0, &when, NULL) == 0)
		sem_wait(&rang);
	timer_delete(timer);
	printf("%d %d\n", got, number);
	return 0;
}
