// RUN: %run random
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Random programs of scopes and tasks against a model of what may come out of them. A program is a tree of groups (a
 * scope with limit 0 to 4, nested up to 5 deep) whose owners and tasks spawn, join, cancel, set deadlines, sleep, fail
 * and leave, all chosen by a seed. The model is what holds whatever the interleaving:
 *
 *   a task that was spawned runs once and before its scope's join returns, or, if something cancelled it, not at all;
 *   arg_free runs exactly once, also when the spawn failed; no more tasks run than the limit and the joins of queued
 *   ones allow; a cancellation is seen only where somebody made one; a result is what the body returned; the error of a
 *   scope is one of its tasks' or of its cancellation; no join says EDEADLK, since these programs have no cycle of
 * joins.
 *
 *     random [OPERATIONS [SEED]]      10,000 and seed 1 without; says in which program it is when it fails: then
 *                                     random 1 SEED is that one
 */
#include "support.h"

#include <signal.h>
#include <unistd.h>

enum { DEPTH = 5, CHILDREN = 8, OPERATIONS = 60 /* of one program */, FAILURES = 1000 /* codes start here */ };

struct job {
	struct group *group;
	uint32_t random;
	bool endless, background, has_handle;
	atomic_bool spawned;
	ss_task task;
	atomic_int begun, ended, freed, joined;
	atomic_bool may_be_cancelled; /* by ss_task_cancel or a deadline of its own */
	atomic_int result;
};

struct group {
	struct job *opener;  /* NULL: main */
	struct group *outer; /* opened within this one, by its owner; NULL: by a task, or first of all */
	unsigned depth, limit, flags;
	bool is_bounded; /* it has a deadline */
	ss_scope scope;
	atomic_int running, claims, failures;
	atomic_bool may_be_cancelled, is_joined, is_closed, lost_a_task;
	atomic_int codes[4]; /* of ss_scope_cancel */
	atomic_int count;
	struct job jobs[CHILDREN];
};

static atomic_int budget;
static atomic_long operations;

static uint32_t roll(uint32_t *random, uint32_t sides)
{
	uint32_t x = *random;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	*random = x;
	return x % sides;
}

static bool may_operate(void)
{
	if (atomic_fetch_sub(&budget, 1) <= 0)
		return false;
	atomic_fetch_add(&operations, 1);
	return true;
}

static bool group_may_be_cancelled(const struct group *group);

static bool job_may_be_cancelled(const struct job *job)
{
	/* A background task is cancelled by the join. */
	return job && (job->background || atomic_load(&job->may_be_cancelled) || group_may_be_cancelled(job->group));
}

static bool group_may_be_cancelled(const struct group *group)
{
	return atomic_load(&group->may_be_cancelled) ||
	       (!(group->flags & SS_UNLINKED) &&
		(group->outer ? group_may_be_cancelled(group->outer) : job_may_be_cancelled(group->opener)));
}

/* What a blocking call says besides 0, of a task or of the owner of a group. */
static void check_wait(int err, const struct group *group, const struct job *job)
{
	if (err == 0)
		return;
	CHECK(err == ECANCELED || err == ETIMEDOUT);
	CHECK(job ? job_may_be_cancelled(job) : group_may_be_cancelled(group));
}

static void run_group(struct job *opener, struct group *outer, unsigned depth, uint32_t seed);

/* ---- operations ---- */

static void join_one(struct group *group, struct job *joiner, uint32_t *random, int below)
{
	struct job *job = &group->jobs[roll(random, (uint32_t)below)];
	int expected = 0, rc = -1, err;

	if (!atomic_load(&job->spawned) || !job->has_handle || job->endless || job->background)
		return;
	if (!atomic_compare_exchange_strong(&job->joined, &expected, 1))
		return;
	atomic_fetch_add(&group->claims, 1); /* it may start one over the limit */
	switch (roll(random, 4)) {
	case 0:
		err = ss_task_tryjoin(&job->task, &rc);
		CHECK(err == 0 || err == EBUSY);
		break;
	case 1:
		err = ss_task_join_until(&job->task, ss_after(roll(random, 100000)), &rc);
		if (err && err != ETIMEDOUT)
			check_wait(err, group, joiner);
		break;
	default:
		err = ss_task_join(&job->task, &rc);
		check_wait(err, group, joiner);
	}
	if (err) {
		atomic_store(&job->joined, 0);
		return;
	}
	if (atomic_load(&job->begun)) {
		CHECK_EQ(atomic_load(&job->ended), 1);
		CHECK_EQ(rc, atomic_load(&job->result));
	} else {
		CHECK(job_may_be_cancelled(job));
	}
	CHECK_EQ(ss_task_join(&job->task, &rc), ESRCH);
}

