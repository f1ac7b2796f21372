/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What the runtime costs, and beside it what there is otherwise. bench/runtime compiles this file, runs its parts and
 * makes ratios of what they print: a line CASE COUNT VALUE for each case of each round.
 *
 *     spawn ROUNDS COUNT    ns per task: start COUNT tasks that do nothing, wait for all
 *     blocked ROUNDS COUNT  ns per task: start COUNT tasks, wait until all are blocked, end and join them
 *     wake ROUNDS COUNT     ns from a signal or cancellation to the waiter, blocked by then, going on; median of COUNT
 *     calls ROUNDS COUNT    ns per call of what makes no thread; allocations of COUNT/100 spawns
 *     timer ROUNDS COUNT    ns of processor time per call of a function that is called COUNT times, each millisecond
 *     parked 1 COUNT        bytes in memory per parked worker
 *
 * The cases of a part take turns in one process: only times that were taken so can be compared. In each round another
 * one goes first. Each count has a process of its own: of workers that a larger one left some would be trimmed, or end,
 * in the middle of the others.
 */
#include "safespawn.h"

#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))
#define MUST(call) must((call), #call, __LINE__)

enum { WIDTH = 2 /* of pools and limits */ };

static const size_t STACK_BYTES = 256 << 10; /* of threads that are blocked by the thousand */

static void must(int err, const char *call, int line)
{
	if (!err)
		return;
	fprintf(stderr, "runtime-cases: error: line %d: %s: %s\n", line, call, strerror(err));
	exit(2);
}

/* One measurement: a number for @count, whatever the part says it is. */
struct bench_case {
	const char *name;
	double (*run)(unsigned count);
};

/* Threads that have nothing to do any more go to sleep, those of OpenMP after a while of looking. */
static void settle(void)
{
	usleep(20000);
}

/* A few tasks are over before a clock says much, and before a processor that was idle is awake: often, and the mean. */
static double run_often(const struct bench_case *now, unsigned count)
{
	const unsigned times = count < 100 ? 100 / count : 1;
	double sum = 0;

	for (unsigned i = 0; i < times; i++)
		sum += now->run(count);
	return sum / times;
}

static void take_turns(const struct bench_case *cases, size_t count_cases, unsigned rounds, unsigned count)
{
	for (unsigned round = 0; round < rounds; round++) {
		for (size_t turn = 0; turn < count_cases; turn++) {
			const struct bench_case *now = &cases[(turn + round) % count_cases];

			printf("%s %u %.1f\n", now->name, count, run_often(now, count));
			fflush(stdout);
			settle();
		}
	}
}

/* ---- what the tasks do ------------------------------------------------------------------------------------------ */

__attribute__((noinline)) static int nothing(void *arg)
{
	__asm__ volatile("" : : "r"(arg) : "memory");
	return 0;
}

static void *nothing_ptr(void *arg)
{
	nothing(arg);
	return NULL;
}

static ss_task *tasks;
static pthread_t *threads;

static uv_work_t *works;

static void make_room(unsigned count)
{
	tasks = calloc(count, sizeof(*tasks));
	threads = calloc(count, sizeof(*threads));
	works = calloc(count, sizeof(*works));
	MUST(tasks && threads && works ? 0 : ENOMEM);
}

/* ---- spawn ------------------------------------------------------------------------------------------------------ */

static double per_task(ss_time start, unsigned count)
{
	return (double)(ss_now() - start) / count;
}

static double run_pthread(unsigned count)
{
	ss_time start = ss_now();

	for (unsigned i = 0; i < count; i++)
		MUST(pthread_create(&threads[i], NULL, nothing_ptr, NULL));
	for (unsigned i = 0; i < count; i++)
		MUST(pthread_join(threads[i], NULL));
	return per_task(start, count);
}

static double run_scope(unsigned count, unsigned limit, unsigned flags)
{
	ss_time start = ss_now();

	SS_SCOPE(scope, .limit = limit);
	MUST(scope_rc);
	for (unsigned i = 0; i < count; i++)
		MUST(ss_spawn_task(&scope, &tasks[i], flags, nothing, NULL));
	MUST(ss_scope_join(&scope, NULL));
	return per_task(start, count);
}

