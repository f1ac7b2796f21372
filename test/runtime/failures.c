// RUN: %run failures
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What the system refuses: every thread, allocation, descriptor, attribute, process and clock reading that the runtime
 * asks for fails once, the first one, the second one, and so on to the last; and then all from the first one on. Each
 * call says what its comment promises, each argument is freed, nothing is left, and nobody waits for ever.
 */
#include "support.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the system ---- */

enum kind { THREAD, MEMORY, DESCRIPTOR, ATTRIBUTE, CLOCK, PROCESS, KINDS };

static struct {
	atomic_int kind;
	atomic_long first; /* that fails, from 1; 0: none */
	atomic_bool all;   /* and all after it */
	atomic_long asked;
} plan;

static bool refused(int kind)
{
	long asked;

	if (kind != plan.kind || plan.first == 0)
		return false;
	asked = atomic_fetch_add(&plan.asked, 1) + 1;
	return asked == plan.first || (plan.all && asked > plan.first);
}

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg)
{
	return refused(THREAD) ? EAGAIN : __real_pthread_create(thread, attr, start, arg);
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
	return refused(MEMORY) ? NULL : __real_malloc(size);
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
	return refused(MEMORY) ? NULL : __real_calloc(count, size);
}

int __real_eventfd(unsigned count, int flags);
int __wrap_eventfd(unsigned count, int flags)
{
	if (!refused(DESCRIPTOR))
		return __real_eventfd(count, flags);
	errno = EMFILE;
	return -1;
}

int __real_pipe(int fds[2]);
int __wrap_pipe(int fds[2])
{
	if (!refused(DESCRIPTOR))
		return __real_pipe(fds);
	errno = EMFILE;
	return -1;
}

int __real_pthread_attr_init(pthread_attr_t *attr);
int __wrap_pthread_attr_init(pthread_attr_t *attr)
{
	return refused(ATTRIBUTE) ? ENOMEM : __real_pthread_attr_init(attr);
}

int __real_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void));
int __wrap_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
	return refused(MEMORY) ? ENOMEM : __real_pthread_atfork(prepare, parent, child);
}

int __real_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
	if (!refused(CLOCK))
		return __real_clock_gettime(clock, time);
	errno = EINVAL;
	return -1;
}

int __real_posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
			const posix_spawnattr_t *attr, char *const argv[], char *const envp[]);
int __wrap_posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
			const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	return refused(PROCESS) ? EAGAIN : __real_posix_spawnp(pid, file, actions, attr, argv, envp);
}

/* ---- the scenario: everything that asks for something ---- */

static atomic_int ran, freed;

static int run(void *arg)
{
	(void)arg;
	atomic_fetch_add(&ran, 1);
	return 0;
}

static void free_it(void *arg)
{
	(void)arg;
	atomic_fetch_add(&freed, 1);
}

static int fail_now(void *arg)
{
	(void)arg;
	return EDOM;
}

static int read_silence(void *fds)
{
	char byte;

	/* Without a descriptor for its token it cannot wait: EMFILE. */
	CHECK_EQ(ss_read(*(int *)fds, &byte, 1), -1);
	CHECK(errno == ECANCELED || errno == EMFILE);
	return 0;
}

static int sleep_on(void *arg)
{
	(void)arg;
	return ss_sleep_until(SS_NEVER);
}

static bool is_one_of(int err, const int *allowed)
{
	while (*allowed && *allowed != err)
		allowed++;
	return *allowed == err; /* 0 is always allowed */
}
#define CHECK_IN(call, ...) check_in((call), (const int[]){ __VA_ARGS__, 0 }, #call, __LINE__)
static int check_in(int err, const int *allowed, const char *call, int line)
{
	if (!is_one_of(err, allowed)) {
		fprintf(stderr, "%s:%d: kind %d, number %ld%s: %s is %d (%s)\n", __FILE__, line, plan.kind, plan.first,
			plan.all ? " and all after it" : "", call, err, strerror(err));
		abort();
	}
	return err;
}

