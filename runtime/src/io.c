/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Blocking calls on descriptors and processes that the ambient token ends. Each waits in poll for what it wants and for
 * the descriptor of the token, and then makes an attempt that does not block.
 *
 * Sockets take MSG_DONTWAIT, so nothing can come between the poll and the attempt. Pipes, terminals and accept have no
 * such flag, and their O_NONBLOCK belongs to all who share the descriptor: there the threads of this process take turns
 * (struct io_turn) in looking and trying. What is left is another process, or a plain call, that takes the data in
 * between: then the attempt blocks until there is more, as it would have without us.
 */
#include "ssi.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/epoll.h>
#ifndef SAFESPAWN_PORTABLE
#define IO_HAS_PPOLL 1
#include <sys/syscall.h>
#ifdef SYS_pidfd_open
#define IO_HAS_PIDFD 1
#endif
#endif
#endif

#ifdef POLLRDHUP
#define IO_ENDED (POLLRDHUP | POLLHUP | POLLERR)
#else
#define IO_ENDED (POLLHUP | POLLERR)
#endif

/* What is done, for whom, and how one attempt at it is made. */
struct io_call {
	const char *name;
	int fd;
	short events;
	struct ssi_token *token;
	ss_time until; /* of SO_RCVTIMEO and SO_SNDTIMEO; looked up by the first wait */
	bool until_known;
	ssize_t (*attempt)(const struct io_call *call);
	void *buffer;
	const void *data;
	size_t size;
	struct sockaddr *address;
	socklen_t *address_size;
};

/* ---- poll ------------------------------------------------------------------------------------------------------ */

/*
 * The token to watch; NULL when the plain call does, outside of all tokens and in the child of a fork, which has a copy
 * of the token but the very descriptor of its parent. -1 and errno when it has fired already.
 */
static int io_begin(struct ssi_token **ret_token)
{
	struct ssi_token *token = ssi_self.ambient;
	int err = ssi_token_error(token);

	*ret_token = token && ssi_is_ours(token->generation) ? token : NULL;
	if (!err)
		return 0;
	errno = err;
	return -1;
}

static int io_poll(struct pollfd *fds, nfds_t count, ss_time until)
{
	if (until == SS_NEVER)
		return poll(fds, count, -1);
#ifdef IO_HAS_PPOLL
	struct timespec left = ssi_timespec(ssi_left(until));

	return ppoll(fds, count, &left, NULL);
#else
	for (;;) {
		int64_t left_ns = ssi_left(until), left_ms = left_ns == 0 ? 0 : (left_ns - 1) / SS_MS(1) + 1;
		int ready = poll(fds, count, left_ms > INT_MAX ? INT_MAX : (int)left_ms);

		if (ready != 0 || left_ms <= INT_MAX)
			return ready;
	}
#endif
}

/*
 * The error behind a descriptor that became readable. It may be that of a token above, from where the walk is still on
 * its way: whoever is told of a cancellation here is to find it in ss_cancelled, too.
 */
static int io_fired(const struct ssi_token *token)
{
	int err;

	ssi_lock();
	ssi_posted_locked();
	err = ssi_token_error(token);
	ssi_unlock();
	return err;
}

/* poll, and the token beside it: @fds has room for one more. What is ready counts more than a token that fired. */
static int io_poll_token(struct pollfd *fds, nfds_t count, struct ssi_token *token, ss_time until)
{
	int fd = ssi_token_fd(token), ready;

	if (fd < 0)
		return -1;
	fds[count] = (struct pollfd){ .fd = fd, .events = POLLIN };
	ready = io_poll(fds, count + 1, until);
	if (ready <= 0 || !fds[count].revents)
		return ready;
	if (ready > 1)
		return ready - 1;
	errno = io_fired(token);
	return -1;
}

/*
 * poll never goes on after a signal, while read and its like do after a handler with SA_RESTART. Which handler ran
 * cannot be seen, so we go on only where each that may have run asks for it.
 */
static bool io_restarts(void)
{
	struct sigaction action;
	bool restarts = true;
	int before = errno;
	sigset_t blocked;

	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	for (int signo = 1; signo < NSIG; signo++) {
		if (ssi_is_fault(signo) || sigismember(&blocked, signo) != 0 || sigaction(signo, NULL, &action) != 0)
			continue;
		if (!(action.sa_flags & SA_SIGINFO) && (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN))
			continue;
		restarts = restarts && action.sa_flags & SA_RESTART;
	}
	errno = before;
	return restarts;
}

