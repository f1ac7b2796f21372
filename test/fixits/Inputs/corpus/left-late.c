/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The handle is compared after the join.
 * left: thread 't': 't' is asked for where its thread may be joined already
 */
#include <pthread.h>
#include <stdio.h>

static pthread_t self;

static void *tell(void *arg)
{
	self = pthread_self();
	return arg;
}

int main(void)
{
	pthread_t t;

	if (pthread_create(&t, NULL, tell, NULL) != 0)
		return 1;
	pthread_join(t, NULL);
	puts(pthread_equal(t, self) ? "itself" : "somebody else");
	return 0;
}
