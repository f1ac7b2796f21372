/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* thrd_exit, in a function below. */
#include <stdio.h>
#include <threads.h>

static void give_up(int why)
{
	thrd_exit(why);
}

static int divide(void *arg)
{
	int *numbers = arg;

	if (numbers[1] == 0)
		give_up(33);
	numbers[0] /= numbers[1];
	return 0;
}

static int run(int a, int b)
{
	int numbers[2] = { a, b };
	int result = -1;
	thrd_t t;

	if (thrd_create(&t, divide, numbers) != thrd_success)
		return -1;
	thrd_join(t, &result);
	return result ? result : numbers[0];
}

int main(void)
{
	printf("%d %d\n", run(12, 3), run(1, 0));
	return 0;
}
