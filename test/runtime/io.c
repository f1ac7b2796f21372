// RUN: %run io
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Blocking calls: each is what it wraps, and the ambient token ends it. */
#include "support.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- what blocks ---- */

struct place {
	int pipe[2];   /* empty */
	int full[2];   /* a pipe that is full */
	int pair[2];   /* stream, silent */
	int choked[2]; /* stream, its first end takes no more */
	int listener;  /* nobody comes */
	int crowded;   /* a local listener with a full backlog */
	int crowd[16]; /* who is in it */
	int epoll;     /* watches the pipe */
	pid_t child;   /* sleeps */
	struct sockaddr_un crowded_address;
};

static void fill(int fd)
{
	static const char bytes[65536];
	int flags = fcntl(fd, F_GETFL);

	CHECK_EQ(fcntl(fd, F_SETFL, flags | O_NONBLOCK), 0);
	for (size_t size = sizeof(bytes); size;)
		if (write(fd, bytes, size) < 0)
			size /= 2;
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(fcntl(fd, F_SETFL, flags), 0);
}

static int listen_local(struct sockaddr_un *address, int backlog)
{
	socklen_t size = sizeof(*address);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* A name that the system chooses. */
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	CHECK_EQ(bind(fd, (struct sockaddr *)address, sizeof(sa_family_t)), 0);
	CHECK_EQ(getsockname(fd, (struct sockaddr *)address, &size), 0);
	CHECK_EQ(listen(fd, backlog), 0);
	return fd;
}

static socklen_t local_size(void)
{
	return sizeof(sa_family_t) + 6; /* of such a name */
}

static void place_open(struct place *place)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct sockaddr_un address;

	CHECK_EQ(pipe2(place->pipe, O_CLOEXEC), 0);
	CHECK_EQ(pipe2(place->full, O_CLOEXEC), 0);
	fill(place->full[1]);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, place->pair), 0);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, place->choked), 0);
	fill(place->choked[0]);
	place->listener = listen_local(&address, 16);
	place->crowded = listen_local(&place->crowded_address, 0);
	for (size_t i = 0, full = 0; i < COUNT(place->crowd); i++) {
		place->crowd[i] = full ? -1 : socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (!full)
			full = connect(place->crowd[i], (struct sockaddr *)&place->crowded_address, local_size()) != 0;
		CHECK(full || i + 1 < COUNT(place->crowd));
	}
	place->epoll = epoll_create1(EPOLL_CLOEXEC);
	CHECK_EQ(epoll_ctl(place->epoll, EPOLL_CTL_ADD, place->pipe[0], &event), 0);
	place->child = fork();
	CHECK(place->child >= 0);
	if (place->child == 0)
		for (;;)
			pause();
}

static void place_close(struct place *place)
{
	int fds[] = { place->pipe[0],  place->pipe[1], place->full[0],	 place->full[1],
		      place->pair[0],  place->pair[1], place->choked[0], place->choked[1],
		      place->listener, place->crowded, place->epoll };

	for (size_t i = 0; i < COUNT(fds); i++)
		close(fds[i]);
	for (size_t i = 0; i < COUNT(place->crowd); i++)
		if (place->crowd[i] >= 0)
			close(place->crowd[i]);
	kill(place->child, SIGKILL);
	waitpid(place->child, NULL, 0);
}

static int error_of(ssize_t result)
{
	int err = result < 0 ? errno : 0;

	/* Who is told of a cancellation finds it everywhere. */
	if (err == ECANCELED || err == ETIMEDOUT)
		CHECK_EQ(ss_cancelled(), err);
	return err;
}

static int in_read(void *arg)
{
	struct place *place = arg;
	char byte;

	return error_of(ss_read(place->pipe[0], &byte, 1));
}

static int in_read_of_socket(void *arg)
{
	struct place *place = arg;
	char byte;

	return error_of(ss_read(place->pair[0], &byte, 1));
}

static int in_write(void *arg)
{
	struct place *place = arg;

	return error_of(ss_write(place->full[1], "x", 1));
}

static int in_write_to_socket(void *arg)
{
	struct place *place = arg;

	return error_of(ss_write(place->choked[0], "x", 1));
}

static int in_recv(void *arg)
{
	struct place *place = arg;
	char bytes[4];

	return error_of(ss_recv(place->pair[0], bytes, sizeof(bytes), MSG_WAITALL));
}

static int in_send(void *arg)
{
	struct place *place = arg;

	return error_of(ss_send(place->choked[0], "x", 1, MSG_NOSIGNAL));
}

