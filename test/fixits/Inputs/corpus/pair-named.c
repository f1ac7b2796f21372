/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The handle goes to a function of the file that only names the thread. */
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>

static sem_t named;

static void set_name(pthread_t t, const char *name)
{
	if (pthread_setname_np(t, name) != 0)
		puts("it has no name");
}

static void call_it(const char *name, pthread_t t)
{
	set_name(t, name);
}

static void *tell(void *arg)
{
	char name[16] = "";

	while (sem_wait(&named) != 0)
		continue;
	pthread_getname_np(pthread_self(), name, sizeof(name));
	puts(name);
	return arg;
}

int main(void)
{
	pthread_t t;

	if (sem_init(&named, 0, 0) != 0)
		return 1;
	if (pthread_create(&t, NULL, tell, NULL) != 0)
		return 1;
	call_it("teller", t);
	sem_post(&named);
	pthread_join(t, NULL);
	sem_destroy(&named);
	return 0;
}
