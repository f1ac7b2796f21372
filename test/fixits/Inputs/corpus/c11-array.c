/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Many of <threads.h>. */
#include <stdio.h>
#include <threads.h>

#define COUNT 4

static mtx_t lock;
static int sum;

static int add(void *arg)
{
	mtx_lock(&lock);
	sum += *(int *)arg;
	mtx_unlock(&lock);
	return 0;
}

int main(void)
{
	thrd_t t[COUNT];
	int numbers[COUNT];

	if (mtx_init(&lock, mtx_plain) != thrd_success)
		return 1;
	for (int i = 0; i < COUNT; i++) {
		numbers[i] = i + 1;
		if (thrd_create(&t[i], add, &numbers[i]) != thrd_success)
			return 1;
	}
	for (int i = 0; i < COUNT; i++)
		thrd_join(t[i], NULL);
	mtx_destroy(&lock);
	printf("%d\n", sum);
	return 0;
}
