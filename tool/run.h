/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Running programs, several at a time, with a time limit, until they end or the user asks to stop.
 *
 * Each program is the leader of a session of its own, so that ending it ends what it started.
 */
#ifndef SAFESPAWN_TOOL_RUN_H
#define SAFESPAWN_TOOL_RUN_H

#include "base.h"

enum run_end {
	RUN_EXITED,	 /* code is the exit code */
	RUN_SIGNALED,	 /* code is the signal */
	RUN_TIMED_OUT,	 /* killed: it took longer than allowed */
	RUN_NOT_STARTED, /* code is an errno */
	RUN_INTERRUPTED, /* ended because the user asked the command to stop */
};

struct outcome {
	enum run_end end;
	int code;
	struct buffer output; /* what it wrote to the captured stream, at most a megabyte of it */
};

struct command {
	char **arguments;      /* [0] is looked up in PATH; NULL-terminated */
	char **environment;    /* NULL: ours */
	const char *directory; /* NULL: ours */
	const char *input;     /* a file for its standard input; NULL: none */
	const char *output;    /* a file that its standard output goes to; NULL: nowhere, unless it is captured */
	int captured;	       /* 1 or 2: the stream that is kept */
};

/** What to run and what to do with the outcome. The strings of a command must stay until it ended. */
struct run_plan {
	/** Hand out the next command and a tag for it, or return false: nothing more to start now. */
	bool (*next)(void *data, struct command *ret_command, void **ret_tag);
	/** A command ended. What is to be run because of that may come from next(). */
	void (*ended)(void *data, void *tag, const struct outcome *outcome);
	void *data;
	size_t jobs;	   /* how many at a time */
	unsigned limit_ms; /* time for each; 0: any */
};

/**
 * Run all of @plan.
 *
 * On SIGINT, SIGTERM, and SIGHUP unless it is ignored, the running programs are ended, nothing more is started, and
 * *ret_signal is that signal; 0 otherwise.
 */
void run_all(const struct run_plan *plan, int *ret_signal);

/** Run one command for its output, for at most ten seconds. */
void run_one(const struct command *command, struct outcome *ret_outcome);

/** How many programs the machine runs at once. */
size_t run_parallelism(void);

/** Where @program is, as a shell would find it: the caller frees it. NULL: nowhere. */
char *run_which(const char *program);

#endif
