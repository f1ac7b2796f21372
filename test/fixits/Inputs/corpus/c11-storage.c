/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Thread-specific storage of <threads.h>, with its destructor. */
#include <stdio.h>
#include <threads.h>

static tss_t slot;
static int destroyed;

static void destroy(void *value)
{
	destroyed += *(int *)value;
}

static int use(void *arg)
{
	if (tss_set(slot, arg) != thrd_success)
		return 1;
	return *(int *)tss_get(slot) != *(int *)arg;
}

int main(void)
{
	int sizes[2] = { 3, 4 };

	if (tss_create(&slot, destroy) != thrd_success)
		return 1;
	for (int i = 0; i < 2; i++) {
		thrd_t t;
		int failed = 1;

		if (thrd_create(&t, use, &sizes[i]) != thrd_success)
			return 1;
		thrd_join(t, &failed);
		printf("%d %d\n", failed, destroyed);
	}
	tss_delete(slot);
	return 0;
}
