/* SPDX-License-Identifier: MIT
 *
 * orders_report.h - orders as the reports need them.
 */
#ifndef STORE_ORDERS_REPORT_H
#define STORE_ORDERS_REPORT_H

#include <stdint.h>

struct db;
struct err;

/* Which orders, and where the page before ended (zeroed: at the beginning). */
struct report_place {
	int64_t from_ms, to_ms; /* they came within [from, to) */
	int max;                /* of a page */
	char store_id[64];
	int64_t created_ms, order_id;
};

struct report_source {
	const char *store_id, *time_zone, *picker_id; /* borrowed */
	int64_t created_ms, deadline_ms, taken_ms, assembled_ms, delivered_ms,
		canceled_ms;
	int canceled_by_store;
	int64_t lines, found, replaced, short_lines, picked_milli;
};
/* A page of orders by store and time, after *place, which moves on. Number of
 * rows; what each() returns below 0; < 0. Reader. */
int orders_report(struct db *db, struct report_place *place,
		  int (*each)(const struct report_source *order, void *context,
			      struct err *e),
		  void *context, struct err *e);

#endif
