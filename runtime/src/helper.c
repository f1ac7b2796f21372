/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The helper: one thread that does what has a time (deadlines, repeated wake-ups, stuck reports) and what a signal
 * handler could only ask for (tokens that were posted). It runs from the first scope or token to the end of a drain.
 */
#include "ssi.h"

#include <signal.h>
#include <string.h>

#ifdef __linux__
#include <sched.h>
#endif
#if !defined(__linux__) || defined(SAFESPAWN_PORTABLE)
#include <fcntl.h>
#include <unistd.h>
#define HELPER_HAS_PIPE 1
#endif

enum { HELPER_NONE, HELPER_STARTS, HELPER_RUNS };

static struct {
	_Atomic uint32_t phase; /* HELPER_NONE, ... */
	_Atomic uint32_t bell;	/* rung when there is something new; futex of the helper's sleep */
	pthread_t thread;
	bool has_handlers; /* of fork; guarded by phase == HELPER_STARTS */
	bool left;	   /* it ended by itself: what it had is still to be put away; guarded likewise */
#ifdef HELPER_HAS_PIPE
	int pipe[2]; /* guarded as has_handlers */
#endif
	/* guarded by lock */
	bool quits;
	struct ssi_alarm *first; /* root of the heap */
	ss_time planned;	 /* how long the helper sleeps unless the bell rings */
	struct ssi_text says;
	char text[2048]; /* of says */
} helper = {
	.says = { helper.text, sizeof(helper.text), 0 },
	.planned = SS_NEVER,
#ifdef HELPER_HAS_PIPE
	.pipe = { -1, -1 },
#endif
};

/* ---- the heap --------------------------------------------------------------------------------------------------- */

static struct ssi_alarm *helper_meld(struct ssi_alarm *a, struct ssi_alarm *b)
{
	if (!a || !b)
		return a ? a : b;
	if (b->at < a->at) {
		struct ssi_alarm *swap = a;

		a = b;
		b = swap;
	}
	b->prev = a;
	b->next = a->child;
	if (a->child)
		a->child->prev = b;
	a->child = b;
	a->next = a->prev = NULL;
	return a;
}

/* One heap of a row of siblings: melded in pairs from the left, and the pairs from the right. */
static struct ssi_alarm *helper_meld_row(struct ssi_alarm *row)
{
	struct ssi_alarm *pairs = NULL, *all = NULL;

	while (row) {
		struct ssi_alarm *a = row, *b = row->next, *pair;

		row = b ? b->next : NULL;
		a->next = a->prev = NULL;
		if (b)
			b->next = b->prev = NULL;
		pair = helper_meld(a, b);
		pair->next = pairs;
		pairs = pair;
	}
	while (pairs) {
		struct ssi_alarm *next = pairs->next;

		pairs->next = NULL;
		all = helper_meld(all, pairs);
		pairs = next;
	}
	return all;
}

static void helper_take_out(struct ssi_alarm *alarm)
{
	struct ssi_alarm *below = helper_meld_row(alarm->child);

	if (alarm == helper.first) {
		helper.first = below;
	} else {
		if (alarm->prev->child == alarm)
			alarm->prev->child = alarm->next;
		else
			alarm->prev->next = alarm->next;
		if (alarm->next)
			alarm->next->prev = alarm->prev;
		helper.first = helper_meld(helper.first, below);
	}
	alarm->child = alarm->next = alarm->prev = NULL;
	alarm->at = SS_NEVER;
}

void ssi_alarm_init(struct ssi_alarm *alarm, void (*ring)(struct ssi_alarm *alarm))
{
	*alarm = (struct ssi_alarm){ .at = SS_NEVER, .ring = ring };
}

void ssi_alarm_set_locked(struct ssi_alarm *alarm, ss_time at)
{
	if (alarm->at != SS_NEVER)
		helper_take_out(alarm);
	if (at == SS_NEVER)
		return;
	alarm->at = at;
	helper.first = helper_meld(helper.first, alarm);
	if (at < helper.planned) {
		helper.planned = at; /* who comes next with a later time need not ring again */
		ssi_helper_poke();
	}
}

/* ---- the thread ------------------------------------------------------------------------------------------------- */

#ifdef HELPER_HAS_PIPE

void ssi_helper_poke(void)
{
	int before = errno;

	atomic_fetch_add_explicit(&helper.bell, 1, memory_order_release);
	/* A pipe that is full rings already. */
	if (write(helper.pipe[1], "", 1) < 0)
		errno = before;
}

static void helper_sleep(uint32_t seen, ss_time until)
{
	struct pollfd bell = { .fd = helper.pipe[0], .events = POLLIN };
	int64_t left_ns = until == SS_NEVER ? -1 : ssi_left(until);
	char drop[64];

	if (atomic_load_explicit(&helper.bell, memory_order_acquire) == seen && (until == SS_NEVER || left_ns > 0))
		poll(&bell, 1,
		     until == SS_NEVER	      ? -1
		     : left_ns > SS_SEC(3600) ? 3600000
					      : (int)((left_ns + 999999) / 1000000));
	while (read(helper.pipe[0], drop, sizeof(drop)) > 0)
		;
}

static int helper_prepare(void)
{
	if (pipe(helper.pipe) != 0)
		return EAGAIN;
	for (int i = 0; i < 2; i++) {
		fcntl(helper.pipe[i], F_SETFD, FD_CLOEXEC);
		fcntl(helper.pipe[i], F_SETFL, O_NONBLOCK);
	}
	return 0;
}

static void helper_put_away(void)
{
	for (int i = 0; i < 2; i++) {
		close(helper.pipe[i]);
		helper.pipe[i] = -1;
	}
}

