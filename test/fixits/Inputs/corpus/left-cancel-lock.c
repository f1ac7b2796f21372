/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Cancelled while it waits for a condition, with the lock held.
 * left: thread 't': 't' is cancelled, and 'wait_for_it' calls 'pthread_cond_wait', which is not cancelled as a task
 */
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int ready;

static void *wait_for_it(void *arg)
{
	pthread_mutex_lock(&lock);
	while (!ready)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
	return arg;
}

int main(void)
{
	pthread_t t;

	if (pthread_create(&t, NULL, wait_for_it, NULL) != 0)
		return 1;
	pthread_cancel(t);
	pthread_join(t, NULL);
	puts("over");
	return 0;
}
