/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A thread of <threads.h>; its result is a value and no failure. */
#include <stdio.h>
#include <threads.h>

static int length(void *arg)
{
	const char *text = arg;
	int n = 0;

	while (text[n])
		n++;
	return n;
}

int main(void)
{
	thrd_t t;
	int result = 0;

	if (thrd_create(&t, length, "five.") != thrd_success)
		return 1;
	if (thrd_join(t, &result) != thrd_success)
		return 1;
	printf("%d\n", result);
	return 0;
}
