/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Makes thumbnails of grey images (binary PGM):
 *
 *	thumbnail_server SOCKET CLIENTS
 *
 * listens on the Unix socket SOCKET, serves CLIENTS clients and ends. A client sends the path of an image and a
 * newline; it gets the image back three times, 128, 64 and 32 pixels wide. The main thread accepts clients into a
 * queue, worker threads serve them; the three sizes are scaled by a thread each.
 */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { WORKERS = 4, QUEUE = 16, SIZES = 3, MAX_SIDE = 8192 };

struct image {
	int width, height;
	unsigned char *pixels;
};

struct scaling {
	const struct image *from;
	struct image to;
};

struct request {
	struct image image;
	struct scaling scaled[SIZES];
};

static struct server {
	pthread_mutex_t lock; /* guards clients, waiting, served, closed */
	pthread_cond_t changed;
	int clients[QUEUE];
	int waiting;
	int served;
	bool closed; /* no more clients will come */

	pthread_t workers[WORKERS];
} server = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static bool load_image(const char *path, struct image *image)
{
	FILE *file = fopen(path, "rb");
	bool ok = false;
	size_t size;

	if (!file)
		return false;
	if (fscanf(file, "P5 %d %d 255", &image->width, &image->height) == 2 && fgetc(file) != EOF &&
	    image->width > 0 && image->width <= MAX_SIDE && image->height > 0 && image->height <= MAX_SIDE) {
		size = (size_t)image->width * (size_t)image->height;
		image->pixels = malloc(size);
		ok = image->pixels && fread(image->pixels, 1, size, file) == size;
	}
	fclose(file);
	return ok;
}

/* The nearest pixel is good enough here. */
static void *scale(void *arg)
{
	struct scaling *s = arg;
	const struct image *from = s->from;
	struct image *to = &s->to;

	to->height = from->height * to->width / from->width;
	to->pixels = malloc((size_t)to->width * (size_t)to->height + 1);
	if (!to->pixels)
		return NULL;
	for (int y = 0; y < to->height; y++)
		for (int x = 0; x < to->width; x++)
			to->pixels[y * to->width + x] =
				from->pixels[y * from->height / to->height * from->width + x * from->width / to->width];
	return NULL;
}

static bool make_sizes(struct request *request)
{
	pthread_t thread;

	for (int i = 0; i < SIZES; i++) {
		request->scaled[i].from = &request->image;
		request->scaled[i].to.width = 128 >> i;
		if (pthread_create(&thread, NULL, scale, &request->scaled[i]))
			return false;
	}
	pthread_join(thread, NULL);
	return true;
}

static void send_image(FILE *stream, const struct image *image)
{
	if (!image->pixels)
		return;
	fprintf(stream, "P5 %d %d 255\n", image->width, image->height);
	fwrite(image->pixels, 1, (size_t)image->width * (size_t)image->height, stream);
}

static void answer(FILE *stream, struct request *request)
{
	char path[512];

	if (!fgets(path, sizeof(path), stream))
		return;
	path[strcspn(path, "\n")] = '\0';
	if (load_image(path, &request->image) && make_sizes(request))
		for (int i = 0; i < SIZES; i++)
			send_image(stream, &request->scaled[i].to);
}

static void request_free(struct request *request)
{
	for (int i = 0; i < SIZES; i++)
		free(request->scaled[i].to.pixels);
	free(request->image.pixels);
	free(request);
}

static void serve(int client)
{
	struct request *request = calloc(1, sizeof(*request));
	FILE *stream = fdopen(client, "r+b");

	if (request && stream)
		answer(stream, request);
	if (request)
		request_free(request);
	if (stream)
		fclose(stream);
	else
		close(client);

	pthread_mutex_lock(&server.lock);
	server.served++;
	pthread_mutex_unlock(&server.lock);
}

/* Returns -1 when no more clients will come. */
static int next_client(void)
{
	int client = -1;

	pthread_mutex_lock(&server.lock);
	while (!server.waiting && !server.closed)
		pthread_cond_wait(&server.changed, &server.lock);
	if (server.waiting)
		client = server.clients[--server.waiting];
	pthread_cond_broadcast(&server.changed);
	pthread_mutex_unlock(&server.lock);
	return client;
}

static void *work(void *arg)
{
	int client;

	(void)arg;
	while ((client = next_client()) >= 0)
		serve(client);
	return NULL;
}

static void *report(void *arg)
{
	int served = 0;

	(void)arg;
	pthread_mutex_lock(&server.lock);
	while (!server.closed) {
		pthread_cond_wait(&server.changed, &server.lock);
		if (server.served / 100 != served / 100)
			fprintf(stderr, "%d clients served\n", server.served);
		served = server.served;
	}
	pthread_mutex_unlock(&server.lock);
	return NULL;
}

static int start_workers(void)
{
	int started = 0;

	for (int i = 0; i <= WORKERS; i++) {
		if (pthread_create(&server.workers[i], NULL, work, NULL))
			break;
		started++;
	}
	return started;
}

static void start_reporter(void)
{
	pthread_t reporter;

	if (pthread_create(&reporter, NULL, report, NULL) == 0)
		pthread_detach(reporter);
}

static bool queue_client(int client)
{
	bool queued;

	pthread_mutex_lock(&server.lock);
	queued = server.waiting < QUEUE;
	if (queued)
		server.clients[server.waiting++] = client;
	pthread_cond_broadcast(&server.changed);
	pthread_mutex_unlock(&server.lock);
	return queued;
}

static void *serve_one(void *arg)
{
	serve(*(int *)arg);
	return NULL;
}

/* The queue is full: a thread of its own for this client. */
static void serve_aside(int client)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &attr, serve_one, &client))
		close(client);
	pthread_attr_destroy(&attr);
}

static void accept_clients(int listener, int count)
{
	for (int i = 0; i < count; i++) {
		int client = accept(listener, NULL, NULL);

		if (client >= 0 && !queue_client(client))
			serve_aside(client);
	}
}

static void stop(int workers)
{
	pthread_mutex_lock(&server.lock);
	server.closed = true;
	pthread_cond_broadcast(&server.changed);
	pthread_mutex_unlock(&server.lock);
	for (int i = 0; i < workers; i++)
		pthread_join(server.workers[i], NULL);
	printf("%d clients served\n", server.served);
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	int workers;

	if (argc != 3 || strlen(argv[1]) >= sizeof(address.sun_path)) {
		fprintf(stderr, "usage: thumbnail_server SOCKET CLIENTS\n");
		return 2;
	}
	strcpy(address.sun_path, argv[1]);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, QUEUE)) {
		perror(argv[1]);
		return 1;
	}
	workers = start_workers();
	start_reporter();
	if (workers)
		accept_clients(listener, atoi(argv[2]));
	stop(workers);
	close(listener);
	unlink(argv[1]);
	return workers ? 0 : 1;
}
