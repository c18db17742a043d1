/* SPDX-License-Identifier: MIT
 *
 * pulls.h - what is to be read back from a marketplace.
 *
 * A listing goes through all orders that have changed since the one before it,
 * page by page and perhaps over several runs; its place is kept with the page's
 * findings in one transaction. What was found waits in a queue of its own until
 * the order has been read and brought into the inbox, so a run may end at any
 * point. Functions take a write transaction unless they say "Reader".
 */
#ifndef STORE_PULLS_H
#define STORE_PULLS_H

#include <stdint.h>

#include "domain/order/order.h"

struct db;
struct err;

enum {
	PULL_PAGE_TOKEN_BYTES = 1024,
	PULL_WAITING_MAX = 1000 /* given out at once */
};

struct pull_cursor {
	int64_t since_ms;   /* changes before it have been listed */
	int64_t listing_ms; /* when the listing under way began; 0: none is */
	char page_token[PULL_PAGE_TOKEN_BYTES]; /* its next page */
};

/* A channel that was never listed begins when the store was made. 0 or < 0.
 * Reader. */
int pulls_cursor(struct db *db, const char *channel,
		 struct pull_cursor *ret_cursor, struct err *e);
int pulls_save_cursor(struct db *db, const char *channel,
		      const struct pull_cursor *cursor, int64_t now_ms,
		      struct err *e);

/* The order is to be read; nothing when it waits already. */
int pulls_add(struct db *db, const char *channel, const char *external_id,
	      int64_t now_ms, struct err *e);
/* It has been read, or there is no such order. */
int pulls_remove(struct db *db, const char *channel, const char *external_id,
		 struct err *e);
/* It could not be read: it waits for the next run. */
int pulls_failed(struct db *db, const char *channel, const char *external_id,
		 const char *error, struct err *e);

/* External ids that wait, those first that were tried least, at most max.
 * Number of them or < 0. Reader. */
struct pull_waiting {
	char external_id[ORDER_ID_BYTES];
};
int pulls_waiting(struct db *db, const char *channel,
		  struct pull_waiting *ret_waiting, int max, struct err *e);
/* How many there are. 0 or < 0. Reader. */
int pulls_count(struct db *db, const char *channel, int64_t *ret_count,
		struct err *e);

#endif
