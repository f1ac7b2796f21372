/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What <pthread.h> and the headers beside it publish, as far as the tests use it: glibc's types on x86-64 and the
 * prototypes of POSIX.1-2017, so that tests read the same on each machine. pthread-system.c includes the system's own
 * header instead.
 */
#ifndef TEST_PTHREAD_H
#define TEST_PTHREAD_H
#pragma clang system_header

#define NULL ((void *)0)
typedef unsigned long size_t;
typedef unsigned long uintptr_t;
typedef long intptr_t;
typedef long time_t;
typedef int clockid_t;

struct timespec {
  time_t tv_sec;
  long tv_nsec;
};

/* stdlib.h, stdio.h, string.h, unistd.h, assert.h, err.h */
extern void *malloc(size_t size) __attribute__((__malloc__));
extern void *calloc(size_t count, size_t size) __attribute__((__malloc__));
extern void free(void *pointer);
extern void exit(int status) __attribute__((__noreturn__));
extern void _exit(int status) __attribute__((__noreturn__));
extern void abort(void) __attribute__((__noreturn__));
extern int printf(const char *format, ...);
extern void perror(const char *text);
extern void *memset(void *to, int value, size_t size);
extern void *memcpy(void *to, const void *from, size_t size);
extern void *memmove(void *to, const void *from, size_t size);
extern char *strerror(int error);
extern unsigned sleep(unsigned seconds);
extern int usleep(unsigned microseconds);
extern long read(int fd, void *buffer, size_t size);
extern int fsync(int fd);
extern int system(const char *command);
extern void __assert_fail(const char *assertion, const char *file, unsigned line, const char *function)
    __attribute__((__noreturn__));
#define assert(e) ((e) ? (void)0 : __assert_fail(#e, __FILE__, __LINE__, __func__))
extern void err(int status, const char *format, ...) __attribute__((__noreturn__));

#define EAGAIN 11
#define ENOMEM 12
#define EBUSY 16
#define EINVAL 22
#define ETIMEDOUT 110
#define EOWNERDEAD 130

/* sys/wait.h, poll.h, sys/socket.h */
#define WNOHANG 1
extern int waitpid(int pid, int *status, int options);
struct pollfd {
  int fd;
  short events, revents;
};
extern int poll(struct pollfd *fds, unsigned long count, int timeout);
enum {
  MSG_DONTWAIT = 0x40
#define MSG_DONTWAIT MSG_DONTWAIT
};
extern long recv(int fd, void *buffer, size_t size, int flags);

/* pthread.h */
typedef unsigned long int pthread_t;

union pthread_attr_t {
  char __size[56];
  long int __align;
};
typedef union pthread_attr_t pthread_attr_t;

typedef union {
  char __size[4];
  int __align;
} pthread_mutexattr_t;

typedef union {
  char __size[4];
  int __align;
} pthread_condattr_t;

typedef union {
  char __size[8];
  long int __align;
} pthread_rwlockattr_t;

typedef union {
  char __size[4];
  int __align;
} pthread_barrierattr_t;

typedef union {
  char __size[40];
  long int __align;
} pthread_mutex_t;

typedef union {
  char __size[48];
  long long int __align;
} pthread_cond_t;

typedef union {
  char __size[56];
  long int __align;
} pthread_rwlock_t;

typedef union {
  char __size[32];
  long int __align;
} pthread_barrier_t;

enum {
  PTHREAD_CREATE_JOINABLE,
#define PTHREAD_CREATE_JOINABLE PTHREAD_CREATE_JOINABLE
  PTHREAD_CREATE_DETACHED
#define PTHREAD_CREATE_DETACHED PTHREAD_CREATE_DETACHED
};

typedef volatile int pthread_spinlock_t;
typedef int pthread_once_t;

enum { PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK };
enum { PTHREAD_MUTEX_STALLED, PTHREAD_MUTEX_ROBUST };
enum { PTHREAD_PROCESS_PRIVATE, PTHREAD_PROCESS_SHARED };

