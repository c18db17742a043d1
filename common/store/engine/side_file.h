/* SPDX-License-Identifier: MIT
 *
 * side_file.h - the small files beside a store that its processes share.
 *
 * Whoever opens one first makes it, with the owner and the permissions of the
 * store: root's ordergatectl must not shut the services' users out.
 */
#ifndef STORE_SIDE_FILE_H
#define STORE_SIDE_FILE_H

#include <stdbool.h>

struct err;

/* `<store><suffix>`, opened to read and write. The descriptor, which is the
 * caller's, ERR_IO, ERR_NOMEM. */
int side_file_open(const char *store, const char *suffix, struct err *e);

/* Its exclusive lock; the kernel lets go of it when the process dies, or with
 * flock(LOCK_UN). 1 when it is ours; 0 when somebody else has it and `wait` is
 * not set; ERR_IO. */
int side_file_lock(int fd, bool wait, struct err *e);

#endif
