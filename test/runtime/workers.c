// RUN: %run workers
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Workers: reused, kept clean, retired; and what ss_configure says about them. */
#include "support.h"

#include <locale.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

static int do_nothing(void *arg)
{
	(void)arg;
	return 0;
}

static int tell_thread(void *arg)
{
	*(pthread_t *)arg = pthread_self();
	return 0;
}

static void parked_workers_are_reused(void **state)
{
	ss_stats before, after;
	pthread_t first, second;
	ss_task task;

	(void)state;
	SS_SCOPE(scope, .name = NULL);
	assert_int_equal(ss_spawn_task(&scope, &task, 0, tell_thread, &first), 0);
	assert_int_equal(ss_task_join(&task, NULL), 0);
	ss_get_stats(&before);
	for (int i = 0; i < 10; i++) {
		/* Parked before its end is announced: the one that was joined is there for the next. */
		assert_int_equal(ss_spawn_task(&scope, &task, 0, tell_thread, &second), 0);
		assert_int_equal(ss_task_join(&task, NULL), 0);
		assert_true(pthread_equal(first, second));
	}
	ss_get_stats(&after);
	assert_int_equal(after.reused - before.reused, 10);
	assert_int_equal(after.threads, before.threads);
}

static int set_errno(void *arg)
{
	(void)arg;
	errno = 99;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	return 0;
}

static int look_at_state(void *arg)
{
	int before;

	(void)arg;
	CHECK_EQ(errno, 0);
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &before);
	CHECK_EQ(before, PTHREAD_CANCEL_ENABLE);
	return 0;
}

static void small_things_are_put_right(void **state)
{
	ss_task task;

	(void)state;
	SS_SCOPE(scope, .name = NULL);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ss_spawn_task(&scope, &task, 0, set_errno, NULL), 0);
		assert_int_equal(ss_task_join(&task, NULL), 0);
		assert_int_equal(ss_spawn_task(&scope, &task, 0, look_at_state, NULL), 0);
		assert_int_equal(ss_task_join(&task, NULL), 0);
	}
}

static int tell_tid(void *arg)
{
	*(pid_t *)arg = (pid_t)syscall(SYS_gettid);
	return 0;
}

static int change_mask(void *arg)
{
	sigset_t none;

	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
	return tell_tid(arg);
}

static int change_locale(void *arg)
{
	uselocale(newlocale(LC_ALL_MASK, "C", (locale_t)0));
	return tell_tid(arg);
}

static void changed_workers_end(void **state)
{
	static const struct {
		ss_fn body;
		const char *what;
	} all[] = { { change_mask, "another signal mask" }, { change_locale, "another locale" } };

	(void)state;
	if (support_is("release"))
		return; /* compared in debug builds only */
	for (size_t i = 0; i < COUNT(all); i++) {
		pid_t first, second;
		ss_task task;

		SS_SCOPE(scope, .name = NULL);
		assert_int_equal(ss_spawn_task(&scope, &task, 0, all[i].body, &first), 0);
		assert_int_equal(ss_task_join(&task, NULL), 0);
		reports_wait_for(all[i].what);
		assert_int_equal(ss_spawn_task(&scope, &task, 0, tell_tid, &second), 0);
		assert_int_equal(ss_task_join(&task, NULL), 0);
		assert_int_not_equal(first, second); /* pthread_t may be used again, this is not */
	}
}

/* ---- other configurations ---- */

static int child_configured(void)
{
	const int keep[] = { SIGUSR1 };
	const ss_config config = {
		.max_parked = 1, .idle_ns = SS_MS(2), .stack_size = 300 << 10, .sig_keep_n = 1, .sig_keep = keep
	};
	ss_stats stats;

	if (ss_configure(&config))
		return 4;
	{
		SS_SCOPE(scope, .name = NULL);
		for (int i = 0; i < 20; i++)
			if (ss_spawn(&scope, do_nothing, NULL))
				return 5;
		if (ss_scope_join(&scope, NULL))
			return 6;
	}
	if (ss_configure(&config) != EBUSY)
		return 7;
	/* One at most stays, and not for long. */
	do {
		ss_get_stats(&stats);
		if (stats.parked > 1)
			return 8;
		ss_sleep(SS_MS(1));
	} while (stats.threads);
	return ss_drain(SS_NEVER) ? 9 : 3;
}

static int pass_gate(void *arg)
{
	gate_wait(arg);
	return 0;
}

