/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A function that the thread calls ends it. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

static void fail(intptr_t why)
{
	printf("fails with %ld\n", (long)why);
	pthread_exit((void *)why);
}

static int parse(const char *text)
{
	int value = 0;

	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			fail(*text);
		value = value * 10 + *text - '0';
	}
	return value;
}

static void *run(void *arg)
{
	printf("parsed %d\n", parse(arg));
	return NULL;
}

static int try(char *text)
{
	pthread_t t;
	void *why;
	int err = pthread_create(&t, NULL, run, text);

	if (err)
		return -err;
	pthread_join(t, &why);
	return (int)(intptr_t)why;
}

int main(void)
{
	int good = try("123");
	int bad = try("12x4");

	printf("%d %d\n", good, bad);
	return 0;
}