#define PTHREAD_MUTEX_INITIALIZER { { 0 } }
#define PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP { { 0, 0, 0, 0, PTHREAD_MUTEX_RECURSIVE } }
#define PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP { { 0, 0, 0, 0, PTHREAD_MUTEX_ERRORCHECK } }
#define PTHREAD_RWLOCK_INITIALIZER { { 0 } }
#define PTHREAD_ONCE_INIT 0
#define PTHREAD_COND_INITIALIZER { { 0 } }

extern int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attr,
                          void *(*start_routine)(void *), void *restrict arg) __attribute__((__nonnull__(1, 3)));
extern int pthread_join(pthread_t thread, void **value);
extern int pthread_tryjoin_np(pthread_t thread, void **value);
extern int pthread_timedjoin_np(pthread_t thread, void **value, const struct timespec *abstime);
extern int pthread_clockjoin_np(pthread_t thread, void **value, clockid_t clock, const struct timespec *abstime);
extern int pthread_detach(pthread_t thread);
extern int pthread_cancel(pthread_t thread);
extern int pthread_kill(pthread_t thread, int signal);
extern int pthread_setname_np(pthread_t thread, const char *name) __attribute__((__nonnull__(2)));
extern pthread_t pthread_self(void) __attribute__((__const__));
extern int pthread_equal(pthread_t one, pthread_t other) __attribute__((__const__));
extern void pthread_exit(void *value) __attribute__((__noreturn__));

extern int pthread_attr_init(pthread_attr_t *attr) __attribute__((__nonnull__(1)));
extern int pthread_attr_destroy(pthread_attr_t *attr) __attribute__((__nonnull__(1)));
extern int pthread_attr_setdetachstate(pthread_attr_t *attr, int state) __attribute__((__nonnull__(1)));
extern int pthread_attr_getdetachstate(const pthread_attr_t *attr, int *state) __attribute__((__nonnull__(1, 2)));
extern int pthread_attr_setstacksize(pthread_attr_t *attr, size_t size) __attribute__((__nonnull__(1)));
extern int pthread_attr_getstacksize(const pthread_attr_t *restrict attr, size_t *restrict size)
    __attribute__((__nonnull__(1, 2)));
extern int pthread_attr_setguardsize(pthread_attr_t *attr, size_t size) __attribute__((__nonnull__(1)));

extern int pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attr)
    __attribute__((__nonnull__(1)));
extern int pthread_mutex_destroy(pthread_mutex_t *mutex) __attribute__((__nonnull__(1)));
extern int pthread_mutex_lock(pthread_mutex_t *mutex) __attribute__((__nonnull__(1)));
extern int pthread_mutex_trylock(pthread_mutex_t *mutex) __attribute__((__nonnull__(1)));
extern int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex, const struct timespec *restrict abstime)
    __attribute__((__nonnull__(1, 2)));
extern int pthread_mutex_unlock(pthread_mutex_t *mutex) __attribute__((__nonnull__(1)));
extern int pthread_mutex_consistent(pthread_mutex_t *mutex) __attribute__((__nonnull__(1)));
extern int pthread_mutexattr_init(pthread_mutexattr_t *attr) __attribute__((__nonnull__(1)));
extern int pthread_mutexattr_destroy(pthread_mutexattr_t *attr) __attribute__((__nonnull__(1)));
extern int pthread_mutexattr_settype(pthread_mutexattr_t *attr, int type) __attribute__((__nonnull__(1)));
extern int pthread_mutexattr_setpshared(pthread_mutexattr_t *attr, int shared) __attribute__((__nonnull__(1)));
extern int pthread_mutexattr_setrobust(pthread_mutexattr_t *attr, int robustness) __attribute__((__nonnull__(1)));

extern int pthread_cond_init(pthread_cond_t *restrict cond, const pthread_condattr_t *restrict attr)
    __attribute__((__nonnull__(1)));
extern int pthread_cond_destroy(pthread_cond_t *cond) __attribute__((__nonnull__(1)));
extern int pthread_cond_wait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex)
    __attribute__((__nonnull__(1, 2)));
extern int pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex,
                                  const struct timespec *restrict abstime) __attribute__((__nonnull__(1, 2, 3)));
