// RUN: %run sync
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Conditions, semaphores and code of others: what the ambient token ends, and what it leaves alone. */
#include "support.h"

#include <signal.h>
#include <threads.h>
#include <unistd.h>

struct box {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	ss_time until;
	int items;   /* guarded by lock */
	int waiters; /* guarded by lock: who is about to wait, or waits */
};

static void box_init(struct box *box, clockid_t clock)
{
	pthread_mutexattr_t checked;
	pthread_condattr_t timed;

	memset(box, 0, sizeof(*box));
	box->until = SS_NEVER;
	pthread_mutexattr_init(&checked);
	pthread_mutexattr_settype(&checked, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&box->lock, &checked);
	pthread_mutexattr_destroy(&checked);
	pthread_condattr_init(&timed);
	pthread_condattr_setclock(&timed, clock);
	pthread_cond_init(&box->changed, &timed);
	pthread_condattr_destroy(&timed);
}

static void box_fini(struct box *box)
{
	pthread_cond_destroy(&box->changed);
	pthread_mutex_destroy(&box->lock);
}

/* Take an item; the error of the wait, with the mutex held after it. */
static int take(void *arg)
{
	struct box *box = arg;
	int err = 0;

	CHECK_EQ(pthread_mutex_lock(&box->lock), 0);
	box->waiters++;
	while (!err && !box->items)
		err = ss_cond_timedwait(&box->changed, &box->lock, box->until);
	box->waiters--;
	if (!err)
		box->items--;
	CHECK_EQ(pthread_mutex_unlock(&box->lock), 0); /* it checks that it is ours */
	return err;
}

static void put(struct box *box)
{
	pthread_mutex_lock(&box->lock);
	box->items++;
	pthread_cond_signal(&box->changed);
	pthread_mutex_unlock(&box->lock);
}

static void a_signal_wakes(void **state)
{
	struct box box;

	(void)state;
	box_init(&box, CLOCK_REALTIME);
	SS_SCOPE(scope, .name = "signal");
	assert_int_equal(ss_spawn(&scope, take, &box), 0);
	support_wait_blocked("ss_cond_wait", 1);
	put(&box);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
	box_fini(&box);
}

static void cancel_wakes_with_the_mutex_held(void **state)
{
	struct box box;
	ss_task task;
	int rc;

	(void)state;
	box_init(&box, CLOCK_REALTIME);
	/* The canceller may hold the mutex; many rounds, for the window between the look and the wait. */
	for (unsigned round = support_repeat(500); round; round--) {
		SS_SCOPE(scope, .flags = SS_SUPERVISE);
		assert_int_equal(ss_spawn_task(&scope, &task, 0, take, &box), 0);
		if (round % 2)
			support_wait_blocked("ss_cond_wait", 1);
		pthread_mutex_lock(&box.lock);
		ss_scope_cancel(&scope, 0, NULL);
		pthread_mutex_unlock(&box.lock);
		assert_int_equal(ss_scope_join(&scope, NULL), 0);
		assert_int_equal(ss_task_join(&task, &rc), 0);
		assert_int_equal(rc, ECANCELED);
	}
	box_fini(&box);
}

static int take_plainly(void *arg)
{
	struct box *box = arg;

	pthread_mutex_lock(&box->lock);
	box->waiters++;
	while (!box->items)
		pthread_cond_wait(&box->changed, &box->lock);
	box->waiters--;
	box->items--;
	pthread_mutex_unlock(&box->lock);
	return 0;
}

/* A signal that a cancelled waiter may have eaten reaches another one. */
static void an_eaten_signal_goes_on(void **state)
{
	struct box box;

	(void)state;
	box_init(&box, CLOCK_REALTIME);
	for (unsigned round = support_repeat(300); round; round--) {
		int waiters = 0;

		SS_SCOPE(plain, .name = "plain");
		SS_SCOPE(scope, .flags = SS_SUPERVISE);
		assert_int_equal(ss_spawn(&scope, take, &box), 0);
		assert_int_equal(ss_spawn(&plain, take_plainly, &box), 0);
		while (waiters < 2) {
			pthread_mutex_lock(&box.lock);
			waiters = box.waiters;
			pthread_mutex_unlock(&box.lock);
		}
		put(&box);
		ss_scope_cancel(&scope, 0, NULL);
		assert_int_equal(ss_scope_join(&scope, NULL), 0);
		/* Either of them took it. */
		pthread_mutex_lock(&box.lock);
		waiters = box.waiters;
		if (!box.items && waiters) {
			box.items++;
			pthread_cond_signal(&box.changed);
		}
		pthread_mutex_unlock(&box.lock);
		assert_int_equal(ss_scope_join(&plain, NULL), 0);
	}
	box_fini(&box);
}