static int in_recvmsg(void *arg)
{
	struct place *place = arg;
	char byte;
	struct iovec one = { &byte, 1 };
	struct msghdr message = { .msg_iov = &one, .msg_iovlen = 1 };

	return error_of(ss_recvmsg(place->pair[0], &message, 0));
}

static int in_sendmsg(void *arg)
{
	struct place *place = arg;
	struct iovec one = { "x", 1 };
	struct msghdr message = { .msg_iov = &one, .msg_iovlen = 1 };

	return error_of(ss_sendmsg(place->choked[0], &message, 0));
}

static int in_accept(void *arg)
{
	struct place *place = arg;

	return error_of(ss_accept(place->listener, NULL, NULL));
}

static int in_connect(void *arg)
{
	struct place *place = arg;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	int err = error_of(ss_connect(fd, (struct sockaddr *)&place->crowded_address, local_size()));

	CHECK_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	close(fd);
	return err;
}

static int in_poll(void *arg)
{
	struct place *place = arg;
	struct pollfd fds[] = { { .fd = place->pipe[0], .events = POLLIN } };

	return error_of(ss_poll(fds, 1, SS_NEVER));
}

static int in_poll_ms(void *arg)
{
	struct place *place = arg;
	struct pollfd fds[] = { { .fd = place->pipe[0], .events = POLLIN } };

	return error_of(ss_poll_ms(fds, 1, -1));
}

static int in_epoll_wait(void *arg)
{
	struct place *place = arg;
	struct epoll_event event;

	return error_of(ss_epoll_wait(place->epoll, &event, 1, -1));
}

static int in_waitpid(void *arg)
{
	struct place *place = arg;

	return error_of(ss_waitpid(place->child, NULL, 0));
}

static int in_waitpid_of_any(void *arg)
{
	(void)arg;
	return error_of(ss_waitpid(-1, NULL, 0));
}

static int in_nanosleep(void *arg)
{
	struct timespec day = { .tv_sec = 86400 }, rest = { .tv_sec = -1 };
	int err = error_of(ss_nanosleep(&day, &rest));

	(void)arg;
	CHECK(rest.tv_sec >= 0 && rest.tv_sec <= 86400);
	return err;
}

static const struct {
	const char *name;
	ss_fn body;
} calls[] = {
	{ "ss_read", in_read },
	{ "ss_read", in_read_of_socket },
	{ "ss_write", in_write },
	{ "ss_write", in_write_to_socket },
	{ "ss_recv", in_recv },
	{ "ss_send", in_send },
	{ "ss_recvmsg", in_recvmsg },
	{ "ss_sendmsg", in_sendmsg },
	{ "ss_accept", in_accept },
	{ "ss_connect", in_connect },
	{ "ss_poll", in_poll },
	{ "ss_poll", in_poll_ms },
	{ "ss_epoll_wait", in_epoll_wait },
	{ "ss_waitpid", in_waitpid },
	{ "ss_waitpid", in_waitpid_of_any },
	{ "ss_nanosleep", in_nanosleep },
};

static int check_blocked(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < COUNT(calls); i++)
		support_wait_blocked(calls[i].name, 1);
	return 0;
}

static void cancel_ends_each(void **state)
{
	ss_task tasks[COUNT(calls)];
	struct place place;
	int rc;

	(void)state;
	place_open(&place);
	for (size_t i = 0; i < COUNT(calls); i++) {
		SS_SCOPE(scope, .flags = SS_SUPERVISE);
		assert_int_equal(scope_rc, 0);
		assert_int_equal(ss_spawn_task(&scope, &tasks[i], 0, calls[i].body, &place), 0);
		support_wait_blocked(calls[i].name, 1);
		ss_scope_cancel(&scope, 0, "enough");
		assert_int_equal(ss_scope_join(&scope, NULL), 0);
		assert_int_equal(ss_task_join(&tasks[i], &rc), 0);
		if (rc != ECANCELED)
			fail_msg("%s says %d", calls[i].name, rc);
	}
	place_close(&place);
}

static void cancel_ends_all_together(void **state)
{
	ss_task tasks[COUNT(calls)];
	struct place place;
	int rc;

	(void)state;
	place_open(&place);
	SS_SCOPE(scope, .flags = SS_SUPERVISE);
	for (size_t i = 0; i < COUNT(calls); i++)
		assert_int_equal(ss_spawn_task(&scope, &tasks[i], 0, calls[i].body, &place), 0);
	check_blocked(NULL);
	ss_scope_cancel(&scope, 0, "enough");
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
	for (size_t i = 0; i < COUNT(calls); i++) {
		assert_int_equal(ss_task_join(&tasks[i], &rc), 0);
		assert_int_equal(rc, ECANCELED);
	}
	place_close(&place);
}

