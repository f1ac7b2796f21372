// RUN: %run services
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Services start, fail, are run again and stopped; a drain ends everything, and says who is late. */
#include "support.h"

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

struct daemon {
	ss_service service;
	struct gate begun, goes_on, ended;
	_Atomic unsigned runs;
	unsigned fails; /* so many runs fail */
	int stop_within;
};

static void daemon_init(struct daemon *daemon)
{
	const struct gate closed = GATE_INIT;

	memset(daemon, 0, sizeof(*daemon));
	daemon->begun = daemon->goes_on = daemon->ended = closed;
}

/* Until it is stopped. */
static int serve(void *arg)
{
	struct daemon *daemon = arg;
	int err;

	atomic_fetch_add(&daemon->runs, 1);
	gate_open(&daemon->begun);
	err = ss_sleep_until(SS_NEVER);
	gate_open(&daemon->ended);
	return err;
}

/* Does not hear that it is stopped. */
static int serve_deaf(void *arg)
{
	struct daemon *daemon = arg;

	gate_open(&daemon->begun);
	gate_wait(&daemon->goes_on);
	return 0;
}

static int serve_badly(void *arg)
{
	struct daemon *daemon = arg;
	unsigned runs = atomic_fetch_add(&daemon->runs, 1) + 1;

	if (runs <= daemon->fails) {
		if (runs % 2)
			ss_fail(40 + (int)runs, "run %u failed", runs);
		return 40 + (int)runs;
	}
	return serve(arg);
}

static int leave(void *arg)
{
	struct daemon *daemon = arg;

	atomic_fetch_add(&daemon->runs, 1);
	ss_exit(daemon->fails ? 9 : 0);
}

static int stop_itself(void *arg)
{
	struct daemon *daemon = arg;

	daemon->stop_within = ss_service_stop(&daemon->service, SS_NEVER, NULL);
	gate_open(&daemon->begun);
	return ss_cancelled();
}

static void wait_for_state(const struct daemon *daemon, int wanted)
{
	while (ss_service_state(&daemon->service) != wanted)
		sched_yield();
}

static void it_runs_until_stopped(void **state)
{
	struct daemon daemon;
	ss_stats stats;
	ss_error error;

	(void)state;
	daemon_init(&daemon);
	assert_int_equal(ss_service_state(&daemon.service), SS_SERVICE_STOPPED);
	assert_int_equal(ss_service_stop(&daemon.service, SS_NEVER, NULL), EALREADY);
	assert_int_equal(ss_service_start(NULL, NULL, serve, &daemon), EINVAL);
	assert_int_equal(ss_service_start(&daemon.service, NULL, NULL, &daemon), EINVAL);
	assert_int_equal(ss_service_start(&daemon.service, NULL, serve, &daemon), 0);
	assert_int_equal(ss_service_start(&daemon.service, NULL, serve, &daemon), EALREADY);
	gate_wait(&daemon.begun);
	assert_int_equal(ss_service_state(&daemon.service), SS_SERVICE_RUNNING);
	ss_get_stats(&stats);
	assert_int_equal(stats.services, 1);
	assert_int_equal(stats.scopes, 0);
	assert_int_equal(ss_service_stop(&daemon.service, SS_NEVER, &error), 0);
	assert_int_equal(error.code, 0);
	assert_int_equal(daemon.runs, 1);
	assert_int_equal(ss_service_state(&daemon.service), SS_SERVICE_STOPPED);
	assert_int_equal(ss_service_stop(&daemon.service, SS_NEVER, NULL), EALREADY);
	ss_get_stats(&stats);
	assert_int_equal(stats.services, 0);

	assert_int_equal(ss_service_start(&daemon.service, NULL, serve, &daemon), 0);
	assert_int_equal(ss_service_stop(&daemon.service, SS_NEVER, NULL), 0);
}

