/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "support.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT_SECONDS 240 /* below that of the script that runs us, so that the dump is seen */

_Noreturn void support_failed(const char *condition, const char *file, int line)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, condition);
	abort();
}

void support_check_eq(long long got, long long wanted, const char *what, const char *file, int line)
{
	if (got == wanted)
		return;
	fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", file, line, what, got, wanted);
	abort();
}

bool support_is(const char *variant)
{
	const char *here = getenv("SAFESPAWN_TEST_VARIANT");

	return here && strcmp(here, variant) == 0;
}

unsigned support_threads(void)
{
	return support_is("valgrind") ? 400 : support_is("tsan") ? 1500 : 4000;
}

unsigned support_repeat(unsigned full)
{
	unsigned part = support_is("valgrind") ? 50 : support_is("tsan") || support_is("asan") ? 5 : 1;

	return full < part ? 1 : full / part;
}

unsigned support_live_threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	unsigned count = 0;

	CHECK(tasks);
	for (struct dirent *entry = readdir(tasks); entry; entry = readdir(tasks))
		count += entry->d_name[0] != '.';
	closedir(tasks);
#ifdef __SANITIZE_THREAD__
	count--; /* its own */
#endif
	return count;
}

void support_wait_for_threads(unsigned count)
{
	while (support_live_threads() > count)
		sched_yield();
}

/* ---- what is blocked ---- */

char *support_dump(void)
{
	int fd = memfd_create("dump", MFD_CLOEXEC), err;
	char *text;
	off_t size;

	CHECK(fd >= 0);
	do {
		CHECK_EQ(ftruncate(fd, 0), 0);
		CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
		err = ss_dump(fd);
	} while (err == EAGAIN);
	CHECK_EQ(err, 0);
	size = lseek(fd, 0, SEEK_END);
	text = calloc(1, (size_t)size + 1);
	CHECK(text);
	CHECK_EQ(pread(fd, text, (size_t)size, 0), size);
	close(fd);
	return text;
}

void support_wait_blocked(const char *what, unsigned count)
{
	char line[64];
	unsigned found;

	snprintf(line, sizeof(line), "blocked in %s", what);
	do {
		char *text = support_dump();

		found = 0;
		for (const char *at = strstr(text, line); at; at = strstr(at + 1, line)) {
			char end = at[strlen(line)];

			found += end == '\n' || end == '(' || end == ',';
		}
		free(text);
		if (found < count)
			sched_yield();
	} while (found < count);
}

/* ---- gates ---- */

void gate_open(struct gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	gate->is_open = true;
	pthread_cond_broadcast(&gate->opened);
	pthread_mutex_unlock(&gate->lock);
}

void gate_wait(struct gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	while (!gate->is_open)
		pthread_cond_wait(&gate->opened, &gate->lock);
	pthread_mutex_unlock(&gate->lock);
}

bool gate_wait_for(struct gate *gate, int64_t ns)
{
	struct timespec until;
	bool is_open;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += (time_t)((until.tv_nsec + ns) / 1000000000);
	until.tv_nsec = (long)((until.tv_nsec + ns) % 1000000000);
	pthread_mutex_lock(&gate->lock);
	while (!gate->is_open && pthread_cond_timedwait(&gate->opened, &gate->lock, &until) == 0)
		;
	is_open = gate->is_open;
	pthread_mutex_unlock(&gate->lock);
	return is_open;
}

/* ---- reports ---- */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t came;
	char text[65536];
	size_t size;
} reports = { .lock = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER };

static void take_report(const char *text, void *context)
{
	size_t size = strlen(text);

	(void)context;
	pthread_mutex_lock(&reports.lock);
	if (reports.size + size < sizeof(reports.text)) {
		memcpy(reports.text + reports.size, text, size + 1);
		reports.size += size;
	}
	pthread_cond_broadcast(&reports.came);
	pthread_mutex_unlock(&reports.lock);
}

void reports_clear(void)
{
	pthread_mutex_lock(&reports.lock);
	reports.size = 0;
	reports.text[0] = 0;
	pthread_mutex_unlock(&reports.lock);
}

static unsigned count_locked(const char *text)
{
	unsigned count = 0;

	for (const char *at = strstr(reports.text, text); at; at = strstr(at + 1, text))
		count++;
	return count;
}

unsigned reports_count(const char *text)
{
	unsigned count;

	pthread_mutex_lock(&reports.lock);
	count = count_locked(text);
	pthread_mutex_unlock(&reports.lock);
	return count;
}

bool reports_have(const char *text)
{
	return reports_count(text) > 0;
}

void reports_wait_for(const char *text)
{
	pthread_mutex_lock(&reports.lock);
	while (count_locked(text) == 0)
		pthread_cond_wait(&reports.came, &reports.lock);
	pthread_mutex_unlock(&reports.lock);
}

/* ---- children ---- */

static char own_path[4096];