extern int pthread_cond_signal(pthread_cond_t *cond) __attribute__((__nonnull__(1)));
extern int pthread_cond_broadcast(pthread_cond_t *cond) __attribute__((__nonnull__(1)));
extern int pthread_condattr_init(pthread_condattr_t *attr) __attribute__((__nonnull__(1)));
extern int pthread_condattr_destroy(pthread_condattr_t *attr) __attribute__((__nonnull__(1)));
extern int pthread_condattr_setclock(pthread_condattr_t *attr, clockid_t clock) __attribute__((__nonnull__(1)));

extern int pthread_rwlock_init(pthread_rwlock_t *restrict lock, const pthread_rwlockattr_t *restrict attr)
    __attribute__((__nonnull__(1)));
extern int pthread_rwlock_destroy(pthread_rwlock_t *lock) __attribute__((__nonnull__(1)));
extern int pthread_rwlock_rdlock(pthread_rwlock_t *lock) __attribute__((__nonnull__(1)));
extern int pthread_rwlock_tryrdlock(pthread_rwlock_t *lock) __attribute__((__nonnull__(1)));
extern int pthread_rwlock_wrlock(pthread_rwlock_t *lock) __attribute__((__nonnull__(1)));
extern int pthread_rwlock_trywrlock(pthread_rwlock_t *lock) __attribute__((__nonnull__(1)));
extern int pthread_rwlock_unlock(pthread_rwlock_t *lock) __attribute__((__nonnull__(1)));

extern int pthread_spin_init(pthread_spinlock_t *lock, int shared) __attribute__((__nonnull__(1)));
extern int pthread_spin_destroy(pthread_spinlock_t *lock) __attribute__((__nonnull__(1)));
extern int pthread_spin_lock(pthread_spinlock_t *lock) __attribute__((__nonnull__(1)));
extern int pthread_spin_trylock(pthread_spinlock_t *lock) __attribute__((__nonnull__(1)));
extern int pthread_spin_unlock(pthread_spinlock_t *lock) __attribute__((__nonnull__(1)));

extern int pthread_once(pthread_once_t *control, void (*routine)(void)) __attribute__((__nonnull__(1, 2)));

extern int pthread_rwlockattr_init(pthread_rwlockattr_t *attr) __attribute__((__nonnull__(1)));
extern int pthread_rwlockattr_destroy(pthread_rwlockattr_t *attr) __attribute__((__nonnull__(1)));
extern int pthread_rwlockattr_setpshared(pthread_rwlockattr_t *attr, int shared) __attribute__((__nonnull__(1)));

extern int pthread_barrier_init(pthread_barrier_t *restrict barrier, const pthread_barrierattr_t *restrict attr,
                                unsigned count) __attribute__((__nonnull__(1)));
extern int pthread_barrier_destroy(pthread_barrier_t *barrier) __attribute__((__nonnull__(1)));
extern int pthread_barrier_wait(pthread_barrier_t *barrier) __attribute__((__nonnull__(1)));
extern int pthread_barrierattr_init(pthread_barrierattr_t *attr) __attribute__((__nonnull__(1)));
extern int pthread_barrierattr_destroy(pthread_barrierattr_t *attr) __attribute__((__nonnull__(1)));
extern int pthread_barrierattr_setpshared(pthread_barrierattr_t *attr, int shared) __attribute__((__nonnull__(1)));

/* semaphore.h */
typedef union {
  char __size[32];
  long int __align;
} sem_t;

extern int sem_init(sem_t *sem, int shared, unsigned value) __attribute__((__nonnull__(1)));
extern int sem_destroy(sem_t *sem) __attribute__((__nonnull__(1)));
extern int sem_wait(sem_t *sem) __attribute__((__nonnull__(1)));
extern int sem_trywait(sem_t *sem) __attribute__((__nonnull__(1)));
extern int sem_timedwait(sem_t *restrict sem, const struct timespec *restrict abstime)
    __attribute__((__nonnull__(1, 2)));
extern int sem_post(sem_t *sem) __attribute__((__nonnull__(1)));

#endif