static void what_failed_is_run_again(void **state)
{
	const ss_service_opts opts = { .name = "bad", .restarts = 3 };
	struct daemon daemon;
	ss_error error;

	(void)state;
	daemon_init(&daemon);
	daemon.fails = 3;
	assert_int_equal(ss_service_start(&daemon.service, &opts, serve_badly, &daemon), 0);
	gate_wait(&daemon.begun);
	assert_int_equal(daemon.runs, 5); /* serve counts, too */
	assert_int_equal(ss_service_stop(&daemon.service, SS_NEVER, &error), 0);
	assert_int_equal(error.code, 0);
}

static void but_not_for_ever(void **state)
{
	const ss_service_opts opts = { .name = "bad", .restarts = 2 };
	struct daemon daemon;
	ss_error error;

	(void)state;
	daemon_init(&daemon);
	daemon.fails = 99;
	assert_int_equal(ss_service_start(&daemon.service, &opts, serve_badly, &daemon), 0);
	wait_for_state(&daemon, SS_SERVICE_FAILED);
	assert_int_equal(daemon.runs, 3);
	assert_int_equal(ss_service_start(&daemon.service, &opts, serve_badly, &daemon), EALREADY);
	assert_int_equal(ss_service_stop(&daemon.service, SS_NEVER, &error), 0);
	assert_int_equal(error.code, 43);
	assert_string_equal(error.msg, "run 3 failed");
	assert_string_equal(error.task, "bad");
	assert_string_equal(error.site->file, __FILE__);
	assert_int_equal(ss_service_state(&daemon.service), SS_SERVICE_FAILED);
}

static void the_pause_ends_with_the_stop(void **state)
{
	const ss_service_opts opts = { .restarts = 5, .backoff_ns = SS_SEC(3600) };
	struct daemon daemon;
	ss_error error;

	(void)state;
	daemon_init(&daemon);
	daemon.fails = 99;
	assert_int_equal(ss_service_start(&daemon.service, &opts, serve_badly, &daemon), 0);
	wait_for_state(&daemon, SS_SERVICE_WAITING);
	assert_int_equal(ss_service_stop(&daemon.service, SS_NEVER, &error), 0);
	assert_int_equal(daemon.runs, 1);
	assert_int_equal(error.code, 41);
}

static void an_exit_is_the_end(void **state)
{
	const ss_service_opts opts = { .restarts = 5 };
	struct daemon daemon;
	ss_error error;

	(void)state;
	for (unsigned fails = 0; fails < 2; fails++) {
		daemon_init(&daemon);
		daemon.fails = fails;
		assert_int_equal(ss_service_start(&daemon.service, &opts, leave, &daemon), 0);
		assert_int_equal(ss_service_stop(&daemon.service, SS_NEVER, &error), 0);
		assert_true(daemon.runs <= 1);
		assert_int_equal(error.code, daemon.runs && fails ? 9 : 0);
	}
}

static void it_cannot_wait_for_itself(void **state)
{
	struct daemon daemon;

	(void)state;
	daemon_init(&daemon);
	assert_int_equal(ss_service_start(&daemon.service, NULL, stop_itself, &daemon), 0);
	gate_wait(&daemon.begun);
	assert_int_equal(daemon.stop_within, EDEADLK);
	assert_int_equal(ss_service_stop(&daemon.service, SS_NEVER, NULL), 0); /* it did hear of it */
}

static void who_is_late_is_named(void **state)
{
	const ss_service_opts opts = { .name = "deaf" };
	struct daemon daemon;
	ss_error error;

	(void)state;
	daemon_init(&daemon);
	assert_int_equal(ss_service_start(&daemon.service, &opts, serve_deaf, &daemon), 0);
	gate_wait(&daemon.begun);
	assert_int_equal(ss_service_stop(&daemon.service, ss_after(SS_MS(1)), &error), ETIMEDOUT);
	assert_true(reports_have("service \"deaf\" started at "));
	assert_true(reports_have("still runs"));
	assert_true(reports_have("running user code"));
	assert_int_equal(ss_service_state(&daemon.service), SS_SERVICE_STOPPING);
	gate_open(&daemon.goes_on);
	assert_int_equal(ss_service_stop(&daemon.service, SS_NEVER, &error), 0);
}

