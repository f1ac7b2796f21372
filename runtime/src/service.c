/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Services, and the end of everything. A service is an unbound scope with one task, which runs the body, and runs it
 * again after a failure. The scope is registered as the service (SSI_SERVICE), so that it is one thing to a leak check
 * and a dump.
 *
 * One thread at a time starts or stops a service; another one waits until that is decided, because the storage may go
 * as soon as its stop has returned.
 */
#include "ssi.h"

#include <stdio.h>

struct service {
	uint32_t magic; /* SSI_MAGIC(service, SERVICE_MAGIC) since ss_service_start; 0 in storage that was zeroed */
	uint32_t generation;
	ss_scope scope;
	ss_fn fn;
	void *arg;
	unsigned restarts;
	int64_t backoff_ns, stop_grace_ns;
	ss_error error; /* why the body failed for good; the task's while it runs */
	/* guarded by ssi.lock */
	int state;		 /* SS_SERVICE_... */
	bool told;		 /* to stop */
	bool over;		 /* joined: the storage is the caller's again */
	bool busy;		 /* a thread is starting or stopping it */
	bool late;		 /* ss_drain has waited for it long enough */
	struct ssi_list waiters; /* struct ssi_wait: threads that want to stop it meanwhile */
};
#define SERVICE_MAGIC 0x73657276u

_Static_assert(sizeof(struct service) <= sizeof(ss_service), "ss_service is too small");

static struct ssi_scope *service_scope(struct service *service)
{
	return (struct ssi_scope *)(void *)&service->scope;
}

/* A service of this process that was started: 0, EINVAL, EALREADY (never started, all zero), EOWNERDEAD. */
static int service_of(const ss_service *storage, struct service **ret_service)
{
	struct service *service = (struct service *)(void *)(uintptr_t)storage;

	if (!service)
		return EINVAL;
	if (service->magic != SSI_MAGIC(service, SERVICE_MAGIC))
		return service->magic ? EINVAL : EALREADY;
	*ret_service = service;
	return ssi_is_ours(service->generation) ? 0 : EOWNERDEAD;
}

/* ---- the body --------------------------------------------------------------------------------------------------- */

static bool service_has_ended(int state)
{
	return state == SS_SERVICE_STOPPED || state == SS_SERVICE_FAILED;
}

static void service_enter(struct service *service, int state)
{
	ssi_lock();
	service->state = service->told && !service_has_ended(state) ? SS_SERVICE_STOPPING : state;
	if (service_has_ended(state) && ssi.drainer)
		ssi_wake(ssi.drainer);
	ssi_unlock();
}

static int service_body(void *arg)
{
	struct service *service = arg;
	int64_t pause_ns = service->backoff_ns;
	ss_error error;
	int code;

	for (unsigned left = service->restarts;; left--) {
		error = (ss_error){ 0 };
		code = ss_try(service->fn, service->arg, &error);
		/* What a stop leads to is no failure, and nothing to try again. */
		if (!code || !left || ss_cancelled())
			break;
		service_enter(service, SS_SERVICE_WAITING);
		if (ss_sleep(pause_ns))
			break;
		pause_ns = pause_ns > SS_NEVER / 2 ? SS_NEVER : pause_ns * 2;
		service_enter(service, SS_SERVICE_RUNNING);
	}
	if (ss_cancelled() && (code == ECANCELED || code == ETIMEDOUT))
		code = 0;
	if (code) {
		service->error = error;
		service->error.code = code;
	}
	return code;
}

/* The arg_free of the task: it comes after the body whichever way that ended. */
static void service_ended(void *arg)
{
	struct service *service = arg;

	service_enter(service, service->error.code ? SS_SERVICE_FAILED : SS_SERVICE_STOPPED);
}

/* It may be stopped by the next one. With the lock held. */
static void service_idle_locked(struct service *service)
{
	service->busy = false;
	while (!ssi_list_empty(&service->waiters)) {
		struct ssi_wait *wait = SSI_CONTAINER(service->waiters.next, struct ssi_wait, link);

		ssi_list_remove(&wait->link);
		ssi_wake(wait);
	}
	if (ssi.drainer)
		ssi_wake(ssi.drainer);
}

/* ---- start ------------------------------------------------------------------------------------------------------ */

