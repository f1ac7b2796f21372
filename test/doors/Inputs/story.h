/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Functions of a header: one with a defect, which nobody calls, and one that its file calls. */
#include <pthread.h>

void *work(void *argument);

static inline int load_in_header(void *argument)
{
	pthread_t t;

	if (pthread_create(&t, NULL, work, argument))
		return -1;
	return 0;
}

static inline int start(pthread_t *thread, void *argument)
{
	return pthread_create(thread, NULL, work, argument);
}

/* For other checkers: a defect in a header, which they do not look for there. */
static inline int divides_by_zero(int number)
{
	int zero = 0;

	return number / zero;
}
