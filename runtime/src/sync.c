/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Waits for what belongs to the caller - conditions, semaphores, code of others - and that the ambient token ends.
 *
 * None of these can wait for two things. A condition is broadcast by whoever fires the token, again and again until the
 * waiter is back (struct ssi_hook), and a broadcast is no more than a spurious wake-up to others. A semaphore has
 * nothing of that kind: a post of ours could be taken for a real one. It is interrupted by the signal of
 * ss_kick_enable, and without that the waiter looks at its token from time to time.
 */
#include "ssi.h"

#include <sched.h>
#include <signal.h>
#include <threads.h>

/* How often a semaphore without a signal looks at its token. */
#define SYNC_LOOK_NS SS_MS(10)

#if defined(__GLIBC__) && !defined(SAFESPAWN_PORTABLE)
#define SYNC_HAS_CLOCKWAIT 1 /* waits to a time of any clock; since 2.30 */
#endif

/* ---- conditions ------------------------------------------------------------------------------------------------- */

#ifdef SYNC_HAS_CLOCKWAIT

static int sync_pthread_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, ss_time until)
{
	struct timespec spec = ssi_timespec(until);

	return until == SS_NEVER ? pthread_cond_wait(cond, mutex)
				 : pthread_cond_clockwait(cond, mutex, CLOCK_MONOTONIC, &spec);
}

#else

/* The clock of a condition cannot be asked for, so the helper broadcasts when the time has come. */
struct sync_alarm {
	struct ssi_alarm alarm;
	pthread_cond_t *cond;
};

static void sync_ring(struct ssi_alarm *alarm)
{
	pthread_cond_broadcast(SSI_CONTAINER(alarm, struct sync_alarm, alarm)->cond);
	ssi_alarm_set_locked(alarm, ss_after(SS_MS(1))); /* the waiter may not wait yet */
}

static int sync_pthread_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, ss_time until)
{
	struct sync_alarm at = { .cond = cond };
	int err;

	if (until == SS_NEVER)
		return pthread_cond_wait(cond, mutex);
	ssi_alarm_init(&at.alarm, sync_ring);
	err = ssi_start_locked();
	if (err)
		return err;
	ssi_alarm_set_locked(&at.alarm, until);
	ssi_unlock();
	err = pthread_cond_wait(cond, mutex);
	ssi_lock();
	ssi_alarm_set_locked(&at.alarm, SS_NEVER);
	ssi_unlock();
	if (!err && ss_now() >= until) {
		pthread_cond_signal(cond); /* it may have been a signal that we return from */
		err = ETIMEDOUT;
	}
	return err;
}

#endif

static int sync_c11_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, ss_time until)
{
	/* In glibc, musl and the BSDs the types of <threads.h> are those of pthreads under another name. */
	_Static_assert(thrd_success == 0, "this is what ss_cnd_wait promises");
	_Static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t), "cnd_t is something else here");

	(void)until;
	/* By its own name, for tools that know locks by theirs. */
	return cnd_wait((cnd_t *)(void *)cond, (mtx_t *)(void *)mutex) == thrd_success ? 0 : EINVAL;
}

static int sync_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, ss_time until,
			  int (*once)(pthread_cond_t *cond, pthread_mutex_t *mutex, ss_time until))
{
	struct ssi_hook hook = { .kind = SSI_HOOK_COND, .to.cond = cond };
	struct ssi_token *token = ssi_self.ambient;
	int err, fired;

	if (!token || !ssi_is_ours(token->generation))
		return once(cond, mutex, until);
	ssi_lock();
	err = ssi_hook_add_locked(token, &hook);
	ssi_unlock();
	if (err)
		return err;

	ssi_waits_in("ss_cond_wait", -1);
	err = once(cond, mutex, until);
	ssi_waits_no_more();

	ssi_lock();
	ssi_hook_remove_locked(&hook);
	ssi_unlock();
	fired = ssi_token_error(token);
	if (fired && (!err || err == ETIMEDOUT)) {
		/* Whether it was a signal or our broadcast cannot be told: another waiter may need it. */
		if (!err)
			pthread_cond_signal(cond);
		err = fired;
	}
	return err;
}

int ss_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, ss_time until)
{
	return sync_cond_wait(cond, mutex, until, sync_pthread_wait);
}

int ss_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
	return sync_cond_wait(cond, mutex, SS_NEVER, sync_pthread_wait);
}

int ss_cnd_wait(void *cnd, void *mtx)
{
	return sync_cond_wait(cnd, mtx, SS_NEVER, sync_c11_wait);
}

/* ---- the kick --------------------------------------------------------------------------------------------------- */

/* This thread is interrupted when its token fires; on the list of defers, so that ss_fail ends it, too. */
struct sync_kick {
	struct ssi_hook hook;
	sigset_t before;
};

