/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Threads: workers, which wait parked for one task after the other, and those that are made for one task and joined.
 *
 * A worker is handed a task through its word. The word has three states so that a worker that has not yet fallen asleep
 * costs no system call: empty, sleeping, and job (or leave, or retire). Only who takes a worker from the list writes to
 * it.
 *
 * A worker that ends by itself is detached: nobody may ever ask for it. One that is retired, by a drain, is joined,
 * since the library may be unloaded afterwards: each joins the one before it, and the drain joins the last.
 */
#include "ssi.h"

#include <limits.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __linux__
#include <sched.h>
#include <sys/mman.h>
#endif

enum { WORKER_EMPTY, WORKER_SLEEPING, WORKER_JOB, WORKER_LEAVE, WORKER_RETIRE };

/* For the next task. */
static struct ssi_patience worker_patience;

/* What tasks are not to change in a thread that others will use; compared in debug. */
struct worker_birth {
	sigset_t mask;
	locale_t locale;
	unsigned rounding;
#ifdef __linux__
	cpu_set_t affinity;
#endif
};

struct ssi_worker {
	struct ssi_list link;  /* in ssi.parked */
	_Atomic uint32_t word; /* WORKER_EMPTY, ... */
	struct ssi_task *task; /* the job */
	bool parked;	       /* in the list; guarded by lock */
	bool kept;	       /* it was parked with its last task; its own thread's */
	bool unfit;	       /* a task changed what others rely on */
	uint32_t generation;
	struct ssi_patience *patience; /* with which it waits for its next task; its own thread's */
	bool named;		       /* the thread has the name of a task */
	struct worker_birth birth;
	void *fault_stack;
};

static struct {
	/* guarded by lock */
	unsigned alive; /* worker threads that have not ended */
	bool has_last;	/* last is to be joined */
	pthread_t last;
	_Atomic uint32_t ended; /* counts, for who waits for all */
} workers;

/* ---- making threads --------------------------------------------------------------------------------------------- */

/* Signals go to the threads of the program: the runtime's block all but those of their own making, and sig_keep. */
static void worker_mask(sigset_t *ret_mask)
{
	static const int own[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT, SIGPROF };

	sigfillset(ret_mask);
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		sigdelset(ret_mask, own[i]);
	for (int signo = 1; signo < 65; signo++)
		if (sigismember(&ssi.signals_kept, signo) == 1)
			sigdelset(ret_mask, signo);
}

static int worker_thread(void *(*main)(void *), void *arg, const struct ssi_task *task, const ss_task_opts *opts)
{
	size_t stack_size = opts && opts->stack_size ? opts->stack_size : ssi.config.stack_size;
	pthread_attr_t attr;
	bool inherit_mask = opts && task->flags & SS_TASK_INHERIT_MASK;
	sigset_t mask, before;
	pthread_t thread;
	int err;

	ssi_lock();
	err = ssi.config.max_threads && ssi.stats.threads >= ssi.config.max_threads ? EAGAIN : 0;
	if (!err)
		ssi.stats.threads++;
	ssi_unlock();
	if (err) {
		ssi_report_ceiling(task);
		return err;
	}

	if (opts && opts->attr) {
		/* A copy, since it has to be joinable; what it points to is the caller's, who is still here. */
		attr = *opts->attr;
		pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_JOINABLE);
	} else {
		err = pthread_attr_init(&attr);
		if (!err && stack_size)
			pthread_attr_setstacksize(
				&attr, stack_size < (size_t)PTHREAD_STACK_MIN ? (size_t)PTHREAD_STACK_MIN : stack_size);
	}
	if (!err) {
		if (!inherit_mask) {
			worker_mask(&mask);
			pthread_sigmask(SIG_SETMASK, &mask, &before);
		}
		err = pthread_create(&thread, &attr, main, arg);
		if (!inherit_mask)
			pthread_sigmask(SIG_SETMASK, &before, NULL);
		if (!opts || !opts->attr)
			pthread_attr_destroy(&attr);
	}
	if (err) {
		ssi_lock();
		ssi.stats.threads--;
		ssi_unlock();
	}
	return err && !(opts && opts->attr) ? EAGAIN : err;
}

