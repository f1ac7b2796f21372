/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A story of three steps on a way of many: what is asked for before, between and around them decides nothing. */
#include "story.h"

int fetch(void);
int configured(void);
void count(int number);

int load(int number, const char *name)
{
	pthread_t t;

	if (number > 4)
		count(number);
	if (name && configured())
		count(1);
	if (start(&t, NULL))
		return -1;
	for (int i = 0; i < number; i++)
		count(i);
	if (fetch())
		return -1;
	return pthread_join(t, NULL);
}