struct stopper {
	struct daemon *daemon;
	_Atomic unsigned first, already;
};

static int stop_daemon(void *arg)
{
	struct stopper *stopper = arg;
	int err = ss_service_stop(&stopper->daemon->service, SS_NEVER, NULL);

	CHECK(err == 0 || err == EALREADY);
	atomic_fetch_add(err ? &stopper->already : &stopper->first, 1);
	return 0;
}

static void one_of_many_stops_it(void **state)
{
	struct daemon daemon;

	(void)state;
	for (unsigned round = support_repeat(100); round; round--) {
		struct stopper stopper = { .daemon = &daemon };

		daemon_init(&daemon);
		assert_int_equal(ss_service_start(&daemon.service, NULL, serve, &daemon), 0);
		SS_SCOPE(scope, .name = "stoppers");
		for (int i = 0; i < 4; i++)
			assert_int_equal(ss_spawn(&scope, stop_daemon, &stopper), 0);
		assert_int_equal(ss_scope_join(&scope, NULL), 0);
		assert_int_equal(stopper.first, 1);
		assert_int_equal(stopper.already, 3);
	}
}

/* ---- drain ---- */

static unsigned order[3], stopped;

static int note_order(void *arg)
{
	ss_sleep_until(SS_NEVER);
	order[stopped++] = (unsigned)(uintptr_t)arg; /* one is stopped after the other */
	return 0;
}

static int drain_from_task(void *arg)
{
	(void)arg;
	return ss_drain(SS_NEVER) == EDEADLK ? 0 : 1;
}

static void a_drain_stops_in_reverse_order(void **state)
{
	ss_service services[3];
	unsigned threads;

	(void)state;
	assert_int_equal(ss_drain(SS_NEVER), 0);
	threads = support_live_threads(); /* and what a tool has */
	for (unsigned round = 0; round < 2; round++) {
		stopped = 0;
		for (uintptr_t i = 0; i < 3; i++)
			assert_int_equal(ss_service_start(&services[i], NULL, note_order, (void *)i), 0);
		assert_int_equal(ss_drain(SS_NEVER), 0);
		assert_int_equal(stopped, 3);
		for (unsigned i = 0; i < 3; i++) {
			assert_int_equal(order[i], 2 - i);
			assert_int_equal(ss_service_stop(&services[i], SS_NEVER, NULL), EALREADY);
		}
		/* No thread is left; and then there may be new ones. */
		while (support_live_threads() > threads)
			sched_yield();
	}
	assert_int_equal(ss_drain(SS_NEVER), 0);
}

static void a_drain_is_not_for_tasks(void **state)
{
	(void)state;
	SS_SCOPE(scope, .name = "drain");
	assert_int_equal(ss_drain(SS_NEVER), EDEADLK); /* its own join could never come */
	assert_int_equal(ss_spawn(&scope, drain_from_task, NULL), 0);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
}

static struct daemon deaf, hears;

static int wait_in_scope(void *arg)
{
	struct daemon *daemon = arg;

	gate_open(&daemon->begun);
	gate_wait(&daemon->goes_on);
	return 0;
}

static void *open_scope(void *arg)
{
	SS_SCOPE(scope, .name = "open");
	CHECK_EQ(scope_rc, 0);
	CHECK_EQ(ss_spawn(&scope, wait_in_scope, arg), 0);
	CHECK_EQ(ss_scope_join(&scope, NULL), 0);
	return NULL;
}

