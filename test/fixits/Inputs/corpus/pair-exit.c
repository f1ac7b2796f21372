/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The thread ends by pthread_exit, with a value. */
#include <pthread.h>
#include <stdio.h>

static int digits;

static void *count_digits(void *arg)
{
	for (const char *at = arg; *at; at++) {
		if (*at == '!')
			pthread_exit(&digits);
		digits += *at >= '0' && *at <= '9';
	}
	return NULL;
}

int main(void)
{
	pthread_t t;
	void *value = NULL;

	if (pthread_create(&t, NULL, count_digits, "a1b22!333") != 0) {
		fputs("no thread\n", stderr);
		return 1;
	}
	pthread_join(t, &value);
	printf("%d\n", value ? *(int *)value : -1);
	return 0;
}
