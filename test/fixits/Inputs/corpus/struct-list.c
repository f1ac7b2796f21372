/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Workers in a list: one function starts them, another one joins them. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct worker {
	struct worker *next;
	pthread_t thread;
	int number;
};

static void *run(void *arg)
{
	struct worker *worker = arg;

	worker->number = worker->number * worker->number;
	return NULL;
}

static struct worker *start(struct worker *list, int number)
{
	struct worker *worker = malloc(sizeof(*worker));

	if (!worker)
		return list;
	worker->number = number;
	worker->next = list;
	if (pthread_create(&worker->thread, NULL, run, worker) != 0) {
		free(worker);
		return list;
	}
	return worker;
}

static int finish(struct worker *list)
{
	int sum = 0;

	while (list) {
		struct worker *next = list->next;

		pthread_join(list->thread, NULL);
		sum += list->number;
		free(list);
		list = next;
	}
	return sum;
}

int main(void)
{
	struct worker *list = NULL;

	for (int i = 1; i <= 5; i++)
		list = start(list, i);
	printf("%d\n", finish(list));
	return 0;
}