static double run_fresh(unsigned count)
{
	return run_scope(count, 0, SS_TASK_FRESH);
}

static double run_cached(unsigned count)
{
	return run_scope(count, 0, 0);
}

static double run_limit_owner(unsigned count)
{
	return run_scope(count, WIDTH, 0);
}

struct inside {
	ss_scope *scope;
	unsigned count;
};

static int spawn_inside(void *arg)
{
	struct inside *inside = arg;

	for (unsigned i = 0; i < inside->count; i++)
		MUST(ss_spawn_task(inside->scope, &tasks[i], 0, nothing, NULL));
	return 0;
}

static double run_inside(unsigned count, unsigned flags)
{
	ss_time start = ss_now();

	SS_SCOPE(scope, .limit = WIDTH, .flags = flags);
	struct inside inside = { &scope, count };

	MUST(scope_rc);
	MUST(ss_spawn(&scope, spawn_inside, &inside));
	MUST(ss_scope_join(&scope, NULL));
	return per_task(start, count);
}

static double run_limit_inside(unsigned count)
{
	return run_inside(count, 0);
}

static double run_limit_help(unsigned count)
{
	return run_inside(count, SS_HELP);
}

/* Pools do not say when a set of tasks is done: the last one to end does. */
static struct {
	atomic_uint left;
	pthread_mutex_t lock;
	pthread_cond_t done;
	bool is_done; /* guarded by lock */
} countdown = { .lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER };

static void countdown_start(unsigned count)
{
	countdown.is_done = false;
	atomic_store(&countdown.left, count);
}

static void countdown_step(void)
{
	if (atomic_fetch_sub(&countdown.left, 1) != 1)
		return;
	pthread_mutex_lock(&countdown.lock);
	countdown.is_done = true;
	pthread_cond_signal(&countdown.done);
	pthread_mutex_unlock(&countdown.lock);
}

static void countdown_wait(void)
{
	pthread_mutex_lock(&countdown.lock);
	while (!countdown.is_done)
		pthread_cond_wait(&countdown.done, &countdown.lock);
	pthread_mutex_unlock(&countdown.lock);
}

static void glib_task(gpointer data, gpointer unused)
{
	(void)unused;
	nothing(data);
	countdown_step();
}

static double run_glib_pool(GThreadPool *pool, unsigned count)
{
	ss_time start = ss_now();

	countdown_start(count);
	for (unsigned i = 0; i < count; i++)
		g_thread_pool_push(pool, &countdown, NULL);
	countdown_wait();
	return per_task(start, count);
}

static GThreadPool *glib_exclusive, *glib_shared;

static double run_glib(unsigned count)
{
	return run_glib_pool(glib_exclusive, count);
}

static double run_glib_unlimited(unsigned count)
{
	return run_glib_pool(glib_shared, count);
}

static void uv_task(uv_work_t *work)
{
	nothing(work);
}

static double run_uv(unsigned count)
{
	ss_time start = ss_now();

	for (unsigned i = 0; i < count; i++)
		MUST(-uv_queue_work(uv_default_loop(), &works[i], uv_task, NULL));
	MUST(uv_run(uv_default_loop(), UV_RUN_DEFAULT));
	return per_task(start, count);
}

static double run_openmp(unsigned count)
{
	ss_time start = ss_now();

#pragma omp parallel num_threads(WIDTH)
#pragma omp single
#pragma omp taskgroup
	for (unsigned i = 0; i < count; i++) {
#pragma omp task
		nothing(NULL);
	}
	return per_task(start, count);
}