static void use_tasks(void)
{
	const ss_task_opts owned = { .name = "owned", .arg_free = free_it };
	const ss_task_opts fresh = { .name = "fresh", .flags = SS_TASK_FRESH, .arg_free = free_it };
	const ss_task_opts large = { .name = "large", .stack_size = 1 << 20, .arg_free = free_it };
	char big[500] = { 0 };
	int started = 0, asked = 0;
	ss_scope scope;
	ss_task task, other;

	atomic_store(&ran, 0);
	atomic_store(&freed, 0);
	if (CHECK_IN(ss_scope_open(&scope, &(ss_scope_opts){ .name = "tasks", .flags = SS_SUPERVISE }, SS_HERE), EAGAIN,
		     ENOMEM)) {
		CHECK_EQ(ss_scope_join(&scope, NULL), EINVAL);
		ss_scope_fini(&scope);
		return;
	}
	asked++;
	started += !CHECK_IN(ss_spawn_at(&scope, &task, &owned, run, NULL, SS_HERE), EAGAIN, ENOMEM);
	if (started)
		CHECK_EQ(ss_task_join(&task, NULL), 0);
	for (int i = 0; i < 3; i++) {
		asked += 4;
		started += !CHECK_IN(ss_spawn_at(&scope, NULL, &owned, run, NULL, SS_HERE), EAGAIN, ENOMEM);
		started += !CHECK_IN(ss_spawn_at(&scope, NULL, &fresh, run, NULL, SS_HERE), EAGAIN, ENOMEM);
		started += !CHECK_IN(ss_spawn_at(&scope, NULL, &large, run, NULL, SS_HERE), EAGAIN, ENOMEM);
		started += !CHECK_IN(ss_spawn_copy_at(&scope, NULL, &owned, run, big, sizeof(big), SS_HERE), EAGAIN,
				     ENOMEM);
	}
	CHECK_IN(ss_scope_join(&scope, NULL), 0);
	CHECK_EQ(ran, started);
	CHECK_EQ(freed, asked);
	ss_scope_fini(&scope);

	/* With a limit: a task that no thread could be had for when its turn came has failed with EAGAIN. */
	if (CHECK_IN(ss_scope_open(&scope, &(ss_scope_opts){ .name = "few", .limit = 1 }, SS_HERE), EAGAIN, ENOMEM))
		return;
	if (!CHECK_IN(ss_spawn_at(&scope, &task, NULL, run, NULL, SS_HERE), EAGAIN, ENOMEM))
		CHECK_IN(ss_spawn_at(&scope, &other, &fresh, run, NULL, SS_HERE), EAGAIN, ENOMEM);
	CHECK_IN(ss_scope_join(&scope, NULL), EAGAIN);
	ss_scope_fini(&scope);
}

static void use_errors(void)
{
	ss_error errors[8];
	ss_scope scope;
	int started = 0;
	unsigned told;

	if (CHECK_IN(ss_scope_open(&scope, &(ss_scope_opts){ .name = "errors", .flags = SS_SUPERVISE }, SS_HERE),
		     EAGAIN, ENOMEM))
		return;
	for (int i = 0; i < 4; i++)
		started += !CHECK_IN(ss_spawn(&scope, fail_now, NULL), EAGAIN, ENOMEM);
	CHECK_EQ(ss_scope_join(&scope, NULL), started ? EDOM : 0);
	/* An error that there is no memory for is counted. */
	told = ss_scope_errors(&scope, errors, COUNT(errors));
	CHECK_EQ(told, started);
	CHECK(!started || errors[0].code == EDOM);
	ss_scope_fini(&scope);
}