/* Asked of the registry: what is in fresh storage says nothing. */
static bool service_is_started(const struct service *service)
{
	bool found = false;

	ssi_lock();
	for (struct ssi_list *at = ssi.objects.next; at != &ssi.objects && !found; at = at->next) {
		struct ssi_object *object = SSI_CONTAINER(at, struct ssi_object, link);

		found = object->kind == SSI_SERVICE &&
			SSI_CONTAINER(object, struct ssi_scope, object) == (const void *)&service->scope;
	}
	ssi_unlock();
	return found;
}

int ss_service_start_at(ss_service *storage, const ss_service_opts *opts, ss_fn fn, void *arg, const ss_site *site)
{
	static const ss_service_opts none = { .name = NULL };
	ss_scope_opts scope_opts = { .flags = SS_UNBOUND | SS_SUPERVISE };
	ss_task_opts task_opts = { .arg_free = service_ended };
	struct service *service = (struct service *)(void *)storage;
	struct ssi_scope *scope;
	int err;

	if (!opts)
		opts = &none;
	if (!service || !fn || opts->stop_grace_ns < 0 || opts->backoff_ns < 0)
		return EINVAL;
	if (service_is_started(service))
		return EALREADY;
	*service = (struct service){ .fn = fn,
				     .arg = arg,
				     .restarts = opts->restarts,
				     .backoff_ns = opts->backoff_ns,
				     .stop_grace_ns = opts->stop_grace_ns,
				     .state = SS_SERVICE_RUNNING };
	service->generation = atomic_load_explicit(&ssi.generation, memory_order_relaxed);
	ssi_list_init(&service->waiters);
	scope_opts.name = task_opts.name = opts->name;
	err = ss_scope_open(&service->scope, &scope_opts, site);
	if (err)
		return err;

	/* Before there is a body, which may stop its own service. */
	scope = service_scope(service);
	service->busy = true;
	service->magic = SSI_MAGIC(service, SERVICE_MAGIC);
	ssi_lock();
	ssi_object_remove_locked(&scope->object);
	ssi_object_add_locked(&scope->object, SSI_SERVICE, opts->name, site);
	ssi_unlock();
	err = ss_spawn_at(&service->scope, NULL, &task_opts, service_body, service, site);
	if (err) {
		service->magic = 0;
		ss_scope_join(&service->scope, NULL);
		ss_scope_fini(&service->scope);
		return err;
	}
	ss_scope_close(&service->scope);
	ssi_lock();
	service_idle_locked(service);
	ssi_unlock();
	return 0;
}

int ss_service_state(const ss_service *storage)
{
	struct service *service;
	int state;

	if (service_of(storage, &service))
		return SS_SERVICE_STOPPED;
	ssi_lock();
	state = service->state;
	ssi_unlock();
	return state;
}

/* ---- stop ------------------------------------------------------------------------------------------------------- */

static void service_say_late(struct service *service, int64_t waited_ns)
{
	struct ssi_scope *scope = service_scope(service);
	const struct ssi_task *blocked = NULL;
	char buffer[480];
	struct ssi_text text = { buffer, sizeof(buffer), 0 };

	ssi_lock();
	ssi_text_of(&text, NULL, scope);
	for (struct ssi_list *at = scope->tasks.next; at != &scope->tasks; at = at->next) {
		const struct ssi_task *task = SSI_CONTAINER(at, struct ssi_task, link);

		if (atomic_load_explicit(&task->waits_in, memory_order_relaxed))
			blocked = task;
	}
	ssi_text_count(&text, " still runs ", (uint64_t)waited_ns / 1000000);
	ssi_text(&text, " ms after it was told to stop: ");
	ssi_text_wait(&text, blocked);
	ssi_unlock();
	ssi_report("%s", buffer);
}

/* Tell a service to stop and wait for it; it is busy, and here it is no more. */
static int service_stop(struct service *service, ss_time until, ss_error *ret_error)
{
	ss_time begin = ss_now();
	ss_error first;
	int err;

	ss_scope_cancel(&service->scope, 0, "the service is stopped");
	err = ss_scope_join_until(&service->scope, until, &first);
	/* Of a scope that is joined, an error is that of the body. */
	if (service_scope(service)->state == SSI_SCOPE_JOINED) {
		ss_scope_fini(&service->scope);
		if (!service->error.code)
			service->error = first;
		if (ret_error)
			*ret_error = service->error;
		err = 0;
	} else if (err == ETIMEDOUT) {
		service_say_late(service, ss_now() - begin);
	}

	ssi_lock();
	service->over = err == 0;
	if (service->over && service->error.code)
		service->state = SS_SERVICE_FAILED;
	service_idle_locked(service);
	ssi_unlock();
	return err;
}

