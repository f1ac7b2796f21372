// RUN: %run limits
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Limits: who waits, who queues, and that no join waits for a slot. */
#include "support.h"

struct crowd {
	_Atomic int inside, most, done;
};

static int crowd_in(void *arg)
{
	struct crowd *crowd = arg;
	int now = ++crowd->inside, most = crowd->most;

	while (now > most && !atomic_compare_exchange_weak(&crowd->most, &most, now))
		;
	for (int i = 0; i < 5; i++)
		sched_yield();
	crowd->inside--;
	crowd->done++;
	return 0;
}

static int pass_gate(void *arg)
{
	gate_wait(arg);
	return 0;
}

static int do_nothing(void *arg)
{
	(void)arg;
	return 0;
}

static void no_more_than_the_limit_run(void **state)
{
	(void)state;
	for (unsigned flags = 0; flags < 2; flags++) {
		for (unsigned limit = 1; limit <= 4; limit++) {
			struct crowd crowd = { .inside = 0 };
			int count = (int)support_repeat(100);

			SS_SCOPE(scope, .limit = limit);
			for (int i = 0; i < count; i++)
				assert_int_equal(ss_spawn_task(&scope, NULL, flags, crowd_in, &crowd), 0);
			assert_int_equal(ss_scope_join(&scope, NULL), 0);
			assert_int_equal(crowd.done, count);
			assert_in_range(crowd.most, 1, limit);
		}
	}
}

static void nowait_says_again(void **state)
{
	const ss_task_opts opts = { .flags = SS_TASK_NOWAIT };
	struct gate gate = GATE_INIT;
	ss_task task;

	(void)state;
	SS_SCOPE(scope, .limit = 1);
	assert_int_equal(ss_spawn_task(&scope, &task, 0, pass_gate, &gate), 0);
	assert_int_equal(ss_spawn_at(&scope, NULL, &opts, do_nothing, NULL, SS_HERE), EAGAIN);
	gate_open(&gate);
	assert_int_equal(ss_task_join(&task, NULL), 0);
	assert_int_equal(ss_spawn_at(&scope, NULL, &opts, do_nothing, NULL, SS_HERE), 0);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
}

static int cancel_it(void *arg)
{
	ss_scope_cancel(arg, 0, NULL);
	return 0;
}

static int cancel_and_wait(void *arg)
{
	const ss_task_opts background = { .flags = SS_TASK_BACKGROUND };

	/* The owner is in its spawn, or will be: either way it has to come back. */
	CHECK_EQ(ss_spawn_at(arg, NULL, &background, cancel_it, arg, SS_HERE), 0);
	return ss_sleep(SS_SEC(3600));
}

static void waiting_owner_is_woken_by_cancel(void **state)
{
	(void)state;
	for (unsigned i = 0; i < support_repeat(100); i++) {
		SS_SCOPE(scope, .limit = 1);
		assert_int_equal(ss_spawn(&scope, cancel_and_wait, &scope), 0);
		assert_int_equal(ss_spawn(&scope, do_nothing, NULL), ECANCELED);
		assert_int_equal(ss_scope_join(&scope, NULL), 0);
	}
}

static int sleep_long(void *arg)
{
	(void)arg;
	return ss_sleep(SS_SEC(3600));
}

static void waiting_owner_is_woken_by_deadline(void **state)
{
	(void)state;
	SS_SCOPE(scope, .limit = 1);
	assert_int_equal(ss_spawn(&scope, sleep_long, NULL), 0);
	ss_scope_set_deadline(&scope, ss_after(SS_MS(2)));
	assert_int_equal(ss_spawn(&scope, do_nothing, NULL), ETIMEDOUT);
	assert_int_equal(ss_scope_join(&scope, NULL), ETIMEDOUT);
}

static int close_it(void *arg)
{
	ss_scope_close(arg);
	return ss_sleep(SS_MS(1));
}

static void waiting_owner_is_woken_by_close(void **state)
{
	(void)state;
	SS_SCOPE(scope, .limit = 1);
	assert_int_equal(ss_spawn(&scope, close_it, &scope), 0);
	assert_int_equal(ss_spawn(&scope, do_nothing, NULL), EPIPE);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
}

/* A spawn that waited for its slot: the task is what was asked for, whoever starts it. */
struct late {
	struct gate *gate;
	ss_time deadline;
	_Atomic int freed, ran;
	bool is_fresh;
};

static void late_free(void *arg)
{
	struct late *late = arg;

	late->freed++;
}

static int late_body(void *arg)
{
	struct late *late = arg;

	CHECK_EQ(strcmp(ss_task_name(), "late"), 0);
	CHECK(ss_task_id() != 0);
	late->ran++;
	return late->deadline ? ss_sleep(SS_SEC(3600)) : 7;
}

