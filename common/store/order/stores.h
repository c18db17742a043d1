/* SPDX-License-Identifier: MIT
 *
 * stores.h - the retailer's stores: imported ones, and those that an order
 * named before anybody imported them.
 */
#ifndef STORE_STORES_H
#define STORE_STORES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct err;

#define STORE_TIME_ZONE_DEFAULT "Europe/Moscow"
enum {
	STORE_INTEGRATION_DEFAULT = 3 /* merchant assembles, SM delivers */
};

/* Make the store with the defaults when it is not there. Inside a write
 * transaction. 0, < 0. */
int stores_ensure(struct db *db, const char *store_id, int64_t now_ms,
		  struct err *e);

/* What an import says of a store. Inside a write transaction. 1 when that was
 * news, 0 when it is so already, < 0. */
struct store_entry;
int stores_put(struct db *db, const struct store_entry *s, int64_t now_ms,
	       struct err *e);

/* Each pair of opening hours and time zone that some store has. Calls each()
 * until it returns < 0. Number of pairs, or < 0. Reader. */
typedef int store_hours_visit(const char *opening_hours, const char *time_zone,
			      void *context);
int stores_hours(struct db *db, store_hours_visit *each, void *context,
		 struct err *e);

struct store_row {
	char id[64], name[128], time_zone[64], telegram_chat[64];
	int integration_type;
	bool imported;
};
/* 1, 0 when there is none, < 0. */
int stores_get(struct db *db, const char *store_id, struct store_row *ret_row,
	       struct err *e);

/* The time zone of the store whose people are in that chat; "" : of none. 0 or
 * < 0. Reader. */
int stores_zone_of_chat(struct db *db, const char *chat, char *ret_zone,
			size_t bytes, struct err *e);

#endif
