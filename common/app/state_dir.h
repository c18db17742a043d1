/* SPDX-License-Identifier: MIT
 *
 * state_dir.h - where an installation keeps its files (contract.md).
 */
#ifndef APP_STATE_DIR_H
#define APP_STATE_DIR_H

#include <stdbool.h>

struct err;

enum {
	STATE_PATH_BYTES = 256,
	STATE_STORE_BYTES = 512 /* a URL may be longer than a path */
};

struct state_dir {
	char root[STATE_PATH_BYTES]; /* absolute */
	char run[STATE_PATH_BYTES];  /* root/run, or $RUNTIME_DIRECTORY */
	char secrets[STATE_PATH_BYTES];
	char export[STATE_PATH_BYTES];
	char backup[STATE_PATH_BYTES];
	char log[STATE_PATH_BYTES];
	char tls[STATE_PATH_BYTES];
	char incoming[STATE_PATH_BYTES]; /* files that were sent to us */
};

/* Resolve `path`, and create what is missing (0750, secrets 0700) when create
 * is set. ERR_NOTFOUND when it is not there, ERR_IO "… is not writable", both
 * with what to do. */
int state_dir_open(const char *path, bool create, struct state_dir *ret_dir,
		   struct err *e);

/* The location (store/engine/db.h) that `store.url` names: of "sqlite:NAME" the
 * file below root, or an absolute path; of "postgresql://...", that,
 * with the secret store-passfile when there is one.
 * ERR_INVALID for anything else. */
int state_dir_store_path(const struct state_dir *dir, const char *store_url,
			 char ret_path[STATE_STORE_BYTES], struct err *e);

#endif
