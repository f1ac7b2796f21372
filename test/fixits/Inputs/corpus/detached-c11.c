/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A service of <threads.h>.
 * fix: --detached=service
 */
#include <stdatomic.h>
#include <stdio.h>
#include <threads.h>

static atomic_int beats;

static int beat(void *arg)
{
	(void)arg;
	for (;;) {
		atomic_fetch_add(&beats, 1);
		thrd_yield();
	}
	return 0;
}

int main(void)
{
	thrd_t heart;

	if (thrd_create(&heart, beat, NULL) != thrd_success)
		return 1;
	thrd_detach(heart);
	while (atomic_load(&beats) < 3)
		thrd_yield();
	puts("alive");
	return 0;
}