static void deadline_ends_each(void **state)
{
	ss_task tasks[COUNT(calls)];
	struct place place;
	int rc;

	(void)state;
	place_open(&place);
	SS_SCOPE(scope, .flags = SS_SUPERVISE);
	for (size_t i = 0; i < COUNT(calls); i++)
		assert_int_equal(ss_spawn_task(&scope, &tasks[i], 0, calls[i].body, &place), 0);
	check_blocked(NULL);
	ss_scope_set_deadline(&scope, ss_now());
	assert_int_equal(ss_scope_join(&scope, NULL), ETIMEDOUT);
	for (size_t i = 0; i < COUNT(calls); i++) {
		assert_int_equal(ss_task_join(&tasks[i], &rc), 0);
		assert_int_equal(rc, ETIMEDOUT);
	}
	place_close(&place);
}

/* A posted token has marked nothing below it yet when its descriptor is readable. */
static void post_ends_each(void **state)
{
	struct place place;

	(void)state;
	place_open(&place);
	SS_SCOPE(scope, .flags = SS_SUPERVISE);
	for (size_t i = 0; i < COUNT(calls); i++)
		assert_int_equal(ss_spawn(&scope, calls[i].body, &place), 0);
	check_blocked(NULL);
	ss_cancel_post(ss_scope_token(&scope), 7);
	assert_int_equal(ss_scope_join(&scope, NULL), 7);
	place_close(&place);
}

static int none_begins(void *arg)
{
	struct place *place = arg;

	for (size_t i = 0; i < COUNT(calls); i++)
		CHECK_EQ(calls[i].body(place), ECANCELED);
	return 0;
}

static void cancelled_before_moves_nothing(void **state)
{
	struct place place;
	ss_cancel token;
	char byte = 0;

	(void)state;
	place_open(&place);
	assert_int_equal(write(place.pipe[1], "y", 1), 1);
	assert_int_equal(write(place.pair[1], "z", 1), 1);
	assert_int_equal(ss_cancel_init(&token, NULL), 0);
	ss_cancel_fire(&token, 0, NULL);
	assert_int_equal(ss_with_token(&token, none_begins, &place), 0);
	ss_cancel_done(&token);
	assert_int_equal(read(place.pipe[0], &byte, 1), 1);
	assert_int_equal(byte, 'y');
	assert_int_equal(read(place.pair[0], &byte, 1), 1);
	assert_int_equal(byte, 'z');
	place_close(&place);
}

/* ---- what moves ---- */

static char big[1 << 20];

struct transfer {
	int fds[2]; /* read here, write there */
	ssize_t (*write)(int fd, const void *bytes, size_t size);
	_Atomic size_t written;
};

static ssize_t by_write(int fd, const void *bytes, size_t size)
{
	return ss_write(fd, bytes, size);
}

static ssize_t by_send(int fd, const void *bytes, size_t size)
{
	return ss_send(fd, bytes, size, 0);
}

static ssize_t by_sendmsg(int fd, const void *bytes, size_t size)
{
	struct iovec parts[4] = { { (void *)(uintptr_t)bytes, 10 },
				  { NULL, 0 },
				  { (char *)(uintptr_t)bytes + 10, size / 2 - 10 },
				  { (char *)(uintptr_t)bytes + size / 2, size - size / 2 } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 4 };

	return ss_sendmsg(fd, &message, 0);
}

static int write_big(void *arg)
{
	struct transfer *transfer = arg;
	ssize_t written = transfer->write(transfer->fds[1], big, sizeof(big));

	CHECK(written > 0);
	atomic_store(&transfer->written, (size_t)written);
	if ((size_t)written < sizeof(big)) {
		CHECK_EQ(transfer->write(transfer->fds[1], big, sizeof(big)), -1);
		CHECK_EQ(errno, ECANCELED);
	}
	return 0;
}

static void open_transfer(struct transfer *transfer, size_t kind)
{
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 31 >> 3);
	if (kind == 0) {
		assert_int_equal(pipe(transfer->fds), 0);
		transfer->write = by_write;
		return;
	}
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, transfer->fds), 0);
	transfer->write = kind == 1 ? by_write : kind == 2 ? by_send : by_sendmsg;
}

static size_t read_checked(int fd, size_t from, size_t size)
{
	static char bytes[50000];
	ssize_t got = read(fd, bytes, size < sizeof(bytes) ? size : sizeof(bytes));

	assert_true(got >= 0);
	assert_memory_equal(bytes, big + from, got);
	return (size_t)got;
}