static void service_tell_locked(struct service *service)
{
	service->busy = true;
	service->told = true;
	if (service->state == SS_SERVICE_RUNNING || service->state == SS_SERVICE_WAITING)
		service->state = SS_SERVICE_STOPPING;
}

int ss_service_stop(ss_service *storage, ss_time until, ss_error *error)
{
	struct service *service;
	int err = service_of(storage, &service);

	if (error)
		*error = (ss_error){ 0 };
	if (err == EINVAL)
		return ssi_misused("this is no service");
	if (err)
		return err;

	ssi_lock();
	while (!err && service->busy) {
		struct ssi_wait wait;

		ssi_wait_begin_steady(&wait);
		ssi_list_append(&service->waiters, &wait.link);
		ssi_unlock();
		err = ssi_wait_in(&wait, "ss_service_stop", NULL, until);
		ssi_lock();
		ssi_list_remove(&wait.link);
	}
	if (!err && service->over)
		err = EALREADY;
	if (!err)
		service_tell_locked(service);
	ssi_unlock();
	return err ? err : service_stop(service, until, error);
}

/* ---- drain ------------------------------------------------------------------------------------------------------ */

/*
 * The service that was started last, of those that were not waited for in vain or have ended since; nobody else is
 * stopping it then.
 */
static struct service *service_next_locked(void)
{
	for (struct ssi_list *at = ssi.objects.prev; at != &ssi.objects; at = at->prev) {
		struct ssi_object *object = SSI_CONTAINER(at, struct ssi_object, link);
		struct service *service;

		if (object->kind != SSI_SERVICE)
			continue;
		service = SSI_CONTAINER(SSI_CONTAINER(object, struct ssi_scope, object), struct service, scope);
		if ((!service->late || service_has_ended(service->state)) && !service->busy)
			return service;
	}
	return NULL;
}

static void service_forgive_locked(void)
{
	for (struct ssi_list *at = ssi.objects.next; at != &ssi.objects; at = at->next) {
		struct ssi_object *object = SSI_CONTAINER(at, struct ssi_object, link);

		if (object->kind == SSI_SERVICE)
			SSI_CONTAINER(SSI_CONTAINER(object, struct ssi_scope, object), struct service, scope)->late =
				false;
	}
}

/* With the lock held, which is given back meanwhile. */
static void service_drain_locked(struct service *service, ss_time until)
{
	const bool has_grace = service->stop_grace_ns && !service_has_ended(service->state);
	ss_time grace = has_grace ? ss_after(service->stop_grace_ns) : until;

	service_tell_locked(service);
	service->late = true; /* if it outlives this, once is enough */
	ssi_unlock();
	service_stop(service, grace < until ? grace : until, NULL);
	ssi_lock();
}

int ss_drain(ss_time until)
{
	struct ssi_wait wait;
	int err = 0;

	if (ssi_self.task || ss_scope_current())
		return EDEADLK;
	ssi_lock();
	if (ssi.drains)
		err = EALREADY;
	else
		ssi.drains = true;
	if (err) {
		ssi_unlock();
		return err;
	}

	service_forgive_locked();
	while (!err && !ssi_list_empty(&ssi.objects)) {
		struct service *service = service_next_locked();

		if (service) {
			service_drain_locked(service, until);
			continue;
		}
		/* Services first: a body that cleans up may need a scope for it. */
		ssi.draining = true;
		ssi_wait_begin_steady(&wait);
		ssi.drainer = &wait;
		ssi_unlock();
		err = ssi_wait_sleep(&wait, until);
		ssi_lock();
		ssi.drainer = NULL;
	}
	ssi.draining = true;
	ssi_unlock();

	if (err) {
		ssi_report_left("ss_drain waits in vain for", 0, 0);
	} else {
		ssi_workers_retire();
		ssi_helper_retire();
	}
	ssi_lock();
	ssi.drains = false;
	if (!err)
		ssi.draining = ssi.started = false;
	ssi_unlock();
	return err;
}
