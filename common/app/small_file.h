/* SPDX-License-Identifier: MIT
 *
 * small_file.h - a whole small file at once: configuration, secrets, tz data.
 *
 * Only regular files are read, so that a path to a FIFO or a device neither
 * blocks nor grows without end. Thread-safe.
 */
#ifndef APP_SMALL_FILE_H
#define APP_SMALL_FILE_H

#include <sys/types.h>

#include "base/buf.h"

struct err;

/* Append the file's bytes to out, whose maximum is the limit. *ret_mode, when
 * not NULL, is the st_mode. 0; ERR_NOTFOUND; ERR_INVALID (not a regular file,
 * longer than the limit); ERR_DENIED; ERR_IO; ERR_NOMEM. The text of the error
 * begins with the path. */
int small_file_read(const char *path, struct buf *out, mode_t *ret_mode,
		    struct err *e);

#endif
