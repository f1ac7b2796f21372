/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include <pthread.h>

void *work(void *argument)
{
	return argument;
}

int load(void *argument)
{
	pthread_t t;

	if (pthread_create(&t, NULL, work, argument))
		return -1;
	return pthread_join(t, NULL);
}

int main(void)
{
	return load(NULL);
}
