// RUN: %run dumps
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The dump shows the tree, from a signal handler too; the counters count. */
#include "support.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

static struct gate goes_on, inside;

static void reset(void)
{
	const struct gate closed = GATE_INIT;

	goes_on = inside = closed;
}

static int stay(void *arg)
{
	(void)arg;
	gate_wait(&goes_on);
	return 0;
}

static int open_inner(void *arg)
{
	(void)arg;
	SS_SCOPE(inner, .name = "inner", .limit = 1);
	CHECK_EQ(ss_spawn(&inner, stay, NULL), 0);
	gate_open(&inside);
	gate_wait(&goes_on);
	return ss_scope_join(&inner, NULL);
}

static int read_pipe(void *arg)
{
	char byte;

	return ss_read(*(int *)arg, &byte, 1) == 1 ? 0 : errno;
}

static unsigned lines_with(const char *text, const char *what)
{
	unsigned count = 0;

	for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
		count++;
	return count;
}

static void the_tree_is_shown(void **state)
{
	const ss_task_opts background = { .name = "behind", .flags = SS_TASK_BACKGROUND }, named = { .name = "opener" };
	const char *outer, *opener, *inner;
	int fds[2];
	ss_cancel token;
	char *text;

	(void)state;
	reset();
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(ss_cancel_init(&token, NULL), 0);
	SS_SCOPE(scope, .name = "outer");
	assert_int_equal(ss_spawn_at(&scope, NULL, &named, open_inner, NULL, SS_HERE), 0);
	assert_int_equal(ss_spawn(&scope, read_pipe, &fds[0]), 0);
	assert_int_equal(ss_spawn_at(&scope, NULL, &background, stay, NULL, SS_HERE), 0);
	gate_wait(&inside);
	support_wait_blocked("ss_read", 1);

	text = support_dump();
	assert_int_equal(strncmp(text, "safespawn: scopes: 2, services: 0, threads: ", 44), 0);
	assert_int_equal(lines_with(text, "\n"), 8);
	assert_int_equal(lines_with(text, "\ntoken made at " __FILE__ ":"), 1);
	outer = strstr(text, "\nscope \"outer\" opened at " __FILE__ ":");
	opener = strstr(text, "\n  task \"opener\" #");
	inner = strstr(text, "\n    scope \"inner\" opened at " __FILE__ ":");
	assert_true(outer && opener && inner && outer < opener && opener < inner);
	assert_true(strstr(inner, ", limit 1\n      task #"));
	/* In the order of their spawns. */
	assert_true(strstr(inner, ", blocked in ss_read(fd "));
	assert_true(strstr(strstr(inner, "ss_read"), "\n  task \"behind\" #"));
	assert_int_equal(lines_with(text, ", in the background"), 1);
	assert_true(strstr(text, "tasks: 2 + 1 in the background"));
	free(text);

	ss_cancel_fire(&token, 0, NULL);
	assert_int_equal(write(fds[1], "x", 1), 1);
	ss_scope_cancel(&scope, 0, NULL);
	text = support_dump();
	assert_true(strstr(text, ", cancelled\n"));
	free(text);
	gate_open(&goes_on);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
	ss_cancel_done(&token);
	close(fds[0]);
	close(fds[1]);
}

/* More than the buffer holds: nothing is lost, and nothing comes twice. */
static void a_long_tree_is_whole(void **state)
{
	unsigned count = support_threads() / 8;
	char *text, line[64];

	(void)state;
	reset();
	SS_SCOPE(scope, .name = "long");
	for (unsigned i = 0; i < count; i++) {
		ss_task_opts opts = { .name = line };

		snprintf(line, sizeof(line), "task-%u-", i);
		assert_int_equal(ss_spawn_at(&scope, NULL, &opts, stay, NULL, SS_HERE), 0);
	}
	text = support_dump();
	assert_int_equal(lines_with(text, "\n"), count + 2);
	for (unsigned i = 0; i < count; i++) {
		snprintf(line, sizeof(line), "\n  task \"task-%u-\" #", i);
		assert_int_equal(lines_with(text, line), 1);
	}
	free(text);
	gate_open(&goes_on);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
}