static void a_drain_names_who_is_late(void **state)
{
	const ss_service_opts grace = { .name = "deaf", .stop_grace_ns = SS_MS(1) };
	struct daemon other;
	pthread_t thread;
	ss_cancel token;

	(void)state;
	daemon_init(&deaf);
	daemon_init(&hears);
	daemon_init(&other);
	assert_int_equal(ss_service_start(&hears.service, NULL, serve, &hears), 0);
	assert_int_equal(ss_service_start(&deaf.service, &grace, serve_deaf, &deaf), 0);
	assert_int_equal(pthread_create(&thread, NULL, open_scope, &other), 0);
	gate_wait(&other.begun);
	gate_wait(&deaf.begun);

	/* One that has a grace of its own holds up nobody else. */
	assert_int_equal(ss_drain(ss_after(SS_MS(20))), ETIMEDOUT);
	gate_wait(&hears.ended);
	assert_true(reports_have("service \"deaf\" started at "));
	assert_true(reports_have("ss_drain waits in vain for service \"deaf\""));
	assert_true(reports_have("ss_drain waits in vain for scope \"open\""));
	assert_true(reports_have("ss_drain waits in vain for task "));

	/* It goes on to refuse, until it is done. */
	assert_int_equal(ss_cancel_init(&token, NULL), EPIPE);
	assert_int_equal(ss_service_start(&hears.service, NULL, serve, &hears), EPIPE);
	{
		SS_SCOPE(scope, .name = "refused");
		assert_int_equal(scope_rc, EPIPE);
	}
	gate_open(&deaf.goes_on);
	gate_open(&other.goes_on);
	assert_int_equal(ss_drain(SS_NEVER), 0);
	pthread_join(thread, NULL);
	assert_int_equal(ss_cancel_init(&token, NULL), 0);
	ss_cancel_done(&token);
}

static void *let_the_late_one_go(void *arg)
{
	struct daemon *daemon = arg;

	reports_wait_for("service \"slow\" started at ");
	gate_open(&daemon->goes_on);
	return NULL;
}

static void a_drain_waits_for_who_ends_after_its_grace(void **state)
{
	const ss_service_opts grace = { .name = "slow", .stop_grace_ns = SS_MS(1) };
	struct daemon daemon;
	pthread_t thread;

	(void)state;
	reports_clear();
	daemon_init(&daemon);
	assert_int_equal(ss_service_start(&daemon.service, &grace, serve_deaf, &daemon), 0);
	gate_wait(&daemon.begun);
	assert_int_equal(pthread_create(&thread, NULL, let_the_late_one_go, &daemon), 0);
	assert_int_equal(ss_drain(SS_NEVER), 0);
	pthread_join(thread, NULL);
	assert_int_equal(ss_service_state(&daemon.service), SS_SERVICE_STOPPED);
}

static void in_the_child_of_a_fork_all_are_stopped(void **state)
{
	struct daemon daemon;
	int status;
	pid_t pid;

	(void)state;
	daemon_init(&daemon);
	assert_int_equal(ss_service_start(&daemon.service, NULL, serve, &daemon), 0);
	gate_wait(&daemon.begun);
	pid = fork();
	if (pid == 0) {
		CHECK_EQ(ss_service_state(&daemon.service), SS_SERVICE_STOPPED);
		CHECK_EQ(ss_service_stop(&daemon.service, SS_NEVER, NULL), EOWNERDEAD);
		CHECK_EQ(ss_drain(SS_NEVER), 0);
		kill(getpid(), SIGKILL); /* this way a tool has nothing to add */
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(ss_service_state(&daemon.service), SS_SERVICE_RUNNING);
	assert_int_equal(ss_service_stop(&daemon.service, SS_NEVER, NULL), 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(it_runs_until_stopped),
	cmocka_unit_test(what_failed_is_run_again),
	cmocka_unit_test(but_not_for_ever),
	cmocka_unit_test(the_pause_ends_with_the_stop),
	cmocka_unit_test(an_exit_is_the_end),
	cmocka_unit_test(it_cannot_wait_for_itself),
	cmocka_unit_test(who_is_late_is_named),
	cmocka_unit_test(one_of_many_stops_it),
	cmocka_unit_test(a_drain_stops_in_reverse_order),
	cmocka_unit_test(a_drain_is_not_for_tasks),
	cmocka_unit_test(a_drain_waits_for_who_ends_after_its_grace),
	cmocka_unit_test(a_drain_names_who_is_late),
	cmocka_unit_test(in_the_child_of_a_fork_all_are_stopped),
};
SUPPORT_MAIN(tests, NULL)