/* Sleep, for what gives no event: 0, or -1 and errno when the token fired. */
static int io_pause(const struct io_call *call, int64_t pause_ns)
{
	struct pollfd fds[1];
	int ready;

	ssi_waits_in(call->name, call->fd);
	ready = io_poll_token(fds, 0, call->token, ss_after(pause_ns));
	ssi_waits_no_more();
	return ready < 0 && !(errno == EINTR && io_restarts()) ? -1 : 0;
}

/* When a wait for the socket ends by its own option. */
static ss_time io_socket_until(const struct io_call *call)
{
	struct timeval time;
	socklen_t size = sizeof(time);

	if (getsockopt(call->fd, SOL_SOCKET, call->events & POLLIN ? SO_RCVTIMEO : SO_SNDTIMEO, &time, &size) != 0 ||
	    (time.tv_sec == 0 && time.tv_usec == 0))
		return SS_NEVER;
	return ss_after(time.tv_sec >= SS_NEVER / SS_SEC(1) ? SS_NEVER : SS_SEC(time.tv_sec) + SS_US(time.tv_usec));
}

/* Wait until the descriptor is ready: 0, or -1 and errno. EAGAIN: the socket's own time has passed. */
static int io_await(struct io_call *call)
{
	struct pollfd fds[2] = { { .fd = call->fd, .events = call->events } };
	int ready;

	if (!call->until_known) {
		call->until = io_socket_until(call);
		call->until_known = true;
	}
	ssi_waits_in(call->name, call->fd);
	do
		ready = io_poll_token(fds, 1, call->token, call->until);
	while (ready < 0 && errno == EINTR && io_restarts());
	ssi_waits_no_more();
	if (ready == 0)
		errno = EAGAIN;
	return ready > 0 ? 0 : -1;
}

/* Does the descriptor itself say that nobody waits? -1 and errno: it is none. */
static int io_never_waits(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 ? -1 : (flags & O_NONBLOCK) != 0;
}

/* ---- turns ------------------------------------------------------------------------------------------------------ */

/* A thread looks whether a descriptor is ready and then uses it; others of this process wait until it has. */
struct io_turn {
	struct ssi_list link;
	struct ssi_list waiters; /* struct ssi_wait */
	int fd;
};

static struct {
	pthread_mutex_t lock;
	struct ssi_list turns; /* guarded by lock */
} io_turns = { PTHREAD_MUTEX_INITIALIZER, { &io_turns.turns, &io_turns.turns } };

void ssi_io_forked(void)
{
	pthread_mutex_init(&io_turns.lock, NULL);
	ssi_list_init(&io_turns.turns);
}

static struct io_turn *io_turn_of(int fd)
{
	for (struct ssi_list *at = io_turns.turns.next; at != &io_turns.turns; at = at->next) {
		struct io_turn *turn = SSI_CONTAINER(at, struct io_turn, link);

		if (turn->fd == fd)
			return turn;
	}
	return NULL;
}

/* 0, or the error of a token that fired before it was this thread's turn. */
static int io_turn_take(struct io_turn *turn, int fd)
{
	struct io_turn *other;
	struct ssi_wait wait;
	int err = 0;

	turn->fd = fd;
	ssi_list_init(&turn->waiters);
	pthread_mutex_lock(&io_turns.lock);
	while (!err && (other = io_turn_of(fd))) {
		err = ssi_wait_begin(&wait);
		if (!err) {
			ssi_list_append(&other->waiters, &wait.link);
			pthread_mutex_unlock(&io_turns.lock);
			err = ssi_wait_sleep(&wait, SS_NEVER);
			pthread_mutex_lock(&io_turns.lock);
		}
		ssi_wait_end(&wait);
	}
	if (!err)
		ssi_list_append(&io_turns.turns, &turn->link);
	pthread_mutex_unlock(&io_turns.lock);
	return err;
}

static void io_turn_give(struct io_turn *turn)
{
	pthread_mutex_lock(&io_turns.lock);
	ssi_list_remove(&turn->link);
	ssi_wake_all(&turn->waiters);
	pthread_mutex_unlock(&io_turns.lock);
}

