/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A thread that reads what comes, and is cancelled when nothing more does. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

struct reader {
	int from, to;
	int sum;
};

static void *add(void *arg)
{
	struct reader *reader = arg;
	char letter;

	for (;;) {
		ssize_t n = read(reader->from, &letter, 1);

		if (n <= 0)
			break;
		reader->sum += letter;
		if (letter == 'z') {
			n = write(reader->to, "!", 1);
			if (n != 1)
				break;
		}
	}
	return reader;
}

int main(void)
{
	struct reader reader = { .sum = 0 };
	int in[2], out[2];
	pthread_t thread;
	void *value;
	char answer;

	if (pipe(in) != 0 || pipe(out) != 0)
		return 1;
	reader.from = in[0];
	reader.to = out[1];
	if (pthread_create(&thread, NULL, add, &reader) != 0)
		return 1;
	if (write(in[1], "abz", 3) != 3 || read(out[0], &answer, 1) != 1)
		_exit(1);
	pthread_cancel(thread);
	if (pthread_join(thread, &value) != 0)
		return 1;
	printf("%d %c %s\n", reader.sum, answer, value == PTHREAD_CANCELED ? "cancelled" : "ended");
	return 0;
}
