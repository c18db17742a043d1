/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "domain/invoice/inn.h"
#include "domain/invoice/invoice.h"
#include "domain/invoice/vat.h"

enum {
	TEXT_BYTES = 512,
	LINES_MAX = 4
};

/* A line as a test needs it; weights of 0 stand for none. */
struct sold {
	enum line_state state;
	int64_t discount_price_minor, qty_milli, picked_milli;
	int64_t weight_g, weight_picked_g;
};

static struct order make_order(const struct sold *sold)
{
	struct order order = {.id = 7,
			      .state = ORDER_DELIVERED,
			      .channel = "kuper",
			      .external_id = "H48120937765",
			      .number = "1-000318",
			      .terms.store_id = "1207",
			      .delivered_ms = INT64_C(1742000000000)};

	for (size_t i = 0; i < LINES_MAX && sold[i].state != LINE_NONE; i++) {
		struct order_line *line =
			order_line_add(&order.lines, &order.line_count);

		if (line == NULL)
			abort();
		line->line_no = (int)i + 1;
		(void)snprintf(line->sku, sizeof(line->sku), "10000%d",
			       line->line_no);
		line->state = sold[i].state;
		line->qty_ordered_milli = sold[i].qty_milli;
		line->qty_milli = sold[i].qty_milli;
		line->qty_picked_milli = sold[i].picked_milli;
		if (sold[i].weight_g > 0)
			line->weight_g = sold[i].weight_g;
		if (sold[i].weight_picked_g > 0)
			line->weight_picked_g = sold[i].weight_picked_g;
		/* The other price must not be on the document. */
		line->price_minor = sold[i].discount_price_minor / 2 + 1;
		line->discount_price_minor = sold[i].discount_price_minor;
	}
	return order;
}

static struct invoice_terms make_terms(const char *date, const char *vat)
{
	return (struct invoice_terms){.series = "OG",
				      .business_date = date,
				      .seller = {.name = "ООО «Лавка»",
						 .inn = "6900000001",
						 .kpp = "690001001"},
				      .tolerance_minor = -1,
				      .default_vat = vat};
}

/* "1: 239.70 incl. 39.95 @20, ..." in kopecks, and the sums. */
static void put_invoice(const struct invoice *invoice, char text[TEXT_BYTES])
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < invoice->line_count; i++) {
		const struct invoice_line *l = &invoice->lines[i];

		(void)snprintf(text + used, TEXT_BYTES - used,
			       "%d: %lld/%lld@%d ", l->line_no,
			       (long long)l->is.amount_minor,
			       (long long)l->is.vat_minor, l->vat_percent);
		used = strlen(text);
	}
	(void)snprintf(text + used, TEXT_BYTES - used, "= %lld/%lld",
		       (long long)invoice->total_minor,
		       (long long)invoice->vat_minor);
}