static void blocking_write_is_whole(void **state)
{
	(void)state;
	for (size_t kind = 0; kind < 4; kind++) {
		struct transfer transfer = { .written = 0 };
		size_t got = 0;

		open_transfer(&transfer, kind);
		SS_SCOPE(scope, .name = "whole");
		assert_int_equal(ss_spawn(&scope, write_big, &transfer), 0);
		while (got < sizeof(big))
			got += read_checked(transfer.fds[0], got, sizeof(big));
		assert_int_equal(ss_scope_join(&scope, NULL), 0);
		assert_int_equal(transfer.written, sizeof(big));
		close(transfer.fds[0]);
		close(transfer.fds[1]);
	}
}

static void cancelled_write_says_what_moved(void **state)
{
	(void)state;
	for (size_t kind = 0; kind < 4; kind++) {
		struct transfer transfer = { .written = 0 };
		size_t got = 0, part;

		open_transfer(&transfer, kind);
		SS_SCOPE(scope, .name = "part");
		assert_int_equal(ss_spawn(&scope, write_big, &transfer), 0);
		got += read_checked(transfer.fds[0], 0, 4000);
		support_wait_blocked(kind < 2 ? "ss_write" : kind == 2 ? "ss_send" : "ss_sendmsg", 1);
		ss_scope_cancel(&scope, 0, NULL);
		assert_int_equal(ss_scope_join(&scope, NULL), 0);
		close(transfer.fds[1]);
		while ((part = read_checked(transfer.fds[0], got, sizeof(big) - got)))
			got += part;
		assert_int_equal(got, transfer.written);
		assert_true(got < sizeof(big));
		close(transfer.fds[0]);
	}
}

static int receive_whole(void *arg)
{
	struct transfer *transfer = arg;
	static char bytes[30000];

	CHECK_EQ(ss_recv(transfer->fds[0], bytes, 1000, MSG_WAITALL | MSG_PEEK), 1000);
	CHECK_EQ(memcmp(bytes, big, 1000), 0);
	CHECK_EQ(ss_recv(transfer->fds[0], bytes, sizeof(bytes), MSG_WAITALL), sizeof(bytes));
	CHECK_EQ(memcmp(bytes, big, sizeof(bytes)), 0);
	/* The rest is less than is asked for, and then the other end is closed. */
	CHECK_EQ(ss_recv(transfer->fds[0], bytes, sizeof(bytes), MSG_WAITALL | MSG_PEEK), 5);
	CHECK_EQ(ss_recv(transfer->fds[0], bytes, sizeof(bytes), MSG_WAITALL), 5);
	CHECK_EQ(ss_recv(transfer->fds[0], bytes, sizeof(bytes), 0), 0);
	return 0;
}

static void receive_waits_for_all(void **state)
{
	struct transfer transfer = { .written = 0 };
	size_t sent = 0;

	(void)state;
	open_transfer(&transfer, 1);
	SS_SCOPE(scope, .name = "all");
	assert_int_equal(ss_spawn(&scope, receive_whole, &transfer), 0);
	assert_int_equal(write(transfer.fds[1], big, 100), 100);
	for (sent = 100; sent < 30005;) {
		ssize_t part = write(transfer.fds[1], big + sent, 30005 - sent < 999 ? 30005 - sent : 999);

		assert_true(part > 0);
		sent += (size_t)part;
		support_wait_blocked("ss_recv", 1);
	}
	close(transfer.fds[1]);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
	close(transfer.fds[0]);
}

/* A datagram is whole however much more was asked for; and one for a peer that is full waits. */
static int datagrams(void *arg)
{
	int *fds = arg;
	char bytes[64];

	CHECK_EQ(ss_send(fds[1], "four", 4, 0), 4);
	CHECK_EQ(ss_recv(fds[0], bytes, sizeof(bytes), MSG_WAITALL), 4);
	for (int i = 0; i < 5000; i++)
		CHECK_EQ(ss_send(fds[1], "full", 4, 0), 4);
	return 0;
}

static void datagrams_are_whole(void **state)
{
	int fds[2], got = 0;
	char bytes[64];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
	SS_SCOPE(scope, .name = "datagrams");
	assert_int_equal(ss_spawn(&scope, datagrams, fds), 0);
	support_wait_blocked("ss_send", 1);
	while (got < 5000) {
		assert_int_equal(read(fds[0], bytes, sizeof(bytes)), 4);
		got++;
	}
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
	close(fds[0]);
	close(fds[1]);
}

