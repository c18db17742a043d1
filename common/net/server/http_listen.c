/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "net/server/http_server.h"

enum {
	SOCKET_FLAGS = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	SOCKET_MODE = 0660, /* nginx is in our group */
	HOST_BYTES = 64
};

static int check_replaceable(const char *path, struct err *e)
{
	struct stat info;

	if (lstat(path, &info) < 0) {
		if (errno == ENOENT)
			return 0;
		return err_errno(e, ERR_IO, "%s", path);
	}
	if (!S_ISSOCK(info.st_mode))
		return err_set(e, ERR_IO, "%s is not a socket", path);
	return 0;
}

/* The socket listens under a second name before it takes the real one, so that
 * nginx never finds a path without a listener behind it, nor one it may not
 * open. */
int http_listen_unix(const char *path, struct err *e)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	CLEANUP_FD int fd = -1;
	int n;
	int rc;

	n = snprintf(address.sun_path, sizeof(address.sun_path), "%s~", path);
	if (n < 0 || (size_t)n >= sizeof(address.sun_path))
		return err_set(e, ERR_INVALID,
			       "socket path of %zu characters, at most %zu: %s",
			       strlen(path), sizeof(address.sun_path) - 2,
			       path);
	rc = check_replaceable(path, e);
	if (rc < 0)
		return rc;

	fd = socket(AF_UNIX, SOCKET_FLAGS, 0);
	if (fd < 0)
		return err_errno(e, ERR_IO, "socket");
	(void)unlink(address.sun_path);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return err_errno(e, ERR_IO, "bind %s", address.sun_path);
	if (chmod(address.sun_path, SOCKET_MODE) < 0 ||
	    listen(fd, SOMAXCONN) < 0 || rename(address.sun_path, path) < 0) {
		rc = err_errno(e, ERR_IO, "listen %s", path);
		(void)unlink(address.sun_path);
		return rc;
	}
	return take_fd(&fd);
}

/* "host:port" or "[host]:port". Returns the port within address, or NULL. */
static const char *split(const char *address, char host[HOST_BYTES])
{
	const char *colon = strrchr(address, ':');
	size_t n;

	if (colon == NULL || colon[1] == '\0')
		return NULL;
	n = (size_t)(colon - address);
	if (address[0] == '[') {
		if (n < 3 || colon[-1] != ']')
			return NULL;
		address++;
		n -= 2;
	}
	if (n == 0 || n >= HOST_BYTES)
		return NULL;
	memcpy(host, address, n);
	host[n] = '\0';
	return colon + 1;
}

static void cleanup_addrinfo(struct addrinfo **info)
{
	if (*info != NULL)
		freeaddrinfo(*info);
}

static int listen_at(const struct addrinfo *info, struct err *e)
{
	CLEANUP_FD int fd = -1;
	const int on = 1;

	fd = socket(info->ai_family, SOCKET_FLAGS, 0);
	if (fd < 0)
		return err_errno(e, ERR_IO, "socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, info->ai_addr, info->ai_addrlen) < 0)
		return err_errno(e, ERR_IO, "bind");
	if (listen(fd, SOMAXCONN) < 0)
		return err_errno(e, ERR_IO, "listen");
	return take_fd(&fd);
}

int http_listen_tcp(const char *address, struct err *e)
{
	const struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
	};
	CLEANUP(cleanup_addrinfo) struct addrinfo *info = NULL;
	char host[HOST_BYTES];
	const char *port = split(address, host);
	int64_t number;
	int rc;

	/* getaddrinfo() takes "99999" and cuts it. */
	if (port == NULL || text_to_i64(port, 0, 65535, &number, NULL) < 0 ||
	    getaddrinfo(host, port, &hints, &info) != 0)
		return err_set(e, ERR_INVALID,
			       "%s is not an address like 127.0.0.1:8080",
			       address);
	rc = listen_at(info, e);
	return rc < 0 ? err_wrap(e, rc, "%s", address) : rc;
}