/* ---- threads for one task --------------------------------------------------------------------------------------- */

struct worker_fresh {
	uint32_t generation;
	void *fault_stack;
};

static void worker_fresh_ends(void *arg)
{
	const struct worker_fresh *fresh = arg;

	if (!ssi_is_ours(fresh->generation))
		return;
	ssi_lock();
	ssi.stats.threads--;
	ssi_unlock();
	ssi_fault_stack_free(fresh->fault_stack);
}

static void *worker_fresh_main(void *arg)
{
	struct ssi_task *task = arg;
	struct worker_fresh fresh = { .generation = task->generation };

	task->thread = pthread_self();
	if (atomic_exchange_explicit(&task->begun, 2, memory_order_acq_rel) == 1)
		ssi_word_wake(&task->begun, true);
	while (!atomic_load_explicit(&task->turn, memory_order_acquire))
		ssi_word_wait(&task->turn, 0, SS_NEVER);
	ssi_tsan_acquire(&task->turn);
	if (*task->name)
		pthread_setname_np(pthread_self(), task->name);
	fresh.fault_stack = ssi_fault_stack();
	pthread_cleanup_push(worker_fresh_ends, &fresh);
	ssi_task_start(ssi_task_perform(task, NULL));
	pthread_cleanup_pop(1);
	return NULL;
}

int ssi_thread_create(struct ssi_task *task, const ss_task_opts *opts)
{
	return worker_thread(worker_fresh_main, task, task, opts);
}

bool ssi_thread_join(struct ssi_task *task, bool wait)
{
	void *value = NULL;

#ifdef __linux__
	if (!wait && pthread_tryjoin_np(task->thread, &value) != 0)
		return false;
#else
	if (!wait)
		return false;
#endif
	if (wait)
		pthread_join(task->thread, &value);
	if (task->exited) {
		task->value = value;
		task->given_pointer = true;
	}
	task->own_thread = false;
	return true;
}

/* ---- what a task may leave behind ------------------------------------------------------------------------------- */

static unsigned worker_rounding(void)
{
#if defined(__SSE__)
	return __builtin_ia32_stmxcsr() & ~0x3fu; /* all but the flags that operations set */
#else
	return 0;
#endif
}

static void worker_look(struct worker_birth *ret_birth)
{
	memset(ret_birth, 0, sizeof(*ret_birth));
	pthread_sigmask(SIG_SETMASK, NULL, &ret_birth->mask);
	ret_birth->locale = uselocale((locale_t)0);
	ret_birth->rounding = worker_rounding();
#ifdef __linux__
	sched_getaffinity(0, sizeof(ret_birth->affinity), &ret_birth->affinity);
#endif
}

static bool worker_same_mask(const sigset_t *a, const sigset_t *b)
{
	for (int signo = 1; signo < 65; signo++)
		if (sigismember(a, signo) != sigismember(b, signo))
			return false;
	return true;
}

bool ssi_worker_clean(struct ssi_worker *worker, const struct ssi_task *task)
{
	struct worker_birth now;
	const char *what;
	char who[320];

	errno = 0;
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	if (!ssi_debug())
		return true;
	worker_look(&now);
	what = !worker_same_mask(&now.mask, &worker->birth.mask) ? "signal mask"
	       : now.locale != worker->birth.locale		 ? "locale"
	       : now.rounding != worker->birth.rounding		 ? "floating-point mode"
	       :
#ifdef __linux__
	       memcmp(&now.affinity, &worker->birth.affinity, sizeof(now.affinity)) != 0 ? "affinity"
											 :
#endif
											 NULL;
	if (!what)
		return true;
	ssi_describe(who, sizeof(who), task, task->scope);
	worker->unfit = true;
	ssi_report("%s left its worker with another %s; the thread ends (see SS_TASK_FRESH)", who, what);
	return false;
}

