/* SPDX-License-Identifier: MIT
 *
 * report.h - how the stores did, day by day, and their pickers. Pure.
 *
 * An order counts for the day on which it came, where the store is. Rates come
 * with numerator and denominator:
 *  on time     assembled by the deadline / orders with a deadline that were
 *              assembled, or are not and late (cancelled ones do not count)
 *  found       lines of which all was found / lines that were asked for
 *  replaced    lines with a replacement / the same
 *  short       lines of which a part is missing and nothing replaced it / the
 *              same
 *  by store    orders that the store cancelled / all
 * Lines count only of orders whose assembly is over. Assembly time is from the
 * taking of the order to the end of its assembly; the percentile is the
 * smallest time that 90 of 100 do not exceed (nearest rank).
 */
#ifndef DOMAIN_REPORT_H
#define DOMAIN_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct err;

enum {
	REPORT_NAME_BYTES = 64,
	REPORT_DATE_BYTES = 11
};

/* What a report needs to know of an order. Times are UTC milliseconds, 0: has
 * not happened. */
struct report_order {
	char store_id[REPORT_NAME_BYTES], picker_id[REPORT_NAME_BYTES];
	char date[REPORT_DATE_BYTES];
	int64_t deadline_ms, taken_ms, assembled_ms, delivered_ms, canceled_ms;
	int canceled_by_store; /* 1, or 0: by nobody, or by others */
	int64_t lines, found, replaced, short_lines, picked_milli;
};

/* A row of the report: a store's day, or a picker's. */
struct report_row {
	char store_id[REPORT_NAME_BYTES], picker_id[REPORT_NAME_BYTES];
	char date[REPORT_DATE_BYTES];
	int64_t orders, delivered, canceled, canceled_by_store;
	int64_t on_time, with_deadline;
	int64_t lines, found, replaced, short_lines, picked_milli;
	int64_t assembly_ms; /* sum */
	int64_t *times_ms;   /* owned: of each assembly */
	size_t time_count;
};

/* Rows in the sequence of their first order. */
struct report {
	struct report_row *rows; /* owned */
	size_t row_count;
	int by_picker; /* orders that nobody took are left out */
};
void report_clear(struct report *report);

/* now_ms decides whether what is not assembled is late. 0 or ERR_NOMEM. */
int report_add(struct report *report, const struct report_order *order,
	       int64_t now_ms, struct err *e);

/* Milliseconds that `percent` of 100 do not exceed; 0 when there are none.
 * Sorts the row's times. */
int64_t report_percentile_ms(struct report_row *row, int percent);

/* As CSV with its header, sorted by date, store, picker. 0 or ERR_NOMEM. */
int report_write(struct report *report, struct buf *buf, struct err *e);

#endif
