/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Ships the lines of several log files to one collector:
 *
 *	log_shipper COLLECTOR FILE...
 *
 * COLLECTOR is a FIFO that the collector reads, or a file. One reader thread per file puts whole lines into a batch;
 * the sender thread takes what has gathered there and writes it out in one piece. Two more threads print the progress
 * and wait for SIGINT or SIGTERM, after which the readers stop.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX_FILES = 64, BATCH_BYTES = 64 * 1024, LINE_BYTES = 4096, PROGRESS_STACK = 256 * 1024 };

struct shipper {
	int out;
	atomic_bool stop;
	pthread_t progress;
	pthread_t signals;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t changed;
	char batch[BATCH_BYTES];
	size_t used;
	bool closed; /* no more lines will come */
	unsigned long lines;
	int err; /* the first error of any thread */
};

struct source {
	struct shipper *shipper;
	const char *path;
};

static void remember_error(struct shipper *s, int err)
{
	pthread_mutex_lock(&s->lock);
	if (!s->err)
		s->err = err;
	pthread_mutex_unlock(&s->lock);
}

static void put_line(struct shipper *s, const char *line)
{
	size_t length = strlen(line);

	pthread_mutex_lock(&s->lock);
	while (s->used + length > sizeof(s->batch))
		pthread_cond_wait(&s->changed, &s->lock);
	memcpy(s->batch + s->used, line, length);
	s->used += length;
	s->lines++;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

static void close_batch(struct shipper *s)
{
	pthread_mutex_lock(&s->lock);
	s->closed = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

static void *read_lines(void *arg)
{
	const struct source *source = arg;
	char line[LINE_BYTES];
	FILE *file = fopen(source->path, "r");

	if (!file) {
		remember_error(source->shipper, errno);
		return NULL;
	}
	while (!atomic_load(&source->shipper->stop) && fgets(line, sizeof(line), file))
		put_line(source->shipper, line);
	fclose(file);
	return NULL;
}

static void *send_batches(void *arg)
{
	struct shipper *s = arg;
	char piece[BATCH_BYTES];
	size_t size;

	for (;;) {
		pthread_mutex_lock(&s->lock);
		while (!s->used && !s->closed)
			pthread_cond_wait(&s->changed, &s->lock);
		size = s->used;
		memcpy(piece, s->batch, size);
		s->used = 0;
		pthread_cond_broadcast(&s->changed);
		pthread_mutex_unlock(&s->lock);

		if (!size)
			return NULL;
		for (size_t done = 0; done < size;) {
			ssize_t n = write(s->out, piece + done, size - done);

			if (n < 0) {
				remember_error(s, errno);
				atomic_store(&s->stop, true);
				break;
			}
			done += (size_t)n;
		}
	}
}

static void *show_progress(void *arg)
{
	struct shipper *s = arg;
	bool closed = false;
	unsigned long lines;
	struct timespec next;

	while (!closed) {
		clock_gettime(CLOCK_REALTIME, &next);
		next.tv_sec++;
		pthread_mutex_lock(&s->lock);
		while (!s->closed && pthread_cond_timedwait(&s->changed, &s->lock, &next) == 0)
			;
		closed = s->closed;
		lines = s->lines;
		pthread_mutex_unlock(&s->lock);
		fprintf(stderr, "%lu lines\n", lines);
	}
	return NULL;
}

static void *wait_for_signal(void *arg)
{
	struct shipper *s = arg;
	sigset_t set;
	int signal;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (sigwait(&set, &signal) == 0)
		atomic_store(&s->stop, true);
	return NULL;
}

static int start_progress(struct shipper *s)
{
	pthread_attr_t attr;
	int err = pthread_attr_init(&attr);

	if (err)
		return err;
	pthread_attr_setstacksize(&attr, PROGRESS_STACK);
	err = pthread_create(&s->progress, &attr, show_progress, s);
	pthread_attr_destroy(&attr);
	return err;
}

static int watch_signals(struct shipper *s)
{
	int err = pthread_create(&s->signals, NULL, wait_for_signal, s);

	if (err)
		fprintf(stderr, "log_shipper: no thread to wait for signals\n");
	return err;
}

static int read_files(struct shipper *s, char **paths, int count)
{
	pthread_t readers[MAX_FILES];
	struct source sources[MAX_FILES];
	int started, err = 0;

	for (started = 0; started < count; started++) {
		sources[started].shipper = s;
		sources[started].path = paths[started];
		err = pthread_create(&readers[started], NULL, read_lines, &sources[started]);
		if (err)
			break;
	}
	for (int i = 0; i < started; i++)
		pthread_join(readers[i], NULL);
	return err;
}

static int ship(int out, char **paths, int count)
{
	struct shipper *s = calloc(1, sizeof(*s));
	pthread_t sender;
	int err;

	if (!s)
		return ENOMEM;
	s->out = out;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	err = pthread_create(&sender, NULL, send_batches, s);
	if (err)
		goto free_shipper;
	err = start_progress(s);
	if (err)
		goto stop_sender;
	err = watch_signals(s);
	if (err)
		goto stop_progress;

	err = read_files(s, paths, count);

	pthread_cancel(s->signals);
	pthread_join(s->signals, NULL);
stop_progress:
	close_batch(s);
	pthread_join(s->progress, NULL);
stop_sender:
	close_batch(s);
	pthread_join(sender, NULL);
	if (!err)
		err = s->err;
free_shipper:
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	free(s);
	return err;
}

int main(int argc, char **argv)
{
	sigset_t set;
	int out, err;

	if (argc < 3 || argc - 2 > MAX_FILES) {
		fprintf(stderr, "usage: log_shipper COLLECTOR FILE...\n");
		return 2;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &set, NULL);

	out = open(argv[1], O_WRONLY | O_CREAT | O_APPEND, 0644);
	if (out < 0) {
		perror(argv[1]);
		return 1;
	}
	err = ship(out, argv + 2, argc - 2);
	if (err)
		fprintf(stderr, "log_shipper: %s\n", strerror(err));
	close(out);
	return err ? 1 : 0;
}