#else

void ssi_helper_poke(void)
{
	atomic_fetch_add_explicit(&helper.bell, 1, memory_order_release);
	ssi_word_wake(&helper.bell, true);
}

static void helper_sleep(uint32_t seen, ss_time until)
{
	ssi_word_wait(&helper.bell, seen, until);
}

static int helper_prepare(void)
{
	return 0;
}

static void helper_put_away(void)
{
}

#endif

struct ssi_text *ssi_helper_says_locked(void)
{
	return &helper.says;
}

/*
 * With nothing left to do for a while: ssi_start_locked makes it again. Nobody tells when the last object goes, which
 * would cost each scope a wake-up: the helper looks now and then.
 */
static bool helper_leaves_locked(ss_time *idle_since)
{
	int64_t idle_ns = atomic_load_explicit(&ssi.idle_ns, memory_order_relaxed);
	uint32_t runs = HELPER_RUNS;
	ss_time look = ss_after(idle_ns < SS_MS(20) ? SS_MS(20) : idle_ns);

	if (look < helper.planned)
		helper.planned = look;
	if (helper.first || !ssi_list_empty(&ssi.objects)) {
		*idle_since = SS_NEVER;
		return false;
	}
	if (*idle_since == SS_NEVER)
		*idle_since = ss_now();
	if (ss_now() - *idle_since < idle_ns)
		return false;
	/* When it fails somebody retires it, and waits for it. */
	if (!atomic_compare_exchange_strong(&helper.phase, &runs, HELPER_STARTS))
		return false;
	pthread_detach(pthread_self());
	helper.left = true;
	atomic_store_explicit(&helper.phase, HELPER_NONE, memory_order_release);
	ssi_word_wake(&helper.phase, true);
	return true;
}

static void *helper_main(void *unused)
{
	char says[sizeof(helper.text)];
	ss_time idle_since = SS_NEVER;

	(void)unused;
	pthread_setname_np(pthread_self(), "ss-helper");
	for (;;) {
		uint32_t seen = atomic_load_explicit(&helper.bell, memory_order_acquire);
		ss_time planned;
		size_t said;
		bool ends;

		ssi_lock();
		ssi_posted_locked();
		while (helper.first && helper.first->at <= ss_now()) {
			struct ssi_alarm *alarm = helper.first;

			helper_take_out(alarm);
			alarm->ring(alarm);
		}
		said = helper.says.used;
		memcpy(says, helper.text, said);
		says[said] = '\0';
		helper.says.used = 0;
		helper.planned = helper.first ? helper.first->at : SS_NEVER;
		ends = helper.quits || (!said && helper_leaves_locked(&idle_since));
		planned = helper.planned;
		ssi_unlock();

		if (said)
			ssi_report("%s", says);
		if (ends)
			return NULL;
		helper_sleep(seen, planned);
	}
}

static int helper_start(void)
{
	sigset_t all, before;
	int err;

	if (helper.left) {
		helper.left = false;
		helper_put_away();
	}
	if (!helper.has_handlers) {
		err = ssi_fork_prepare();
		if (err)
			return err;
		helper.has_handlers = true;
	}
	err = helper_prepare();
	if (err)
		return err;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&helper.thread, NULL, helper_main, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err) {
		helper_put_away();
		return EAGAIN;
	}
	return 0;
}

static unsigned helper_processors(void)
{
#ifdef __linux__
	cpu_set_t ours;

	if (sched_getaffinity(0, sizeof(ours), &ours) == 0)
		return (unsigned)CPU_COUNT(&ours);
#endif
	return 1;
}

int ssi_start_locked(void)
{
	for (;;) {
		unsigned processors;
		uint32_t phase;
		int err;

		/* The helper leaves with the lock held: as long as we have it, it stays. */
		ssi_lock();
		phase = atomic_load_explicit(&helper.phase, memory_order_acquire);
		if (phase == HELPER_RUNS)
			return 0;
		ssi_unlock();
		if (phase == HELPER_STARTS) {
			ssi_word_wait(&helper.phase, HELPER_STARTS, SS_NEVER);
			continue;
		}
		if (!atomic_compare_exchange_strong(&helper.phase, &phase, HELPER_STARTS))
			continue;
		processors = helper_processors();
		ssi_lock();
		ssi.started = true;
		ssi.processors = processors;
		ssi_unlock();
		err = helper_start();
		atomic_store_explicit(&helper.phase, err ? HELPER_NONE : HELPER_RUNS, memory_order_release);
		ssi_word_wake(&helper.phase, true);
		if (err)
			return err;
	}
}

void ssi_helper_retire(void)
{
	uint32_t phase = HELPER_RUNS;

	if (!atomic_compare_exchange_strong(&helper.phase, &phase, HELPER_STARTS))
		return;
	ssi_lock();
	helper.quits = true;
	ssi_helper_poke();
	ssi_unlock();
	pthread_join(helper.thread, NULL);
	helper_put_away();
	helper.quits = false;
	atomic_store_explicit(&helper.phase, HELPER_NONE, memory_order_release);
	ssi_word_wake(&helper.phase, true);
}

void ssi_helper_forked(void)
{
	/* The thread is the parent's; its alarms belong to objects that are not used here. */
	helper.first = NULL;
	helper.planned = SS_NEVER;
	helper.says.used = 0;
	helper.quits = false;
	if (helper.left || atomic_load_explicit(&helper.phase, memory_order_relaxed) != HELPER_NONE)
		helper_put_away();
	helper.left = false;
	atomic_store_explicit(&helper.phase, HELPER_NONE, memory_order_relaxed);
}