/* One attempt at a call that would block when another thread was faster. */
static ssize_t io_in_turn(struct io_call *call)
{
	for (;;) {
		struct pollfd look = { .fd = call->fd, .events = call->events };
		struct io_turn turn;
		ssize_t result = -1;
		bool ready;
		int err = io_turn_take(&turn, call->fd);

		if (err) {
			errno = err;
			return -1;
		}
		ready = poll(&look, 1, 0) > 0;
		if (ready) {
			result = call->attempt(call);
			err = errno;
		}
		io_turn_give(&turn);
		if (ready) {
			errno = err;
			return result;
		}
		if (io_await(call) != 0)
			return -1;
	}
}

/* ---- sockets ---------------------------------------------------------------------------------------------------- */

static size_t io_length(const struct msghdr *message)
{
	size_t length = 0;

	for (size_t i = 0; i < (size_t)message->msg_iovlen; i++)
		length += message->msg_iov[i].iov_len;
	return length;
}

/* The rest of the first element of @message that lies beyond @done bytes. */
static struct iovec io_part(const struct msghdr *message, size_t done)
{
	const struct iovec *at = message->msg_iov;

	while (done >= at->iov_len) {
		done -= at->iov_len;
		at++;
	}
	return (struct iovec){ .iov_base = (char *)at->iov_base + done, .iov_len = at->iov_len - done };
}

/*
 * After an attempt that found nothing: wait, and 0 to try again. A socket that is ready and still takes nothing (a
 * datagram for a peer that is full) gives no event when that ends; so each second time there is a pause.
 */
static int io_socket_wait(struct io_call *call, bool *was_ready)
{
	if (errno != EAGAIN && errno != EWOULDBLOCK)
		return -1;
	if (!call->until_known && io_never_waits(call->fd) != 0) {
		errno = EAGAIN;
		return -1;
	}
	if (*was_ready && io_pause(call, SS_MS(1)) != 0)
		return -1;
	*was_ready = true;
	return io_await(call);
}

