/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* pthread_cleanup_push as C has it: in C++ it is an object, whose end is a part of unwinding. */
#include <pthread.h>

void with_cleanup(void (*handler)(void *arg), void *arg, int (*body)(void *arg), void *body_arg);
void with_cleanup(void (*handler)(void *arg), void *arg, int (*body)(void *arg), void *body_arg)
{
	pthread_cleanup_push(handler, arg);
	body(body_arg);
	pthread_cleanup_pop(0);
}