static int late_owner(void *arg)
{
	struct late *late = arg;
	const ss_task_opts opts = { .name = "late",
				    .flags = late->is_fresh ? SS_TASK_FRESH : 0,
				    .arg_free = late_free,
				    .deadline = late->deadline };
	ss_task task;
	int rc;

	SS_SCOPE(scope, .limit = 1, .flags = SS_SUPERVISE);
	CHECK_EQ(ss_spawn(&scope, pass_gate, late->gate), 0);
	CHECK_EQ(ss_spawn_at(&scope, &task, &opts, late_body, late, SS_HERE), 0);
	CHECK_EQ(ss_task_join(&task, &rc), 0);
	CHECK_EQ(rc, late->deadline ? ETIMEDOUT : 7);
	ss_scope_join(&scope, NULL);
	return 0;
}

static void a_spawn_that_waited_starts_what_was_asked_for(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct gate gate = GATE_INIT;
		struct late late = { .gate = &gate, .is_fresh = i & 1, .deadline = i & 2 ? ss_after(SS_MS(20)) : 0 };

		SS_SCOPE(scope, .name = "outer");
		assert_int_equal(ss_spawn(&scope, late_owner, &late), 0);
		support_wait_blocked("ss_spawn", 1);
		gate_open(&gate);
		assert_int_equal(ss_scope_join(&scope, NULL), 0);
		assert_int_equal(late.ran, 1);
		assert_int_equal(late.freed, 1);
	}
}

/* The slot and the cancellation come at the same time: the spawn fails and nothing runs, or it does not fail and all is
 * as ever. */
static int cancelled_owner(void *arg)
{
	struct late *late = arg;
	const ss_task_opts opts = { .name = "late", .arg_free = late_free };
	int err;

	SS_SCOPE(scope, .limit = 1);
	CHECK_EQ(ss_spawn(&scope, pass_gate, late->gate), 0);
	err = ss_spawn_at(&scope, NULL, &opts, late_body, late, SS_HERE);
	CHECK(err == 0 || err == ECANCELED);
	ss_scope_join(&scope, NULL);
	CHECK_EQ(late->ran, err == 0);
	CHECK_EQ(late->freed, 1);
	return 0;
}

static void a_spawn_that_waited_begins_or_is_cancelled(void **state)
{
	(void)state;
	for (unsigned i = 0; i < support_repeat(100); i++) {
		struct gate gate = GATE_INIT;
		struct late late = { .gate = &gate };

		SS_SCOPE(scope, .name = "outer");
		assert_int_equal(ss_spawn(&scope, cancelled_owner, &late), 0);
		support_wait_blocked("ss_spawn", 1);
		if (i & 1)
			gate_open(&gate);
		ss_scope_cancel(&scope, 0, NULL);
		gate_open(&gate);
		assert_int_equal(ss_scope_join(&scope, NULL), 0);
	}
}

/* A task that spawns into its own full scope queues, and joins what it has spawned. */
struct recursion {
	ss_scope *scope;
	unsigned depth, flags;
};

static int recurse(void *arg)
{
	struct recursion next = *(struct recursion *)arg;
	ss_task task;

	if (next.depth-- == 0)
		return 0;
	CHECK_EQ(ss_spawn_copy_at(next.scope, &task, &(ss_task_opts){ .flags = next.flags }, recurse, &next,
				  sizeof(next), SS_HERE),
		 0);
	return ss_task_join(&task, NULL);
}

static void joins_start_what_is_queued(void **state)
{
	const unsigned scope_flags[] = { 0, SS_HELP };

	(void)state;
	for (size_t i = 0; i < COUNT(scope_flags); i++) {
		for (unsigned flags = 0; flags < 2; flags++) {
			struct recursion all = { .depth = support_repeat(100), .flags = flags };

			SS_SCOPE(scope, .limit = 1, .flags = scope_flags[i]);
			all.scope = &scope;
			assert_int_equal(ss_spawn_copy(&scope, recurse, &all, sizeof(all)), 0);
			assert_int_equal(ss_scope_join(&scope, NULL), 0);
		}
	}
}

/* Tasks that only queue, and leave the rest to the scope. */
static int breed(void *arg)
{
	struct recursion next = *(struct recursion *)arg;

	if (next.depth-- == 0)
		return 0;
	for (int i = 0; i < 3; i++)
		CHECK_EQ(ss_spawn_copy_at(next.scope, NULL, &(ss_task_opts){ .flags = next.flags }, breed, &next,
					  sizeof(next), SS_HERE),
			 0);
	return 0;
}

static void queues_are_run_to_the_end(void **state)
{
	const unsigned scope_flags[] = { 0, SS_HELP };

	(void)state;
	for (size_t i = 0; i < COUNT(scope_flags); i++) {
		for (unsigned flags = 0; flags < 2; flags++) {
			struct recursion all = { .depth = 5, .flags = flags };
			ss_stats stats;

			SS_SCOPE(scope, .limit = 2, .flags = scope_flags[i]);
			all.scope = &scope;
			assert_int_equal(ss_spawn_copy(&scope, breed, &all, sizeof(all)), 0);
			assert_int_equal(ss_scope_join(&scope, NULL), 0);
			ss_get_stats(&stats);
			assert_int_equal(stats.queued, 0);
		}
	}
}