static bool io_is_stream(int fd)
{
	int type = 0;
	socklen_t size = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

/* Is there no more to come than what MSG_PEEK saw? Otherwise a pause: a socket with any data is always ready. */
static bool io_peeked_all(struct io_call *call)
{
	struct pollfd look = { .fd = call->fd, .events = (short)IO_ENDED };

	return poll(&look, 1, 0) != 0 || io_pause(call, SS_MS(1)) != 0;
}

static ssize_t io_receive(struct io_call *call, struct msghdr *message, int flags)
{
	size_t done = 0, length = io_length(message);
	bool was_ready = false;

	/* These do not wait. */
	if (flags & (MSG_DONTWAIT | MSG_OOB
#ifdef MSG_ERRQUEUE
		     | MSG_ERRQUEUE
#endif
		     ))
		return recvmsg(call->fd, message, flags);

	for (;;) {
		struct msghdr attempt = *message;
		struct iovec part;
		ssize_t got;

		if (done) {
			part = io_part(message, done);
			attempt.msg_iov = &part;
			attempt.msg_iovlen = 1;
		}
		got = recvmsg(call->fd, &attempt, (flags & ~MSG_WAITALL) | MSG_DONTWAIT);
		if (got < 0) {
			if (io_socket_wait(call, &was_ready) == 0)
				continue;
			return done ? (ssize_t)done : -1;
		}
		was_ready = false;
		done += (size_t)got;
		/* Control data has its place in the stream, and the room for it is used. */
		if (!(flags & MSG_WAITALL) || got == 0 || done >= length || attempt.msg_controllen > 0 ||
		    !io_is_stream(call->fd) || ((flags & MSG_PEEK) && io_peeked_all(call))) {
			message->msg_namelen = attempt.msg_namelen;
			message->msg_controllen = attempt.msg_controllen;
			message->msg_flags = attempt.msg_flags;
			return (ssize_t)done;
		}
		if (flags & MSG_PEEK)
			done = 0;
	}
}

static ssize_t io_transmit(struct io_call *call, const struct msghdr *message, int flags)
{
	size_t done = 0, length = io_length(message);
	bool was_ready = false;

	if (flags & MSG_DONTWAIT)
		return sendmsg(call->fd, message, flags);

	for (;;) {
		struct msghdr attempt = *message;
		struct iovec part;
		ssize_t sent;

		if (done) {
			part = io_part(message, done);
			attempt.msg_iov = &part;
			attempt.msg_iovlen = 1;
			attempt.msg_control = NULL; /* went with the first part */
			attempt.msg_controllen = 0;
		}
		sent = sendmsg(call->fd, &attempt, flags | MSG_DONTWAIT);
		if (sent < 0) {
			if (io_socket_wait(call, &was_ready) == 0)
				continue;
			return done ? (ssize_t)done : -1;
		}
		was_ready = false;
		done += (size_t)sent;
		if (done >= length)
			return (ssize_t)done;
		/* On a descriptor that does not wait, what went is the answer. */
		if (!call->until_known && io_never_waits(call->fd) != 0)
			return (ssize_t)done;
	}
}

ssize_t ss_recvmsg(int fd, struct msghdr *message, int flags)
{
	struct io_call call = { .name = "ss_recvmsg", .fd = fd, .events = POLLIN };

	if (io_begin(&call.token) != 0)
		return -1;
	return call.token ? io_receive(&call, message, flags) : recvmsg(fd, message, flags);
}

ssize_t ss_sendmsg(int fd, const struct msghdr *message, int flags)
{
	struct io_call call = { .name = "ss_sendmsg", .fd = fd, .events = POLLOUT };

	if (io_begin(&call.token) != 0)
		return -1;
	return call.token ? io_transmit(&call, message, flags) : sendmsg(fd, message, flags);
}

ssize_t ss_recv(int fd, void *buffer, size_t size, int flags)
{
	struct io_call call = { .name = "ss_recv", .fd = fd, .events = POLLIN };
	struct iovec all = { .iov_base = buffer, .iov_len = size };
	struct msghdr message = { .msg_iov = &all, .msg_iovlen = 1 };

	if (io_begin(&call.token) != 0)
		return -1;
	return call.token ? io_receive(&call, &message, flags) : recv(fd, buffer, size, flags);
}

ssize_t ss_send(int fd, const void *buffer, size_t size, int flags)
{
	struct io_call call = { .name = "ss_send", .fd = fd, .events = POLLOUT };
	struct iovec all = { .iov_base = (void *)(uintptr_t)buffer, .iov_len = size };
	struct msghdr message = { .msg_iov = &all, .msg_iovlen = 1 };

	if (io_begin(&call.token) != 0)
		return -1;
	return call.token ? io_transmit(&call, &message, flags) : send(fd, buffer, size, flags);
}

/* ---- any descriptor --------------------------------------------------------------------------------------------- */

enum io_kind { IO_PLAIN, IO_SOCKET, IO_OTHER };

/* How to wait for a descriptor. One that never waits, a file, and no descriptor at all: plain, it needs none of us. */
static enum io_kind io_kind_of(int fd)
{
	struct stat stat;

	if (fstat(fd, &stat) != 0 || S_ISREG(stat.st_mode) || S_ISDIR(stat.st_mode) || S_ISBLK(stat.st_mode))
		return IO_PLAIN;
	if (S_ISSOCK(stat.st_mode))
		return IO_SOCKET;
	return io_never_waits(fd) ? IO_PLAIN : IO_OTHER;
}

static ssize_t io_try_read(const struct io_call *call)
{
	return read(call->fd, call->buffer, call->size);
}

ssize_t ss_read(int fd, void *buffer, size_t size)
{
	struct io_call call = { .name = "ss_read",
				.fd = fd,
				.events = POLLIN,
				.attempt = io_try_read,
				.buffer = buffer,
				.size = size,
				.until = SS_NEVER };
	struct iovec all = { .iov_base = buffer, .iov_len = size };
	struct msghdr message = { .msg_iov = &all, .msg_iovlen = 1 };

	if (io_begin(&call.token) != 0)
		return -1;
	switch (call.token && size ? io_kind_of(fd) : IO_PLAIN) {
	case IO_SOCKET:
		return io_receive(&call, &message, 0);
	case IO_OTHER:
		call.until_known = true; /* never: that is for sockets */
		return io_in_turn(&call);
	default:
		return read(fd, buffer, size);
	}
}

static ssize_t io_try_write(const struct io_call *call)
{
	return write(call->fd, call->data, call->size);
}

ssize_t ss_write(int fd, const void *buffer, size_t size)
{
	struct io_call call = {
		.name = "ss_write", .fd = fd, .events = POLLOUT, .attempt = io_try_write, .until = SS_NEVER
	};
	struct iovec all = { .iov_base = (void *)(uintptr_t)buffer, .iov_len = size };
	struct msghdr message = { .msg_iov = &all, .msg_iovlen = 1 };
	size_t done = 0;

	if (io_begin(&call.token) != 0)
		return -1;
	switch (call.token && size ? io_kind_of(fd) : IO_PLAIN) {
	case IO_SOCKET:
		return io_transmit(&call, &message, 0);
	case IO_OTHER:
		break;
	default:
		return write(fd, buffer, size);
	}

	/* A pipe that is ready has room for PIPE_BUF bytes, and more than these it may cut anyway. */
	call.until_known = true;
	while (done < size) {
		ssize_t put;

		call.data = (const char *)buffer + done;
		call.size = size - done < PIPE_BUF ? size - done : PIPE_BUF;
		put = io_in_turn(&call);
		if (put < 0)
			return done ? (ssize_t)done : -1;
		done += (size_t)put;
	}
	return (ssize_t)done;
}

static ssize_t io_try_accept(const struct io_call *call)
{
	return accept(call->fd, call->address, call->address_size);
}

int ss_accept(int fd, struct sockaddr *address, socklen_t *size)
{
	struct io_call call = { .name = "ss_accept",
				.fd = fd,
				.events = POLLIN,
				.attempt = io_try_accept,
				.address = address,
				.address_size = size };

	if (io_begin(&call.token) != 0)
		return -1;
	if (!call.token || io_never_waits(fd) != 0)
		return accept(fd, address, size);
	return (int)io_in_turn(&call);
}

/* A connect that was begun: 0, or -1 and errno. */
static int io_connected(struct io_call *call)
{
	int err = 0;
	socklen_t size = sizeof(err);

	if (io_await(call) != 0) {
		if (errno == EAGAIN)
			errno = EINPROGRESS;
		return -1;
	}
	if (getsockopt(call->fd, SOL_SOCKET, SO_ERROR, &err, &size) != 0)
		return -1;
	errno = err;
	return err ? -1 : 0;
}

int ss_connect(int fd, const struct sockaddr *address, socklen_t size)
{
	struct io_call call = { .name = "ss_connect", .fd = fd, .events = POLLOUT };
	int flags, result, err;

	if (io_begin(&call.token) != 0)
		return -1;
	flags = fcntl(fd, F_GETFL);
	if (!call.token || flags < 0 || flags & O_NONBLOCK)
		return connect(fd, address, size);
	if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
		return -1;

	/* A local socket whose peer has a full backlog says EAGAIN, and gives no event when there is room. */
	while ((result = connect(fd, address, size)) != 0 && errno == EAGAIN && address->sa_family == AF_UNIX) {
		if (!call.until_known) {
			call.until = io_socket_until(&call);
			call.until_known = true;
		}
		if (ss_now() >= call.until || io_pause(&call, SS_MS(1)) != 0)
			break;
	}
	if (result != 0 && errno == EINPROGRESS)
		result = io_connected(&call);
	err = errno;
	fcntl(fd, F_SETFL, flags);
	errno = err;
	return result;
}

/* ---- poll and its like ------------------------------------------------------------------------------------------ */

int ss_poll(struct pollfd *fds, nfds_t count, ss_time until)
{
	struct pollfd few[16], *all = few;
	struct ssi_token *token;
	int ready, err;

	if (io_begin(&token) != 0)
		return -1;
	if (!token)
		return io_poll(fds, count, until);
	if (count >= sizeof(few) / sizeof(*few)) {
		if (count >= SIZE_MAX / sizeof(*all) || !(all = malloc((count + 1) * sizeof(*all)))) {
			errno = ENOMEM;
			return -1;
		}
	}
	if (count)
		memcpy(all, fds, count * sizeof(*all));

	ssi_waits_in("ss_poll", count == 1 ? fds->fd : -1);
	ready = io_poll_token(all, count, token, until);
	err = errno;
	ssi_waits_no_more();
	for (nfds_t i = 0; i < count && ready >= 0; i++)
		fds[i].revents = all[i].revents;
	if (all != few)
		free(all);
	errno = err;
	return ready;
}

static ss_time io_until_of_ms(int timeout_ms)
{
	return timeout_ms < 0 ? SS_NEVER : ss_after(SS_MS(timeout_ms));
}

int ss_poll_ms(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	return ss_poll(fds, count, io_until_of_ms(timeout_ms));
}

#ifdef __linux__
int ss_epoll_wait(int epfd, struct epoll_event *events, int count, int timeout_ms)
{
	ss_time until = io_until_of_ms(timeout_ms);
	struct ssi_token *token;
	int ready;

	if (io_begin(&token) != 0)
		return -1;
	if (!token)
		return epoll_wait(epfd, events, count, timeout_ms);

	/* Look first: this also says what is wrong with the arguments. Another thread may take what poll saw. */
	while ((ready = epoll_wait(epfd, events, count, 0)) == 0) {
		struct pollfd fds[2] = { { .fd = epfd, .events = POLLIN } };

		ssi_waits_in("ss_epoll_wait", epfd);
		ready = io_poll_token(fds, 1, token, until);
		ssi_waits_no_more();
		if (ready <= 0)
			break;
	}
	return ready;
}
#endif

int ss_nanosleep(const struct timespec *time, struct timespec *ret_rest)
{
	struct ssi_token *token;
	struct pollfd fds[1];
	ss_time until;
	int ready, err;

	if (!ssi_self.ambient || time->tv_sec < 0 || time->tv_nsec < 0 || time->tv_nsec >= SS_SEC(1))
		return nanosleep(time, ret_rest);
	until = ss_after(time->tv_sec >= SS_NEVER / SS_SEC(1) ? SS_NEVER : SS_SEC(time->tv_sec) + time->tv_nsec);
	ready = io_begin(&token);
	if (ready == 0 && !token)
		return nanosleep(time, ret_rest);
	if (ready == 0) {
		/* poll, because a signal handler is to end this sleep. */
		ssi_waits_in("ss_nanosleep", -1);
		ready = io_poll_token(fds, 0, token, until);
		ssi_waits_no_more();
	}
	if (ready == 0)
		return 0;
	err = errno;
	/* A sleep has no use for the errors of a missing descriptor. */
	if (err != EINTR && !ss_cancelled())
		err = ss_sleep_until(until);
	if (!err)
		return 0;
	if (ret_rest)
		*ret_rest = ssi_timespec(ssi_left(until));
	errno = err;
	return -1;
}

/* ---- processes -------------------------------------------------------------------------------------------------- */

/* A descriptor that is readable when the process ends; -1 where there is none. */
static int io_process_fd(pid_t pid, int options)
{
#ifdef IO_HAS_PIDFD
	/* It tells of the end alone, and of one process. */
	if (pid > 0 && !(options & (WUNTRACED | WCONTINUED)))
		return (int)syscall(SYS_pidfd_open, pid, 0);
#endif
	(void)pid;
	(void)options;
	return -1;
}

pid_t ss_waitpid(pid_t pid, int *status, int options)
{
	struct io_call call = {
		.name = "ss_waitpid", .fd = -1, .events = POLLIN, .until = SS_NEVER, .until_known = true
	};
	int64_t pause_ns = SS_US(500);
	pid_t ended;
	int err;

	if (io_begin(&call.token) != 0)
		return -1;
	if (!call.token || options & WNOHANG)
		return waitpid(pid, status, options);

	ended = waitpid(pid, status, options | WNOHANG);
	if (ended != 0)
		return ended;
	call.fd = io_process_fd(pid, options);
	while (ended == 0) {
		/* Without a descriptor we look again and again; a signal of the end belongs to the program. */
		if (pause_ns < SS_MS(10))
			pause_ns *= 2;
		if ((call.fd >= 0 ? io_await(&call) : io_pause(&call, pause_ns)) != 0)
			ended = -1;
		else
			ended = waitpid(pid, status, options | WNOHANG);
	}
	err = errno;
	if (call.fd >= 0)
		close(call.fd);
	errno = err;
	return ended;
}
