/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What there is once per process: the lock, the configuration, the registry, and what a fork does to them.
 */
#include "ssi.h"

#include <string.h>

#ifdef NDEBUG
#define PROCESS_DEBUG 0
#else
#define PROCESS_DEBUG 1
#endif

#define PROCESS_TEXT2(x) #x
#define PROCESS_TEXT(x) PROCESS_TEXT2(x)

/* It is held for a moment at a time: who finds it taken is better off looking again than asleep. */
#ifdef PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP
#define PROCESS_LOCK PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP
#else
#define PROCESS_LOCK PTHREAD_MUTEX_INITIALIZER
#endif

struct ssi_process ssi = {
	.lock = PROCESS_LOCK,
	.debug = PROCESS_DEBUG,
	.objects = { &ssi.objects, &ssi.objects },
	.parked = { &ssi.parked, &ssi.parked },
	.config = { .max_parked = 1024 },
	.idle_ns = 10000000000,
};

void ssi_lock(void)
{
	pthread_mutex_lock(&ssi.lock);
}

void ssi_unlock(void)
{
	pthread_mutex_unlock(&ssi.lock);
}

const char *ss_version(void)
{
	return PROCESS_TEXT(SS_VERSION_MAJOR) "." PROCESS_TEXT(SS_VERSION_MINOR) "." PROCESS_TEXT(SS_VERSION_PATCH);
}

int ss_thrd_(int err, int success, int nomem, int error)
{
	return err == 0 ? success : err == ENOMEM ? nomem : error;
}

int ss_configure(const ss_config *config)
{
	int err = 0;

	if (!config || config->idle_ns < 0 || config->debug < -1 || config->debug > 1 ||
	    (config->sig_keep_n && !config->sig_keep))
		return EINVAL;
	ssi_lock();
	if (ssi.started) {
		err = EBUSY;
	} else {
		ssi.config = *config;
		if (!config->max_parked)
			ssi.config.max_parked = 1024;
		atomic_store_explicit(&ssi.idle_ns, config->idle_ns ? config->idle_ns : SS_SEC(10),
				      memory_order_relaxed);
		atomic_store_explicit(&ssi.debug, config->debug > 0 || (config->debug == 0 && PROCESS_DEBUG),
				      memory_order_relaxed);
		sigemptyset(&ssi.signals_kept);
		for (unsigned i = 0; i < config->sig_keep_n; i++)
			if (sigaddset(&ssi.signals_kept, config->sig_keep[i]) != 0)
				err = EINVAL;
		ssi.config.sig_keep = NULL;
		if (config->faults && !ssi.faults)
			ssi_faults_report();
		ssi.faults |= config->faults != 0;
	}
	ssi_unlock();
	return err;
}

void ssi_name_copy(char ret_name[16], const char *name)
{
	size_t length = name ? strnlen(name, 15) : 0;

	memcpy(ret_name, name ? name : "", length);
	ret_name[length] = '\0';
}

void ssi_object_add_locked(struct ssi_object *object, enum ssi_kind kind, const char *name, const ss_site *site)
{
	object->number = ++ssi.numbers;
	object->site = site;
	object->kind = kind;
	ssi_name_copy(object->name, name);
	ssi_list_append(&ssi.objects, &object->link);
	if (kind == SSI_SCOPE)
		ssi.stats.scopes++;
	else if (kind == SSI_SERVICE)
		ssi.stats.services++;
}

void ssi_object_remove_locked(struct ssi_object *object)
{
	ssi_list_remove(&object->link);
	if (object->kind == SSI_SCOPE)
		ssi.stats.scopes--;
	else if (object->kind == SSI_SERVICE)
		ssi.stats.services--;
	if (ssi.drainer && ssi_list_empty(&ssi.objects))
		ssi_wake(ssi.drainer);
}

void ssi_hurry(void)
{
	ssi_lock();
	atomic_store_explicit(&ssi.idle_ns, 0, memory_order_relaxed);
	ssi_workers_dismiss_locked();
	ssi_helper_poke();
	ssi_unlock();
}

/* ---- fork ------------------------------------------------------------------------------------------------------- */

static void process_fork_child(void)
{
	/* All that was made before belongs to the parent: it answers EOWNERDEAD, and is never waited for. */
	atomic_fetch_add_explicit(&ssi.generation, 1, memory_order_relaxed);
	ssi_list_init(&ssi.objects);
	ssi.leak_mark = ssi.leak_mark_tasks = 0;
	ssi.stats = (ss_stats){ 0 };
	ssi.draining = ssi.drains = false;
	ssi.drainer = NULL;
	ssi_self.ambient = NULL;
	ssi_self.task = NULL;
	ssi_words_forked();
	ssi_helper_forked();
	ssi_posted_forked();
	ssi_workers_forked();
	ssi_io_forked();
	ssi_unlock();
}

int ssi_fork_prepare(void)
{
	return pthread_atfork(ssi_lock, ssi_unlock, process_fork_child);
}
