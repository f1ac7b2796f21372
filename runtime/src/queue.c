/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A bounded queue of pointers. It has a lock of its own, so that busy queues do not meet in the lock of the process;
 * ssi.lock may be taken inside of it, never the other way round.
 *
 * Who waits is in one of two lists, oldest first. A push or pop wakes one of the other side and takes it off its list;
 * that one looks again and, when somebody was faster, waits anew. One that gives up after it was woken wakes the next.
 */
#include "ssi.h"

#ifndef SS_NO_QUEUE

struct queue {
	uint32_t magic; /* SSI_MAGIC(queue, QUEUE_MAGIC) while in use */
	uint32_t generation;
	pthread_mutex_t lock;
	void (*drop)(void *item);
	void **ring;
	size_t capacity;
	/* guarded by lock */
	size_t first, count;
	bool closed;
	struct ssi_list pushers, poppers; /* struct ssi_wait */
};
#define QUEUE_MAGIC 0x71756575u

_Static_assert(sizeof(struct queue) <= sizeof(ss_queue), "ss_queue is too small");

static int queue_of(ss_queue *storage, struct queue **ret_queue)
{
	struct queue *queue = (struct queue *)(void *)storage;

	*ret_queue = NULL;
	if (!queue || queue->magic != SSI_MAGIC(queue, QUEUE_MAGIC)) {
		ssi_misused("this is no queue, or it has ended");
		return EINVAL;
	}
	*ret_queue = queue;
	return ssi_is_ours(queue->generation) ? 0 : EOWNERDEAD;
}

int ss_queue_init(ss_queue *storage, void **ring, size_t capacity, void (*drop)(void *item))
{
	struct queue *queue = (struct queue *)(void *)storage;
	int err;

	if (!queue || !ring || !capacity)
		return EINVAL;
	*queue = (struct queue){ .drop = drop, .ring = ring, .capacity = capacity };
	queue->generation = atomic_load_explicit(&ssi.generation, memory_order_relaxed);
	ssi_list_init(&queue->pushers);
	ssi_list_init(&queue->poppers);
	err = pthread_mutex_init(&queue->lock, NULL);
	if (!err)
		queue->magic = SSI_MAGIC(queue, QUEUE_MAGIC);
	return err;
}

/* Wait in @waiters, with the lock let go meanwhile: 0 when woken, ECANCELED, ETIMEDOUT. */
static int queue_wait_locked(struct queue *queue, struct ssi_list *waiters, const char *name, ss_time until)
{
	struct ssi_wait wait;
	int err;

	err = ssi_wait_begin(&wait);
	if (!err) {
		ssi_list_append(waiters, &wait.link);
		pthread_mutex_unlock(&queue->lock);
		err = ssi_wait_in(&wait, name, NULL, until);
		pthread_mutex_lock(&queue->lock);
	}
	ssi_wait_end(&wait);
	return err;
}

int ss_queue_push(ss_queue *storage, void *item, ss_time until)
{
	struct queue *queue;
	int err = queue_of(storage, &queue);

	if (!err)
		err = ss_cancelled();
	if (err)
		return err;

	pthread_mutex_lock(&queue->lock);
	while (!err && !queue->closed && queue->count == queue->capacity)
		err = queue_wait_locked(queue, &queue->pushers, "ss_queue_push", until);
	if (queue->closed)
		err = EPIPE;
	if (!err) {
		queue->ring[(queue->first + queue->count++) % queue->capacity] = item;
		ssi_wake_first(&queue->poppers);
	} else if (queue->count < queue->capacity) {
		ssi_wake_first(&queue->pushers);
	}
	pthread_mutex_unlock(&queue->lock);
	return err;
}

int ss_queue_pop(ss_queue *storage, void **ret_item, ss_time until)
{
	struct queue *queue;
	int err = queue_of(storage, &queue);

	if (!err)
		err = ret_item ? ss_cancelled() : EINVAL;
	if (err)
		return err;

	pthread_mutex_lock(&queue->lock);
	while (!err && !queue->closed && !queue->count)
		err = queue_wait_locked(queue, &queue->poppers, "ss_queue_pop", until);
	if (!err && !queue->count)
		err = EPIPE;
	if (!err) {
		*ret_item = queue->ring[queue->first];
		queue->first = (queue->first + 1) % queue->capacity;
		queue->count--;
		ssi_wake_first(&queue->pushers);
	} else if (queue->count) {
		ssi_wake_first(&queue->poppers);
	}
	pthread_mutex_unlock(&queue->lock);
	return err;
}

void ss_queue_close(ss_queue *storage)
{
	struct queue *queue;

	if (queue_of(storage, &queue))
		return;
	pthread_mutex_lock(&queue->lock);
	queue->closed = true;
	ssi_wake_all(&queue->pushers);
	ssi_wake_all(&queue->poppers);
	pthread_mutex_unlock(&queue->lock);
}

void ss_queue_fini(ss_queue *storage)
{
	struct queue *queue = (struct queue *)(void *)storage;

	if (!queue || queue->magic != SSI_MAGIC(queue, QUEUE_MAGIC))
		return;
	queue->magic = 0;
	/* In the child of a fork the items are the parent's to drop, and a thread that is not here may hold the lock.
	 */
	if (!ssi_is_ours(queue->generation))
		return;
	for (; queue->count; queue->count--) {
		if (queue->drop)
			queue->drop(queue->ring[queue->first]);
		queue->first = (queue->first + 1) % queue->capacity;
	}
	pthread_mutex_destroy(&queue->lock);
}

#endif
