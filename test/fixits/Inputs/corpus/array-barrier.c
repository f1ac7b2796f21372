/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* All threads meet: each of them needs to run at the same time. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define PEOPLE 5

static pthread_barrier_t meeting;
static int brought[PEOPLE], seen[PEOPLE];

static void *meet(void *arg)
{
	int me = (int)((int *)arg - brought);

	brought[me] = me + 1;
	pthread_barrier_wait(&meeting);
	for (int i = 0; i < PEOPLE; i++)
		seen[me] += brought[i];
	return NULL;
}

int main(void)
{
	pthread_t people[PEOPLE];

	if (pthread_barrier_init(&meeting, NULL, PEOPLE) != 0)
		return 1;
	for (int i = 0; i < PEOPLE; i++) {
		int err = pthread_create(&people[i], NULL, meet, &brought[i]);

		if (err) {
			fprintf(stderr, "person %d: error %d\n", i, err);
			_Exit(1);
		}
	}
	for (int i = 0; i < PEOPLE; i++)
		pthread_join(people[i], NULL);
	pthread_barrier_destroy(&meeting);
	for (int i = 0; i < PEOPLE; i++)
		printf("%d\n", seen[i]);
	return 0;
}
