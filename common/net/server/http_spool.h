/* SPDX-License-Identifier: MIT
 *
 * http_spool.h - bodies that are too long for memory. Private to common/net.
 *
 * The file has no name until its taker gives it one, so whatever ends the
 * process on the way leaves nothing behind.
 */
#ifndef NET_HTTP_SPOOL_H
#define NET_HTTP_SPOOL_H

#include <stdbool.h>
#include <stddef.h>

struct err;

/* A file without a name in that folder, for writing. The descriptor, or
 * ERR_IO. */
int spool_open(const char *folder, struct err *e);
/* All of it: 0, ERR_IO. */
int spool_write(int fd, const char *data, size_t bytes, struct err *e);

#endif
