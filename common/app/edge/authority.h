/* SPDX-License-Identifier: MIT
 *
 * authority.h - the private authority of an installation on several machines
 * (docs/decisions/027-several-machines.md): its certificates tell edges from
 * those behind by their purpose.
 *
 * Its folder has ca.pem and ca-key.pem (0600), and NAME.pem and NAME-key.pem
 * (0600) of each machine. Keys are ECDSA P-256.
 */
#ifndef APP_AUTHORITY_H
#define APP_AUTHORITY_H

#include <stdbool.h>
#include <stdint.h>

struct err;

enum {
	AUTHORITY_DAYS = 3650,
	AUTHORITY_PATH_BYTES = 1024,
	AUTHORITY_NAME_BYTES = 64
};

/* 0; ERR_STATE (there is one in this folder, which stays), ERR_IO. */
int authority_make(const char *folder, int64_t wall_ms, struct err *e);

struct authority_order {
	const char *folder;
	const char *name;    /* of the machine: letters, digits, - and _ */
	const char *domains; /* that it answers for; "" allowed for an edge */
	bool is_edge;
};

/* A certificate for a machine, in place of an older one of that name. 0;
 * ERR_INVALID (name or domains), ERR_NOTFOUND (no authority in this folder),
 * ERR_IO. */
int authority_issue(const struct authority_order *order, int64_t wall_ms,
		    struct err *e);

#endif
