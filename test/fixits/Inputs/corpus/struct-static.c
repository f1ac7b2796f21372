/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A handle of the file's own. */
#include <pthread.h>
#include <stdio.h>

static pthread_t loader;
static int table[4];

static void *load(void *arg)
{
	int first = *(int *)arg;

	for (int i = 0; i < 4; i++)
		table[i] = first + i;
	return NULL;
}

static int begin_load(int *first)
{
	return pthread_create(&loader, NULL, load, first) == 0 ? 0 : -1;
}

static void end_load(void)
{
	pthread_join(loader, NULL);
}

int main(void)
{
	int first = 20;

	if (begin_load(&first) != 0)
		return 1;
	end_load();
	printf("%d %d\n", table[0], table[3]);
	first = 30;
	if (begin_load(&first) != 0)
		return 1;
	end_load();
	printf("%d %d\n", table[0], table[3]);
	return 0;
}
