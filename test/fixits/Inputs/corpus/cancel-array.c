/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Several, of which all are cancelled. */
#include <pthread.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#define COUNT 3

static int first[2];

static void *wait_for_it(void *arg)
{
	struct pollfd fd = { .fd = first[0], .events = POLLIN };
	int ready = poll(&fd, 1, -1);

	return ready > 0 ? arg : NULL;
}

int main(void)
{
	pthread_t t[COUNT];
	int cancelled = 0;

	if (pipe(first) != 0)
		return 1;
	for (int i = 0; i < COUNT; i++)
		if (pthread_create(&t[i], NULL, wait_for_it, &first[0]) != 0)
			_exit(1);
	for (int i = 0; i < COUNT; i++)
		pthread_cancel(t[i]);
	for (int i = 0; i < COUNT; i++) {
		void *value;

		pthread_join(t[i], &value);
		cancelled += value == PTHREAD_CANCELED;
	}
	printf("%d\n", cancelled);
	return 0;
}
