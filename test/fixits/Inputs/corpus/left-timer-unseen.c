/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a timer does is said elsewhere; one that sends a signal is no matter of a scope.
 * left: timer: what it does is not seen
 * left: timer 'timer': 'event' is used for more than to describe the timer
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void ring(union sigval value)
{
	(void)value;
}

static void describe(struct sigevent *event)
{
	memset(event, 0, sizeof(*event));
	event->sigev_notify = SIGEV_THREAD;
	event->sigev_notify_function = ring;
}

static int make(struct sigevent *event, timer_t *timer)
{
	return timer_create(CLOCK_MONOTONIC, event, timer);
}

static int signals(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	timer_t timer;

	if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0)
		return -1;
	return timer_delete(timer);
}

int main(void)
{
	struct sigevent event;
	timer_t timer, other;

	describe(&event);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0)
		return 1;
	timer_delete(timer);
	if (make(&event, &other) != 0)
		return 1;
	timer_delete(other);
	printf("%d\n", signals());
	return 0;
}