/* Give back the pages of the stack that earlier tasks used and nobody needs while the worker is parked. */
static void worker_trim(void)
{
#if defined(__linux__) && defined(__GLIBC__)
	enum { WORKER_KEEP = 2 << 10 }; /* for what is below this frame's address: its variables, and madvise */
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), here = (uintptr_t)__builtin_frame_address(0), end;
	size_t size, guard;
	pthread_attr_t attr;
	void *stack;

	if (pthread_getattr_np(pthread_self(), &attr) != 0)
		return;
	end = (here - WORKER_KEEP) & ~(page - 1);
	if (pthread_attr_getstack(&attr, &stack, &size) == 0 && pthread_attr_getguardsize(&attr, &guard) == 0 &&
	    (uintptr_t)stack + guard < end)
		madvise((void *)((uintptr_t)stack + guard), end - ((uintptr_t)stack + guard), MADV_DONTNEED);
	pthread_attr_destroy(&attr);
#endif
}

/* ---- workers ---------------------------------------------------------------------------------------------------- */

/* Wait for a job; NULL: the worker ends. */
static struct ssi_task *worker_wait(struct ssi_worker *worker)
{
	int64_t half_ns = atomic_load_explicit(&ssi.idle_ns, memory_order_relaxed) / 2;
	ss_time until = ss_after(half_ns);
	bool trimmed = false;

	ssi_word_look(&worker->word, WORKER_EMPTY, worker->patience);
	for (;;) {
		uint32_t word = WORKER_EMPTY;
		bool late;

		atomic_compare_exchange_strong(&worker->word, &word, WORKER_SLEEPING);
		ssi_tsan_acquire(&worker->word);
		if (word == WORKER_JOB) {
			atomic_store_explicit(&worker->word, WORKER_EMPTY, memory_order_relaxed);
			return worker->task;
		}
		if (word == WORKER_LEAVE || word == WORKER_RETIRE)
			return NULL;
		late = ssi_word_wait(&worker->word, WORKER_SLEEPING, until) == ETIMEDOUT;
		if (!late)
			continue;
		if (!trimmed) {
			worker_trim();
			trimmed = true;
			until = ss_after(half_ns);
			continue;
		}
		ssi_lock();
		if (worker->parked) {
			worker->parked = false;
			ssi_list_remove(&worker->link);
			ssi.stats.parked--;
		} else {
			late = false; /* somebody has taken it: the job is on its way */
		}
		ssi_unlock();
		if (late)
			return NULL;
		until = SS_NEVER;
	}
}

static void worker_ends(void *arg)
{
	struct ssi_worker *worker = arg;
	bool has_previous, retired;
	pthread_t previous;

	if (!ssi_is_ours(worker->generation))
		return; /* in the child of a fork nobody counts it */
	retired = atomic_load_explicit(&worker->word, memory_order_relaxed) == WORKER_RETIRE;
	if (!retired)
		pthread_detach(pthread_self());
	ssi_lock();
	has_previous = retired && workers.has_last;
	previous = workers.last;
	if (retired) {
		workers.has_last = true;
		workers.last = pthread_self();
	}
	workers.alive--;
	ssi.stats.threads--;
	atomic_fetch_add_explicit(&workers.ended, 1, memory_order_release);
	ssi_unlock();
	ssi_word_wake(&workers.ended, true);
	ssi_fault_stack_free(worker->fault_stack);
	free(worker);
	if (has_previous)
		pthread_join(previous, NULL);
}

