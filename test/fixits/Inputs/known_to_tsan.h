/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The thread sanitizer knows the locks of <pthread.h> only; those of <threads.h> are the same objects in glibc.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <threads.h>

#define mtx_lock(mutex) pthread_mutex_lock((pthread_mutex_t *)(mutex))
#define mtx_unlock(mutex) pthread_mutex_unlock((pthread_mutex_t *)(mutex))
#define cnd_wait(condition, mutex) pthread_cond_wait((pthread_cond_t *)(condition), (pthread_mutex_t *)(mutex))
#define cnd_signal(condition) pthread_cond_signal((pthread_cond_t *)(condition))
#define cnd_broadcast(condition) pthread_cond_broadcast((pthread_cond_t *)(condition))
