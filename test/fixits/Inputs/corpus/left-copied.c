/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Workers that are copied with their handles.
 * left: thread 'thread': an object of 'struct worker' is copied
 */
#include <pthread.h>
#include <stdio.h>

struct worker {
	pthread_t thread;
	int number;
};

static struct worker workers[3];
static int count;

static void *work(void *arg)
{
	return arg;
}

static int add(int number)
{
	struct worker worker = { .number = number };

	if (pthread_create(&worker.thread, NULL, work, NULL) != 0)
		return -1;
	workers[count++] = worker;
	return 0;
}

int main(void)
{
	int sum = 0;

	for (int i = 0; i < 3; i++)
		if (add(i) != 0)
			return 1;
	for (int i = 0; i < count; i++) {
		pthread_join(workers[i].thread, NULL);
		sum += workers[i].number;
	}
	printf("%d\n", sum);
	return 0;
}
