/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Producer and consumer with a condition of <threads.h>. */
#include <stdio.h>
#include <threads.h>

static mtx_t lock;
static cnd_t changed;
static int item;

static int produce(void *arg)
{
	int count = *(int *)arg;

	for (int i = 1; i <= count; i++) {
		mtx_lock(&lock);
		while (item != 0)
			cnd_wait(&changed, &lock);
		item = i;
		cnd_broadcast(&changed);
		mtx_unlock(&lock);
	}
	return 0;
}

int main(void)
{
	int count = 4;
	int sum = 0;
	thrd_t producer;

	if (mtx_init(&lock, mtx_plain) != thrd_success || cnd_init(&changed) != thrd_success)
		return 1;
	if (thrd_create(&producer, produce, &count) != thrd_success)
		return 1;
	for (int i = 0; i < count; i++) {
		mtx_lock(&lock);
		while (item == 0)
			cnd_wait(&changed, &lock);
		sum = sum * 10 + item;
		item = 0;
		cnd_broadcast(&changed);
		mtx_unlock(&lock);
	}
	thrd_join(producer, NULL);
	cnd_destroy(&changed);
	mtx_destroy(&lock);
	printf("%d\n", sum);
	return 0;
}
