// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Threads that end by pthread_exit and pthread_cancel with frames of the runtime on their stacks.
#include <safespawn.h>

#include <cstdio>
#include <cstdlib>
#include <initializer_list>

#define CHECK(condition) ((condition) ? (void)0 : fail(#condition, __LINE__))

static void fail(const char *what, int line)
{
	std::fprintf(stderr, "line %d: %s\n", line, what);
	std::_Exit(1);
}

static int destroyed, cleaned;

struct object {
	~object() { destroyed++; }
};

static void *leaves(void *arg)
{
	object above;

	pthread_exit(arg);
}

// A task: its own frames are unwound, and its scope goes on. With a thread of its own it leaves a value.
static void in_a_task()
{
	ss_scope scope;
	ss_task task;
	void *value = nullptr;

	CHECK(ss_scope_open(&scope, nullptr, SS_HERE) == 0);
	for (unsigned flags : {0u, unsigned(SS_TASK_FRESH)}) {
		CHECK(ss_spawn_task_ptr(&scope, &task, flags, leaves, &task) == 0);
		CHECK(ss_task_join_ptr(&task, &value) == 0);
	}
	CHECK(value == &task && destroyed == 2);
	CHECK(ss_scope_join(&scope, nullptr) == 0);
	ss_scope_fini(&scope);
}

static void clean(void *)
{
	cleaned++;
}

struct shared {
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
	bool waits = false;
};

static void unlock(void *arg)
{
	clean(nullptr);
	pthread_mutex_unlock(static_cast<pthread_mutex_t *>(arg));
}

extern "C" void with_cleanup(void (*handler)(void *), void *arg, int (*body)(void *), void *body_arg);

static int waits(void *arg)
{
	auto *all = static_cast<shared *>(arg);

	all->waits = true;
	for (;;)
		ss_cond_wait(&all->condition, &all->mutex);
}

static void *is_cancelled(void *arg)
{
	auto *all = static_cast<shared *>(arg);

	pthread_mutex_lock(&all->mutex);
	with_cleanup(unlock, &all->mutex, waits, all);
	return nullptr;
}

// A thread of the program's own, in a call of the runtime.
static void in_a_wait()
{
	shared all;
	pthread_t thread;
	void *value;

	CHECK(pthread_create(&thread, nullptr, is_cancelled, &all) == 0);
	for (bool waiting = false; !waiting;) {
		pthread_mutex_lock(&all.mutex);
		waiting = all.waits;
		pthread_mutex_unlock(&all.mutex);
	}
	CHECK(pthread_cancel(thread) == 0);
	CHECK(pthread_join(thread, &value) == 0 && value == PTHREAD_CANCELED);
	CHECK(cleaned == 1);
	CHECK(pthread_mutex_trylock(&all.mutex) == 0);
}

static int exits(void *)
{
	object above;

	pthread_exit(nullptr);
}

static int tries(void *)
{
	return ss_try(exits, nullptr, nullptr);
}

static void *tries_to_exit(void *)
{
	with_cleanup(clean, nullptr, tries, nullptr);
	return nullptr;
}

// And one that leaves from below such a call.
static void below_a_call()
{
	pthread_t thread;

	CHECK(pthread_create(&thread, nullptr, tries_to_exit, nullptr) == 0);
	CHECK(pthread_join(thread, nullptr) == 0);
	CHECK(destroyed == 3 && cleaned == 2);
}

int main()
{
	in_a_task();
	in_a_wait();
	below_a_call();
	return 0;
}