/* A descriptor that goes with a message goes once, with its first part. */
static int send_descriptor(void *arg)
{
	int *fds = arg;
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .head = {
			      .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	struct iovec all = { big, sizeof(big) };
	struct msghdr message = {
		.msg_iov = &all, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control.room)
	};

	memcpy(CMSG_DATA(&control.head), &fds[1], sizeof(int));
	CHECK_EQ(ss_sendmsg(fds[1], &message, 0), sizeof(big));
	close(fds[1]);
	return 0;
}

static int receive_descriptor(void *arg)
{
	int *fds = arg, descriptors = 0;
	size_t got = 0;

	while (got < sizeof(big)) {
		static char bytes[70000];
		char control[CMSG_SPACE(sizeof(int))];
		struct iovec parts[2] = { { bytes, 100 }, { bytes + 100, sizeof(bytes) - 100 } };
		struct msghdr message = {
			.msg_iov = parts, .msg_iovlen = 2, .msg_control = control, .msg_controllen = sizeof(control)
		};
		ssize_t part = ss_recvmsg(fds[0], &message, MSG_WAITALL | MSG_CMSG_CLOEXEC);

		CHECK(part > 0);
		got += (size_t)part;
		for (struct cmsghdr *at = CMSG_FIRSTHDR(&message); at; at = CMSG_NXTHDR(&message, at)) {
			int fd;

			memcpy(&fd, CMSG_DATA(at), sizeof(int));
			close(fd);
			descriptors++;
		}
	}
	CHECK_EQ(descriptors, 1);
	return 0;
}

static void descriptors_go_once(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	SS_SCOPE(scope, .name = "rights");
	assert_int_equal(ss_spawn(&scope, send_descriptor, fds), 0);
	assert_int_equal(ss_spawn(&scope, receive_descriptor, fds), 0);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
	close(fds[0]);
}

/* ---- the contract of the call that is wrapped ---- */

static int nothing_waits(void *arg)
{
	struct timeval soon = { .tv_usec = 1000 };
	struct sockaddr_in nowhere = { .sin_family = AF_INET };
	int pipes[2], pair[2], listener, fd, file;
	struct sockaddr_un address;
	struct epoll_event event;
	char byte = 0;

	(void)arg;
	/* The descriptor says that it does not wait. */
	CHECK_EQ(pipe2(pipes, O_NONBLOCK | O_CLOEXEC), 0);
	CHECK_EQ(error_of(ss_read(pipes[0], &byte, 1)), EAGAIN);
	CHECK_EQ(ss_write(pipes[1], big, sizeof(big)), 65536);
	CHECK_EQ(error_of(ss_write(pipes[1], "x", 1)), EAGAIN);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	CHECK_EQ(error_of(ss_read(pair[0], &byte, 1)), EAGAIN);
	CHECK(ss_write(pair[0], big, sizeof(big)) < (ssize_t)sizeof(big));
	CHECK_EQ(error_of(ss_send(pair[0], big, sizeof(big), 0)), EAGAIN);
	listener = listen_local(&address, 1);
	CHECK_EQ(fcntl(listener, F_SETFL, O_NONBLOCK), 0);
	CHECK_EQ(error_of(ss_accept(listener, NULL, NULL)), EAGAIN);
	close(listener);

	/* The flag of the call, and the time of the socket. */
	CHECK_EQ(fcntl(pair[0], F_SETFL, 0), 0);
	CHECK_EQ(error_of(ss_recv(pair[0], &byte, 1, MSG_DONTWAIT)), EAGAIN);
	CHECK_EQ(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon)), 0);
	CHECK_EQ(error_of(ss_read(pair[0], &byte, 1)), EAGAIN);
	CHECK_EQ(setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof(soon)), 0);
	CHECK_EQ(error_of(ss_send(pair[0], big, sizeof(big), 0)), EAGAIN);

	/* Ends and errors. */
	close(pair[1]);
	CHECK_EQ(error_of(ss_send(pair[0], "x", 1, MSG_NOSIGNAL)), EPIPE);
	close(pair[0]);
	close(pipes[1]);
	while (ss_read(pipes[0], big, sizeof(big)) > 0)
		;
	CHECK_EQ(ss_read(pipes[0], &byte, 1), 0);
	CHECK_EQ(error_of(ss_write(pipes[0], "x", 1)), EBADF);
	close(pipes[0]);
	CHECK_EQ(error_of(ss_read(-1, &byte, 1)), EBADF);
	CHECK_EQ(error_of(ss_read(pipes[0], &byte, 1)), EBADF);
	CHECK_EQ(error_of(ss_write(pipes[0], &byte, 1)), EBADF);
	CHECK_EQ(error_of(ss_recv(-1, &byte, 1, 0)), EBADF);
	CHECK_EQ(error_of(ss_send(-1, &byte, 1, 0)), EBADF);
	CHECK_EQ(error_of(ss_accept(-1, NULL, NULL)), EBADF);
	CHECK_EQ(error_of(ss_connect(-1, (struct sockaddr *)&nowhere, sizeof(nowhere))), EBADF);
	CHECK_EQ(error_of(ss_epoll_wait(-1, &event, 1, 0)), EBADF);

	/* A file never waits. */
	file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	CHECK_EQ(ss_read(file, big, 4), 4);
	CHECK_EQ(error_of(ss_recv(file, big, 4, 0)), ENOTSOCK);
	close(file);

	/* Nobody listens there. */
	fd = socket(AF_INET, SOCK_STREAM, 0);
	nowhere.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	nowhere.sin_port = htons(1);
	CHECK_EQ(error_of(ss_connect(fd, (struct sockaddr *)&nowhere, sizeof(nowhere))), ECONNREFUSED);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	close(fd);
	return 0;
}