/* Read what comes from @fd up to the end; false: it did not end in time. */
static bool read_all(int fd, int64_t limit_ns, char *buffer, size_t size)
{
	ss_time until = ss_after(SS_SEC(LIMIT_SECONDS / 2));
	size_t got = 0;

	for (;;) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
		ss_time left = until - ss_now();
		char rest[512];
		ssize_t more;

		if (left <= 0 || poll(&poll_fd, 1, (int)(left / 1000000) + 1) == 0)
			return false;
		more = got + 1 < size ? read(fd, buffer + got, size - 1 - got) : read(fd, rest, sizeof(rest));
		if (more <= 0)
			return true;
		if (got == 0 && limit_ns)
			until = ss_after(limit_ns);
		if (got + 1 < size)
			got += (size_t)more;
	}
}

struct outcome support_child(const char *name, int64_t limit_ns)
{
	struct outcome outcome = { .hung = false };
	int out[2], status;
	pid_t pid;

	CHECK_EQ(pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		dup2(out[1], STDERR_FILENO);
		execl(own_path, own_path, "--child", name, (char *)NULL);
		_exit(126);
	}
	close(out[1]);
	outcome.hung = !read_all(out[0], limit_ns, outcome.text, sizeof(outcome.text));
	close(out[0]);
	if (outcome.hung)
		kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	outcome.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	outcome.exit = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	return outcome;
}

static int run_child(const struct child *children, const char *name)
{
	for (; children && children->name; children++)
		if (strcmp(children->name, name) == 0)
			return children->body();
	support_failed("there is such a child", name, 0);
}

_Noreturn void defect(const char *what)
{
	printf("defect: %s\n", what);
	fflush(stdout);
	_exit(3);
}

void hangs_in(const char *what)
{
	printf("hangs in: %s\n", what);
	fflush(stdout);
}

static void says(const char *child, const char *text, const char *kind, const char *what)
{
	char wanted[256];

	snprintf(wanted, sizeof(wanted), "%s%s", kind, what);
	if (strstr(text, wanted))
		return;
	print_error("the child \"%s\" does not say \"%s\" but:\n%s\n", child, wanted, text);
	fail();
}

void assert_defect(const char *child, const char *what)
{
	struct outcome outcome = support_child(child, 0);

	says(child, outcome.text, "defect: ", what);
}

void assert_hangs(const char *child, const char *what)
{
	struct outcome outcome = support_child(child, SS_MS(500));

	says(child, outcome.text, "hangs in: ", what);
	assert_true(outcome.hung);
}

void assert_aborts(const char *child, const char *report)
{
	struct outcome outcome = support_child(child, 0);

	says(child, outcome.text, "", report);
	assert_int_equal(outcome.signal, SIGABRT);
}

void assert_ends_well(const char *child)
{
	struct outcome outcome = support_child(child, 0);

	if (outcome.hung || outcome.signal || outcome.exit)
		print_error("the child \"%s\": exit %d, signal %d%s\n%s\n", child, outcome.exit, outcome.signal,
			    outcome.hung ? ", hangs" : "", outcome.text);
	assert_true(!outcome.hung && !outcome.signal && !outcome.exit);
}

/* ---- the main function ---- */

static void hangs(int signal_number)
{
	static const char text[] = "\nthis test hangs; the runtime says:\n";

	(void)signal_number;
	if (write(STDERR_FILENO, text, sizeof(text) - 1) > 0)
		ss_dump(STDERR_FILENO);
	_exit(124);
}

static int clear(void **state)
{
	(void)state;
	reports_clear();
	assert_int_equal(ss_leak_mark(), 0);
	return 0;
}

static int look_for_leaks(void **state)
{
	(void)state;
	assert_int_equal(ss_leak_check(SS_SEC(60)), 0);
	return 0;
}

int support_main(int argc, char **argv, const char *name, const struct CMUnitTest *tests, size_t count,
		 const struct child *children)
{
	struct CMUnitTest with_leaks[64];
	ss_config config = { .report = take_report };
	ssize_t size = readlink("/proc/self/exe", own_path, sizeof(own_path) - 1);
	int failed;

	CHECK(size > 0 && count <= COUNT(with_leaks));
	if (argc == 3 && strcmp(argv[1], "--child") == 0)
		return run_child(children, argv[2]);

	signal(SIGALRM, hangs);
	alarm(LIMIT_SECONDS);
	CHECK_EQ(ss_configure(&config), 0);
	for (size_t i = 0; i < count; i++) {
		with_leaks[i] = tests[i];
		if (!tests[i].setup_func)
			with_leaks[i].setup_func = clear;
		if (!tests[i].teardown_func)
			with_leaks[i].teardown_func = look_for_leaks;
	}
	failed = _cmocka_run_group_tests(name, with_leaks, count, NULL, NULL);
	/* A test that failed in the middle of a scope may have left tasks that nobody joins. */
	if (failed == 0) {
		int late = ss_drain(ss_after(SS_SEC(60)));

		if (late != 0) {
			fprintf(stderr, "%s: ss_drain: %s\n", name, strerror(late));
			failed = 1;
		}
	}
	return failed != 0;
}