static void time_passes_on_any_clock(void **state)
{
	const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC };
	struct box box;
	ss_task task;
	int rc;

	(void)state;
	for (size_t i = 0; i < COUNT(clocks); i++) {
		box_init(&box, clocks[i]);
		SS_SCOPE(scope, .flags = SS_SUPERVISE);
		box.until = ss_after(SS_MS(2));
		assert_int_equal(ss_spawn_task(&scope, &task, 0, take, &box), 0);
		assert_int_equal(ss_task_join(&task, &rc), 0);
		assert_int_equal(rc, ETIMEDOUT);
		assert_true(ss_now() >= box.until);
		/* Outside of all tokens as well, and for a time that was long ago. */
		assert_int_equal(take(&box), ETIMEDOUT);
		assert_int_equal(ss_scope_join(&scope, NULL), ETIMEDOUT);
		assert_int_equal(take(&box), ETIMEDOUT);
		put(&box);
		assert_int_equal(take(&box), 0);
		box_fini(&box);
	}
}

static void a_deadline_around_is_the_error(void **state)
{
	struct box box;

	(void)state;
	box_init(&box, CLOCK_REALTIME);
	SS_SCOPE(scope, .name = "deadline");
	assert_int_equal(ss_spawn(&scope, take, &box), 0);
	support_wait_blocked("ss_cond_wait", 1);
	ss_scope_set_deadline(&scope, ss_now());
	assert_int_equal(ss_scope_join(&scope, NULL), ETIMEDOUT);
	box_fini(&box);
}

static int wait_by_cnd(void *arg)
{
	void **both = arg;
	int err;

	CHECK_EQ(mtx_lock(both[1]), thrd_success);
	do
		err = ss_cnd_wait(both[0], both[1]);
	while (!err);
	CHECK_EQ(mtx_unlock(both[1]), thrd_success);
	return err;
}

static void cnd_wait_is_cancelled(void **state)
{
	cnd_t cnd;
	mtx_t mtx;
	void *both[2] = { &cnd, &mtx };
	ss_task task;
	int rc;

	(void)state;
	assert_int_equal(cnd_init(&cnd), thrd_success);
	assert_int_equal(mtx_init(&mtx, mtx_plain), thrd_success);
	SS_SCOPE(scope, .flags = SS_SUPERVISE);
	assert_int_equal(ss_spawn_task(&scope, &task, 0, wait_by_cnd, both), 0);
	support_wait_blocked("ss_cond_wait", 1);
	ss_scope_cancel(&scope, 0, NULL);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
	assert_int_equal(ss_task_join(&task, &rc), 0);
	assert_int_equal(rc, ECANCELED);
	mtx_destroy(&mtx);
	cnd_destroy(&cnd);
}

static int down(void *arg)
{
	return ss_sem_wait(arg) == 0 ? 0 : errno;
}

static void semaphores(void **state)
{
	ss_task tasks[2];
	sem_t semaphore;
	int rc, value;

	(void)state;
	assert_int_equal(sem_init(&semaphore, 0, 1), 0);
	assert_int_equal(down(&semaphore), 0);
	SS_SCOPE(scope, .flags = SS_SUPERVISE);
	assert_int_equal(ss_spawn_task(&scope, &tasks[0], 0, down, &semaphore), 0);
	support_wait_blocked("ss_sem_wait", 1);
	sem_post(&semaphore);
	assert_int_equal(ss_task_join(&tasks[0], &rc), 0);
	assert_int_equal(rc, 0);

	assert_int_equal(ss_spawn_task(&scope, &tasks[0], 0, down, &semaphore), 0);
	assert_int_equal(ss_spawn_task(&scope, &tasks[1], 0, down, &semaphore), 0);
	support_wait_blocked("ss_sem_wait", 2);
	ss_scope_cancel(&scope, 0, NULL);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
	for (size_t i = 0; i < COUNT(tasks); i++) {
		assert_int_equal(ss_task_join(&tasks[i], &rc), 0);
		assert_int_equal(rc, ECANCELED);
	}
	/* Nobody took or gave what was not theirs. */
	assert_int_equal(sem_getvalue(&semaphore, &value), 0);
	assert_int_equal(value, 0);
	sem_destroy(&semaphore);
}

