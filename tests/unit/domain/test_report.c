/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "base/text.h"
#include "domain/report/report.h"

enum {
	MINUTE = 60 * 1000,
	NOW = 1000 * MINUTE,
	TEXT_BYTES_MAX = 8192
};

/* Minutes: deadline, taken, assembled, delivered, cancelled. */
static struct report_order order(const char *store, const char *date,
				 const char *picker, const int minutes[5])
{
	struct report_order o = {.deadline_ms = minutes[0] * MINUTE,
				 .taken_ms = minutes[1] * MINUTE,
				 .assembled_ms = minutes[2] * MINUTE,
				 .delivered_ms = minutes[3] * MINUTE,
				 .canceled_ms = minutes[4] * MINUTE,
				 .canceled_by_store = minutes[4] > 90,
				 .lines = 4,
				 .found = 2,
				 .replaced = 1,
				 .short_lines = 1,
				 .picked_milli = 6000};

	(void)text_copy(o.store_id, sizeof(o.store_id), store);
	(void)text_copy(o.date, sizeof(o.date), date);
	(void)text_copy(o.picker_id, sizeof(o.picker_id), picker);
	return o;
}

static const struct {
	const char *store, *date, *picker;
	int minutes[5];
} orders[] = {
	{"a", "2026-03-02", "p1", {100, 10, 40, 120, 0}},  /* in time */
	{"a", "2026-03-02", "p2", {100, 10, 110, 120, 0}}, /* late */
	{"a", "2026-03-02", "p1", {100, 10, 20, 0, 90}},   /* cancelled */
	{"a", "2026-03-02", "", {100, 0, 0, 0, 95}},       /* by the store */
	{"a", "2026-03-02", "", {100, 0, 0, 0, 0}},        /* late, untouched */
	{"a", "2026-03-02", "", {2000, 0, 0, 0, 0}},       /* not yet due */
	{"a", "2026-03-01", "p1", {0, 10, 20, 0, 0}},
	{"b;x", "2026-03-02", "p1", {100, 0, 0, 0, 0}},
};

static void check(int by_picker, const char *want)
{
	CLEANUP(report_clear) struct report report = {.by_picker = by_picker};
	CLEANUP(buf_clear) struct buf out = BUF_MAX(TEXT_BYTES_MAX);
	const char *rows;

	for (size_t i = 0; i < COUNT_OF(orders); i++) {
		struct report_order o =
			order(orders[i].store, orders[i].date, orders[i].picker,
			      orders[i].minutes);

		assert_int_equal(report_add(&report, &o, NOW, NULL), 0);
	}
	assert_int_equal(report_write(&report, &out, NULL), 0);
	rows = strchr(buf_text(&out), '\n');
	assert_non_null(rows);
	assert_string_equal(rows + 1, want);
}

static void a_day_of_a_store_is_a_row(void **state)
{
	(void)state;
	check(0,
	      "2026-03-01;a;1;0;0;0;0.0;0;0;;4;2;50.0;1;25.0;1;25.0;10.0;10.0;"
	      "6.000;36.0\r\n"
	      "2026-03-02;a;6;2;2;1;16.7;1;3;33.3;12;6;50.0;3;25.0;3;25.0;30.0;"
	      "100.0;18.000;7.7\r\n"
	      "2026-03-02;\"b;x\";1;0;0;0;0.0;0;1;0.0;0;0;;0;;0;;;;0.000;\r\n");
}

static void a_day_of_a_picker_is_a_row(void **state)
{
	(void)state;
	check(1, "2026-03-01;a;p1;1;0;0;0;0.0;0;0;;4;2;50.0;1;25.0;1;25.0;10.0;"
		 "10.0;"
		 "6.000;36.0\r\n"
		 "2026-03-02;a;p1;2;1;1;0;0.0;1;1;100.0;8;4;50.0;2;25.0;2;25.0;"
		 "10.0;"
		 "30.0;12.000;18.0\r\n"
		 "2026-03-02;a;p2;1;1;0;0;0.0;0;1;0.0;4;2;50.0;1;25.0;1;25.0;"
		 "100.0;"
		 "100.0;6.000;3.6\r\n"
		 "2026-03-02;\"b;x\";p1;1;0;0;0;0.0;0;1;0.0;0;0;;0;;0;;;;0.000;"
		 "\r\n");
}

static void a_percentile_is_one_of_the_times(void **state)
{
	static const struct {
		size_t count;
		int percent;
		int64_t want_ms;
	} rows[] = {
		{0, 50, 0},  {1, 50, 10},   {1, 90, 10},    {2, 50, 10},
		{2, 90, 20}, {10, 50, 50},  {10, 90, 90},   {11, 90, 100},
		{3, 50, 20}, {99, 90, 900}, {100, 90, 900},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int64_t times_ms[100];
		struct report_row row = {.times_ms = times_ms,
					 .time_count = rows[i].count};
		int64_t got_ms;

		/* The longest first. */
		for (size_t k = 0; k < rows[i].count; k++)
			times_ms[k] = (int64_t)(rows[i].count - k) * 10;
		got_ms = report_percentile_ms(&row, rows[i].percent);
		if (got_ms != rows[i].want_ms)
			fail_msg("%d %% of %zu: %lld", rows[i].percent,
				 rows[i].count, (long long)got_ms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_day_of_a_store_is_a_row),
		cmocka_unit_test(a_day_of_a_picker_is_a_row),
		cmocka_unit_test(a_percentile_is_one_of_the_times),
	};
	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