static void cancel_group(struct group *group, uint32_t *random)
{
	int code = roll(random, 2) ? 0 : 500 + (int)roll(random, 100);

	for (size_t i = 0; i < COUNT(group->codes); i++) {
		int expected = 0;

		if (code && i + 1 == COUNT(group->codes) && atomic_load(&group->codes[i]))
			return; /* no more room to remember */
		if (!code || atomic_compare_exchange_strong(&group->codes[i], &expected, code))
			break;
	}
	atomic_store(&group->may_be_cancelled, true);
	ss_scope_cancel(&group->scope, code, "code %d", code);
}

static void cancel_job(struct group *group, uint32_t *random, int below)
{
	struct job *job = &group->jobs[roll(random, (uint32_t)below)];
	int err;

	if (!atomic_load(&job->spawned) || !job->has_handle)
		return;
	atomic_store(&job->may_be_cancelled, true);
	atomic_store(&group->lost_a_task, true);
	err = ss_task_cancel(&job->task, ECANCELED, NULL);
	CHECK(err == 0 || err == ESRCH);
}

static int body(void *arg);

static void job_free(void *arg)
{
	struct job *job = arg;

	CHECK_EQ(atomic_fetch_add(&job->freed, 1), 0);
}

/* @spawner is a task of the group, or NULL for its owner. */
static void spawn_one(struct group *group, struct job *spawner, uint32_t *random)
{
	struct ss_task_opts opts = { .name = "random", .arg_free = job_free };
	int index = atomic_fetch_add(&group->count, 1), err;
	struct job *job;

	if (index >= CHILDREN) {
		atomic_store(&group->count, CHILDREN);
		return;
	}
	job = &group->jobs[index];
	job->group = group;
	job->random = roll(random, UINT32_MAX - 1) + 1;
	job->background = roll(random, 8) == 0;
	job->has_handle = roll(random, 4) != 0;
	/* Who never ends of itself must not hold the slot that its owner waits for. */
	job->endless =
		roll(random, 4) == 0 && (job->background || (group->is_bounded && !(group->flags & SS_UNLINKED)));
	if (roll(random, 3) == 0)
		opts.flags |= SS_TASK_FRESH;
	if (roll(random, 4) == 0)
		opts.flags |= SS_TASK_NOWAIT;
	if (job->background)
		opts.flags |= SS_TASK_BACKGROUND;
	if (roll(random, 10) == 0) {
		atomic_store(&job->may_be_cancelled, true);
		/* Who says ETIMEDOUT for a deadline of its own has failed. */
		atomic_store(&group->lost_a_task, true);
		if (!(group->flags & SS_SUPERVISE))
			atomic_store(&group->may_be_cancelled, true);
		opts.deadline = ss_after(roll(random, 1000000));
	}
	err = ss_spawn_at(&group->scope, job->has_handle ? &job->task : NULL, &opts, body, job, SS_HERE);
	if (!err) {
		atomic_store(&job->spawned, true);
		return;
	}
	CHECK_EQ(atomic_load(&job->freed), 1);
	CHECK_EQ(atomic_load(&job->begun), 0);
	switch (err) {
	case EAGAIN:
		CHECK(group->limit && opts.flags & SS_TASK_NOWAIT && !job->background);
		break;
	case EPIPE:
		/* Background tasks may still run when the join lets nobody in any more. */
		CHECK(atomic_load(&group->is_closed) || (spawner && spawner->background));
		break;
	default:
		CHECK(err == ECANCELED || err == ETIMEDOUT);
		CHECK(group_may_be_cancelled(group) || job_may_be_cancelled(spawner));
	}
}