/* ---- the kick ---- */

static int never(void *arg)
{
	(void)arg;
	support_failed("this is not called", __FILE__, __LINE__);
}

static void interruptible_wants_a_signal(void **state)
{
	(void)state;
	assert_int_equal(ss_interruptible(never, NULL), EINVAL);
	assert_int_equal(ss_kick_enable(0), EINVAL);
	assert_int_equal(ss_kick_enable(-3), EINVAL);
	assert_int_equal(ss_kick_enable(1000), EINVAL);
	assert_int_equal(ss_kick_enable(SIGKILL), EINVAL);
	assert_int_equal(ss_kick_enable(SIGSEGV), EINVAL);
	assert_int_equal(ss_kick_enable(SIGUSR2), 0);
	assert_int_equal(ss_kick_enable(SIGUSR2), EBUSY);
	assert_int_equal(ss_kick_enable(SIGUSR1), EBUSY);
}

struct foreign {
	int fds[2];
	struct gate inside;
	bool fails, lets_in;
};

/* Code that knows nothing of the runtime. */
static int foreign_read(void *arg)
{
	struct foreign *foreign = arg;
	char byte;
	int result;

	if (!foreign->lets_in)
		gate_open(&foreign->inside);
	foreign->lets_in = false;
	result = read(foreign->fds[0], &byte, 1) < 0 ? errno : 0;
	if (foreign->fails)
		ss_fail(result, "foreign code");
	return result;
}

static int call_foreign(void *arg)
{
	sigset_t before, after;
	int result;

	pthread_sigmask(SIG_SETMASK, NULL, &before);
	result = ss_try(foreign_read, arg, NULL); /* outside of ss_interruptible it is not interrupted */
	CHECK_EQ(result, 0);
	result = ss_interruptible(foreign_read, arg);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	CHECK_EQ(sigismember(&before, SIGUSR2), sigismember(&after, SIGUSR2));
	return result;
}

static int call_failing_foreign(void *arg)
{
	return ss_interruptible(foreign_read, arg);
}

static void foreign_code_is_interrupted(void **state)
{
	struct foreign foreign = { .inside = GATE_INIT };
	ss_task task;
	int rc;

	(void)state;
	assert_int_equal(pipe(foreign.fds), 0);
	assert_int_equal(write(foreign.fds[1], "x", 1), 1);
	for (int fails = 0; fails < 2; fails++) {
		struct gate fresh = GATE_INIT;

		foreign.inside = fresh;
		foreign.fails = fails;
		foreign.lets_in = !fails;
		SS_SCOPE(scope, .flags = SS_SUPERVISE);
		assert_int_equal(ss_spawn_task(&scope, &task, 0, fails ? call_failing_foreign : call_foreign, &foreign),
				 0);
		gate_wait(&foreign.inside);
		ss_scope_cancel(&scope, 0, NULL);
		assert_int_equal(ss_scope_join(&scope, NULL) & ~EINTR, 0);
		assert_int_equal(ss_task_join(&task, &rc), 0);
		assert_int_equal(rc, EINTR);
	}
	close(foreign.fds[0]);
	close(foreign.fds[1]);
}

static int interruptible_never(void *arg)
{
	return ss_interruptible(never, arg);
}

static void cancelled_before_is_not_called(void **state)
{
	ss_cancel token;

	(void)state;
	assert_int_equal(ss_cancel_init(&token, NULL), 0);
	ss_cancel_fire(&token, 0, NULL);
	assert_int_equal(ss_with_token(&token, interruptible_never, NULL), ECANCELED);
	ss_cancel_done(&token);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_signal_wakes),
	cmocka_unit_test(cancel_wakes_with_the_mutex_held),
	cmocka_unit_test(an_eaten_signal_goes_on),
	cmocka_unit_test(time_passes_on_any_clock),
	cmocka_unit_test(a_deadline_around_is_the_error),
	cmocka_unit_test(cnd_wait_is_cancelled),
	/* Before and after there is a signal for it. */
	cmocka_unit_test(semaphores),
	cmocka_unit_test(interruptible_wants_a_signal),
	{ "semaphores_with_the_signal", semaphores, NULL, NULL, NULL },
	cmocka_unit_test(foreign_code_is_interrupted),
	cmocka_unit_test(cancelled_before_is_not_called),
};
SUPPORT_MAIN(tests, NULL)
