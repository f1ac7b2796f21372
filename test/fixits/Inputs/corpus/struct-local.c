/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The handle lies beside what its thread works on. */
#include <pthread.h>
#include <stdio.h>

struct worker {
	pthread_t thread;
	int in, out;
};

static void *work(void *arg)
{
	struct worker *worker = arg;

	worker->out = worker->in + 1;
	return NULL;
}

int main(void)
{
	struct worker worker;

	worker.in = 41;
	if (pthread_create(&worker.thread, NULL, work, &worker) != 0)
		return 1;
	pthread_join(worker.thread, NULL);
	printf("%d\n", worker.out);
	return 0;
}