static void part_spawn(unsigned rounds, unsigned count)
{
	static const struct bench_case cases[] = {
		{ "pthread", run_pthread },
		{ "fresh", run_fresh },
		{ "cached", run_cached },
		{ "limit-owner", run_limit_owner },
		{ "limit-inside", run_limit_inside },
		{ "limit-help", run_limit_help },
		{ "glib", run_glib },
		{ "glib-unlimited", run_glib_unlimited },
		{ "uv", run_uv },
		{ "openmp", run_openmp },
	};

	glib_exclusive = g_thread_pool_new(glib_task, NULL, WIDTH, TRUE, NULL);
	glib_shared = g_thread_pool_new(glib_task, NULL, -1, FALSE, NULL);
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		cases[i].run(1); /* makes its threads */
	take_turns(cases, COUNT_OF(cases), rounds, count);
	g_thread_pool_free(glib_exclusive, FALSE, TRUE);
	g_thread_pool_free(glib_shared, FALSE, TRUE);
}

/* ---- blocked ---------------------------------------------------------------------------------------------------- */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool ends; /* guarded by lock */
} crowd = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static void *crowd_thread(void *arg)
{
	pthread_mutex_lock(&crowd.lock);
	countdown_step();
	while (!crowd.ends)
		pthread_cond_wait(&crowd.changed, &crowd.lock);
	pthread_mutex_unlock(&crowd.lock);
	return arg;
}

static double run_crowd_pthread(unsigned count)
{
	pthread_attr_t attr;
	ss_time start;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	crowd.ends = false;
	start = ss_now();
	countdown_start(count);
	for (unsigned i = 0; i < count; i++)
		MUST(pthread_create(&threads[i], &attr, crowd_thread, NULL));
	countdown_wait();
	pthread_mutex_lock(&crowd.lock);
	crowd.ends = true;
	pthread_cond_broadcast(&crowd.changed);
	pthread_mutex_unlock(&crowd.lock);
	for (unsigned i = 0; i < count; i++)
		MUST(pthread_join(threads[i], NULL));
	pthread_attr_destroy(&attr);
	return per_task(start, count);
}

static int crowd_task(void *arg)
{
	(void)arg;
	countdown_step();
	return ss_sleep_until(SS_NEVER);
}

static double run_crowd_scope(unsigned count)
{
	ss_time start = ss_now();

	SS_SCOPE(scope, .name = "crowd");
	MUST(scope_rc);
	countdown_start(count);
	for (unsigned i = 0; i < count; i++)
		MUST(ss_spawn_task(&scope, &tasks[i], 0, crowd_task, NULL));
	countdown_wait();
	ss_scope_cancel(&scope, 0, NULL);
	MUST(ss_scope_join(&scope, NULL));
	return per_task(start, count);
}

static const struct bench_case blocked_cases[] = {
	{ "pthread", run_crowd_pthread },
	{ "scope", run_crowd_scope },
};

static void part_blocked(unsigned rounds, unsigned count)
{
	run_crowd_scope(count); /* makes the workers: warm is what is asked */
	take_turns(blocked_cases, COUNT_OF(blocked_cases), rounds, count);
}

/* ---- wake ------------------------------------------------------------------------------------------------------- */

static struct {
	sem_t begin, end;
	atomic_bool is_about_to;
	int (*wait)(void *unused);
	ss_cancel token;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool signalled; /* guarded by lock */
	int fds[2];
	ss_time since, woken;
} sleeper = { .lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER };

static int wait_signal(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&sleeper.lock);
	atomic_store(&sleeper.is_about_to, true);
	while (!sleeper.signalled)
		pthread_cond_wait(&sleeper.cond, &sleeper.lock);
	sleeper.woken = ss_now();
	pthread_mutex_unlock(&sleeper.lock);
	return 0;
}

static int wait_cond(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&sleeper.lock);
	atomic_store(&sleeper.is_about_to, true);
	while (ss_cond_wait(&sleeper.cond, &sleeper.lock) == 0)
		;
	sleeper.woken = ss_now();
	pthread_mutex_unlock(&sleeper.lock);
	return 0;
}

static int wait_sleep(void *unused)
{
	(void)unused;
	atomic_store(&sleeper.is_about_to, true);
	ss_sleep_until(SS_NEVER);
	sleeper.woken = ss_now();
	return 0;
}

