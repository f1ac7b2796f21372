/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Time, and sleeping on a word: the one thing that the runtime wants of the system for its waits. On Linux it is a
 * futex; elsewhere, and with SAFESPAWN_PORTABLE, a few buckets of mutex and condition that addresses are spread over.
 */
#include "ssi.h"

#include <limits.h>

#if defined(__linux__) && !defined(SAFESPAWN_PORTABLE)
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's headers are not there for every libc; these numbers are its interface. */
#define WORD_FUTEX_PRIVATE 128
#define WORD_FUTEX_WAKE (1 | WORD_FUTEX_PRIVATE)
#define WORD_FUTEX_WAIT_BITSET (9 | WORD_FUTEX_PRIVATE)
#define WORD_FUTEX_ANY 0xffffffffu
#endif

ss_time ss_now(void)
{
	/* A clock that cannot be read says 0: times that are made from it are over, and see ssi_left. */
	struct timespec now = { 0, 0 };

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (ss_time)now.tv_sec * 1000000000 + now.tv_nsec;
}

ss_time ss_after(int64_t ns)
{
	ss_time now = ss_now();

	if (ns <= 0)
		return now;
	return ns > SS_NEVER - now ? SS_NEVER : now + ns;
}

void ssi_tsan_release(const volatile void *address)
{
	if (__tsan_release)
		__tsan_release((void *)(uintptr_t)address);
}

void ssi_tsan_acquire(const volatile void *address)
{
	if (__tsan_acquire)
		__tsan_acquire((void *)(uintptr_t)address);
}

int64_t ssi_left(ss_time until)
{
	ss_time now = ss_now();

	if (now == 0)
		return SS_MS(10);
	return until > now ? until - now : 0;
}

struct timespec ssi_timespec(ss_time time)
{
	struct timespec spec = { 0, 0 };

	if (time <= 0)
		return spec;
	spec.tv_sec = (time_t)(time / 1000000000);
	spec.tv_nsec = (long)(time % 1000000000);
	return spec;
}

/*
 * To look costs a processor for as long as a switch of threads takes, there and back, and no more: a few hundred pauses
 * of some ten nanoseconds. Where it is in vain each time it rests, so that in the long run it costs one part in 17 of
 * that. Threads that share the patience may count wrongly together, which is as good a guess.
 */
enum { WORD_PAUSES = 800, WORD_MISSES = 16, WORD_RESTS = 256 };

static void word_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#endif
}

void ssi_word_look(_Atomic uint32_t *word, uint32_t expected, struct ssi_patience *patience)
{
	uint32_t rests, misses;

	if (!patience)
		return;
	rests = atomic_load_explicit(&patience->rests, memory_order_relaxed);
	if (rests) {
		atomic_store_explicit(&patience->rests, rests - 1, memory_order_relaxed);
		return;
	}
	for (int i = 0; i < WORD_PAUSES; i++) {
		if (atomic_load_explicit(word, memory_order_acquire) != expected) {
			atomic_store_explicit(&patience->misses, 0, memory_order_relaxed);
			return;
		}
		word_pause();
	}
	misses = atomic_load_explicit(&patience->misses, memory_order_relaxed) + 1;
	atomic_store_explicit(&patience->misses, misses % WORD_MISSES, memory_order_relaxed);
	if (misses >= WORD_MISSES)
		atomic_store_explicit(&patience->rests, WORD_RESTS, memory_order_relaxed);
}

struct ssi_patience *ssi_patience_locked(struct ssi_patience *patience, unsigned others)
{
	uint64_t threads = ssi.stats.threads - ssi.stats.parked + others;

	return ssi.processors > 1 && threads <= ssi.processors ? patience : NULL;
}

#if defined(__linux__) && !defined(SAFESPAWN_PORTABLE)

int ssi_word_wait(_Atomic uint32_t *word, uint32_t expected, ss_time until)
{
	struct timespec spec = ssi_timespec(until);
	int before = errno, result = 0;

	/* FUTEX_WAIT_BITSET takes an absolute time of CLOCK_MONOTONIC; FUTEX_WAIT a relative one. */
	if (syscall(SYS_futex, word, WORD_FUTEX_WAIT_BITSET, expected, until == SS_NEVER ? NULL : &spec, NULL,
		    WORD_FUTEX_ANY) != 0 &&
	    errno == ETIMEDOUT)
		result = ETIMEDOUT;
	errno = before;
	return result;
}

void ssi_word_wake(_Atomic uint32_t *word, bool all)
{
	int before = errno;

	syscall(SYS_futex, word, WORD_FUTEX_WAKE, all ? INT_MAX : 1, NULL, NULL, 0);
	errno = before;
}

void ssi_words_forked(void)
{
}

#else

/* Sleepers of different words may share a bucket, so a wake-up wakes all of it: each looks at its own word again. */
static struct word_bucket {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool ready; /* guarded by lock: the condition has the right clock */
} word_buckets[] = {
#define WORD_BUCKET { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false }
	WORD_BUCKET, WORD_BUCKET, WORD_BUCKET, WORD_BUCKET, WORD_BUCKET, WORD_BUCKET, WORD_BUCKET, WORD_BUCKET,
	WORD_BUCKET, WORD_BUCKET, WORD_BUCKET, WORD_BUCKET, WORD_BUCKET, WORD_BUCKET, WORD_BUCKET, WORD_BUCKET,
#undef WORD_BUCKET
};

static struct word_bucket *word_bucket_of(_Atomic uint32_t *word)
{
	uintptr_t address = (uintptr_t)word;
	struct word_bucket *bucket =
		&word_buckets[(address >> 4 ^ address >> 12) % (sizeof(word_buckets) / sizeof(*word_buckets))];

	pthread_mutex_lock(&bucket->lock);
	if (!bucket->ready) {
		pthread_condattr_t attr;

		pthread_condattr_init(&attr);
		pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
		pthread_cond_init(&bucket->changed, &attr);
		pthread_condattr_destroy(&attr);
		bucket->ready = true;
	}
	return bucket;
}

int ssi_word_wait(_Atomic uint32_t *word, uint32_t expected, ss_time until)
{
	struct timespec spec = ssi_timespec(until);
	struct word_bucket *bucket = word_bucket_of(word);
	int result = 0;

	if (atomic_load_explicit(word, memory_order_acquire) == expected) {
		if (until == SS_NEVER)
			pthread_cond_wait(&bucket->changed, &bucket->lock);
		else if (pthread_cond_timedwait(&bucket->changed, &bucket->lock, &spec) == ETIMEDOUT)
			result = ETIMEDOUT;
	}
	pthread_mutex_unlock(&bucket->lock);
	return result;
}

void ssi_word_wake(_Atomic uint32_t *word, bool all)
{
	struct word_bucket *bucket = word_bucket_of(word);

	(void)all;
	pthread_cond_broadcast(&bucket->changed);
	pthread_mutex_unlock(&bucket->lock);
}

void ssi_words_forked(void)
{
	for (size_t i = 0; i < sizeof(word_buckets) / sizeof(*word_buckets); i++) {
		pthread_mutex_init(&word_buckets[i].lock, NULL);
		word_buckets[i].ready = false;
	}
}

#endif
