/* SPDX-License-Identifier: MIT
 *
 * secret.h - tokens and passwords from files; never in arguments, the
 * environment, the configuration or a log.
 *
 * A secret NAME is `$CREDENTIALS_DIRECTORY/NAME` (systemd; an empty line there
 * stands for none), else `<state>/secrets/NAME`. The file holds one line, or
 * two while a token is being changed: both are accepted from others, the first
 * is the one we present.
 */
#ifndef APP_SECRET_H
#define APP_SECRET_H

#include <stdbool.h>

struct err;
struct state_dir;

enum {
	SECRET_BYTES_MAX = 512,
	SECRET_PATH_BYTES = 512 /* two of STATE_PATH_BYTES */
};

struct secret {
	char first[SECRET_BYTES_MAX];
	char second[SECRET_BYTES_MAX]; /* "" when there is one line */
};

/* 0; ERR_NOTFOUND when there is no such file; ERR_INVALID (empty, too long,
 * white space inside, readable by everyone); ERR_IO. */
int secret_load(const struct state_dir *dir, const char *name,
		struct secret *ret_secret, struct err *e);

/* Where it is, or would be. */
void secret_path(const struct state_dir *dir, const char *name,
		 char path[SECRET_PATH_BYTES]);

/* Make the secrets that we own and that are missing: hook-token,
 * assembly-token, console-admin-password, erp-token, probe-key,
 * telegram-callback (32 random bytes, 0600). */
int secret_make_missing(const struct state_dir *dir, struct err *e);

/* Constant time; false when given is NULL or nothing is loaded. */
bool secret_matches(const struct secret *secret, const char *given);

#endif