static int sleep_a_little(void *random)
{
	return ss_sleep(roll(random, 100000));
}

static int fail_inside(void *random)
{
	ss_fail(FAILURES + 7, "inside %u", *(uint32_t *)random);
}

static void operate(struct group *group, struct job *job, uint32_t *random, int own_index)
{
	ss_error error;

	switch (roll(random, 12)) {
	case 0:
	case 1:
	case 2:
		spawn_one(group, job, random);
		break;
	case 3:
	case 4:
		/* Of one's elders only: a chain of joins has an end. */
		if (own_index > 0)
			join_one(group, job, random, own_index);
		break;
	case 5:
		if (roll(random, 4) == 0)
			cancel_group(group, random);
		break;
	case 6:
		if (own_index > 0)
			cancel_job(group, random, own_index);
		break;
	case 7:
		if (group->depth < DEPTH)
			run_group(job ? job : group->opener, job ? NULL : group, group->depth + 1,
				  roll(random, UINT32_MAX - 1) + 1);
		break;
	case 8:
		CHECK_EQ(ss_shield(SS_SEC(100), sleep_a_little, random), 0);
		break;
	case 9:
		CHECK_EQ(ss_try(fail_inside, random, &error), FAILURES + 7);
		CHECK(strncmp(error.msg, "inside ", 7) == 0);
		break;
	default:
		check_wait(sleep_a_little(random), group, job);
		check_wait(ss_cancelled(), group, job);
	}
}

/* ---- a task ---- */

static int body(void *arg)
{
	struct job *job = arg;
	struct group *group = job->group;
	uint32_t random = job->random;
	int result = 0;

	CHECK_EQ(atomic_fetch_add(&job->begun, 1), 0);
	CHECK(!atomic_load(&group->is_joined));
	if (!job->background) {
		int running = atomic_fetch_add(&group->running, 1) + 1;

		if (group->limit)
			CHECK(running <= (int)group->limit + atomic_load(&group->claims));
	}
	while (!job->endless && roll(&random, 4) && may_operate())
		operate(group, job, &random, (int)(job - group->jobs));
	if (job->endless) {
		result = ss_sleep_until(SS_NEVER);
		CHECK(result == ECANCELED || result == ETIMEDOUT);
		CHECK(job_may_be_cancelled(job));
	} else if (roll(&random, 5) == 0) {
		result = FAILURES + 10 + (int)(job - group->jobs);
		atomic_fetch_add(&group->failures, 1);
		if (!(group->flags & SS_SUPERVISE))
			atomic_store(&group->may_be_cancelled, true);
	}
	atomic_store(&job->result, result);
	if (!job->background)
		atomic_fetch_sub(&group->running, 1);
	CHECK_EQ(atomic_fetch_add(&job->ended, 1), 0);
	if (result >= FAILURES && roll(&random, 3) == 0)
		ss_fail(result, "job %d", result);
	if (roll(&random, 8) == 0)
		ss_exit(result);
	return result;
}

/* ---- a group ---- */

static void check_error(const struct group *group, int rc)
{
	bool cancelled = group_may_be_cancelled(group);

	if (rc == 0) {
		CHECK(atomic_load(&group->failures) == 0 || cancelled);
		return;
	}
	if (rc >= FAILURES) {
		CHECK(atomic_load(&group->jobs[rc - FAILURES - 10].result) == rc);
		return;
	}
	for (size_t i = 0; i < COUNT(group->codes); i++)
		if (rc == atomic_load(&group->codes[i]))
			return;
	CHECK(rc == ECANCELED || rc == ETIMEDOUT);
	CHECK(cancelled || atomic_load(&group->lost_a_task));
}

static void check_group(const struct group *group)
{
	int count = atomic_load(&group->count);

	CHECK_EQ(atomic_load(&group->running), 0);
	for (int i = 0; i < count && i < CHILDREN; i++) {
		const struct job *job = &group->jobs[i];

		CHECK_EQ(atomic_load(&job->freed), 1);
		CHECK_EQ(atomic_load(&job->begun), atomic_load(&job->ended));
		if (atomic_load(&job->spawned) && !atomic_load(&job->begun))
			CHECK(job_may_be_cancelled(job));
		if (!atomic_load(&job->spawned))
			CHECK_EQ(atomic_load(&job->begun), 0);
	}
}

