/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Memory that is measured by the name of the type. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define COUNT 3

static int letters[COUNT];

static void *letter(void *arg)
{
	int *at = arg;

	*at = 'a' + (int)(at - letters);
	return NULL;
}

int main(void)
{
	pthread_t *t;
	int i;

	t = (pthread_t *)calloc(COUNT, sizeof(pthread_t));
	if (t == NULL)
		return 1;
	for (i = 0; i < COUNT; i++) {
		if (pthread_create(t + i, NULL, letter, letters + i)) {
			perror("pthread_create");
			exit(1);
		}
	}
	for (i = 0; i < COUNT; i++)
		pthread_join(t[i], NULL);
	free(t);
	printf("%c%c%c\n", letters[0], letters[1], letters[2]);
	return 0;
}
