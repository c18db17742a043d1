/* SPDX-License-Identifier: MIT */
#include "domain/report/report.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/err.h"
#include "base/text.h"
#include "codec/csv/csv_out.h"
#include "codec/decimal.h"

enum {
	MINUTE_MS = 60 * 1000,
	HOUR_MS = 60 * MINUTE_MS
};

void report_clear(struct report *report)
{
	for (size_t i = 0; i < report->row_count; i++)
		free(report->rows[i].times_ms);
	free(report->rows);
	*report = (struct report){0};
}

static int is_of(const struct report *report, const struct report_row *row,
		 const struct report_order *order)
{
	return strcmp(row->date, order->date) == 0 &&
	       strcmp(row->store_id, order->store_id) == 0 &&
	       (!report->by_picker ||
		strcmp(row->picker_id, order->picker_id) == 0);
}

static struct report_row *new_row(struct report *report)
{
	struct report_row *rows =
		array_grow(report->rows, report->row_count, sizeof(*rows));

	if (rows == NULL)
		return NULL;
	report->rows = rows;
	rows += report->row_count++;
	*rows = (struct report_row){0};
	return rows;
}

/* Orders come by store and time, so theirs is one of the latest rows. */
static struct report_row *row_of(struct report *report,
				 const struct report_order *order)
{
	struct report_row *row;

	for (size_t i = report->row_count; i > 0; i--) {
		row = &report->rows[i - 1];
		if (is_of(report, row, order))
			return row;
		if (strcmp(row->store_id, order->store_id) != 0)
			break;
	}
	row = new_row(report);
	if (row == NULL)
		return NULL;
	(void)text_copy(row->date, sizeof(row->date), order->date);
	(void)text_copy(row->store_id, sizeof(row->store_id), order->store_id);
	if (report->by_picker)
		(void)text_copy(row->picker_id, sizeof(row->picker_id),
				order->picker_id);
	return row;
}

static int add_time(struct report_row *row, int64_t time_ms)
{
	int64_t *times_ms =
		array_grow(row->times_ms, row->time_count, sizeof(*times_ms));

	if (times_ms == NULL)
		return -1;
	row->times_ms = times_ms;
	row->times_ms[row->time_count++] = time_ms;
	row->assembly_ms += time_ms;
	return 0;
}

static void count_deadline(struct report_row *row,
			   const struct report_order *order, int64_t now_ms)
{
	int is_late = order->deadline_ms <
		      (order->assembled_ms != 0 ? order->assembled_ms : now_ms);

	if (order->deadline_ms == 0 || order->canceled_ms != 0 ||
	    (order->assembled_ms == 0 && !is_late))
		return;
	row->with_deadline++;
	row->on_time += !is_late;
}

int report_add(struct report *report, const struct report_order *order,
	       int64_t now_ms, struct err *e)
{
	struct report_row *row;

	if (report->by_picker && order->picker_id[0] == '\0')
		return 0;
	row = row_of(report, order);
	if (row == NULL)
		return err_set(e, ERR_NOMEM, "report: out of memory");
	row->orders++;
	row->delivered += order->delivered_ms != 0;
	row->canceled += order->canceled_ms != 0;
	row->canceled_by_store += order->canceled_by_store;
	count_deadline(row, order, now_ms);
	if (order->assembled_ms == 0)
		return 0;
	row->lines += order->lines;
	row->found += order->found;
	row->replaced += order->replaced;
	row->short_lines += order->short_lines;
	row->picked_milli += order->picked_milli;
	if (order->taken_ms == 0 || order->assembled_ms < order->taken_ms)
		return 0;
	if (add_time(row, order->assembled_ms - order->taken_ms) < 0)
		return err_set(e, ERR_NOMEM, "report: out of memory");
	return 0;
}

