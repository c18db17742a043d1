/* SPDX-License-Identifier: MIT */
#include "net/notify.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"

enum {
	DATAGRAM_BYTES = 4096, /* a longer one is cut; ours have 20 */
	FDS_MAX = 253          /* SCM_MAX_FD: what one message may carry */
};

static const struct {
	const char *line;
	enum notify_news news;
} lines[] = {
	{"READY=1", NOTIFY_READY},
	{"WATCHDOG=1", NOTIFY_WATCHDOG},
	{"STOPPING=1", NOTIFY_STOPPING},
	{"RELOADING=1", NOTIFY_RELOADING},
};

int notify_open(const char *path, struct err *e)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	CLEANUP_FD int fd = -1;
	const int on = 1;

	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(e, ERR_INVALID,
			       "the path of a socket has at most %zu "
			       "characters, this one has %zu: %s",
			       sizeof(address.sun_path) - 1, strlen(path),
			       path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return err_errno(e, ERR_IO, "socket");
	(void)unlink(path);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    chmod(path, 0660) < 0)
		return err_errno(e, ERR_IO, "%s cannot be made", path);
	return take_fd(&fd);
}

static unsigned read_news(const char *text)
{
	unsigned news = 0;

	while (*text != '\0') {
		size_t length = strcspn(text, "\n");

		for (size_t i = 0; i < COUNT_OF(lines); i++)
			if (strlen(lines[i].line) == length &&
			    strncmp(lines[i].line, text, length) == 0)
				news |= lines[i].news;
		text += length;
		text += strspn(text, "\n");
	}
	return news;
}

/* Descriptors that came along are closed: nobody makes us keep any. */
static void drop_fds(const struct cmsghdr *part)
{
	size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (size_t i = 0; i < count; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(part) + i * sizeof(fd), sizeof(fd));
		(void)close(fd);
	}
}

static pid_t read_ancillary(struct msghdr *message)
{
	pid_t pid = 0;

	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL;
	     part = CMSG_NXTHDR(message, part)) {
		struct ucred from;

		if (part->cmsg_level != SOL_SOCKET)
			continue;
		if (part->cmsg_type == SCM_RIGHTS)
			drop_fds(part);
		if (part->cmsg_type == SCM_CREDENTIALS) {
			memcpy(&from, CMSG_DATA(part), sizeof(from));
			pid = from.pid;
		}
	}
	return pid;
}

int notify_receive(int fd, pid_t *ret_pid, unsigned *ret_news)
{
	char text[DATAGRAM_BYTES];
	_Alignas(struct cmsghdr) char
		ancillary[CMSG_SPACE(sizeof(struct ucred)) +
			  CMSG_SPACE(sizeof(int) * FDS_MAX)];
	struct iovec body = {.iov_base = text, .iov_len = sizeof(text) - 1};
	struct msghdr message = {.msg_iov = &body,
				 .msg_iovlen = 1,
				 .msg_control = ancillary,
				 .msg_controllen = sizeof(ancillary)};
	ssize_t got;

	do
		got = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return 0;
	text[got] = '\0';
	*ret_pid = read_ancillary(&message);
	*ret_news = read_news(text);
	return 1;
}