static int child_ceiling(void)
{
	const ss_config config = { .max_threads = 2 };
	struct gate gate = GATE_INIT;
	int err[3];

	if (ss_configure(&config))
		return 4;
	SS_SCOPE(scope, .name = NULL);
	err[0] = ss_spawn(&scope, pass_gate, &gate);
	err[1] = ss_spawn_task(&scope, NULL, SS_TASK_FRESH, pass_gate, &gate);
	err[2] = ss_spawn(&scope, pass_gate, &gate);
	gate_open(&gate);
	if (ss_scope_join(&scope, NULL))
		return 5;
	return err[0] == 0 && err[1] == 0 && err[2] == EAGAIN ? 3 : 6;
}

/* Main leaves, the process ends with its last thread: parked workers and the helper are none. */
static int child_main_exits(void)
{
	{
		SS_SCOPE(scope, .name = NULL);
		for (int i = 0; i < 4; i++)
			if (ss_spawn(&scope, do_nothing, NULL))
				return 4;
		if (ss_scope_join(&scope, NULL))
			return 5;
	}
	ss_exit(3);
}

static int child_main_exits_by_itself(void)
{
	const ss_config config = { .idle_ns = SS_MS(10) };

	if (ss_configure(&config))
		return 4;
	{
		SS_SCOPE(scope, .name = NULL);
		if (ss_spawn(&scope, do_nothing, NULL) || ss_scope_join(&scope, NULL))
			return 5;
	}
	pthread_exit(NULL);
}

/* The helper left for want of work, and is made again. */
static int child_helper_comes_back(void)
{
	const ss_config config = { .idle_ns = SS_MS(1) };

	if (ss_configure(&config))
		return 4;
	for (int i = 0; i < 3; i++) {
		SS_SCOPE(scope, .deadline = ss_after(SS_MS(1)));
		if (ss_scope_join(&scope, NULL) == EINVAL)
			return 5;
		while (support_live_threads() > 1)
			ss_sleep(SS_MS(1));
	}
	return ss_drain(SS_NEVER) ? 6 : 3;
}

static int fault(void *arg)
{
	*(volatile int *)arg = 1;
	return 0;
}

static int child_faults(void)
{
	const ss_config config = { .faults = 1 };

	if (ss_configure(&config))
		return 4;
	SS_SCOPE(scope, .name = "images");
	return ss_spawn_at(&scope, NULL, &(ss_task_opts){ .name = "resize" }, fault, (void *)16, SS_HERE);
}

static void host_handler(int signo)
{
	static const char text[] = "the host has it, too\n";

	(void)signo;
	_exit(write(STDERR_FILENO, text, sizeof(text) - 1) > 0 ? 9 : 10);
}

static int child_host_has_a_handler(void)
{
	signal(SIGSEGV, host_handler);
	return child_faults();
}

/* Frame after frame, up to the end of the stack. */
__attribute__((noinline)) static int deeper(void *arg)
{
	volatile char frame[1024];

	frame[0] = *(const char *)arg;
	return frame[0] ? 0 : deeper((void *)(uintptr_t)frame) + frame[0];
}

static int child_overflow(unsigned flags)
{
	const ss_config config = { .faults = 1, .stack_size = 256 << 10 };

	if (ss_configure(&config))
		return 4;
	SS_SCOPE(scope, .name = "images");
	return ss_spawn_at(&scope, NULL, &(ss_task_opts){ .name = "deep", .flags = flags }, deeper, "", SS_HERE);
}

static int child_worker_overflows(void)
{
	return child_overflow(0);
}

static int child_fresh_overflows(void)
{
	return child_overflow(SS_TASK_FRESH);
}

static int child_nonsense(void)
{
	const ss_config odd = { .debug = 7 }, missing = { .sig_keep_n = 1 };

	return ss_configure(NULL) == EINVAL && ss_configure(&odd) == EINVAL && ss_configure(&missing) == EINVAL ? 3 : 4;
}

static int child_debug_off(void)
{
	const ss_config config = { .debug = -1 };
	ss_scope nothing;

	memset(&nothing, 0, sizeof(nothing));
	return !ss_configure(&config) && ss_spawn(&nothing, do_nothing, NULL) == EINVAL ? 3 : 4;
}

static int child_debug_on(void)
{
	const ss_config config = { .debug = 1 };
	ss_scope nothing;

	memset(&nothing, 0, sizeof(nothing));
	return ss_configure(&config) ? 5 : ss_spawn(&nothing, do_nothing, NULL);
}

static void configurations_hold(void **state)
{
	static const char *const names[] = { "configured", "ceiling", "nonsense", "debug-off" };
	struct outcome outcome;

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		outcome = support_child(names[i], 0);
		assert_false(outcome.hung);
		assert_int_equal(outcome.exit, 3);
	}
	outcome = support_child("debug-on", 0);
	assert_int_equal(outcome.signal, SIGABRT);
}