static void worker_serve(struct ssi_worker *worker)
{
	struct ssi_task *task = worker->task;

	while (task) {
		bool named = *task->name;

		if (named)
			pthread_setname_np(pthread_self(), task->name);
		else if (worker->named)
			pthread_setname_np(pthread_self(), "ss-worker");
		worker->named = named;
		worker->kept = false;
		task = ssi_task_perform(task, worker);
		if (task && worker->unfit) {
			ssi_task_start(task);
			task = NULL;
		} else if (!task && worker->kept) {
			task = worker_wait(worker);
		}
	}
}

static void *worker_main(void *arg)
{
	struct ssi_worker *worker = arg;

	pthread_setname_np(pthread_self(), "ss-worker");
	if (ssi_debug())
		worker_look(&worker->birth);
	worker->fault_stack = ssi_fault_stack();
	pthread_cleanup_push(worker_ends, worker);
	worker_serve(worker);
	pthread_cleanup_pop(1);
	return NULL;
}

void ssi_worker_park_locked(struct ssi_worker *worker, unsigned others)
{
	if (ssi.stats.parked >= ssi.config.max_parked)
		return;
	worker->kept = worker->parked = true;
	/* The last one first: its stack is warm, and the others get the chance to end. */
	ssi_list_append(ssi.parked.next, &worker->link);
	ssi.stats.parked++;
	worker->patience = ssi_patience_locked(&worker_patience, others);
}

static int worker_make(struct ssi_task *task)
{
	struct ssi_worker *worker = calloc(1, sizeof(*worker));
	int err;

	if (!worker)
		return EAGAIN;
	ssi_list_init(&worker->link);
	worker->task = task;
	worker->generation = atomic_load_explicit(&ssi.generation, memory_order_relaxed);
	ssi_lock();
	workers.alive++;
	ssi_unlock();
	err = worker_thread(worker_main, worker, task, NULL);
	if (!err)
		return 0;
	ssi_lock();
	workers.alive--;
	ssi_unlock();
	free(worker);
	return err;
}

struct ssi_worker *ssi_worker_take_locked(void)
{
	struct ssi_worker *worker;

	if (ssi_list_empty(&ssi.parked))
		return NULL;
	worker = SSI_CONTAINER(ssi.parked.next, struct ssi_worker, link);
	ssi_list_remove(&worker->link);
	worker->parked = false;
	ssi.stats.parked--;
	return worker;
}

static void worker_tell(struct ssi_worker *worker, uint32_t what)
{
	ssi_tsan_release(&worker->word);
	if (atomic_exchange_explicit(&worker->word, what, memory_order_acq_rel) == WORKER_SLEEPING)
		ssi_word_wake(&worker->word, false);
}

int ssi_worker_give(struct ssi_worker *worker, struct ssi_task *task)
{
	if (!worker)
		return worker_make(task);
	worker->task = task;
	worker_tell(worker, WORKER_JOB);
	return 0;
}

static void worker_tell_all_locked(uint32_t what)
{
	for (struct ssi_worker *worker; (worker = ssi_worker_take_locked());)
		worker_tell(worker, what);
}

void ssi_workers_dismiss_locked(void)
{
	worker_tell_all_locked(WORKER_LEAVE);
}

void ssi_workers_retire(void)
{
	for (;;) {
		uint32_t seen = atomic_load_explicit(&workers.ended, memory_order_acquire);
		bool over, has_last;
		pthread_t last;

		ssi_lock();
		worker_tell_all_locked(WORKER_RETIRE);
		over = !workers.alive;
		has_last = over && workers.has_last;
		last = workers.last;
		if (over)
			workers.has_last = false;
		ssi_unlock();
		if (has_last)
			pthread_join(last, NULL);
		if (over)
			return;
		ssi_word_wait(&workers.ended, seen, SS_NEVER);
	}
}

void ssi_workers_forked(void)
{
	for (struct ssi_list *link = ssi.parked.next, *next; link != &ssi.parked; link = next) {
		next = link->next;
		free(SSI_CONTAINER(link, struct ssi_worker, link));
	}
	ssi_list_init(&ssi.parked);
	workers.alive = 0;
	workers.has_last = false;
}