/* Scopes with a limit, in tasks of scopes with a limit. */
static int nest(void *arg)
{
	int depth = *(int *)arg;

	if (depth-- == 0)
		return 0;
	SS_SCOPE(scope, .limit = 1);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(ss_spawn_copy(&scope, nest, &depth, sizeof(depth)), 0);
	return ss_scope_join(&scope, NULL);
}

static void nested_limits_do_not_deadlock(void **state)
{
	int depth = 5;

	(void)state;
	assert_int_equal(nest(&depth), 0);
}

static _Atomic int freed;

static void count_free(void *arg)
{
	(void)arg;
	freed++;
}

static int never(void *arg)
{
	(void)arg;
	support_failed("a cancelled task is not started", __FILE__, __LINE__);
}

static int queue_then_cancel(void *arg)
{
	struct recursion *all = arg;
	ss_task_opts opts = { .flags = all->flags, .arg_free = count_free };

	for (int i = 0; i < 3; i++)
		CHECK_EQ(ss_spawn_at(all->scope, NULL, &opts, never, NULL, SS_HERE), 0);
	ss_scope_cancel(all->scope, 0, NULL);
	return 0;
}

static void cancelled_queue_is_never_started(void **state)
{
	(void)state;
	for (unsigned flags = 0; flags < 2; flags++) {
		struct recursion all = { .flags = flags };

		freed = 0;
		SS_SCOPE(scope, .limit = 1);
		all.scope = &scope;
		assert_int_equal(ss_spawn(&scope, queue_then_cancel, &all), 0);
		assert_int_equal(ss_scope_join(&scope, NULL), 0);
		assert_int_equal(freed, 3);
	}
}

static void background_tasks_take_no_slot(void **state)
{
	const ss_task_opts background = { .flags = SS_TASK_BACKGROUND };

	(void)state;
	SS_SCOPE(scope, .limit = 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(ss_spawn_at(&scope, NULL, &background, sleep_long, NULL, SS_HERE), 0);
	assert_int_equal(ss_spawn(&scope, do_nothing, NULL), 0);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
}

/* Eight tasks at one barrier: an unlimited scope promises a thread to each. */
static int meet(void *arg)
{
	pthread_barrier_wait(arg);
	return 0;
}

static void without_a_limit_each_task_has_a_thread(void **state)
{
	pthread_barrier_t barrier;

	(void)state;
	assert_int_equal(pthread_barrier_init(&barrier, NULL, 8), 0);
	SS_SCOPE(scope, .name = NULL);
	for (int i = 0; i < 8; i++)
		assert_int_equal(ss_spawn(&scope, meet, &barrier), 0);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
	pthread_barrier_destroy(&barrier);
}

/* Many owners of one unbound scope. */
struct shared {
	ss_scope scope;
	struct crowd crowd;
};

static void *spawn_from_outside(void *arg)
{
	struct shared *shared = arg;

	for (unsigned i = 0; i < support_repeat(100); i++)
		CHECK_EQ(ss_spawn(&shared->scope, crowd_in, &shared->crowd), 0);
	return NULL;
}

static void outsiders_share_the_slots(void **state)
{
	const ss_scope_opts opts = { .flags = SS_UNBOUND, .limit = 2 };
	struct shared shared = { .crowd.inside = 0 };
	pthread_t threads[4];

	(void)state;
	assert_int_equal(ss_scope_open(&shared.scope, &opts, SS_HERE), 0);
	for (size_t i = 0; i < COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, spawn_from_outside, &shared), 0);
	for (size_t i = 0; i < COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(ss_scope_join(&shared.scope, NULL), 0);
	ss_scope_fini(&shared.scope);
	assert_int_equal(shared.crowd.done, 4 * support_repeat(100));
	assert_in_range(shared.crowd.most, 1, 2);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(no_more_than_the_limit_run),
	cmocka_unit_test(nowait_says_again),
	cmocka_unit_test(waiting_owner_is_woken_by_cancel),
	cmocka_unit_test(waiting_owner_is_woken_by_deadline),
	cmocka_unit_test(waiting_owner_is_woken_by_close),
	cmocka_unit_test(a_spawn_that_waited_starts_what_was_asked_for),
	cmocka_unit_test(a_spawn_that_waited_begins_or_is_cancelled),
	cmocka_unit_test(joins_start_what_is_queued),
	cmocka_unit_test(queues_are_run_to_the_end),
	cmocka_unit_test(nested_limits_do_not_deadlock),
	cmocka_unit_test(cancelled_queue_is_never_started),
	cmocka_unit_test(background_tasks_take_no_slot),
	cmocka_unit_test(without_a_limit_each_task_has_a_thread),
	cmocka_unit_test(outsiders_share_the_slots),
};

SUPPORT_MAIN(tests, NULL)
