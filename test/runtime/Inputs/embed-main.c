/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A program with the two-file form: tasks, a limit, a queue, a cancellation. Prints 55. */
#include "safespawn.h"

#include <errno.h>
#include <stdio.h>

#define JOBS 10

static void *ring[2];
static ss_queue queue;
static int numbers[JOBS];

static int produce(void *arg)
{
	return ss_queue_push(&queue, arg, SS_NEVER);
}

static int wait_for_ever(void *arg)
{
	(void)arg;
	return ss_sleep_until(SS_NEVER);
}

int main(void)
{
	SS_SCOPE(scope, .name = "main", .limit = 2);
	ss_error error;
	int sum = 0, err;

	if (scope_rc || ss_queue_init(&queue, ring, 2, NULL) != 0)
		return 1;
	{
		SS_SCOPE(producers, .name = "producers");

		for (int i = 0; i < JOBS; i++) {
			numbers[i] = i + 1;
			if (producers_rc || ss_spawn(&producers, produce, &numbers[i]) != 0)
				return 2;
		}
		for (int i = 0; i < JOBS; i++) {
			void *item;

			if (ss_queue_pop(&queue, &item, ss_after(SS_SEC(60))) != 0)
				return 3;
			sum += *(int *)item;
		}
		if (ss_scope_join(&producers, NULL) != 0)
			return 4;
	}
	ss_queue_fini(&queue);
	if (ss_spawn(&scope, wait_for_ever, NULL) != 0 || ss_spawn(&scope, wait_for_ever, NULL) != 0)
		return 5;
	ss_scope_cancel(&scope, EINTR, "%d is enough", sum);
	err = ss_scope_join(&scope, &error);
	if (err != EINTR)
		return 6;
	printf("%s\n", error.msg);
	return ss_drain(ss_after(SS_SEC(60)));
}
