/* SPDX-License-Identifier: MIT */
#include "raw_http.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static void check(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	abort();
}

char *raw_folder_new(void)
{
	const char *base = getenv("TMPDIR"); /* NOLINT */
	char *folder = NULL;

	check(asprintf(&folder, "%s/og-XXXXXX", base != NULL ? base : "/tmp") >
		      0,
	      "asprintf");
	check(mkdtemp(folder) != NULL, folder);
	return folder;
}

void raw_folder_free(char *folder)
{
	DIR *d = opendir(folder);
	const struct dirent *entry;

	check(d != NULL, folder);
	while ((entry = readdir(d)) != NULL) /* NOLINT */
		(void)unlinkat(dirfd(d), entry->d_name, 0);
	(void)closedir(d);
	(void)rmdir(folder);
	free(folder);
}

static void set_timeout(int fd)
{
	const struct timeval limit = {.tv_sec = RAW_WAIT_MS / 1000};

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

static int connect_to(int domain, const void *address, socklen_t bytes)
{
	int fd = socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0);

	check(fd >= 0, "socket");
	set_timeout(fd);
	if (connect(fd, address, bytes) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

int raw_connect_unix(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return connect_to(AF_UNIX, &address, sizeof(address));
}

int raw_connect_tcp(int port)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	return connect_to(AF_INET, &address, sizeof(address));
}

int raw_listen(int *ret_port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t bytes = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	check(fd >= 0 &&
		      bind(fd, (const struct sockaddr *)&address, bytes) == 0 &&
		      listen(fd, 64) == 0 &&
		      getsockname(fd, (struct sockaddr *)&address, &bytes) == 0,
	      "listen");
	*ret_port = ntohs(address.sin_port);
	return fd;
}

bool raw_send(int fd, const void *data, size_t bytes)
{
	const char *at = data;

	while (bytes > 0) {
		ssize_t n = send(fd, at, bytes, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		bytes -= (size_t)n;
	}
	return true;
}

bool raw_send_text(int fd, const char *text)
{
	return raw_send(fd, text, strlen(text));
}

bool raw_readable(int fd, int wait_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, wait_ms) == 1;
}

static bool fill(struct raw_stream *s)
{
	ssize_t n;

	check(s->used < sizeof(s->data), "message too long for the test");
	do {
		n = recv(s->fd, s->data + s->used, sizeof(s->data) - s->used,
			 0);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return false;
	s->used += (size_t)n;
	return true;
}

static void eat(struct raw_stream *s, size_t bytes)
{
	s->used -= bytes;
	memmove(s->data, s->data + bytes, s->used);
}

static bool read_head(struct raw_stream *s, struct raw_message *ret)
{
	const char *end;
	size_t n = 0;

	while ((end = memmem(s->data, s->used, "\r\n\r\n", 4)) == NULL) {
		if (!fill(s))
			return false;
	}
	check((size_t)(end - s->data) + 4 < sizeof(ret->head), "long head");
	for (const char *p = s->data; p < end + 4; p++) {
		if (*p != '\r')
			ret->head[n++] = *p;
	}
	ret->head[n] = '\0';
	eat(s, (size_t)(end + 4 - s->data));
	return true;
}

bool raw_read(struct raw_stream *s, struct raw_message *ret, bool has_body)
{
	const char *length;

	ret->body_bytes = 0;
	ret->body[0] = '\0';
	if (!read_head(s, ret))
		return false;
	ret->status = strncmp(ret->head, "HTTP/1.1 ", 9) == 0
			      ? (int)strtol(ret->head + 9, NULL, 10)
			      : 0;
	length = strcasestr(ret->head, "\nContent-Length:");
	if (length == NULL || !has_body)
		return true;
	ret->body_bytes = strtoul(length + 16, NULL, 10);
	check(ret->body_bytes < sizeof(ret->body), "long body");
	while (s->used < ret->body_bytes) {
		if (!fill(s))
			return false;
	}
	memcpy(ret->body, s->data, ret->body_bytes);
	ret->body[ret->body_bytes] = '\0';
	eat(s, ret->body_bytes);
	return true;
}

bool raw_wait_for(bool (*is_true)(void *context), void *context)
{
	const struct timespec step = {.tv_nsec = 1000000};

	for (int i = 0; i < RAW_WAIT_MS; i++) {
		if (is_true(context))
			return true;
		(void)nanosleep(&step, NULL);
	}
	return false;
}