static void contracts_hold(void **state)
{
	(void)state;
	SS_SCOPE(scope, .name = "contracts");
	assert_int_equal(ss_spawn(&scope, nothing_waits, NULL), 0);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
}

static int connect_and_talk(void *arg)
{
	struct sockaddr_in *address = arg;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char bytes[5];

	CHECK_EQ(ss_connect(fd, (struct sockaddr *)address, sizeof(*address)), 0);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	CHECK_EQ(ss_write(fd, "hello", 5), 5);
	CHECK_EQ(ss_recv(fd, bytes, 5, MSG_WAITALL), 5);
	CHECK_EQ(memcmp(bytes, "world", 5), 0);
	close(fd);
	return 0;
}

static int accept_and_talk(void *arg)
{
	struct sockaddr_in from;
	socklen_t size = sizeof(from);
	int fd = ss_accept(*(int *)arg, (struct sockaddr *)&from, &size);
	char bytes[5];

	if (fd < 0)
		return errno;
	CHECK_EQ(from.sin_family, AF_INET);
	CHECK_EQ(ss_recv(fd, bytes, 5, MSG_WAITALL), 5);
	CHECK_EQ(ss_write(fd, "world", 5), 5);
	close(fd);
	return 0;
}

/* Many wait at one blocking listener: one gets the guest, and the others can still be cancelled. */
static void many_accept_one(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), rc, came = 0;
	socklen_t size = sizeof(address);
	ss_task tasks[8];

	(void)state;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	assert_int_equal(listen(listener, 16), 0);
	for (unsigned round = support_repeat(50); round; round--) {
		SS_SCOPE(scope, .flags = SS_SUPERVISE);
		for (size_t i = 0; i < COUNT(tasks); i++)
			assert_int_equal(ss_spawn_task(&scope, &tasks[i], 0, accept_and_talk, &listener), 0);
		support_wait_blocked("ss_accept", 1);
		{
			SS_SCOPE(guest, .name = "guest");
			assert_int_equal(ss_spawn(&guest, connect_and_talk, &address), 0);
			assert_int_equal(ss_scope_join(&guest, NULL), 0);
		}
		ss_scope_cancel(&scope, 0, NULL);
		assert_int_equal(ss_scope_join(&scope, NULL), 0);
		came = 0;
		for (size_t i = 0; i < COUNT(tasks); i++) {
			assert_int_equal(ss_task_join(&tasks[i], &rc), 0);
			assert_true(rc == 0 || rc == ECANCELED);
			came += rc == 0;
		}
		assert_int_equal(came, 1);
	}
	close(listener);
}

static int read_one(void *arg)
{
	char byte;

	return error_of(ss_read(*(int *)arg, &byte, 1));
}

static void many_read_one_pipe(void **state)
{
	int fds[2], rc, came, left;
	ss_task tasks[8];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	for (unsigned round = support_repeat(200); round; round--) {
		SS_SCOPE(scope, .flags = SS_SUPERVISE);
		for (size_t i = 0; i < COUNT(tasks); i++)
			assert_int_equal(ss_spawn_task(&scope, &tasks[i], 0, read_one, &fds[0]), 0);
		assert_int_equal(write(fds[1], "ab", 2), 2);
		do
			assert_int_equal(ioctl(fds[0], FIONREAD, &left), 0);
		while (left);
		ss_scope_cancel(&scope, 0, NULL);
		assert_int_equal(ss_scope_join(&scope, NULL), 0);
		came = 0;
		for (size_t i = 0; i < COUNT(tasks); i++) {
			assert_int_equal(ss_task_join(&tasks[i], &rc), 0);
			assert_true(rc == 0 || rc == ECANCELED);
			came += rc == 0;
		}
		assert_int_equal(came, 2);
	}
	close(fds[0]);
	close(fds[1]);
}

