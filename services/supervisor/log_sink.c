/* SPDX-License-Identifier: MIT */
#include "log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"

enum {
	PIPE_BYTES = 1024 * 1024, /* what an ordinary user may have */
	PIECE_BYTES = 64 * 1024,
	PIECES_MAX = 16, /* of one call */
	NUMBERED_PATH_BYTES = LOG_SINK_PATH_BYTES + 16
};

static int open_file(struct log_sink *sink)
{
	struct stat about;

	sink->file_fd = open(sink->path,
			     O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	if (sink->file_fd < 0)
		return -1;
	sink->file_bytes =
		fstat(sink->file_fd, &about) == 0 ? about.st_size : 0;
	return 0;
}

/* A terminal or pipe is opened anew, so that O_NONBLOCK is ours alone; a file
 * has one offset, which is to be shared. */
static int open_echo(int fd)
{
	char path[32];
	struct stat about;

	if (fd < 0 || fstat(fd, &about) < 0)
		return -1;
	if (!S_ISFIFO(about.st_mode) && !S_ISCHR(about.st_mode))
		return fcntl(fd, F_DUPFD_CLOEXEC, 3);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

int log_sink_open(const struct state_dir *dir, int echo_fd,
		  struct log_sink *ret_sink, struct err *e)
{
	struct log_sink sink = {.echo_fd = -1, .at_line_start = true};
	int fds[2];

	(void)snprintf(sink.path, sizeof(sink.path), "%s/ordergate.log",
		       dir->log);
	if (open_file(&sink) < 0)
		return err_errno(e, ERR_IO, "%s cannot be written", sink.path);
	/* Not blocking: whoever writes while we are slow loses a line and goes
	 * on. */
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0) {
		cleanup_fd(&sink.file_fd);
		return err_errno(e, ERR_IO, "pipe");
	}
	sink.read_fd = fds[0];
	sink.write_fd = fds[1];
	sink.echo_fd = open_echo(echo_fd);
	(void)fcntl(sink.write_fd, F_SETPIPE_SZ, PIPE_BYTES);
	*ret_sink = sink;
	return 0;
}

void log_sink_close(struct log_sink *sink)
{
	cleanup_fd(&sink->read_fd);
	cleanup_fd(&sink->write_fd);
	cleanup_fd(&sink->file_fd);
	cleanup_fd(&sink->echo_fd);
}

static void shift(const char *path)
{
	char from[NUMBERED_PATH_BYTES];
	char to[NUMBERED_PATH_BYTES];

	for (int i = LOG_SINK_FILES - 1; i > 0; i--) {
		(void)snprintf(from, sizeof(from), i > 1 ? "%s.%d" : "%s", path,
			       i - 1);
		(void)snprintf(to, sizeof(to), "%s.%d", path, i);
		(void)rename(from, to);
	}
}

bool log_sink_rotate(const char *path)
{
	struct stat about;

	if (stat(path, &about) < 0 || about.st_size < LOG_SINK_BYTES)
		return false;
	shift(path);
	return true;
}

/* Between two lines only, so that each file begins with a whole one. */
static void rotate_own(struct log_sink *sink)
{
	if (!sink->at_line_start || sink->file_bytes < LOG_SINK_BYTES)
		return;
	shift(sink->path);
	cleanup_fd(&sink->file_fd);
	(void)open_file(sink);
}

static void keep(struct log_sink *sink, const char *data, size_t bytes)
{
	ssize_t written;

	rotate_own(sink);
	if (sink->file_fd < 0 && open_file(sink) < 0)
		return;
	written = write(sink->file_fd, data, bytes);
	if (written > 0)
		sink->file_bytes += written;
	sink->at_line_start = data[bytes - 1] == '\n';
}

void log_sink_drain(struct log_sink *sink)
{
	char piece[PIECE_BYTES];

	for (int i = 0; i < PIECES_MAX; i++) {
		ssize_t got = read(sink->read_fd, piece, sizeof(piece));

		if (got <= 0)
			return;
		keep(sink, piece, (size_t)got);
		if (sink->echo_fd >= 0 &&
		    write(sink->echo_fd, piece, (size_t)got) < 0 &&
		    errno != EINTR && errno != EAGAIN) {
			cleanup_fd(&sink->echo_fd); /* its reader is gone */
			sink->echo_fd = -1;
		}
	}
}