/* ---- from a handler ---- */

static int handler_fd;
static _Atomic unsigned dumps, refused, odd;

static void on_signal(int signo)
{
	int before = errno, err;

	(void)signo;
	errno = 4711;
	err = ss_dump(handler_fd);
	if (errno != 4711 || (err != 0 && err != EAGAIN))
		atomic_fetch_add(&odd, 1);
	atomic_fetch_add(err ? &refused : &dumps, 1);
	errno = before;
}

static int nothing(void *arg)
{
	(void)arg;
	return 0;
}

static _Atomic bool enough;

static void *bother(void *arg)
{
	pthread_t thread = *(pthread_t *)arg;

	/* One at a time, and a moment after each: a thread that has nothing but signals to handle never gives its lock
	 * back. */
	while (!atomic_load(&enough)) {
		unsigned before = atomic_load(&dumps) + atomic_load(&refused);

		pthread_kill(thread, SIGUSR1);
		while (atomic_load(&dumps) + atomic_load(&refused) == before)
			sched_yield();
		usleep(300);
	}
	return NULL;
}

/* Wherever the thread is, also in the middle of a spawn: it writes, or says EAGAIN. */
static void a_signal_handler_may_dump(void **state)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	pthread_t self = pthread_self(), other;

	(void)state;
	handler_fd = memfd_create("dump", MFD_CLOEXEC);
	assert_true(handler_fd >= 0);
	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	assert_int_equal(pthread_create(&other, NULL, bother, &self), 0);
	for (unsigned round = support_repeat(200); round || !dumps; round -= round > 0) {
		SS_SCOPE(scope, .name = "busy");
		for (int i = 0; i < 8; i++)
			assert_int_equal(ss_spawn(&scope, nothing, NULL), 0);
		assert_int_equal(ss_scope_join(&scope, NULL), 0);
	}
	atomic_store(&enough, true);
	pthread_join(other, NULL); /* its signal is handled on the way */
	assert_int_equal(odd, 0);
	assert_true(lseek(handler_fd, 0, SEEK_CUR) > 0);
	signal(SIGUSR1, SIG_DFL);
	close(handler_fd);
}

static void errors_are_those_of_write(void **state)
{
	int fds[2];

	(void)state;
	errno = 4711;
	assert_int_equal(ss_dump(-1), EBADF);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(ss_dump(fds[0]), EBADF);
	assert_int_equal(errno, 4711);
	close(fds[0]);
	close(fds[1]);
}

static int fails(void *arg)
{
	(void)arg;
	return 3;
}

static void counters_count(void **state)
{
	ss_stats before, now;

	(void)state;
	reset();
	ss_get_stats(&before);
	assert_int_equal(before.scopes, 0);
	SS_SCOPE(scope, .flags = SS_SUPERVISE, .limit = 1);
	assert_int_equal(ss_spawn(&scope, fails, NULL), 0);
	assert_int_equal(ss_spawn(&scope, stay, NULL), 0);
	ss_get_stats(&now);
	assert_int_equal(now.scopes, 1);
	assert_int_equal(now.spawned - before.spawned, 2);
	assert_int_equal(now.failed - before.failed, 1);
	assert_true(now.threads >= 1);
	gate_open(&goes_on);
	assert_int_equal(ss_scope_join(&scope, NULL), 3);
	ss_get_stats(&now);
	assert_int_equal(now.scopes, 0);
	assert_int_equal(now.queued, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_tree_is_shown),
	cmocka_unit_test(a_long_tree_is_whole),
	cmocka_unit_test(a_signal_handler_may_dump),
	cmocka_unit_test(errors_are_those_of_write),
	cmocka_unit_test(counters_count),
};
SUPPORT_MAIN(tests, NULL)