static int sync_kick_begin(struct sync_kick *kick, int signo)
{
	sigset_t set;
	int err;

	*kick = (struct sync_kick){ .hook = { .kind = SSI_HOOK_KICK, .to.thread = pthread_self() } };
	sigemptyset(&set);
	sigaddset(&set, signo);
	pthread_sigmask(SIG_UNBLOCK, &set, &kick->before);
	ssi_lock();
	err = ssi_hook_add_locked(ssi_self.ambient, &kick->hook);
	ssi_unlock();
	if (err)
		pthread_sigmask(SIG_SETMASK, &kick->before, NULL);
	return err;
}

static void sync_kick_end(void *arg)
{
	struct sync_kick *kick = arg;
	int before = errno;

	ssi_waits_no_more();
	ssi_lock();
	ssi_hook_remove_locked(&kick->hook);
	ssi_unlock();
	/* A signal that was sent is delivered on the way out of the kernel, not kept for the next one who unblocks it.
	 */
	sched_yield();
	pthread_sigmask(SIG_SETMASK, &kick->before, NULL);
	errno = before;
}

static void sync_kicked(int signo)
{
	(void)signo; /* to interrupt is all that it does */
}

bool ssi_is_fault(int signo)
{
	switch (signo) {
	case SIGSEGV:
	case SIGBUS:
	case SIGFPE:
	case SIGILL:
	case SIGTRAP:
	case SIGSYS:
	case SIGABRT:
		return true;
	default:
		return false;
	}
}

int ss_kick_enable(int signo)
{
	struct sigaction action = { .sa_handler = sync_kicked };
	int none = 0, before = errno, err = 0;

	if (ssi_is_fault(signo))
		return EINVAL;
	if (!atomic_compare_exchange_strong(&ssi.kick_signal, &none, signo))
		return EBUSY;
	sigemptyset(&action.sa_mask);
	if (sigaction(signo, &action, NULL) != 0) {
		err = errno;
		errno = before;
		atomic_store(&ssi.kick_signal, 0);
	}
	return err;
}

int ss_interruptible(ss_fn fn, void *arg)
{
	int signo = atomic_load_explicit(&ssi.kick_signal, memory_order_relaxed), result;
	struct sync_kick kick;
	ss_defer defer;

	if (!fn || !signo)
		return EINVAL;
	if (!ssi_self.ambient || !ssi_is_ours(ssi_self.ambient->generation))
		return fn(arg);
	result = sync_kick_begin(&kick, signo);
	if (result)
		return result;
	ss_defer_push(&defer, sync_kick_end, &kick);
	ssi_waits_in("foreign code", -1);
	result = fn(arg);
	ss_defer_pop(&defer);
	return result;
}

/* ---- semaphores ------------------------------------------------------------------------------------------------- */

/* Wait for a short time: as sem_timedwait, whose clock may be set. */
static int sync_sem_wait_some(sem_t *semaphore)
{
#ifdef SYNC_HAS_CLOCKWAIT
	struct timespec spec = ssi_timespec(ss_after(SYNC_LOOK_NS));
	int result = sem_clockwait(semaphore, CLOCK_MONOTONIC, &spec);

	/* The thread sanitizers know sem_wait and sem_timedwait, which do that, and not this. */
	if (result == 0)
		ssi_tsan_acquire(semaphore);
	return result;
#else
	struct timespec spec;

	clock_gettime(CLOCK_REALTIME, &spec);
	spec.tv_nsec += SYNC_LOOK_NS;
	if (spec.tv_nsec >= SS_SEC(1)) {
		spec.tv_nsec -= SS_SEC(1);
		spec.tv_sec++;
	}
	return sem_timedwait(semaphore, &spec);
#endif
}

int ss_sem_wait(sem_t *semaphore)
{
	int signo = atomic_load_explicit(&ssi.kick_signal, memory_order_relaxed), result, err;
	struct ssi_token *token = ssi_self.ambient;
	struct sync_kick kick;

	err = ssi_token_error(token);
	if (!err && token && ssi_is_ours(token->generation) && signo)
		err = sync_kick_begin(&kick, signo);
	if (err) {
		errno = err;
		return -1;
	}
	if (!token || !ssi_is_ours(token->generation))
		return sem_wait(semaphore);

	ssi_waits_in("ss_sem_wait", -1);
	do
		result = signo ? sem_wait(semaphore) : sync_sem_wait_some(semaphore);
	while (result != 0 && errno == ETIMEDOUT && !ssi_token_error(token));
	ssi_waits_no_more();

	if (signo)
		sync_kick_end(&kick);
	err = ssi_token_error(token);
	if (result != 0 && err && (errno == EINTR || errno == ETIMEDOUT))
		errno = err;
	return result;
}
