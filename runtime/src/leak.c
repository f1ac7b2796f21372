/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What is left over, and what there is too much of: found in the registry, exactly, and named with the place where it
 * was made. Timers are tasks, and the task of a service is part of it. Parked workers and the helper own nothing, and
 * do not count.
 */
#include "ssi.h"

/* Where a walk over all that is alive stands: by number, because the lock is given back between the steps. */
struct leak_walk {
	uint64_t object, task;	 /* the last ones that were seen */
	uint64_t objects, tasks; /* what is older does not count */
};

/* The oldest task of @scope above @task that has not ended. */
static struct ssi_task *leak_task_locked(const struct ssi_scope *scope, uint64_t task)
{
	struct ssi_task *oldest = NULL;

	for (struct ssi_list *at = scope->tasks.next; at != &scope->tasks; at = at->next) {
		struct ssi_task *found = SSI_CONTAINER(at, struct ssi_task, link);

		if (found->state < SSI_TASK_ENDED && found->id > task && (!oldest || found->id < oldest->id))
			oldest = found;
	}
	return oldest;
}

/* The next that counts: a task, or an object with *ret_task NULL. False at the end. */
static bool leak_next_locked(struct leak_walk *walk, struct ssi_object **ret_object, struct ssi_task **ret_task)
{
	for (struct ssi_list *at = ssi.objects.next; at != &ssi.objects; at = at->next) {
		struct ssi_object *object = SSI_CONTAINER(at, struct ssi_object, link);
		uint64_t task = walk->tasks;

		if (object->number < walk->object)
			continue;
		*ret_object = object;
		*ret_task = NULL;
		if (object->number > walk->object) {
			walk->object = object->number;
			walk->task = 0;
			if (object->number > walk->objects)
				return true;
		}
		if (object->kind != SSI_SCOPE)
			continue;
		if (walk->task > task)
			task = walk->task;
		*ret_task = leak_task_locked(SSI_CONTAINER(object, struct ssi_scope, object), task);
		if (*ret_task) {
			walk->task = (*ret_task)->id;
			return true;
		}
	}
	return false;
}

static unsigned leak_count(uint64_t objects, uint64_t tasks)
{
	struct leak_walk walk = { .objects = objects, .tasks = tasks };
	struct ssi_object *object;
	struct ssi_task *task;
	unsigned count = 0;

	ssi_lock();
	for (struct ssi_list *at = ssi.objects.next; at != &ssi.objects; at = at->next) {
		const struct ssi_scope *scope;

		object = SSI_CONTAINER(at, struct ssi_object, link);
		count += object->number > walk.objects;
		if (object->kind != SSI_SCOPE)
			continue;
		scope = SSI_CONTAINER(object, struct ssi_scope, object);
		for (struct ssi_list *of = scope->tasks.next; of != &scope->tasks; of = of->next) {
			task = SSI_CONTAINER(of, struct ssi_task, link);
			count += task->state < SSI_TASK_ENDED && task->id > walk.tasks;
		}
	}
	ssi_unlock();
	return count;
}

unsigned ssi_report_left(const char *what, uint64_t objects, uint64_t tasks)
{
	struct leak_walk walk = { .objects = objects, .tasks = tasks };
	struct ssi_object *object;
	struct ssi_task *task;
	unsigned count = 0;
	char who[400];

	for (;;) {
		bool found;

		ssi_lock();
		found = leak_next_locked(&walk, &object, &task);
		if (found)
			ssi_describe_object(who, sizeof(who), object, task);
		ssi_unlock();
		if (!found)
			return count;
		ssi_report("%s %s", what, who);
		count++;
	}
}

/* How many tasks are alive that were spawned at a place. */
struct leak_place {
	const ss_site *site;
	unsigned tasks;
};

enum { LEAK_PLACES = 16, LEAK_PLACES_SHOWN = 3 };

static void leak_count_places_locked(struct leak_place places[LEAK_PLACES], const struct ssi_task *without)
{
	for (struct ssi_list *at = ssi.objects.next; at != &ssi.objects; at = at->next) {
		struct ssi_object *object = SSI_CONTAINER(at, struct ssi_object, link);
		const struct ssi_scope *scope = SSI_CONTAINER(object, struct ssi_scope, object);

		if (object->kind == SSI_CANCEL)
			continue;
		for (struct ssi_list *of = scope->tasks.next; of != &scope->tasks; of = of->next) {
			const struct ssi_task *task = SSI_CONTAINER(of, struct ssi_task, link);
			struct leak_place *place = places;

			while (place < places + LEAK_PLACES && place->site && place->site != task->site)
				place++;
			if (task == without || task->state != SSI_TASK_RUNNING || !task->site ||
			    place == places + LEAK_PLACES)
				continue;
			place->site = task->site;
			place->tasks++;
		}
	}
}

void ssi_report_ceiling(const struct ssi_task *task)
{
	struct leak_place places[LEAK_PLACES] = { { NULL, 0 } };
	const ss_site *site = task->site;

	if (!site || !ssi_first_time(site))
		return;
	ssi_lock();
	leak_count_places_locked(places, task);
	ssi_unlock();
	ssi_report("no thread for the spawn at %s:%d: there are max_threads of them, %u", site->file, site->line,
		   ssi.config.max_threads);
	for (int shown = 0; shown < LEAK_PLACES_SHOWN; shown++) {
		struct leak_place *most = places;

		for (size_t i = 1; i < LEAK_PLACES; i++)
			if (places[i].tasks > most->tasks)
				most = &places[i];
		if (!most->tasks)
			return;
		ssi_report("tasks that were spawned at %s:%d: %u", most->site->file, most->site->line, most->tasks);
		most->tasks = 0;
	}
}

int ss_leak_mark(void)
{
	ssi_lock();
	ssi.leak_mark = ssi.numbers;
	ssi.leak_mark_tasks = ssi.task_ids;
	ssi_unlock();
	return 0;
}

int ss_leak_check(int64_t grace_ns)
{
	ss_time until = ss_after(grace_ns);
	int64_t pause_ns = SS_US(1);
	uint64_t objects, tasks;

	ssi_lock();
	objects = ssi.leak_mark;
	tasks = ssi.leak_mark_tasks;
	ssi_unlock();
	while (leak_count(objects, tasks)) {
		ss_time next = ss_after(pause_ns);
		struct ssi_wait wait;

		if (ss_now() >= until)
			return (int)ssi_report_left("left over:", objects, tasks);
		ssi_wait_begin_steady(&wait);
		ssi_wait_sleep(&wait, next < until ? next : until);
		if (pause_ns < SS_MS(1))
			pause_ns *= 2;
	}
	return 0;
}
