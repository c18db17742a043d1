/* SPDX-License-Identifier: MIT
 *
 * bad_machine.c - a machine that behaves badly when told to; for LD_PRELOAD.
 *
 * $ORDERGATE_BAD_MACHINE names a file of 16 bytes that all processes map:
 *	byte 0     what the disk does: 0 works, F full, R read-only, I fails
 *	byte 1     1: doorbells are dropped
 *	byte 2     what the kernel says of its clock: 0 the truth, K a time
 *	           service keeps it, U none does
 *	byte 3     1: there is no room for files that are sent to us
 *	bytes 4..  int32: by how many milliseconds it is off, as K says
 *	bytes 8..  int64: how many milliseconds the calendar clock is ahead
 *
 * By the disk of byte 0 the store's file and its log are meant, and nothing
 * else.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "preload.h"

struct machine {
	volatile char disk;
	volatile char drops_bells;
	volatile char keeper;
	volatile char incoming_full;
	volatile int32_t off_ms;
	volatile int64_t ahead_ms;
};

static const struct machine works;

static const struct machine *machine(void)
{
	static const struct machine *mapped;

	if (mapped == NULL)
		mapped = preload_map("ORDERGATE_BAD_MACHINE", sizeof(*mapped),
				     PROT_READ);
	return mapped != NULL ? mapped : &works;
}

static bool path_of(int fd, char path[PATH_MAX])
{
	char link[64];
	ssize_t bytes;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	bytes = readlink(link, path, PATH_MAX - 1);
	path[bytes > 0 ? bytes : 0] = '\0';
	return bytes > 0;
}

static bool is_of_the_store(int fd)
{
	char path[PATH_MAX];

	if (!path_of(fd, path))
		return false;
	return strstr(path, "ordergate.db") != NULL &&
	       strstr(path, "-shm") == NULL && strstr(path, ".lock") == NULL &&
	       strstr(path, ".sync") == NULL;
}

/* 0, or the errno of a write to that file now. */
static int refusal(int fd)
{
	char disk = machine()->disk;
	int code = disk == 'F'   ? ENOSPC
		   : disk == 'R' ? EROFS
		   : disk == 'I' ? EIO
				 : 0;

	return code != 0 && is_of_the_store(fd) ? code : 0;
}

ssize_t pwrite64(int fd, const void *data, size_t bytes, off64_t at)
{
	errno = refusal(fd);
	return errno != 0 ? -1 : REAL(pwrite64)(fd, data, bytes, at);
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t at)
{
	errno = refusal(fd);
	return errno != 0 ? -1 : REAL(pwrite)(fd, data, bytes, at);
}

ssize_t write(int fd, const void *data, size_t bytes)
{
	char path[PATH_MAX];

	if (machine()->incoming_full != 0 && path_of(fd, path) &&
	    strstr(path, "/incoming/") != NULL) {
		errno = ENOSPC;
		return -1;
	}
	return REAL(write)(fd, data, bytes);
}

int fdatasync(int fd)
{
	errno = machine()->disk == 'I' ? refusal(fd) : 0;
	return errno != 0 ? -1 : REAL(fdatasync)(fd);
}

ssize_t sendto(int fd, const void *data, size_t bytes, int flags,
	       const struct sockaddr *address, socklen_t address_bytes)
{
	if (machine()->drops_bells != 0 && address != NULL &&
	    address->sa_family == AF_UNIX &&
	    strstr(((const struct sockaddr_un *)(const void *)address)
			   ->sun_path,
		   ".bell") != NULL)
		return (ssize_t)bytes;
	return REAL(sendto)(fd, data, bytes, flags, address, address_bytes);
}

int clock_gettime(clockid_t clock, struct timespec *ret)
{
	int64_t ahead_ms = machine()->ahead_ms;
	int rc = REAL(clock_gettime)(clock, ret);

	if (rc == 0 && clock == CLOCK_REALTIME)
		ret->tv_sec += ahead_ms / 1000;
	return rc;
}

time_t time(time_t *ret)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (ret != NULL)
		*ret = now.tv_sec;
	return now.tv_sec;
}

int gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	ret->tv_sec = now.tv_sec;
	ret->tv_usec = now.tv_nsec / 1000;
	return 0;
}

int adjtimex(struct timex *ret)
{
	const struct machine *m = machine();

	if (m->keeper == 0)
		return REAL(adjtimex)(ret);
	*ret = (struct timex){
		.status = m->keeper == 'U' ? STA_UNSYNC : STA_NANO,
		.offset = (long)m->off_ms * 1000000,
		.esterror = 1000,
		.maxerror = 20000,
	};
	return m->keeper == 'U' ? TIME_ERROR : TIME_OK;
}
