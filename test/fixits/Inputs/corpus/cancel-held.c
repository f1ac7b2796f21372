/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Stop is to cancel. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

struct adder {
	pthread_t thread;
	int in[2], out[2];
	int sum;
};

static void adder_take(struct adder *adder, char letter)
{
	adder->sum += letter;
}

static void *add(void *arg)
{
	struct adder *adder = arg;
	char letter = 0;
	ssize_t n;

	while (1) {
		n = read(adder->in[0], &letter, 1);
		if (n != 1)
			return NULL;
		adder_take(adder, letter);
		n = write(adder->out[1], &letter, 1);
	}
}

static int adder_start(struct adder *adder)
{
	adder->sum = 0;
	if (pipe(adder->in) != 0 || pipe(adder->out) != 0)
		return -1;
	if (pthread_create(&adder->thread, NULL, add, adder) != 0)
		return -1;
	return 0;
}

static int adder_put(struct adder *adder, char letter)
{
	return write(adder->in[1], &letter, 1) == 1 && read(adder->out[0], &letter, 1) == 1 ? 0 : -1;
}

static int adder_stop(struct adder *adder)
{
	pthread_cancel(adder->thread);
	pthread_join(adder->thread, NULL);
	return adder->sum;
}

int main(void)
{
	static struct adder adder;

	if (adder_start(&adder) != 0)
		return 1;
	if (adder_put(&adder, 'a') != 0 || adder_put(&adder, 'b') != 0)
		_exit(1);
	printf("%d\n", adder_stop(&adder));
	return 0;
}
