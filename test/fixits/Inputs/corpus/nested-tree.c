/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The sum of a tree, a thread for each left branch. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

struct node {
	const struct node *left, *right;
	int value;
};

static void *sum(void *arg)
{
	const struct node *node = arg;
	pthread_t left;
	intptr_t total;
	void *value = NULL;
	int err;

	if (!node)
		return NULL;
	err = pthread_create(&left, NULL, sum, (void *)node->left);
	if (err)
		return (void *)(intptr_t)-1;
	total = node->value + (intptr_t)sum((void *)node->right);
	pthread_join(left, &value);
	return (void *)(total + (intptr_t)value);
}

int main(void)
{
	static const struct node a = { NULL, NULL, 1 }, b = { NULL, NULL, 2 }, c = { &a, &b, 4 };
	static const struct node d = { NULL, &c, 8 }, root = { &d, NULL, 16 };

	printf("%ld\n", (long)(intptr_t)sum((void *)&root));
	return 0;
}