static int wait_read(void *unused)
{
	char byte;

	(void)unused;
	atomic_store(&sleeper.is_about_to, true);
	if (ss_read(sleeper.fds[0], &byte, 1) >= 0)
		MUST(EINVAL);
	sleeper.woken = ss_now();
	return 0;
}

static void *sleeper_main(void *arg)
{
	for (;;) {
		while (sem_wait(&sleeper.begin) != 0)
			;
		if (!sleeper.wait)
			return arg;
		MUST(ss_with_token(&sleeper.token, sleeper.wait, NULL));
		sem_post(&sleeper.end);
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The median of @count. */
static double wake(int (*wait)(void *unused), unsigned count)
{
	double *times = calloc(count, sizeof(*times)), median;

	MUST(times ? 0 : ENOMEM);
	for (unsigned i = 0; i < count; i++) {
		MUST(ss_cancel_init(&sleeper.token, NULL));
		sleeper.wait = wait;
		sleeper.signalled = false;
		atomic_store(&sleeper.is_about_to, false);
		sem_post(&sleeper.begin);
		while (!atomic_load(&sleeper.is_about_to))
			usleep(50);
		usleep(200); /* it is asleep by now; if not, this one is faster than the others */
		if (wait == wait_signal) {
			pthread_mutex_lock(&sleeper.lock);
			sleeper.signalled = true;
			pthread_mutex_unlock(&sleeper.lock);
			sleeper.since = ss_now();
			pthread_cond_signal(&sleeper.cond);
		} else {
			sleeper.since = ss_now();
			ss_cancel_fire(&sleeper.token, ECANCELED, NULL);
		}
		while (sem_wait(&sleeper.end) != 0)
			;
		times[i] = (double)(sleeper.woken - sleeper.since);
		ss_cancel_done(&sleeper.token);
	}
	qsort(times, count, sizeof(*times), compare);
	median = times[count / 2];
	free(times);
	return median;
}

static double run_wake_signal(unsigned count)
{
	return wake(wait_signal, count);
}

static double run_wake_cond(unsigned count)
{
	return wake(wait_cond, count);
}

static double run_wake_sleep(unsigned count)
{
	return wake(wait_sleep, count);
}

static double run_wake_read(unsigned count)
{
	return wake(wait_read, count);
}

/* Per task: from the cancellation of as many as are measured one by one otherwise to the end of the join. */
static double run_wake_crowd(unsigned count)
{
	ss_time start;

	SS_SCOPE(scope, .name = "crowd");
	MUST(scope_rc);
	countdown_start(count);
	for (unsigned i = 0; i < count; i++)
		MUST(ss_spawn_task(&scope, &tasks[i], 0, crowd_task, NULL));
	countdown_wait();
	settle();
	start = ss_now();
	ss_scope_cancel(&scope, 0, NULL);
	MUST(ss_scope_join(&scope, NULL));
	return per_task(start, count);
}

static const struct bench_case wake_cases[] = {
	{ "signal", run_wake_signal }, { "sleep", run_wake_sleep }, { "cond", run_wake_cond },
	{ "read", run_wake_read },     { "crowd", run_wake_crowd },
};

static void part_wake(unsigned rounds, unsigned count)
{
	pthread_t thread;

	MUST(sem_init(&sleeper.begin, 0, 0) | sem_init(&sleeper.end, 0, 0) | pipe(sleeper.fds) ? errno : 0);
	MUST(pthread_create(&thread, NULL, sleeper_main, NULL));
	run_wake_crowd(count); /* makes the workers */
	take_turns(wake_cases, COUNT_OF(wake_cases), rounds, count);
	sleeper.wait = NULL;
	sem_post(&sleeper.begin);
	pthread_join(thread, NULL);
}

/* ---- calls ------------------------------------------------------------------------------------------------------ */

static atomic_uint allocations;

/* The linker calls these instead: see bench/runtime. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_malloc(size_t size)
{
	atomic_fetch_add(&allocations, 1);
	return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	atomic_fetch_add(&allocations, 1);
	return __real_calloc(count, size);
}

static double run_open_join(unsigned count)
{
	ss_time start = ss_now();

	for (unsigned i = 0; i < count; i++) {
		SS_SCOPE(scope, .name = "inner");
		MUST(scope_rc);
		MUST(ss_scope_join(&scope, NULL));
	}
	return per_task(start, count);
}

static double run_checkpoint(unsigned count)
{
	ss_time start = ss_now();

	for (unsigned i = 0; i < count; i++)
		MUST(ss_cancelled());
	return per_task(start, count);
}

static double run_boundary(unsigned count)
{
	ss_time start = ss_now();

	for (unsigned i = 0; i < count; i++)
		MUST(ss_try(nothing, NULL, NULL));
	return per_task(start, count);
}

/* As many as there are calls would take minutes. */
static double run_some_pthreads(unsigned count)
{
	return run_pthread(count / 100);
}

static double run_allocations(unsigned count)
{
	unsigned before;

	SS_SCOPE(scope, .name = "inner");
	MUST(scope_rc);
	before = atomic_load(&allocations);
	for (unsigned i = 0; i < count / 100; i++) {
		int rc;

		MUST(ss_spawn_task(&scope, &tasks[0], 0, nothing, NULL));
		MUST(ss_task_join(&tasks[0], &rc));
	}
	MUST(ss_scope_join(&scope, NULL));
	return (double)(atomic_load(&allocations) - before);
}

static const struct bench_case calls_cases[] = {
	{ "pthread", run_some_pthreads }, { "open-join", run_open_join },     { "checkpoint", run_checkpoint },
	{ "boundary", run_boundary },	  { "allocations", run_allocations },
};

static void part_calls(unsigned rounds, unsigned count)
{
	run_cached(1); /* makes a worker */
	/* The scope around them is what the inner ones are linked to. */
	SS_SCOPE(scope, .name = "outer");
	MUST(scope_rc);
	take_turns(calls_cases, COUNT_OF(calls_cases), rounds, count);
	MUST(ss_scope_join(&scope, NULL));
}

/* ---- timer ------------------------------------------------------------------------------------------------------ */

static double processor_ns(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return 1e9 * (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       1e3 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* Calls that are left; the last one says so, and the timer may go on while it is stopped. */
static atomic_int beats;

static void beat(void)
{
	if (atomic_fetch_sub(&beats, 1) == 1)
		sem_post(&sleeper.end);
}

static void wait_for_beats(void)
{
	while (sem_wait(&sleeper.end) != 0)
		;
}

static void beat_signal(union sigval value)
{
	(void)value;
	beat();
}

static double run_sigev_thread(unsigned count)
{
	const struct timespec period = { 0, 1000000 };
	struct sigevent event = { .sigev_notify = SIGEV_THREAD, .sigev_notify_function = beat_signal };
	double before = processor_ns();
	timer_t timer;

	atomic_store(&beats, (int)count);
	MUST(timer_create(CLOCK_MONOTONIC, &event, &timer) ? errno : 0);
	MUST(timer_settime(timer, 0, &(struct itimerspec){ period, period }, NULL) ? errno : 0);
	wait_for_beats();
	timer_delete(timer);
	settle();
	return (processor_ns() - before) / count;
}

static int beat_task(void *unused)
{
	(void)unused;
	beat();
	return 0;
}

static double run_timer(unsigned count)
{
	double before = processor_ns();
	ss_timer timer;

	SS_SCOPE(scope, .name = "beats");
	MUST(scope_rc);
	atomic_store(&beats, (int)count);
	MUST(ss_timer_start(&scope, &timer, SS_MS(1), SS_MS(1), beat_task, NULL));
	wait_for_beats();
	MUST(ss_timer_stop(&timer));
	MUST(ss_scope_join(&scope, NULL));
	settle();
	return (processor_ns() - before) / count;
}

static const struct bench_case timer_cases[] = {
	{ "sigev-thread", run_sigev_thread },
	{ "timer", run_timer },
};

static void part_timer(unsigned rounds, unsigned count)
{
	MUST(sem_init(&sleeper.end, 0, 0) ? errno : 0);
	take_turns(timer_cases, COUNT_OF(timer_cases), rounds, count);
}

/* ---- parked ----------------------------------------------------------------------------------------------------- */

static size_t resident_bytes(void)
{
	FILE *maps = fopen("/proc/self/smaps_rollup", "r");
	unsigned long kib = 0;
	char line[256];

	MUST(maps ? 0 : errno);
	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "Rss: %lu kB", &kib) == 1)
			break;
	fclose(maps);
	return (size_t)kib << 10;
}

/* Threads that ended by themselves are not joined, and have a stack a little longer. */
static void wait_to_be_alone(void)
{
	unsigned count;

	do {
		FILE *status = fopen("/proc/self/status", "r");
		char line[256];

		MUST(status ? 0 : errno);
		count = 0;
		while (count == 0 && fgets(line, sizeof(line), status))
			sscanf(line, "Threads: %u", &count);
		fclose(status);
		settle();
	} while (count > 1);
}

static size_t use_bytes; /* of stack, by each task of the crowd */

static int crowd_uses_stack(void *arg)
{
	volatile char used[use_bytes + 1];

	for (size_t i = 0; i < sizeof(used); i += 512)
		used[i] = 1;
	return crowd_task(arg);
}

/* What @count workers keep in memory once they are parked and have given back what they can: the least that is seen. */
static double parked_bytes(unsigned count, size_t stack_bytes)
{
	size_t before = resident_bytes(), least = SIZE_MAX;
	ss_stats stats;

	use_bytes = stack_bytes;
	{
		SS_SCOPE(scope, .name = "crowd");
		MUST(scope_rc);
		countdown_start(count);
		for (unsigned i = 0; i < count; i++)
			MUST(ss_spawn_task(&scope, &tasks[i], 0, crowd_uses_stack, NULL));
		countdown_wait();
		ss_scope_cancel(&scope, 0, NULL);
		MUST(ss_scope_join(&scope, NULL));
	}
	/* They end when they were idle for long enough: with the first one that does it is over. */
	for (;;) {
		size_t now = resident_bytes();

		ss_get_stats(&stats);
		if (stats.parked < count)
			break;
		least = now < least ? now : least;
		usleep(10000);
	}
	MUST(ss_drain(SS_NEVER));
	wait_to_be_alone();
	/* A machine that has no time for us: once more. */
	return least == SIZE_MAX ? parked_bytes(count, stack_bytes) : ((double)least - (double)before) / count;
}

static void part_parked(unsigned rounds, unsigned count)
{
	(void)rounds;
	memset(tasks, 1, count * sizeof(*tasks)); /* in memory before as well as after */
	parked_bytes(count, 0);			  /* and so is what libc keeps for threads to come */
	printf("small %u %.1f\n", count, parked_bytes(count, 0));
	printf("large %u %.1f\n", count, parked_bytes(count, 100 << 10));
}

/* ---- the main function ------------------------------------------------------------------------------------------ */

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(unsigned rounds, unsigned count);
	} parts[] = {
		{ "spawn", part_spawn }, { "blocked", part_blocked }, { "wake", part_wake },
		{ "calls", part_calls }, { "timer", part_timer },     { "parked", part_parked },
	};
	unsigned rounds = argc == 4 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	unsigned count = argc == 4 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
	ss_config config = { .max_parked = 20000 };
	size_t part = 0;

	while (rounds && count && part < COUNT_OF(parts) && strcmp(parts[part].name, argv[1]) != 0)
		part++;
	MUST(rounds && count && part < COUNT_OF(parts) ? 0 : EINVAL);
	if (parts[part].run == part_blocked)
		config.stack_size = STACK_BYTES;
	if (parts[part].run == part_parked) /* time enough for all to be parked before the first one ends */
		config.idle_ns = SS_MS(500) + SS_MS(2) * count;
	MUST(ss_configure(&config));
	make_room(count);
	parts[part].run(rounds, count);
	free(tasks);
	free(threads);
	free(works);
	MUST(ss_drain(SS_NEVER));
	return 0;
}