static int poll_all(void *arg)
{
	struct place *place = arg;
	struct pollfd many[100];
	struct epoll_event event;

	CHECK_EQ(ss_poll(NULL, 0, ss_now()), 0);
	CHECK_EQ(ss_poll_ms(NULL, 0, 1), 0);
	for (size_t i = 0; i < COUNT(many); i++)
		many[i] = (struct pollfd){ .fd = place->pipe[0], .events = POLLIN, .revents = -1 };
	CHECK_EQ(ss_poll(many, COUNT(many), ss_after(SS_MS(1))), 0);
	CHECK_EQ(many[99].revents, 0);
	CHECK_EQ(ss_epoll_wait(place->epoll, &event, 1, 0), 0);
	CHECK_EQ(ss_epoll_wait(place->epoll, &event, 1, 1), 0);
	CHECK_EQ(error_of(ss_epoll_wait(place->epoll, &event, 0, 1)), EINVAL);

	CHECK_EQ(write(place->pipe[1], "x", 1), 1);
	many[7].fd = -1;
	many[8].fd = place->full[1];
	many[8].events = POLLOUT;
	CHECK_EQ(ss_poll(many, COUNT(many), SS_NEVER), 98);
	CHECK_EQ(many[99].revents, POLLIN);
	CHECK_EQ(many[7].revents, 0);
	CHECK_EQ(many[8].revents, 0);
	CHECK_EQ(ss_poll_ms(many, 1, -1), 1);
	CHECK_EQ(ss_epoll_wait(place->epoll, &event, 1, -1), 1);
	CHECK_EQ(event.events, EPOLLIN);
	many[0].fd = 1 << 20;
	CHECK_EQ(ss_poll(many, 1, SS_NEVER), 1);
	CHECK_EQ(many[0].revents, POLLNVAL);
	return 0;
}

static void polls_are_polls(void **state)
{
	struct place place;

	(void)state;
	place_open(&place);
	assert_int_equal(poll_all(&place), 0); /* outside of all tokens */
	assert_int_equal(read(place.pipe[0], big, 1), 1);
	SS_SCOPE(scope, .name = "polls");
	assert_int_equal(ss_spawn(&scope, poll_all, &place), 0);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
	place_close(&place);
}

static int wait_for_children(void *arg)
{
	int status, *fds = arg;
	pid_t pid;

	for (int way = 0; way < 3; way++) {
		pid = fork();
		if (pid == 0) {
			char byte;

			close(fds[1]);
			_exit(read(fds[0], &byte, 1) == 1 ? 42 : 1);
		}
		CHECK(pid > 0);
		CHECK_EQ(ss_waitpid(pid, &status, WNOHANG), 0);
		CHECK_EQ(write(fds[1], "x", 1), 1);
		CHECK_EQ(ss_waitpid(way == 1 ? -1 : pid, &status, way == 2 ? WUNTRACED : 0), pid);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
	}
	CHECK_EQ(error_of(ss_waitpid(pid, &status, 0)), ECHILD);
	CHECK_EQ(error_of(ss_waitpid(getppid(), &status, 0)), ECHILD);
	return 0;
}

static void waitpid_waits(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(wait_for_children(fds), 0);
	SS_SCOPE(scope, .name = "children");
	assert_int_equal(ss_spawn(&scope, wait_for_children, fds), 0);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
	close(fds[0]);
	close(fds[1]);
}

static int sleep_some(void *arg)
{
	const struct timespec some = { .tv_nsec = 1000000 }, wrong = { .tv_nsec = 1000000000 }, none = { .tv_sec = 0 };
	ss_time begin = ss_now();

	(void)arg;
	CHECK_EQ(ss_nanosleep(&some, NULL), 0);
	CHECK(ss_now() - begin >= 1000000);
	CHECK_EQ(ss_nanosleep(&none, NULL), 0);
	CHECK_EQ(error_of(ss_nanosleep(&wrong, NULL)), EINVAL);
	return 0;
}

static void nanosleep_sleeps(void **state)
{
	(void)state;
	assert_int_equal(sleep_some(NULL), 0);
	SS_SCOPE(scope, .name = "sleeper");
	assert_int_equal(ss_spawn(&scope, sleep_some, NULL), 0);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
}

/* ---- signals ---- */

static _Atomic bool signalled;

static void on_signal(int signo)
{
	(void)signo;
	atomic_store(&signalled, true);
}

