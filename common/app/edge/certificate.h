/* SPDX-License-Identifier: MIT
 *
 * certificate.h - a TLS certificate of our own, for an installation that has
 * not been given one.
 *
 * ECDSA P-256, signed by itself, valid for 825 days (what Apple's systems take
 * at most), for the given names, localhost and the loopback addresses.
 */
#ifndef APP_CERTIFICATE_H
#define APP_CERTIFICATE_H

#include <stdint.h>

struct err;

enum {
	CERTIFICATE_DAYS = 825,
	CERTIFICATE_RENEW_DAYS = 30
};

/* Make certificate (0644) and key (0600) at these paths, unless a matching pair
 * is there that knows all of the names (separated by spaces, "*." allowed) and
 * is good for CERTIFICATE_RENEW_DAYS more. 1 when a pair was made, 0 when not
 * needed, ERR_IO, ERR_NOMEM. */
int certificate_ensure(const char *certificate_path, const char *key_path,
		       const char *names, int64_t wall_ms, struct err *e);

/* When the first certificate of a PEM file ends. 0; ERR_NOTFOUND (no such
 * file), ERR_INVALID (no certificate). */
int certificate_end(const char *path, int64_t *ret_wall_ms, struct err *e);

#endif