static void use_cancellation(void)
{
	int fds[2], fd;
	ss_scope scope;
	ss_cancel token;

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	if (!CHECK_IN(ss_scope_open(&scope, &(ss_scope_opts){ .name = "cancelled" }, SS_HERE), EAGAIN, ENOMEM)) {
		CHECK_IN(ss_spawn(&scope, read_silence, &fds[0]), EAGAIN, ENOMEM);
		CHECK_IN(ss_spawn(&scope, sleep_on, NULL), EAGAIN, ENOMEM);
		ss_scope_cancel(&scope, ECANCELED, "%s", "a text that wants memory");
		CHECK_EQ(ss_scope_join(&scope, NULL), ECANCELED);
		ss_scope_fini(&scope);
	}
	if (!CHECK_IN(ss_cancel_init(&token, NULL), EAGAIN, ENOMEM)) {
		fd = ss_cancel_fd(&token);
		CHECK(fd >= 0 || errno == EMFILE);
		ss_cancel_fire(&token, EINTR, "%s", "again");
		CHECK_EQ(ss_cancel_state(&token), ECANCELED);
		CHECK_EQ(ss_cancel_wait(&token, SS_NEVER), 0);
		ss_cancel_done(&token);
	}
	close(fds[0]);
	close(fds[1]);
}

static struct gate rang = GATE_INIT;

static int ring(void *arg)
{
	(void)arg;
	gate_open(&rang);
	return 0;
}

static void use_the_rest(void)
{
	static const char *const argv[] = { "true", NULL };
	ss_scope scope;
	ss_service service;
	ss_timer timer;
	ss_error error;

	memset(&service, 0, sizeof(service));
	if (!CHECK_IN(ss_scope_open(&scope, &(ss_scope_opts){ .name = "rest" }, SS_HERE), EAGAIN, ENOMEM)) {
		CHECK_IN(ss_timer_start(&scope, &timer, 0, SS_MS(1), ring, NULL), EAGAIN, ENOMEM);
		CHECK_IN(ss_spawn_process(&scope, argv, SS_SEC(1)), EAGAIN, ENOMEM);
		CHECK_IN(ss_scope_join(&scope, &error), EAGAIN, ENOMEM, EMFILE, EINVAL);
		ss_scope_fini(&scope);
	}
	if (!CHECK_IN(ss_service_start(&service, NULL, sleep_on, NULL), EAGAIN, ENOMEM))
		CHECK_EQ(ss_service_stop(&service, SS_NEVER, NULL), 0);
}

static void (*const scenarios[])(void) = { use_tasks, use_errors, use_cancellation, use_the_rest };

/* From a cold start: no helper, no workers. */
static void run_cold(void (*scenario)(void), long first, bool all)
{
	CHECK_EQ(ss_drain(SS_NEVER), 0);
	atomic_store(&plan.asked, 0);
	plan.all = all;
	plan.first = first;
	scenario();
	plan.first = 0;
	CHECK_EQ(ss_leak_check(SS_SEC(60)), 0);
}

static void refuse(enum kind kind)
{
	unsigned refusals = 0;

	plan.kind = kind;
	for (size_t i = 0; i < COUNT(scenarios); i++) {
		for (long first = 1;; first++) {
			alarm(200);
			run_cold(scenarios[i], first, false);
			if (atomic_load(&plan.asked) < first)
				break;
			refusals++;
			run_cold(scenarios[i], first, true);
		}
	}
	assert_true(refusals > 0);
}

static void test_threads(void **state)
{
	(void)state;
	refuse(THREAD);
}

static void test_memory(void **state)
{
	(void)state;
	refuse(MEMORY);
}

static void test_descriptors(void **state)
{
	(void)state;
	refuse(DESCRIPTOR);
}

static void test_attributes(void **state)
{
	(void)state;
	refuse(ATTRIBUTE);
}

static void test_processes(void **state)
{
	(void)state;
	refuse(PROCESS);
}

static void test_the_clock(void **state)
{
	(void)state;
	refuse(CLOCK);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_threads),	   cmocka_unit_test(test_memory),    cmocka_unit_test(test_descriptors),
	cmocka_unit_test(test_attributes), cmocka_unit_test(test_processes), cmocka_unit_test(test_the_clock),
};

SUPPORT_MAIN(tests, NULL)