static int read_through_signal(void *arg)
{
	int *fds = arg;
	char byte;

	return error_of(ss_read(fds[0], &byte, 1));
}

static int sleep_to_signal(void *arg)
{
	struct timespec day = { .tv_sec = 86400 }, rest = { 0 };

	(void)arg;
	CHECK_EQ(error_of(ss_nanosleep(&day, &rest)), EINTR);
	CHECK(rest.tv_sec > 0);
	return 0;
}

/* Send @signo until the task noticed it. */
static void signal_task(ss_task *task, const char *where)
{
	support_wait_blocked(where, 1);
	atomic_store(&signalled, false);
	pthread_kill(ss_task_thread(task), SIGUSR1);
	while (!atomic_load(&signalled))
		sched_yield();
}

static void signals_do_what_they_did(void **state)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	const unsigned flags = SS_TASK_FRESH | SS_TASK_INHERIT_MASK;
	sigset_t mask, before;
	ss_task task;
	int fds[2], rc;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	/* The tasks are to be open to this signal alone: what others do counts, too. */
	sigfillset(&mask);
	sigdelset(&mask, SIGUSR1);
	pthread_sigmask(SIG_SETMASK, &mask, &before);
	SS_SCOPE(scope, .flags = SS_SUPERVISE);

	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	assert_int_equal(ss_spawn_task(&scope, &task, flags, read_through_signal, fds), 0);
	signal_task(&task, "ss_read");
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_int_equal(ss_task_join(&task, &rc), 0);
	assert_int_equal(rc, 0);

	/* A sleep ends whatever the flag says. */
	assert_int_equal(ss_spawn_task(&scope, &task, flags, sleep_to_signal, NULL), 0);
	support_wait_blocked("ss_nanosleep", 1);
	/* The word of the dump comes before the call: until it is in there, a signal is lost. */
	while (ss_task_tryjoin(&task, &rc) == EBUSY) {
		pthread_kill(ss_task_thread(&task), SIGUSR1);
		sched_yield();
	}

	action.sa_flags = 0;
	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	assert_int_equal(ss_spawn_task(&scope, &task, flags, read_through_signal, fds), 0);
	support_wait_blocked("ss_read", 1);
	while (ss_task_tryjoin(&task, &rc) == EBUSY) {
		pthread_kill(ss_task_thread(&task), SIGUSR1);
		sched_yield();
	}
	assert_int_equal(rc, EINTR);
	assert_int_equal(ss_scope_join(&scope, NULL), EINTR);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	close(fds[0]);
	close(fds[1]);
}

/* ---- the child of a fork has a copy of the token, and the descriptor of its parent ---- */

static int read_in_child(void *arg)
{
	int *fds = arg, status;
	char byte;
	pid_t pid;

	CHECK_EQ(ss_poll(NULL, 0, ss_now()), 0); /* the token has its descriptor now */
	pid = fork();
	if (pid == 0)
		_exit(ss_read(fds[0], &byte, 1) == 1 ? 0 : 1);
	CHECK(pid > 0);
	CHECK_EQ(error_of(ss_waitpid(pid, &status, 0)), ECANCELED);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return 0;
}

static void child_is_not_cancelled(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	SS_SCOPE(scope, .name = "fork");
	assert_int_equal(ss_spawn(&scope, read_in_child, fds), 0);
	support_wait_blocked("ss_waitpid", 1);
	ss_scope_cancel(&scope, 0, NULL);
	assert_int_equal(ss_scope_join(&scope, NULL), 0);
	close(fds[0]);
	close(fds[1]);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(cancel_ends_each),
	cmocka_unit_test(cancel_ends_all_together),
	cmocka_unit_test(deadline_ends_each),
	cmocka_unit_test(post_ends_each),
	cmocka_unit_test(cancelled_before_moves_nothing),
	cmocka_unit_test(blocking_write_is_whole),
	cmocka_unit_test(cancelled_write_says_what_moved),
	cmocka_unit_test(receive_waits_for_all),
	cmocka_unit_test(datagrams_are_whole),
	cmocka_unit_test(descriptors_go_once),
	cmocka_unit_test(contracts_hold),
	cmocka_unit_test(many_accept_one),
	cmocka_unit_test(many_read_one_pipe),
	cmocka_unit_test(polls_are_polls),
	cmocka_unit_test(waitpid_waits),
	cmocka_unit_test(nanosleep_sleeps),
	cmocka_unit_test(signals_do_what_they_did),
	cmocka_unit_test(child_is_not_cancelled),
};
SUPPORT_MAIN(tests, NULL)
