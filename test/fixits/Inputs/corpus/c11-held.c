/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Start and stop with <threads.h>. */
#include <stdatomic.h>
#include <stdio.h>
#include <threads.h>

struct spinner {
	thrd_t thread;
	atomic_int stop;
	atomic_int rounds;
};

static int spin(void *arg)
{
	struct spinner *spinner = arg;

	do {
		atomic_fetch_add(&spinner->rounds, 1);
		thrd_yield();
	} while (!atomic_load(&spinner->stop));
	return 5;
}

static int spinner_start(struct spinner *spinner)
{
	atomic_init(&spinner->stop, 0);
	atomic_init(&spinner->rounds, 0);
	if (thrd_create(&spinner->thread, spin, spinner) != thrd_success)
		return -1;
	return 0;
}

static int spinner_stop(struct spinner *spinner)
{
	int result = 0;

	atomic_store(&spinner->stop, 1);
	if (thrd_join(spinner->thread, &result) != thrd_success)
		return -1;
	return result;
}

int main(void)
{
	struct spinner spinner;
	int result;

	if (spinner_start(&spinner) != 0)
		return 1;
	result = spinner_stop(&spinner);
	printf("%d %s\n", result, atomic_load(&spinner.rounds) > 0 ? "turned" : "stood");
	return 0;
}