static int compare_times(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int64_t report_percentile_ms(struct report_row *row, int percent)
{
	size_t rank = (row->time_count * (size_t)percent + 99) / 100;

	if (row->time_count == 0)
		return 0;
	qsort(row->times_ms, row->time_count, sizeof(*row->times_ms),
	      compare_times);
	return row->times_ms[rank > 0 ? rank - 1 : 0];
}

static int compare_rows(const void *a, const void *b)
{
	const struct report_row *x = a;
	const struct report_row *y = b;
	int by_date = strcmp(x->date, y->date);
	int by_store = strcmp(x->store_id, y->store_id);

	if (by_date != 0 || by_store != 0)
		return by_date != 0 ? by_date : by_store;
	return strcmp(x->picker_id, y->picker_id);
}

/* "percent" of a rate, one digit; empty when there is nothing to divide by. */
static void put_rate(struct csv_out *out, int64_t part, int64_t whole)
{
	int64_t permille = 0;

	if (whole <= 0 ||
	    decimal_mul_div(part, 1000, whole, &permille, NULL) < 0)
		csv_put(out, "");
	else
		csv_put_decimal(out, permille, 1);
}

/* Minutes with one digit, empty when there was no assembly. */
static void put_minutes(struct csv_out *out, const struct report_row *row,
			int64_t time_ms)
{
	int64_t tenths = 0;

	if (row->time_count == 0 ||
	    decimal_mul_div(time_ms, 10, MINUTE_MS, &tenths, NULL) < 0)
		csv_put(out, "");
	else
		csv_put_decimal(out, tenths, 1);
}

static void put_pace(struct csv_out *out, const struct report_row *row)
{
	int64_t tenths = 0;

	if (row->assembly_ms <= 0 ||
	    decimal_mul_div(row->picked_milli, (int64_t)HOUR_MS,
			    row->assembly_ms * 100, &tenths, NULL) < 0)
		csv_put(out, "");
	else
		csv_put_decimal(out, tenths, 1);
}

static void put_row(struct csv_out *out, const struct report *report,
		    struct report_row *row)
{
	csv_put(out, row->date);
	csv_put(out, row->store_id);
	if (report->by_picker)
		csv_put(out, row->picker_id);
	csv_put_i64(out, row->orders);
	csv_put_i64(out, row->delivered);
	csv_put_i64(out, row->canceled);
	csv_put_i64(out, row->canceled_by_store);
	put_rate(out, row->canceled_by_store, row->orders);
	csv_put_i64(out, row->on_time);
	csv_put_i64(out, row->with_deadline);
	put_rate(out, row->on_time, row->with_deadline);
	csv_put_i64(out, row->lines);
	csv_put_i64(out, row->found);
	put_rate(out, row->found, row->lines);
	csv_put_i64(out, row->replaced);
	put_rate(out, row->replaced, row->lines);
	csv_put_i64(out, row->short_lines);
	put_rate(out, row->short_lines, row->lines);
	put_minutes(out, row, report_percentile_ms(row, 50));
	put_minutes(out, row, report_percentile_ms(row, 90));
	csv_put_decimal(out, row->picked_milli, QUANTITY_DIGITS);
	put_pace(out, row);
	csv_end(out);
}

int report_write(struct report *report, struct buf *buf, struct err *e)
{
	static const char *const columns[] = {
		"date",
		"store",
		"picker",
		"orders",
		"delivered",
		"canceled",
		"canceled_by_store",
		"canceled_by_store_percent",
		"on_time",
		"with_deadline",
		"on_time_percent",
		"lines",
		"found",
		"found_percent",
		"replaced",
		"replaced_percent",
		"short",
		"short_percent",
		"assembly_median_min",
		"assembly_90_min",
		"items",
		"items_per_hour",
	};
	struct csv_out out = csv_out_to(buf, ';');

	for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++)
		if (report->by_picker || strcmp(columns[i], "picker") != 0)
			csv_put(&out, columns[i]);
	csv_end(&out);
	if (report->row_count > 0)
		qsort(report->rows, report->row_count, sizeof(*report->rows),
		      compare_rows);
	for (size_t i = 0; i < report->row_count; i++)
		put_row(&out, report, &report->rows[i]);
	return buf_finish(buf, e);
}
