/* SPDX-License-Identifier: MIT
 *
 * notify.h - the supervisor's end of sd_notify(3).
 *
 * Children find the socket's path in $NOTIFY_SOCKET and send datagrams of
 * NAME=VALUE lines; the kernel vouches for the sender's pid. One thread.
 */
#ifndef NET_NOTIFY_H
#define NET_NOTIFY_H

#include <sys/types.h>

struct err;

enum notify_news { /* bits: what a datagram said */
	NOTIFY_READY = 1 << 0,
	NOTIFY_WATCHDOG = 1 << 1, /* still alive */
	NOTIFY_STOPPING = 1 << 2,
	NOTIFY_RELOADING = 1 << 3
};

/* Bind at path, replacing what is left of an earlier run. A non-blocking
 * O_CLOEXEC descriptor to poll for reading; ERR_INVALID (path too long),
 * ERR_IO. */
int notify_open(const char *path, struct err *e);

/* Take one datagram. 1, with the sender and the bits of what it said (0 when it
 * said nothing we know); 0 when none waits. */
int notify_receive(int fd, pid_t *ret_pid, unsigned *ret_news);

#endif
