/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Timers and tickers. A timer is one background task of its scope that sleeps and calls, so that its calls cannot
 * overlap, a failure is the scope's, and the join of the scope is its end. A ticker is no more than a time to sleep to.
 */
#include "ssi.h"

struct timer {
	uint32_t magic; /* SSI_MAGIC(timer, TIMER_MAGIC) since ss_timer_start */
	uint32_t generation;
	ss_fn fn;
	void *arg;
	int64_t period_ns;
	ss_time next;
	/* guarded by ssi.lock */
	bool stops;		  /* told to end: the pause, not a call that is under way */
	bool over;		  /* the task will not look at this storage any more */
	uint64_t task_id;	  /* who calls; 0 before it runs */
	uint64_t missed;	  /* periods that passed while a call was under way */
	struct ssi_wait *pause;	  /* of the task between its calls */
	struct ssi_list stoppers; /* struct ssi_wait: threads in ss_timer_stop */
};
#define TIMER_MAGIC 0x74696d65u

struct ticker {
	uint32_t magic; /* SSI_MAGIC(ticker, TICKER_MAGIC) since ss_ticker_open */
	int64_t period_ns;
	ss_time next;
};
#define TICKER_MAGIC 0x7469636bu

_Static_assert(sizeof(struct timer) <= sizeof(ss_timer), "ss_timer is too small");
_Static_assert(sizeof(struct ticker) <= sizeof(ss_ticker), "ss_ticker is too small");

/* Move @next beyond now, and say how many beats are passed over by that. */
static uint64_t timer_catch_up(ss_time *next, int64_t period_ns)
{
	ss_time now = ss_now();
	uint64_t missed = 0;

	if (*next <= now) {
		missed = (uint64_t)((now - *next) / period_ns) + 1;
		*next += (ss_time)missed * period_ns;
	}
	return missed;
}

/* Sleep to the next call: false when there will be none. */
static bool timer_sleep(struct timer *timer)
{
	struct ssi_wait wait;
	bool stops;
	int err;

	ssi_lock();
	err = ssi_wait_begin_locked(&wait);
	timer->pause = &wait;
	stops = timer->stops;
	ssi_unlock();
	if (!err && !stops) {
		err = ssi_wait_in(&wait, "ss_timer", NULL, timer->next);
	}
	ssi_lock();
	timer->pause = NULL;
	ssi_wait_end_locked(&wait);
	stops = timer->stops;
	ssi_unlock();
	return !stops && err == ETIMEDOUT && !ss_cancelled();
}

static int timer_body(void *arg)
{
	struct timer *timer = arg;

	ssi_lock();
	timer->task_id = ss_task_id();
	ssi_unlock();
	while (timer_sleep(timer)) {
		uint64_t missed;
		int code = timer->fn(timer->arg);

		if (code || !timer->period_ns)
			return code;
		timer->next += timer->period_ns;
		missed = timer_catch_up(&timer->next, timer->period_ns);
		ssi_lock();
		timer->missed += missed;
		ssi_unlock();
	}
	return 0;
}

/* The arg_free of the task: it comes after the body whichever way that ended. */
static void timer_over(void *arg)
{
	struct timer *timer = arg;

	ssi_lock();
	timer->over = true;
	while (!ssi_list_empty(&timer->stoppers)) {
		struct ssi_wait *wait = SSI_CONTAINER(timer->stoppers.next, struct ssi_wait, link);

		ssi_list_remove(&wait->link);
		ssi_wake(wait);
	}
	ssi_unlock();
}

int ss_timer_start_at(ss_scope *scope, ss_timer *storage, int64_t delay_ns, int64_t period_ns, ss_fn fn, void *arg,
		      const ss_site *site)
{
	const ss_task_opts opts = { .name = "timer", .flags = SS_TASK_BACKGROUND, .arg_free = timer_over };
	struct timer *timer = (struct timer *)(void *)storage;

	if (!timer || !fn || period_ns < 0)
		return EINVAL;
	*timer = (struct timer){ .magic = SSI_MAGIC(timer, TIMER_MAGIC),
				 .generation = atomic_load_explicit(&ssi.generation, memory_order_relaxed),
				 .fn = fn,
				 .arg = arg,
				 .period_ns = period_ns,
				 .next = ss_after(delay_ns) };
	ssi_list_init(&timer->stoppers);
	return ss_spawn_at(scope, NULL, &opts, timer_body, timer, site);
}

static int timer_of(const ss_timer *storage, struct timer **ret_timer)
{
	struct timer *timer = (struct timer *)(void *)(uintptr_t)storage;

	*ret_timer = NULL;
	if (!timer || timer->magic != SSI_MAGIC(timer, TIMER_MAGIC)) {
		ssi_misused("this timer was never started");
		return EINVAL;
	}
	*ret_timer = timer;
	return ssi_is_ours(timer->generation) ? 0 : EOWNERDEAD;
}

int ss_timer_stop(ss_timer *storage)
{
	struct timer *timer;
	struct ssi_wait wait;
	bool waits = false;
	int err = timer_of(storage, &timer);

	if (err)
		return err;
	/* Steady: the storage is the timer's until it is over, whatever happens to the caller. */
	ssi_wait_begin_steady(&wait);
	ssi_lock();
	if (timer->over || timer->stops)
		err = EALREADY;
	timer->stops = true;
	if (timer->pause)
		ssi_wake(timer->pause);
	if (!timer->over && (!timer->task_id || timer->task_id != ss_task_id())) {
		waits = true;
		ssi_list_append(&timer->stoppers, &wait.link);
	}
	ssi_unlock();
	if (waits) {
		ssi_wait_in(&wait, "ss_timer_stop", NULL, SS_NEVER);
		/* The one that woke us still holds the lock, and has the storage in hand. */
		ssi_lock();
		ssi_unlock();
	}
	return err;
}

uint64_t ss_timer_missed(const ss_timer *storage)
{
	struct timer *timer;
	uint64_t missed;

	if (timer_of(storage, &timer))
		return 0;
	ssi_lock();
	missed = timer->missed;
	ssi_unlock();
	return missed;
}

int ss_ticker_open(ss_ticker *storage, int64_t period_ns)
{
	struct ticker *ticker = (struct ticker *)(void *)storage;

	if (!ticker || period_ns <= 0)
		return EINVAL;
	*ticker = (struct ticker){ .magic = SSI_MAGIC(ticker, TICKER_MAGIC),
				   .period_ns = period_ns,
				   .next = ss_after(period_ns) };
	return 0;
}

int ss_ticker_wait(ss_ticker *storage, uint64_t *ret_missed)
{
	struct ticker *ticker = (struct ticker *)(void *)storage;
	uint64_t missed;
	int err;

	if (!ticker || ticker->magic != SSI_MAGIC(ticker, TICKER_MAGIC))
		return ssi_misused("this ticker was never opened");
	missed = timer_catch_up(&ticker->next, ticker->period_ns);
	if (ret_missed)
		*ret_missed = missed;
	err = ss_sleep_until(ticker->next);
	if (!err)
		ticker->next += ticker->period_ns;
	return err;
}
