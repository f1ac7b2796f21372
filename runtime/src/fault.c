/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Faults are not contained, only named: task, scope and spawn site of SIGSEGV and its like are written to standard
 * error, and then the signal takes the course that it would have taken. Opt-in, by ss_configure; off under sanitizers,
 * which have handlers of their own. Threads of the runtime have a second stack for it: theirs may be what ran over.
 */
#include "ssi.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define FAULT_OFF 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FAULT_OFF 1
#endif

#ifdef FAULT_OFF

void ssi_faults_report(void)
{
}

void *ssi_fault_stack(void)
{
	return NULL;
}

void ssi_fault_stack_free(void *stack)
{
	(void)stack;
}

#else

static const struct fault_signal {
	int signo;
	const char *name;
} fault_signals[] = {
	{ SIGSEGV, "SIGSEGV" }, { SIGBUS, "SIGBUS" }, { SIGFPE, "SIGFPE" }, { SIGILL, "SIGILL" }, { SIGABRT, "SIGABRT" }
};
#define FAULT_COUNT (sizeof(fault_signals) / sizeof(*fault_signals))

enum { FAULT_STACK = 16 << 10 }; /* also for processors with much to save */

static struct sigaction fault_before[FAULT_COUNT];

static void fault_handler(int signo, siginfo_t *info, void *context)
{
	const struct ssi_task *task = ssi_self.task;
	char buffer[512];
	struct ssi_text text = { buffer, sizeof(buffer), 0 };
	size_t i = 0;

	(void)context;
	while (i + 1 < FAULT_COUNT && fault_signals[i].signo != signo)
		i++;
	ssi_text(&text, "safespawn: ");
	if (task)
		ssi_text_of(&text, task, task->scope);
	ssi_text(&text, task ? ": " : "outside of all tasks: ");
	ssi_text(&text, fault_signals[i].name);
	if (signo != SIGABRT) {
		ssi_text(&text, " at 0x");
		ssi_text_number(&text, (uintptr_t)info->si_addr, 16);
	}
	ssi_text(&text, "\n");
	ssi_text_write(STDERR_FILENO, &text);

	/* What was there before comes next: the faulting instruction runs again, an abort or kill is sent again. */
	sigaction(signo, &fault_before[i], NULL);
	if (signo == SIGABRT || info->si_code <= 0)
		raise(signo);
}

void ssi_faults_report(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = fault_handler;
	action.sa_flags = SA_SIGINFO | SA_ONSTACK;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < FAULT_COUNT; i++)
		sigaction(fault_signals[i].signo, &action, &fault_before[i]);
}

void *ssi_fault_stack(void)
{
	stack_t second = { .ss_size = FAULT_STACK };

	if (ssi.faults && (second.ss_sp = malloc(FAULT_STACK)))
		sigaltstack(&second, NULL);
	return second.ss_sp;
}

void ssi_fault_stack_free(void *stack)
{
	const stack_t none = { .ss_flags = SS_DISABLE };

	if (!stack)
		return;
	sigaltstack(&none, NULL);
	free(stack);
}

#endif
