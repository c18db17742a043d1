/* SPDX-License-Identifier: MIT
 *
 * identity.h - which order a channel's name means.
 *
 * The first message that names an order, whatever its type, gives it its
 * order_id and number; later ones find them. Numbers are "<epoch>-<id>": unique
 * also after a restore, which begins a new epoch. They may have gaps.
 */
#ifndef STORE_IDENTITY_H
#define STORE_IDENTITY_H

#include <stdint.h>

struct db;
struct err;

enum {
	IDENTITY_NUMBER_BYTES = 32
};

struct identity {
	int64_t order_id;
	char number[IDENTITY_NUMBER_BYTES];
};

/* Find or make the order of (channel, external_id); alias, when not "", is
 * another name of it. At least one of the two is not "". Inside a write
 * transaction. 1 when it was made, 0 when it was known, < 0 as query_next(). */
int identity_resolve(struct db *db, const char *channel,
		     const char *external_id, const char *alias,
		     struct identity *ret_identity, struct err *e);

/* The number of an order: "<epoch>-<id>". */
void identity_number(int64_t epoch, int64_t order_id,
		     char ret_number[IDENTITY_NUMBER_BYTES]);

/* Find only: 1, 0 when the channel never named it (or name is ""), < 0. */
int identity_find(struct db *db, const char *channel, const char *name,
		  struct identity *ret_identity, struct err *e);

#endif
