/* SPDX-License-Identifier: MIT */
#include "net/client/http_probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"

enum {
	REQUEST_BYTES = 512,
	ANSWER_BYTES_MAX = 64 * 1024,
	SOCKET_FLAGS = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK
};

/* True when the descriptor is ready before the deadline. */
static bool wait_for(int fd, short events, int64_t deadline_ms)
{
	struct pollfd p = {.fd = fd, .events = events};

	for (;;) {
		int64_t left_ms = deadline_ms - clock_mono_ms();
		int n;

		if (left_ms < 0)
			return false;
		n = poll(&p, 1, (int)left_ms);
		if (n > 0)
			return true;
		if (n < 0 && errno != EINTR)
			return false;
	}
}

static bool connect_to(int fd, const void *address, size_t bytes,
		       int64_t deadline_ms)
{
	int failure = 0;
	socklen_t size = sizeof(failure);

	if (connect(fd, address, (socklen_t)bytes) == 0)
		return true;
	if (errno != EINPROGRESS || !wait_for(fd, POLLOUT, deadline_ms))
		return false;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) == 0 &&
	       failure == 0;
}

/* Everything up to the peer's end of the connection. */
static bool read_answer(int fd, struct buf *answer, int64_t deadline_ms)
{
	char piece[4096];

	for (;;) {
		ssize_t got = recv(fd, piece, sizeof(piece), 0);

		if (got == 0)
			return true;
		if (got > 0)
			buf_add(answer, piece, (size_t)got);
		else if (errno != EINTR && (errno != EAGAIN ||
					    !wait_for(fd, POLLIN, deadline_ms)))
			return false;
		if (answer->failed)
			return false;
	}
}

/* "HTTP/1.1 200 ...". The status, or -1. */
static int status_of(const char *answer)
{
	char digits[4];
	int64_t status;

	if (strncmp(answer, "HTTP/1.", 7) != 0 || strlen(answer) < 12)
		return -1;
	memcpy(digits, answer + 9, 3);
	digits[3] = '\0';
	return text_to_i64(digits, 100, 599, &status, NULL) == 0 ? (int)status
								 : -1;
}

int http_probe_unix(const char *socket_path, const char *target, int wait_ms,
		    struct buf *ret_body, struct err *e)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int64_t deadline_ms = clock_mono_ms() + wait_ms;
	CLEANUP(buf_clear) struct buf answer = BUF_MAX(ANSWER_BYTES_MAX);
	char request[REQUEST_BYTES];
	CLEANUP_FD int fd = -1;
	const char *body;
	int n = snprintf(request, sizeof(request),
			 "GET %s HTTP/1.1\r\nHost: localhost\r\n"
			 "Connection: close\r\n\r\n",
			 target);

	if (n >= (int)sizeof(request) ||
	    !text_copy(address.sun_path, sizeof(address.sun_path), socket_path))
		return err_set(e, ERR_REMOTE, "path too long");
	fd = socket(AF_UNIX, SOCKET_FLAGS, 0);
	if (fd < 0 || !connect_to(fd, &address, sizeof(address), deadline_ms) ||
	    send(fd, request, (size_t)n, MSG_NOSIGNAL) != n ||
	    !read_answer(fd, &answer, deadline_ms) ||
	    status_of(buf_text(&answer)) < 0)
		return err_set(e, ERR_REMOTE, "%s gives no answer",
			       socket_path);
	body = strstr(buf_text(&answer), "\r\n\r\n");
	if (body != NULL && ret_body != NULL)
		buf_add_text(ret_body, body + 4);
	return status_of(buf_text(&answer));
}

bool http_probe_tcp(const char *address, int64_t port, int wait_ms)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
				  .sin6_port = htons((uint16_t)port)};
	int64_t deadline_ms = clock_mono_ms() + wait_ms;
	bool is_v4 = inet_pton(AF_INET, address, &v4.sin_addr) == 1;
	CLEANUP_FD int fd = -1;

	if (!is_v4 && inet_pton(AF_INET6, address, &v6.sin6_addr) != 1)
		return false;
	fd = socket(is_v4 ? AF_INET : AF_INET6, SOCKET_FLAGS, 0);
	if (fd < 0)
		return false;
	if (is_v4)
		return connect_to(fd, &v4, sizeof(v4), deadline_ms);
	return connect_to(fd, &v6, sizeof(v6), deadline_ms);
}
