/* SPDX-License-Identifier: MIT
 *
 * side_file.h - the small files beside a store that its processes share.
 *
 * Whoever opens one first makes it, with the owner and the permissions of the
 * store: root's ordergatectl must not shut the services' users out.
 */
#ifndef STORE_SIDE_FILE_H
#define STORE_SIDE_FILE_H

struct err;

/* `<store><suffix>`, opened to read and write. The descriptor, which is the
 * caller's, ERR_IO, ERR_NOMEM. */
int side_file_open(const char *store, const char *suffix, struct err *e);

#endif
