/* SPDX-License-Identifier: MIT */
#include "app/small_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"

static int open_error(const char *path, struct err *e)
{
	if (errno == ENOENT || errno == ENOTDIR)
		return err_set(e, ERR_NOTFOUND, "%s: no such file", path);
	if (errno == EACCES || errno == EPERM)
		return err_errno(e, ERR_DENIED, "%s", path);
	return err_errno(e, ERR_IO, "%s", path);
}

/* Up to the end of the file or the buffer's maximum; the file may grow while
 * it is read. */
static int read_all(int fd, const char *path, struct buf *out, struct err *e)
{
	char piece[4096];

	for (;;) {
		ssize_t got = read(fd, piece, sizeof(piece));

		if (got == 0)
			return 0;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_errno(e, ERR_IO, "%s: read", path);
		if ((size_t)got > out->max_bytes - out->used_bytes)
			return err_set(e, ERR_INVALID,
				       "%s: longer than %zu bytes", path,
				       out->max_bytes);
		buf_add(out, piece, (size_t)got);
		if (out->failed)
			return err_set(e, ERR_NOMEM, "%s: out of memory", path);
	}
}

int small_file_read(const char *path, struct buf *out, mode_t *ret_mode,
		    struct err *e)
{
	/* O_NONBLOCK: opening a FIFO must not wait for its writer. */
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat about;

	if (fd < 0)
		return open_error(path, e);
	if (fstat(fd, &about) < 0)
		return err_errno(e, ERR_IO, "%s: stat", path);
	if (!S_ISREG(about.st_mode))
		return err_set(e, ERR_INVALID, "%s: not a regular file", path);
	if (ret_mode != NULL)
		*ret_mode = about.st_mode;
	return read_all(fd, path, out, e);
}