static void run_group(struct job *opener, struct group *outer, unsigned depth, uint32_t seed)
{
	struct group *group = calloc(1, sizeof(*group));
	uint32_t random = seed;
	ss_scope_opts opts = { .name = "random" };
	ss_error errors[CHILDREN + 1];
	int failures;

	CHECK(group);
	group->opener = opener;
	group->outer = outer;
	group->depth = depth;
	group->limit = opts.limit = roll(&random, 5);
	for (unsigned flag = SS_SUPERVISE; flag <= SS_HELP; flag <<= 1)
		if (roll(&random, 3) == 0)
			opts.flags |= flag;
	group->flags = opts.flags;
	if (roll(&random, 3) == 0) {
		group->is_bounded = true;
		atomic_store(&group->may_be_cancelled, true);
		opts.deadline = ss_after(roll(&random, 2000000));
	}
	if (opts.flags & SS_HELP)
		atomic_store(&group->claims, 1); /* the owner may run tasks itself, too */
	opts.keep_errors = CHILDREN + 1;
	CHECK_EQ(ss_scope_open(&group->scope, &opts, SS_HERE), 0);

	for (unsigned i = roll(&random, 6) + 1; i > 0 && may_operate(); i--) {
		int count = atomic_load(&group->count);

		operate(group, NULL, &random, count < CHILDREN ? count : CHILDREN);
		if (roll(&random, 20) == 0) {
			atomic_store(&group->is_closed, true);
			ss_scope_close(&group->scope);
		}
		if (roll(&random, 20) == 0) {
			atomic_store(&group->may_be_cancelled, true);
			ss_scope_set_deadline(&group->scope, ss_after(roll(&random, 500000)));
		}
	}

	if (roll(&random, 4) != 0) {
		ss_error first;
		int rc;

		if (roll(&random, 3) == 0) {
			rc = ss_scope_join_until(&group->scope, ss_after(roll(&random, 200000)), &first);
			CHECK(rc == first.code || (rc == ETIMEDOUT && first.code == 0));
		}
		rc = ss_scope_join(&group->scope, &first);
		atomic_store(&group->is_joined, true);
		check_error(group, rc);
		CHECK_EQ(ss_scope_join(&group->scope, NULL), rc);
		failures = atomic_load(&group->failures);
		if (!group_may_be_cancelled(group) && !atomic_load(&group->lost_a_task))
			CHECK_EQ(ss_scope_errors(&group->scope, errors, COUNT(errors)), failures);
		CHECK(ss_scope_errors(&group->scope, NULL, 0) >= (unsigned)(failures > 0 && rc >= FAILURES));
	} else {
		atomic_store(&group->may_be_cancelled, true);
	}
	ss_scope_fini(&group->scope);
	atomic_store(&group->is_joined, true);
	check_group(group);
	free(group);
}

static uint32_t program_seed;

static void run_programs(long wanted, uint32_t seed)
{
	uint32_t random = seed;

	atomic_store(&operations, 0);
	program_seed = seed;
	for (; atomic_load(&operations) < wanted; program_seed = roll(&random, UINT32_MAX - 1) + 1) {
		atomic_store(&budget, OPERATIONS);
		alarm(200);
		run_group(NULL, NULL, 1, program_seed);
	}
}

static void say_seed(int signal_number)
{
	char text[64];
	int size = snprintf(text, sizeof(text), "random: in the program of seed %u\n", program_seed);

	(void)signal_number;
	if (write(STDERR_FILENO, text, (size_t)size) < 0)
		_exit(1);
}

static void test_programs_keep_to_the_model(void **state)
{
	(void)state;
	run_programs(10000, 1);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(test_programs_keep_to_the_model) };

	signal(SIGABRT, say_seed);
	if (argc > 1) {
		run_programs(atol(argv[1]), argc > 2 ? (uint32_t)atol(argv[2]) : 1);
		printf("%ld operations\n", atomic_load(&operations));
		return ss_drain(ss_after(SS_SEC(60)));
	}
	return support_main(argc, argv, "random", tests, COUNT(tests), NULL);
}
