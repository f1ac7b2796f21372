/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What the test programs of the runtime share. They wait for events, never for time; a wait that does not end is ended
 * by a watchdog, which shows the runtime's own dump first.
 */
#ifndef SUPPORT_H
#define SUPPORT_H

#include "safespawn.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/** As an assertion of cmocka, for threads other than the first, which cannot jump back to the test: aborts. */
#define CHECK(condition) ((condition) ? (void)0 : support_failed(#condition, __FILE__, __LINE__))
#define CHECK_EQ(got, wanted) support_check_eq((long long)(got), (long long)(wanted), #got, __FILE__, __LINE__)
_Noreturn void support_failed(const char *condition, const char *file, int line);
void support_check_eq(long long got, long long wanted, const char *what, const char *file, int line);

/** How many threads may live at a time under the tool that watches. */
unsigned support_threads(void);
/** @full in a plain variant, less where a tool makes each step dear; at least 1. */
unsigned support_repeat(unsigned full);
/** Is this the variant of that name? */
bool support_is(const char *variant);
/** Threads of the process now, this one included; one that was joined may be seen a little longer. */
unsigned support_live_threads(void);
/** Wait until there are only so many. */
void support_wait_for_threads(unsigned count);

/** Wait until @count tasks are blocked in the function @what of the runtime, as the dump says. */
void support_wait_blocked(const char *what, unsigned count);
/** The dump as text, to be freed. */
char *support_dump(void);

/** A door that opens once, and lets all through. Statically: = GATE_INIT. */
struct gate {
	pthread_mutex_t lock;
	pthread_cond_t opened;
	bool is_open; /* guarded by lock */
};
#define GATE_INIT { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false }
void gate_open(struct gate *gate);
/** By pthread calls alone: no cancellation ends it. */
void gate_wait(struct gate *gate);
/** The same for at most @ns: is it open? */
bool gate_wait_for(struct gate *gate, int64_t ns);

/* What the runtime reported since the last call of reports_clear; the programs get it instead of standard error. */
void reports_clear(void);
bool reports_have(const char *text);
unsigned reports_count(const char *text);
/** Wait until there is such a report. */
void reports_wait_for(const char *text);

/** A body that is run in a process of its own, by its name: one that aborts, hangs or wants a configuration. */
struct child {
	const char *name;
	int (*body)(void); /* the exit status */
};

struct outcome {
	bool hung;	  /* and was killed */
	int signal;	  /* that ended it, or 0 */
	int exit;	  /* status, when it ended by itself */
	char text[16384]; /* its standard output and error */
};
/** Run a child of this program and wait for it; at most @limit_ns from its first output on (0: without such an end). */
struct outcome support_child(const char *name, int64_t limit_ns);

/* What a child says of itself. */
/** It saw what is wrong with it, and ends. */
_Noreturn void defect(const char *what);
/** It comes to what it is expected to hang in. */
void hangs_in(const char *what);

/* How the tests ask for that. */
void assert_defect(const char *child, const char *what);
void assert_hangs(const char *child, const char *what);
void assert_aborts(const char *child, const char *report);
void assert_ends_well(const char *child);

/**
 * The main function: runs the tests, or the child that is asked for. After each test nothing may be left of the runtime
 * but parked workers, and after all of them a drain leaves nothing.
 */
int support_main(int argc, char **argv, const char *name, const struct CMUnitTest *tests, size_t count,
		 const struct child *children);
#define SUPPORT_MAIN(tests, children)                                                         \
	int main(int argc, char **argv)                                                       \
	{                                                                                     \
		return support_main(argc, argv, __FILE__, (tests), COUNT(tests), (children)); \
	}

#endif
