/* SPDX-License-Identifier: MIT
 *
 * log_sink.h - what all processes write to stderr, in files of bounded size.
 *
 * Everybody writes to one pipe: lines up to 4096 bytes are never mixed. The
 * supervisor moves them to <state>/log/ordergate.log and, when asked, to its
 * own stderr. LOG_SINK_FILES files of LOG_SINK_BYTES are kept: ordergate.log,
 * ordergate.log.1 (the one before), ... The access log of nginx is kept the
 * same way.
 */
#ifndef SUPERVISOR_LOG_SINK_H
#define SUPERVISOR_LOG_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "app/state_dir.h"

struct err;

enum {
	LOG_SINK_BYTES = 10 * 1024 * 1024,
	LOG_SINK_FILES = 5,
	LOG_SINK_PATH_BYTES = STATE_PATH_BYTES + 32
};

struct log_sink {
	char path[LOG_SINK_PATH_BYTES];
	int read_fd;  /* poll it for reading */
	int write_fd; /* for the children's stderr */
	int file_fd;
	int echo_fd; /* our own; -1: none */
	int64_t file_bytes;
	bool at_line_start;
};

/* Lines are repeated on echo_fd unless it is -1; a reader of it that stalls
 * loses lines. 0 or ERR_IO. */
int log_sink_open(const struct state_dir *dir, int echo_fd,
		  struct log_sink *ret_sink, struct err *e);
void log_sink_close(struct log_sink *sink);

/* Move what is in the pipe, a bounded amount per call. A disk that is full
 * loses lines, not processes. */
void log_sink_drain(struct log_sink *sink);

/* Rename path -> path.1 -> path.2 ... when it is LOG_SINK_BYTES or longer;
 * true when it was. For a file that somebody else writes. */
bool log_sink_rotate(const char *path);

#endif
