/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A thread starts with the signals blocked that its creator had blocked. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

static void *look(void *arg)
{
	int *blocked = arg;
	sigset_t now;

	pthread_sigmask(SIG_SETMASK, NULL, &now);
	blocked[0] = sigismember(&now, SIGUSR1);
	blocked[1] = sigismember(&now, SIGUSR2);
	return NULL;
}

int main(void)
{
	int blocked[2] = { -1, -1 };
	sigset_t set;
	pthread_t t;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (pthread_create(&t, NULL, look, blocked))
		return 1;
	pthread_join(t, NULL);
	printf("%d %d\n", blocked[0], blocked[1]);
	return 0;
}
