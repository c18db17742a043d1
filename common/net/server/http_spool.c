/* SPDX-License-Identifier: MIT */
#include "net/server/http_spool.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/err.h"
#include "net/server/http_server.h"

enum {
	FILE_MODE = 0640
};

int spool_open(const char *folder, struct err *e)
{
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, FILE_MODE);

	return fd >= 0 ? fd : err_errno(e, ERR_IO, "%.120s", folder);
}

int spool_write(int fd, const char *data, size_t bytes, struct err *e)
{
	while (bytes > 0) {
		ssize_t written = write(fd, data, bytes);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return err_errno(e, ERR_IO, "upload");
		data += written;
		bytes -= (size_t)written;
	}
	return 0;
}
