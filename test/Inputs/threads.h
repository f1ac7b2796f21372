/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What C11's <threads.h> publishes, as far as the tests use it: the prototypes of ISO/IEC 9899:2011, 7.26, with glibc's
 * types on x86-64. c11-system.c includes the system's own header instead.
 */
#ifndef TEST_THREADS_H
#define TEST_THREADS_H
#pragma clang system_header

#define NULL ((void *)0)
typedef unsigned long size_t;
typedef unsigned long uintptr_t;
typedef long intptr_t;
typedef long time_t;

struct timespec {
  time_t tv_sec;
  long tv_nsec;
};

/* stdlib.h, stdio.h, assert.h */
extern void *malloc(size_t size) __attribute__((__malloc__));
extern void *calloc(size_t count, size_t size) __attribute__((__malloc__));
extern void free(void *pointer);
extern void exit(int status) __attribute__((__noreturn__));
extern void abort(void) __attribute__((__noreturn__));
extern int printf(const char *format, ...);
extern void __assert_fail(const char *assertion, const char *file, unsigned line, const char *function)
    __attribute__((__noreturn__));
#define assert(e) ((e) ? (void)0 : __assert_fail(#e, __FILE__, __LINE__, __func__))

/* threads.h */
typedef unsigned long int thrd_t;
typedef int (*thrd_start_t)(void *);

enum { thrd_success = 0, thrd_busy = 1, thrd_error = 2, thrd_nomem = 3, thrd_timedout = 4 };
enum { mtx_plain = 0, mtx_recursive = 1, mtx_timed = 2 };

typedef union {
  char __size[40];
  long int __align;
} mtx_t;

typedef union {
  char __size[48];
  long long int __align;
} cnd_t;

extern int thrd_create(thrd_t *thr, thrd_start_t func, void *arg);
extern int thrd_equal(thrd_t thr0, thrd_t thr1);
extern thrd_t thrd_current(void);
extern int thrd_sleep(const struct timespec *duration, struct timespec *remaining);
extern void thrd_exit(int res) __attribute__((__noreturn__));
extern int thrd_detach(thrd_t thr);
extern int thrd_join(thrd_t thr, int *res);
extern void thrd_yield(void);

typedef struct {
  int __data;
} once_flag;
#define ONCE_FLAG_INIT { 0 }
extern void call_once(once_flag *flag, void (*func)(void));

extern int mtx_init(mtx_t *mtx, int type);
extern int mtx_lock(mtx_t *mtx);
extern int mtx_timedlock(mtx_t *restrict mtx, const struct timespec *restrict ts);
extern int mtx_trylock(mtx_t *mtx);
extern int mtx_unlock(mtx_t *mtx);
extern void mtx_destroy(mtx_t *mtx);

extern int cnd_init(cnd_t *cond);
extern int cnd_wait(cnd_t *cond, mtx_t *mtx);
extern int cnd_timedwait(cnd_t *restrict cond, mtx_t *restrict mtx, const struct timespec *restrict ts);
extern int cnd_signal(cnd_t *cond);
extern int cnd_broadcast(cnd_t *cond);
extern void cnd_destroy(cnd_t *cond);

#endif