static void an_order_becomes_its_document(void **state)
{
	static const struct {
		const char *name;
		struct sold sold[LINES_MAX];
		const char *vat, *want;
	} rows[] = {
		{"all of it as ordered",
		 {{LINE_PICKED, 7990, 2000, 2000, 0, 0},
		  {LINE_PICKED, 11999, 1000, 1000, 1000, 1000},
		  {LINE_PICKED, 25770, 2000, 2000, 600, 600}},
		 "22",
		 "1: 15980/2882@22 2: 11999/2164@22 3: 51540/9294@22"
		 " = 79519/14340"},
		{"weighed lines cost what they weigh",
		 {{LINE_PICKED, 11999, 1000, 1000, 1000, 1120},
		  {LINE_SHORT, 25770, 2000, 1000, 600, 310}},
		 "10",
		 "1: 13439/1222@10 2: 26629/2421@10 = 40068/3643"},
		{"a weight that does not divide is rounded once, from half up",
		 {{LINE_PICKED, 100, 3000, 3000, 700, 333},
		  {LINE_PICKED, 1, 1000, 1000, 1000, 500},
		  {LINE_PICKED, 1, 1000, 1000, 1000, 499}},
		 "0",
		 "1: 143/0@0 2: 1/0@0 3: 0/0@0 = 144/0"},
		{"a weighed line that nobody weighed costs its price",
		 {{LINE_PICKED, 11999, 2000, 1000, 1000, 0}},
		 "0",
		 "1: 11999/0@0 = 11999/0"},
		{"a short line counts as far as it was picked",
		 {{LINE_SHORT, 6450, 6000, 4000, 0, 0},
		  {LINE_SHORT, 6450, 2000, 0, 0, 0}},
		 "none",
		 "1: 25800/0@-1 = 25800/0"},
		{"parts of a piece",
		 {{LINE_PICKED, 9999, 1500, 1500, 0, 0},
		  {LINE_PICKED, 333, 1, 1, 0, 0},
		  {LINE_PICKED, 500, 1, 1, 0, 0}},
		 "0",
		 "1: 14999/0@0 2: 0/0@0 3: 1/0@0 = 15000/0"},
		{"what the customer took back stays at the store",
		 {{LINE_REMOVED, 5000, 0, 1000, 0, 0},
		  {LINE_PICKED, 5000, 1000, 1000, 0, 0}},
		 "0",
		 "2: 5000/0@0 = 5000/0"},
		{"a line that was replaced in part, and its substitute",
		 {{LINE_REPLACED, 5000, 5000, 2000, 0, 0},
		  {LINE_PICKED, 6000, 3000, 3000, 0, 0}},
		 "0",
		 "1: 10000/0@0 2: 18000/0@0 = 28000/0"},
		{"a wish that came too late to be picked",
		 {{LINE_PENDING, 5000, 3000, 2000, 0, 0},
		  {LINE_PENDING, 7000, 1000, 0, 0, 0}},
		 "0",
		 "1: 10000/0@0 = 10000/0"},
		{"totals are sums of rounded lines, not the tax of the sum",
		 {{LINE_PICKED, 103, 1000, 1000, 0, 0},
		  {LINE_PICKED, 103, 1000, 1000, 0, 0},
		  {LINE_PICKED, 103, 1000, 1000, 0, 0}},
		 "22",
		 "1: 103/19@22 2: 103/19@22 3: 103/19@22 = 309/57"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(order_clear)
		struct order order = make_order(rows[i].sold);
		CLEANUP(invoice_clear) struct invoice invoice = {0};
		struct invoice_terms terms =
			make_terms("2026-03-14", rows[i].vat);
		char text[TEXT_BYTES];
		struct err e = {0};
		int rc = invoice_build(&order, &terms, &invoice, &e);

		put_invoice(&invoice, text);
		if (rc != 1 || strcmp(text, rows[i].want) != 0)
			fail_msg("%s: rc %d %s, %s", rows[i].name, rc, e.text,
				 text);
	}
}

static void nothing_handed_over_is_no_document(void **state)
{
	static const struct {
		const char *name;
		struct sold sold[LINES_MAX];
	} rows[] = {
		{"an order without lines", {{LINE_NONE, 0, 0, 0, 0, 0}}},
		{"all short",
		 {{LINE_SHORT, 5000, 2000, 0, 0, 0},
		  {LINE_SHORT, 5000, 1000, 0, 500, 0}}},
		{"all removed", {{LINE_REMOVED, 5000, 0, 1000, 0, 0}}},
		{"nothing touched", {{LINE_PENDING, 5000, 1000, 0, 0, 0}}},
		{"no price and no rate matter to nobody",
		 {{LINE_SHORT, 0, 2000, 0, 0, 0}}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(order_clear)
		struct order order = make_order(rows[i].sold);
		CLEANUP(invoice_clear) struct invoice invoice = {0};
		struct invoice_terms terms = make_terms("2026-03-14", "");
		struct err e = {0};
		int rc = invoice_build(&order, &terms, &invoice, &e);

		if (rc != 0 || invoice.lines != NULL)
			fail_msg("%s: rc %d %s", rows[i].name, rc, e.text);
	}
}

static void a_document_that_would_be_wrong_is_blocked(void **state)
{
	static const struct {
		const char *name;
		struct sold sold[LINES_MAX];
		const char *date, *vat, *want;
	} rows[] = {
		{"no rate",
		 {{LINE_PICKED, 5000, 1000, 1000, 0, 0}},
		 "2026-03-14",
		 "",
		 "line 1 (100001) has no VAT rate: import it with the "
		 "catalogue, or set invoicing.default_vat"},
		{"a rate that nobody knows",
		 {{LINE_PICKED, 5000, 1000, 1000, 0, 0}},
		 "2026-03-14",
		 "18",
		 "no VAT rate '18' on 2026-03-14"},
		{"a rate that was not in force yet",
		 {{LINE_PICKED, 5000, 1000, 1000, 0, 0}},
		 "2018-12-31",
		 "22",
		 "no VAT rate '22' on 2018-12-31"},
		{"a line without a price",
		 {{LINE_PICKED, 5000, 1000, 1000, 0, 0},
		  {LINE_PICKED, 0, 1000, 1000, 0, 0}},
		 "2026-03-14",
		 "22",
		 "line 2 (100002) has no price"},
		{"a price below nothing",
		 {{LINE_PICKED, -1, 1000, 1000, 0, 0}},
		 "2026-03-14",
		 "22",
		 "line 1 (100001) has no price"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(order_clear)
		struct order order = make_order(rows[i].sold);
		CLEANUP(invoice_clear) struct invoice invoice = {0};
		struct invoice_terms terms =
			make_terms(rows[i].date, rows[i].vat);
		struct err e = {0};
		int rc = invoice_build(&order, &terms, &invoice, &e);

		if (rc != ERR_INVALID || invoice.lines != NULL ||
		    strcmp(e.text, rows[i].want) != 0)
			fail_msg("%s: rc %d '%s'", rows[i].name, rc, e.text);
	}
}

static void sums_beyond_64_bits_are_blocked_and_not_wrong(void **state)
{
	static const struct {
		const char *name;
		struct sold sold[LINES_MAX];
	} rows[] = {
		{"a line",
		 {{LINE_PICKED, INT64_MAX / 1000, 2000000, 2000000, 0, 0}}},
		{"a weighed line",
		 {{LINE_PICKED, INT64_MAX / 1000, 2000000, 2000000, 1000,
		   1000}}},
		{"the total",
		 {{LINE_PICKED, INT64_MAX - 1, 1000, 1000, 0, 0},
		  {LINE_PICKED, INT64_MAX - 1, 1000, 1000, 0, 0}}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(order_clear)
		struct order order = make_order(rows[i].sold);
		CLEANUP(invoice_clear) struct invoice invoice = {0};
		struct invoice_terms terms = make_terms("2026-03-14", "0");
		int rc = invoice_build(&order, &terms, &invoice, NULL);

		if (rc != ERR_INVALID || invoice.lines != NULL)
			fail_msg("%s: rc %d, total %lld", rows[i].name, rc,
				 (long long)invoice.total_minor);
	}
}

static void a_rate_is_that_of_its_day(void **state)
{
	static const struct {
		const char *code, *date;
		int want; /* -2: unknown */
	} rows[] = {
		{"22", "2025-12-31", 20},         {"22", "2026-01-01", 22},
		{"20", "2025-12-31", 20},         {"20", "2026-01-01", 22},
		{"22", "2019-01-01", 20},         {"22", "2018-12-31", -2},
		{"10", "2025-12-31", 10},         {"10", "2026-01-01", 10},
		{"7", "2025-01-01", 7},           {"5", "2026-01-01", 5},
		{"5", "2024-12-31", -2},          {"0", "2026-01-01", 0},
		{"none", "2026-01-01", VAT_NONE}, {"", "2026-01-01", -2},
		{"18", "2018-06-01", -2},         {"022", "2026-01-01", -2},
		{"22 ", "2026-01-01", -2},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct err e = {0};
		int percent = 99;
		int rc = vat_percent(rows[i].code, rows[i].date, &percent, &e);

		if (rows[i].want == -2 ? rc != ERR_INVALID || percent != 99
				       : rc != 0 || percent != rows[i].want)
			fail_msg("'%s' on %s: rc %d %s, %d", rows[i].code,
				 rows[i].date, rc, e.text, percent);
	}
}

static void the_tax_inside_an_amount_is_rounded_from_half_up(void **state)
{
	static const struct {
		int64_t gross_minor;
		int percent;
		int64_t want_minor;
	} rows[] = {
		{12200, 22, 2200},
		{12000, 20, 2000},
		{11000, 10, 1000},
		{100, 22, 18}, /* 18.03 */
		{3, 20, 1},    /* 0.5 */
		{2, 20, 0},    /* 0.33 */
		{0, 22, 0},
		{100, 0, 0},
		{100, VAT_NONE, 0},
		{INT64_MAX, 22, INT64_C(1663231023039385801)},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int64_t got_minor = vat_included_minor(rows[i].gross_minor,
						       rows[i].percent);

		if (got_minor != rows[i].want_minor)
			fail_msg("%lld at %d: %lld",
				 (long long)rows[i].gross_minor,
				 rows[i].percent, (long long)got_minor);
	}
}

static void a_document_as_json(void **state)
{
	static const struct sold sold[LINES_MAX] = {
		{LINE_SHORT, 7990, 3000, 2000, 0, 0},
		{LINE_SHORT, 100, 1000, 0, 0, 0},
		{LINE_PICKED, 11999, 1000, 1000, 1000, 955},
	};
	static const char want[] =
		"{\"kind\":\"sale\",\"series\":\"OG\",\"number\":41,"
		"\"revision\":1,\"date\":\"2025-03-15\","
		"\"shipmentDate\":\"2025-03-15\",\"scheme\":\"sale\","
		"\"madeAt\":null,\"order\":{\"number\":\"1-000318\","
		"\"channel\":\"kuper\",\"externalId\":\"H48120937765\","
		"\"storeId\":\"1207\","
		"\"deliveredAt\":\"2025-03-15T00:53:20Z\"},"
		"\"seller\":{\"name\":\"ООО «Лавка»\",\"inn\":\"6900000001\","
		"\"kpp\":\"690001001\",\"address\":\"\"},"
		"\"buyer\":{\"name\":\"\",\"inn\":\"\",\"kpp\":\"\","
		"\"address\":\"\"},\"lines\":["
		"{\"line\":1,\"sku\":\"100001\",\"name\":\"\\\"Х\\\"\","
		"\"quantity\":2,\"price\":\"79.90\",\"amount\":\"159.80\","
		"\"vatRate\":20,\"vat\":\"26.63\"},"
		"{\"line\":3,\"sku\":\"100003\",\"name\":\"\","
		"\"quantity\":1,\"weight\":955,\"price\":\"119.99\","
		"\"amount\":\"114.59\",\"vatRate\":20,\"vat\":\"19.10\"}],"
		"\"vatByRate\":[{\"rate\":20,\"amount\":\"274.39\","
		"\"vat\":\"45.73\"}],\"discount\":\"0.00\","
		"\"total\":\"274.39\",\"vat\":\"45.73\"}";
	CLEANUP(order_clear) struct order order = make_order(sold);
	CLEANUP(invoice_clear) struct invoice invoice = {0};
	CLEANUP(buf_clear) struct buf body = BUF_MAX(4096);
	struct invoice_terms terms = make_terms("2025-03-15", "22");
	struct err e = {0};

	(void)state;
	(void)text_copy(order.lines[0].name, sizeof(order.lines[0].name),
			"\"Х\"");
	assert_int_equal(invoice_build(&order, &terms, &invoice, &e), 1);
	invoice.number = 41;
	assert_int_equal(invoice_write(&invoice, &body, &e), 0);
	assert_string_equal(buf_text(&body), want);
}

static void a_line_free_of_the_tax_says_so(void **state)
{
	static const struct sold sold[LINES_MAX] = {
		{LINE_PICKED, 7990, 1000, 1000, 0, 0}};
	CLEANUP(order_clear) struct order order = make_order(sold);
	CLEANUP(invoice_clear) struct invoice invoice = {0};
	CLEANUP(buf_clear) struct buf body = BUF_MAX(4096);
	struct invoice_terms terms = make_terms("2025-03-15", "none");

	(void)state;
	assert_int_equal(invoice_build(&order, &terms, &invoice, NULL), 1);
	assert_int_equal(invoice_write(&invoice, &body, NULL), 0);
	assert_non_null(strstr(buf_text(&body),
			       "\"vatRate\":\"none\",\"vat\":\"0.00\"}"));
}

static void a_document_without_room_is_an_error(void **state)
{
	static const struct sold sold[LINES_MAX] = {
		{LINE_PICKED, 7990, 1000, 1000, 0, 0}};
	CLEANUP(order_clear) struct order order = make_order(sold);
	CLEANUP(invoice_clear) struct invoice invoice = {0};
	CLEANUP(buf_clear) struct buf body = BUF_MAX(200);
	struct invoice_terms terms = make_terms("2025-03-15", "none");

	(void)state;
	assert_int_equal(invoice_build(&order, &terms, &invoice, NULL), 1);
	assert_true(invoice_write(&invoice, &body, NULL) < 0);
}

static void a_rate_of_the_catalogue_comes_before_the_default(void **state)
{
	static const struct sold sold[LINES_MAX] = {
		{LINE_PICKED, 12200, 1000, 1000, 0, 0},
		{LINE_PICKED, 11000, 1000, 1000, 0, 0},
	};
	static const struct vat_code line_vat[2] = {{""}, {"10"}};
	CLEANUP(order_clear) struct order order = make_order(sold);
	CLEANUP(invoice_clear) struct invoice invoice = {0};
	struct invoice_terms terms = make_terms("2026-03-14", "22");
	char text[TEXT_BYTES];

	(void)state;
	terms.line_vat = line_vat;
	assert_int_equal(invoice_build(&order, &terms, &invoice, NULL), 1);
	put_invoice(&invoice, text);
	assert_string_equal(text,
			    "1: 12200/2200@22 2: 11000/1000@10 = 23200/3200");
}

static void an_inn_is_known_by_its_last_digits(void **state)
{
	static const struct {
		const char *inn;
		bool is_checked;
	} rows[] = {{"7707083893", true},
		    {"7707083894", false},
		    {"7830002293", true},
		    {"500100732259", true},
		    {"500100732258", false},
		    {"500100732249", false},
		    {"770708389", false},
		    {"770708389x", false},
		    {"", false}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (inn_is_checked(rows[i].inn) != rows[i].is_checked)
			fail_msg("%s", rows[i].inn);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_inn_is_known_by_its_last_digits),
		cmocka_unit_test(an_order_becomes_its_document),
		cmocka_unit_test(
			a_rate_of_the_catalogue_comes_before_the_default),
		cmocka_unit_test(nothing_handed_over_is_no_document),
		cmocka_unit_test(a_document_that_would_be_wrong_is_blocked),
		cmocka_unit_test(sums_beyond_64_bits_are_blocked_and_not_wrong),
		cmocka_unit_test(a_rate_is_that_of_its_day),
		cmocka_unit_test(
			the_tax_inside_an_amount_is_rounded_from_half_up),
		cmocka_unit_test(a_document_as_json),
		cmocka_unit_test(a_line_free_of_the_tax_says_so),
		cmocka_unit_test(a_document_without_room_is_an_error),
	};
	return cmocka_run_group_tests_name("invoice", tests, NULL, NULL);
}
