/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The thread asks who it is. */
#include <pthread.h>
#include <stdio.h>

static pthread_barrier_t started;
static pthread_t self;

static void *tell(void *arg)
{
	self = pthread_self();
	pthread_barrier_wait(&started);
	pthread_barrier_wait(&started);
	return arg;
}

int main(void)
{
	pthread_t t;
	int same;

	if (pthread_barrier_init(&started, NULL, 2) != 0)
		return 1;
	if (pthread_create(&t, NULL, tell, NULL) != 0)
		return 1;
	pthread_barrier_wait(&started);
	same = pthread_equal(t, self) && !pthread_equal(t, pthread_self());
	pthread_barrier_wait(&started);
	pthread_join(t, NULL);
	pthread_barrier_destroy(&started);
	puts(same ? "itself" : "somebody else");
	return 0;
}
