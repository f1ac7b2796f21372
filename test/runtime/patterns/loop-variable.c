// RUN: %run patterns/loop-variable
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Each thread gets the address of the loop's variable, and reads what it has become. */
#include "support.h"

#define TASKS 4

/* ---- with pthreads ---- */

static struct gate all_made = GATE_INIT;
static atomic_int sum;

static void *bare_add(void *number)
{
	gate_wait(&all_made);
	atomic_fetch_add(&sum, *(const int *)number);
	return NULL;
}

static int bare(void)
{
	pthread_t threads[TASKS];
	int i;

	for (i = 0; i < TASKS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, bare_add, &i), 0);
	gate_open(&all_made);
	for (int j = 0; j < TASKS; j++)
		pthread_join(threads[j], NULL);
	if (atomic_load(&sum) == TASKS * TASKS)
		defect("all of them saw the last value");
	return 0;
}

/* ---- with a copy that is made before the spawn returns ---- */

static int add(void *number)
{
	gate_wait(&all_made);
	atomic_fetch_add(&sum, *(const int *)number);
	return 0;
}

struct big {
	int number;
	char rest[1000];
};

static int add_big(void *big)
{
	gate_wait(&all_made);
	CHECK_EQ(((const struct big *)big)->rest[999], 'x');
	return add(&((struct big *)big)->number);
}

static void test_pthreads_see_the_last_value(void **state)
{
	(void)state;
	assert_defect("bare", "all of them saw the last value");
}

static void test_each_task_sees_its_own(void **state)
{
	struct big big = { .rest = { 0 } };

	(void)state;
	SS_SCOPE(s, .name = "add");
	assert_int_equal(s_rc, 0);
	big.rest[999] = 'x';
	for (int i = 0; i < TASKS; i++) {
		assert_int_equal(ss_spawn_copy(&s, add, &i, sizeof(i)), 0);
		big.number = 100 * i;
		assert_int_equal(ss_spawn_copy(&s, add_big, &big, sizeof(big)), 0);
	}
	memset(&big, 0, sizeof(big));
	gate_open(&all_made);
	assert_int_equal(ss_scope_join(&s, NULL), 0);
	assert_int_equal(sum, 606);
}

static const struct child children[] = { { "bare", bare }, { NULL, NULL } };
static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_pthreads_see_the_last_value),
	cmocka_unit_test(test_each_task_sees_its_own),
};

SUPPORT_MAIN(tests, children)