static void a_process_ends_with_its_own_threads(void **state)
{
	static const char *const names[] = { "main-exits", "main-exits-itself" };

	(void)state;
	if (support_is("tsan"))
		return; /* it has a thread of its own, which keeps such a process */
	for (size_t i = 0; i < COUNT(names); i++) {
		struct outcome outcome = support_child(names[i], 0);

		assert_false(outcome.hung);
		assert_int_equal(outcome.exit, 0);
	}
	assert_int_equal(support_child("helper", 0).exit, 3);
}

static int use_stack(void *arg)
{
	volatile char much[100 << 10];

	for (size_t i = 0; i < sizeof(much); i += 1024)
		much[i] = (char)i;
	(void)arg;
	return much[2048];
}

static long resident_kib(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long size = 0, resident = 0;

	if (file && fscanf(file, "%ld %ld", &size, &resident) != 2)
		resident = 0;
	if (file)
		fclose(file);
	return resident * 4;
}

static int meet(void *arg)
{
	use_stack(NULL);
	pthread_barrier_wait(arg);
	return 0;
}

/* 40 workers that used 100 KiB of stack each give most of it back while they are parked. */
static int child_trim(void)
{
	/* They give it back after half of that; the other half is for us to see it. */
	const ss_config config = { .idle_ns = SS_SEC(6) };
	pthread_barrier_t barrier;
	long before, used;

	if (ss_configure(&config) || pthread_barrier_init(&barrier, NULL, 40))
		return 4;
	before = resident_kib();
	{
		SS_SCOPE(scope, .name = NULL);
		for (int i = 0; i < 40; i++)
			if (ss_spawn(&scope, meet, &barrier))
				return 5;
		if (ss_scope_join(&scope, NULL))
			return 6;
	}
	used = resident_kib() - before;
	for (;;) {
		bool small = resident_kib() - before < used / 2;
		ss_stats stats;

		ss_get_stats(&stats);
		if (stats.parked < 40)
			return 7; /* they end, and had not given it back */
		if (small)
			return 3;
		ss_sleep(SS_MS(10));
	}
}

static void a_fault_is_named_and_takes_its_course(void **state)
{
	static const char *const overflows[] = { "worker-overflows", "fresh-overflows" };
	struct outcome outcome;

	(void)state;
	if (support_is("tsan") || support_is("asan") || support_is("valgrind"))
		return; /* they have handlers of their own */
	outcome = support_child("faults", 0);
	assert_int_equal(outcome.signal, SIGSEGV);
	assert_non_null(strstr(outcome.text, "task \"resize\" #1 (spawned at "));
	assert_non_null(strstr(outcome.text, "scope \"images\" opened at "));
	assert_non_null(strstr(outcome.text, "SIGSEGV at 0x10\n"));
	outcome = support_child("host", 0);
	assert_int_equal(outcome.exit, 9);
	assert_non_null(strstr(outcome.text, "SIGSEGV at 0x10\nthe host has it, too\n"));
	for (size_t i = 0; i < COUNT(overflows); i++) {
		outcome = support_child(overflows[i], 0);
		assert_int_equal(outcome.signal, SIGSEGV);
		assert_non_null(strstr(outcome.text, "task \"deep\" #1 (spawned at "));
	}
}

static void idle_workers_give_back_their_stack(void **state)
{
	struct outcome outcome;

	(void)state;
	if (!support_is("gcc") && !support_is("clang") && !support_is("release"))
		return; /* a tool's memory is not ours */
	outcome = support_child("trim", 0);
	assert_int_equal(outcome.exit, 3);
}

static const struct child children[] = {
	{ "configured", child_configured },
	{ "ceiling", child_ceiling },
	{ "nonsense", child_nonsense },
	{ "debug-off", child_debug_off },
	{ "debug-on", child_debug_on },
	{ "trim", child_trim },
	{ "main-exits", child_main_exits },
	{ "main-exits-itself", child_main_exits_by_itself },
	{ "helper", child_helper_comes_back },
	{ "faults", child_faults },
	{ "host", child_host_has_a_handler },
	{ "worker-overflows", child_worker_overflows },
	{ "fresh-overflows", child_fresh_overflows },
	{ NULL, NULL },
};

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(parked_workers_are_reused),
	cmocka_unit_test(small_things_are_put_right),
	cmocka_unit_test(changed_workers_end),
	cmocka_unit_test(configurations_hold),
	cmocka_unit_test(a_process_ends_with_its_own_threads),
	cmocka_unit_test(a_fault_is_named_and_takes_its_course),
	cmocka_unit_test(idle_workers_give_back_their_stack),
};

SUPPORT_MAIN(tests, children)
