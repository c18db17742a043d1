/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "domain/invoice/later_change.h"

enum {
	BODY_BYTES_MAX = 64 * 1024
};

/* Line 1: two of three "a" at 10.00; line 2: 900 of 1000 g of "b" at 50.00;
 * line 3: nothing of "c"; line 4 replaces it: one "d" at 5.00. */
static struct order_line lines[] = {
	{.line_no = 1,
	 .sku = "a",
	 .qty_milli = 3000,
	 .qty_picked_milli = 2000,
	 .weight_g = -1,
	 .discount_price_minor = 1000,
	 .state = LINE_SHORT},
	{.line_no = 2,
	 .sku = "b",
	 .qty_milli = 1000,
	 .qty_picked_milli = 1000,
	 .weight_g = 1000,
	 .weight_picked_g = 900,
	 .discount_price_minor = 5000,
	 .state = LINE_PICKED},
	{.line_no = 3,
	 .sku = "c",
	 .qty_milli = 1000,
	 .weight_g = -1,
	 .discount_price_minor = 400,
	 .state = LINE_REPLACED},
	{.line_no = 4,
	 .sku = "d",
	 .qty_milli = 1000,
	 .qty_picked_milli = 1000,
	 .weight_g = -1,
	 .discount_price_minor = 500,
	 .replaces = 3,
	 .state = LINE_PICKED},
};
static struct invoice_line sold[] = {
	{.line_no = 1,
	 .sku = "a",
	 .vat_percent = 20,
	 .is = {2000, -1, 2000, 333}},
	{.line_no = 2,
	 .sku = "b",
	 .vat_percent = 20,
	 .is = {1000, 900, 4500, 750}},
	{.line_no = 4,
	 .sku = "d",
	 .vat_percent = 20,
	 .is = {1000, -1, 500, 83}},
};

struct said {
	const char *sku;
	int64_t qty_milli, weight_g, price_minor;
};

/* What becomes of it: "" nothing was said, "=" nothing follows, "return: SUM",
 * or the reason why a person is needed. */
static const struct {
	const char *name;
	struct said said[4];
	int64_t total_minor;
	bool is_later_one;
	const char *want;
} rows[] = {
	{"all as it was",
	 {{"a", 3000, -1, 1000}, {"b", 1000, 1000, 5000}, {"c", 1000, -1, 400}},
	 0,
	 false,
	 ""},
	{"what was picked",
	 {{"a", 2000, -1, 1000}, {"b", 1000, 900, 5000}, {"d", 1000, -1, 500}},
	 7000,
	 false,
	 "="},
	{"one came back",
	 {{"a", 1000, -1, 1000}, {"b", 1000, 1000, 5000}, {"c", 1000, -1, 400}},
	 6000,
	 false,
	 "return: 1000"},
	{"all of a line",
	 {{"a", 3000, -1, 1000}, {"c", 1000, -1, 400}},
	 2500,
	 false,
	 "return: 4500"},
	{"a total that does not fit",
	 {{"a", 1000, -1, 1000}, {"b", 1000, 1000, 5000}, {"c", 1000, -1, 400}},
	 6500,
	 false,
	 "the marketplace's total is 65.00, the documents make 60.00"},
	{"more than was sold",
	 {{"a", 4000, -1, 1000}, {"b", 1000, 1000, 5000}, {"c", 1000, -1, 400}},
	 0,
	 false,
	 "there is more of a than was sold"},
	{"something new",
	 {{"a", 3000, -1, 1000},
	  {"b", 1000, 1000, 5000},
	  {"c", 1000, -1, 400},
	  {"x", 1000, -1, 100}},
	 0,
	 false,
	 "there is more of x than was sold"},
	{"another price",
	 {{"a", 3000, -1, 900}, {"b", 1000, 1000, 5000}, {"c", 1000, -1, 400}},
	 0,
	 false,
	 "a has another price"},
	{"some of the weight",
	 {{"a", 3000, -1, 1000}, {"b", 1000, 400, 5000}, {"c", 1000, -1, 400}},
	 0,
	 false,
	 "b weighs less now"},
	{"the second time",
	 {{"a", 1000, -1, 1000}, {"b", 1000, 1000, 5000}, {"c", 1000, -1, 400}},
	 6000,
	 true,
	 "return: 1000"},
};

static void check_row(size_t i)
{
	CLEANUP(buf_clear) struct buf body = BUF_MAX(BODY_BYTES_MAX);
	CLEANUP(buf_clear) struct buf got = BUF_MAX(512);
	struct order order = {.lines = lines, .line_count = COUNT_OF(lines)};
	struct order_line said[4];
	struct order_event event = {
		.type = EVENT_UPDATED, .has_lines = true, .lines = said};
	struct invoice state = {.kind = INVOICE_SALE,
				.lines = sold,
				.line_count = COUNT_OF(sold),
				.total_minor = 7000};
	struct invoice made = {0};
	struct err e = {0};
	int rc;

	for (; event.line_count < 4 && rows[i].said[event.line_count].sku;
	     event.line_count++) {
		const struct said *from = &rows[i].said[event.line_count];
		struct order_line *to = &said[event.line_count];

		*to = (struct order_line){.qty_milli = from->qty_milli,
					  .weight_g = from->weight_g,
					  .discount_price_minor =
						  from->price_minor};
		memcpy(to->sku, from->sku, strlen(from->sku));
	}
	rc = later_change_write(&order, &event, &body, NULL);
	if (rc > 0) {
		const struct later_change change = {
			.body = buf_text(&body),
			.total_minor = rows[i].total_minor > 0
					       ? rows[i].total_minor
					       : -1,
			.is_later_one = rows[i].is_later_one};

		rc = later_change_return(&change, &state, &made, &e);
		buf_add_text(&got, rc == 0 ? "=" : e.text);
	}
	if (rc > 0)
		buf_printf(&got, "return: %lld", (long long)made.total_minor);
	invoice_clear(&made);
	if (strcmp(buf_text(&got), rows[i].want) != 0)
		fail_msg("%s: '%s', not '%s'", rows[i].name, buf_text(&got),
			 rows[i].want);
}

static void only_what_came_back_is_followed(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		check_row(i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_came_back_is_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
