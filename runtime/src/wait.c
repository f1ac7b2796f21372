/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * One wait of one thread: for an event, the ambient token, or a time. And the calls that are nothing but a wait.
 */
#include "ssi.h"

void ssi_wait_begin_steady(struct ssi_wait *wait)
{
	*wait = (struct ssi_wait){ 0 };
	ssi_list_init(&wait->link);
}

int ssi_wait_begin_locked(struct ssi_wait *wait)
{
	ssi_wait_begin_steady(wait);
	wait->hook.kind = SSI_HOOK_WORD;
	wait->hook.to.word = &wait->word;
	return ssi_hook_add_locked(ssi_self.ambient, &wait->hook);
}

int ssi_wait_sleep(struct ssi_wait *wait, ss_time until)
{
	for (;;) {
		uint32_t why = atomic_fetch_or_explicit(&wait->word, SSI_SLEEPS, memory_order_acq_rel);

		if (why & (SSI_WOKEN | SSI_FIRED))
			ssi_tsan_acquire(&wait->word);
		/* What has happened counts more than the cancellation that came beside it. */
		if (why & SSI_WOKEN)
			return 0;
		if (why & SSI_FIRED)
			return ssi_token_error(ssi_self.ambient);
		if (ssi_word_wait(&wait->word, SSI_SLEEPS, until) == ETIMEDOUT &&
		    atomic_load_explicit(&wait->word, memory_order_acquire) == SSI_SLEEPS)
			return ETIMEDOUT;
	}
}

void ssi_wait_end_locked(struct ssi_wait *wait)
{
	ssi_hook_remove_locked(&wait->hook);
	ssi_list_remove(&wait->link);
}

int ssi_wait_begin(struct ssi_wait *wait)
{
	int err;

	ssi_lock();
	err = ssi_wait_begin_locked(wait);
	ssi_unlock();
	return err;
}

void ssi_wait_end(struct ssi_wait *wait)
{
	ssi_lock();
	ssi_wait_end_locked(wait);
	ssi_unlock();
}

_Atomic uint32_t *ssi_wake_later(struct ssi_wait *wait)
{
	_Atomic uint32_t *word = &wait->word;

	ssi_tsan_release(word);
	/* After that the waiter may be gone. */
	return atomic_fetch_or_explicit(word, SSI_WOKEN, memory_order_acq_rel) == SSI_SLEEPS ? word : NULL;
}

void ssi_wake(struct ssi_wait *wait)
{
	ssi_wake_now(ssi_wake_later(wait));
}

bool ssi_wake_first(struct ssi_list *waiters)
{
	struct ssi_list *first = waiters->next;

	if (first == waiters)
		return false;
	ssi_list_remove(first);
	ssi_wake(SSI_CONTAINER(first, struct ssi_wait, link));
	return true;
}

void ssi_wake_all(struct ssi_list *waiters)
{
	while (ssi_wake_first(waiters))
		;
}

void ssi_waits_in(const char *what, int fd)
{
	struct ssi_task *task = ssi_self.task;

	if (!task)
		return;
	atomic_store_explicit(&task->waits_fd, fd, memory_order_relaxed);
	atomic_store_explicit(&task->waits_in, what, memory_order_relaxed);
}

void ssi_waits_no_more(void)
{
	ssi_waits_in(NULL, -1);
}

int ssi_wait_in(struct ssi_wait *wait, const char *what, struct ssi_patience *patience, ss_time until)
{
	int err;

	ssi_waits_in(what, -1);
	ssi_word_look(&wait->word, 0, patience);
	err = ssi_wait_sleep(wait, until);
	ssi_waits_no_more();
	return err;
}

int ss_sleep_until(ss_time until)
{
	struct ssi_wait wait;
	int err = ssi_wait_begin(&wait);

	if (!err)
		err = ssi_wait_in(&wait, "ss_sleep", NULL, until);
	ssi_wait_end(&wait);
	/* The time asked for is no error; a deadline around it is, and both are ETIMEDOUT. */
	return err == ETIMEDOUT ? ss_cancelled() : err;
}

int ss_sleep(int64_t ns)
{
	return ss_sleep_until(ss_after(ns));
}
