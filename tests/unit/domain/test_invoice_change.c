/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "domain/invoice/invoice.h"
#include "domain/invoice/vat.h"

enum {
	TEXT_BYTES = 512,
	BASKETS = 4000,
	LINES_MAX = 8,
	BODY_BYTES_MAX = 1024 * 1024
};

/* Small, the same on every machine, and seeded by the test. */
static uint64_t chance_state;

static int64_t chance(int64_t low, int64_t high)
{
	chance_state = chance_state * UINT64_C(6364136223846793005) +
		       UINT64_C(1442695040888963407);
	return low +
	       (int64_t)((chance_state >> 33) % (uint64_t)(high - low + 1));
}

/* 3 pieces at 33.33 with 20 %, and 777 g at 100.00 a kilogram. */
static struct invoice make_sale(void)
{
	struct invoice sale = {.kind = INVOICE_SALE,
			       .scheme = INVOICE_DIRECT,
			       .series = "OG",
			       .number = 7,
			       .revision = 1,
			       .date = "2025-12-30",
			       .shipment_date = "2025-12-30",
			       .line_count = 2,
			       .total_minor = 17769,
			       .vat_minor = 2962};

	sale.lines = calloc(2, sizeof(*sale.lines));
	sale.codes = calloc(1, sizeof(*sale.codes));
	if (sale.lines == NULL || sale.codes == NULL)
		abort();
	sale.lines[0] = (struct invoice_line){
		.line_no = 1,
		.sku = "a",
		.price_minor = 3333,
		.vat_percent = 20,
		.is = {3000, -1, 9999, vat_included_minor(9999, 20)}};
	sale.lines[1] = (struct invoice_line){
		.line_no = 2,
		.sku = "b",
		.price_minor = 10000,
		.vat_percent = 20,
		.is = {1000, 777, 7770, vat_included_minor(7770, 20)}};
	return sale;
}

static void put_amounts(const struct invoice_amounts *a, char *text,
			size_t bytes)
{
	(void)snprintf(text, bytes, "%lld/%lld/%lld/%lld",
		       (long long)a->qty_milli, (long long)a->weight_g,
		       (long long)a->amount_minor, (long long)a->vat_minor);
}

/* "1: is (after)", quantity/weight/amount/tax. */
static void put_change(const struct invoice *invoice, char text[TEXT_BYTES])
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < invoice->line_count; i++) {
		char is[96];
		char after[96];

		put_amounts(&invoice->lines[i].is, is, sizeof(is));
		put_amounts(&invoice->lines[i].after, after, sizeof(after));
		(void)snprintf(text + used, TEXT_BYTES - used, "%d: %s (%s) ",
			       invoice->lines[i].line_no, is, after);
		used = strlen(text);
	}
	(void)snprintf(text + used, TEXT_BYTES - used, "= %lld/%lld",
		       (long long)invoice->total_minor,
		       (long long)invoice->vat_minor);
}

static const struct {
	const char *name;
	bool corrects;
	struct invoice_change changes[2];
	size_t count;
	int want_rc;
	const char *want;
} change_rows[] = {
	{"a piece comes back",
	 false,
	 {{1, 1000, -1}},
	 1,
	 0,
	 "1: 1000/-1/3333/556 (2000/-1/6666/1111) = 3333/556"},
	{"all of a weighed line",
	 false,
	 {{2, 1000, -1}},
	 1,
	 0,
	 "2: 1000/777/7770/1295 (0/0/0/0) = 7770/1295"},
	{"a part of the weight",
	 false,
	 {{2, 500, 77}},
	 1,
	 0,
	 "2: 500/77/770/128 (500/700/7000/1167) = 770/128"},
	{"weighed again",
	 true,
	 {{2, 1000, 800}},
	 1,
	 0,
	 "2: 0/23/230/38 (1000/800/8000/1333) = 230/38"},
	{"one gram less",
	 true,
	 {{2, 1000, 776}},
	 1,
	 0,
	 "2: 0/-1/-10/-2 (1000/776/7760/1293) = -10/-2"},
	{"more pieces, and none of the other",
	 true,
	 {{1, 4000, -1}, {2, 0, -1}},
	 2,
	 0,
	 "1: 1000/-1/3333/555 (4000/-1/13332/2222) "
	 "2: -1000/-777/-7770/-1295 (0/0/0/0) = -4437/-740"},
	{"more than there is",
	 false,
	 {{1, 3001, -1}},
	 1,
	 ERR_INVALID,
	 "line 1: from 0.001 to 3.000 can be returned"},
	{"more grams than there are",
	 false,
	 {{2, 500, 778}},
	 1,
	 ERR_INVALID,
	 "line 2: only 777 g are sold"},
	{"no such line",
	 true,
	 {{3, 1000, -1}},
	 1,
	 ERR_INVALID,
	 "the sale has no line 3"},
	{"the same line twice",
	 true,
	 {{1, 1000, -1}, {1, 500, -1}},
	 2,
	 ERR_INVALID,
	 "line 1 is named twice"},
	{"nothing", true, {{0, 0, 0}}, 0, ERR_INVALID, "no line is named"},
	{"as it is",
	 true,
	 {{1, 3000, -1}},
	 1,
	 ERR_INVALID,
	 "line 1 does not change"},
	{"less than nothing",
	 true,
	 {{1, -1, -1}},
	 1,
	 ERR_INVALID,
	 "line 1: less than nothing"},
	{"grams of no pieces",
	 true,
	 {{2, 0, 5}},
	 1,
	 ERR_INVALID,
	 "line 2: a weight of nothing"},
};

static void a_change_has_what_was_and_what_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(change_rows); i++) {
		CLEANUP(invoice_clear) struct invoice sale = make_sale();
		CLEANUP(invoice_clear) struct invoice change = {0};
		char text[TEXT_BYTES];
		struct err e = {0};
		int rc = (change_rows[i].corrects ? invoice_correct
						  : invoice_return)(
			&sale, change_rows[i].changes, change_rows[i].count,
			&change, &e);

		put_change(&change, text);
		if (rc != change_rows[i].want_rc ||
		    strcmp(rc < 0 ? e.text : text, change_rows[i].want) != 0)
			fail_msg("%s: rc %d %s, %s", change_rows[i].name, rc,
				 e.text, text);
		if (rc == 0 && (change.of_number != 7 ||
				strcmp(change.of_date, "2025-12-30") != 0))
			fail_msg("%s: names another sale", change_rows[i].name);
	}
}

static struct invoice make_basket(int64_t seed)
{
	static const int percents[] = {22, 10, 0, VAT_NONE, 20, 5, 7};
	struct invoice sale = make_sale();

	chance_state = (uint64_t)seed;
	free(sale.lines);
	sale.line_count = (size_t)chance(1, LINES_MAX);
	sale.lines = calloc(sale.line_count, sizeof(*sale.lines));
	if (sale.lines == NULL)
		abort();
	sale.total_minor = sale.vat_minor = 0;
	for (size_t i = 0; i < sale.line_count; i++) {
		struct invoice_line *line = &sale.lines[i];
		int64_t amount_minor = chance(0, 300000);

		line->line_no = (int)i + 1;
		line->price_minor = chance(1, 300000);
		line->vat_percent = percents[chance(0, 6)];
		line->is.qty_milli = chance(1, 9) * 1000;
		line->is.weight_g = chance(0, 1) == 0 ? -1 : chance(1, 5000);
		line->is.amount_minor = amount_minor;
		line->is.vat_minor =
			vat_included_minor(amount_minor, line->vat_percent);
		sale.total_minor += amount_minor;
		sale.vat_minor += line->is.vat_minor;
	}
	return sale;
}

static void check_balance(const struct invoice *change, int64_t seed)
{
	int64_t total_minor = 0;
	int64_t vat_minor = 0;
	int64_t sign = change->kind == INVOICE_RETURN ? -1 : 1;

	for (size_t i = 0; i < change->line_count; i++) {
		const struct invoice_line *l = &change->lines[i];

		total_minor += l->is.amount_minor;
		vat_minor += l->is.vat_minor;
		if (l->before.amount_minor + sign * l->is.amount_minor !=
			    l->after.amount_minor ||
		    l->before.vat_minor + sign * l->is.vat_minor !=
			    l->after.vat_minor ||
		    l->after.vat_minor !=
			    vat_included_minor(l->after.amount_minor,
					       l->vat_percent))
			fail_msg("seed %lld line %d", (long long)seed,
				 l->line_no);
	}
	if (total_minor != change->total_minor ||
	    vat_minor != change->vat_minor)
		fail_msg("seed %lld: sums", (long long)seed);
}

/* Some pieces of some line, or all that is left. */
static bool give_back(struct invoice *sold, bool all, int64_t seed)
{
	CLEANUP(invoice_clear) struct invoice back = {0};
	struct invoice_change changes[LINES_MAX];
	size_t count = 0;

	for (size_t i = 0; i < sold->line_count; i++) {
		int64_t pieces = sold->lines[i].is.qty_milli / 1000;

		if (pieces > 0 && (all || chance(0, 1) == 0))
			changes[count++] = (struct invoice_change){
				.line_no = sold->lines[i].line_no,
				.qty_milli = all ? pieces * 1000
						 : chance(1, pieces) * 1000,
				.weight_g = -1};
	}
	if (count == 0)
		return false;
	if (invoice_return(sold, changes, count, &back, NULL) != 0)
		fail_msg("seed %lld: refused", (long long)seed);
	check_balance(&back, seed);
	assert_int_equal(invoice_apply(sold, &back, NULL), 0);
	return true;
}

static void whatever_is_given_back_in_parts_ends_at_nothing(void **state)
{
	(void)state;
	for (int64_t seed = 1; seed <= BASKETS; seed++) {
		CLEANUP(invoice_clear)
		struct invoice sold = make_basket(seed);

		for (int i = 0; i < 3; i++)
			(void)give_back(&sold, false, seed);
		(void)give_back(&sold, true, seed);
		for (size_t i = 0; i < sold.line_count; i++) {
			const struct invoice_amounts *left = &sold.lines[i].is;

			if (left->qty_milli != 0 || left->weight_g > 0 ||
			    left->amount_minor != 0 || left->vat_minor != 0)
				fail_msg("seed %lld line %zu", (long long)seed,
					 i + 1);
		}
		assert_int_equal(sold.total_minor, 0);
		assert_int_equal(sold.vat_minor, 0);
	}
}

static void rates_are_sums_of_lines(void **state)
{
	(void)state;
	for (int64_t seed = 1; seed <= BASKETS; seed++) {
		CLEANUP(invoice_clear)
		struct invoice sale = make_basket(seed);
		struct invoice_rate rates[INVOICE_RATES_MAX];
		size_t count = invoice_rates(&sale, rates);
		int64_t amount_minor = 0;
		int64_t vat_minor = 0;

		for (size_t i = 0; i < count; i++) {
			amount_minor += rates[i].amount_minor;
			vat_minor += rates[i].vat_minor;
			if (i > 0 &&
			    rates[i - 1].vat_percent <= rates[i].vat_percent)
				fail_msg("seed %lld: order", (long long)seed);
		}
		if (amount_minor != sale.total_minor ||
		    vat_minor != sale.vat_minor)
			fail_msg("seed %lld: sums", (long long)seed);
	}
}

static void a_document_survives_its_json(void **state)
{
	(void)state;
	for (int64_t seed = 1; seed <= 200; seed++) {
		CLEANUP(invoice_clear)
		struct invoice sale = make_basket(seed);
		CLEANUP(invoice_clear) struct invoice change = {0};
		CLEANUP(invoice_clear) struct invoice again = {0};
		CLEANUP(buf_clear) struct buf body = BUF_MAX(BODY_BYTES_MAX);
		CLEANUP(buf_clear) struct buf twice = BUF_MAX(BODY_BYTES_MAX);
		struct invoice_change first = {
			.line_no = 1, .qty_milli = 500, .weight_g = -1};
		struct err e = {0};

		sale.delivered_ms = INT64_C(1767100000000);
		(void)text_copy(sale.lines[0].name, sizeof(sale.lines[0].name),
				"\"<&>\\ \x01 Сыр");
		assert_int_equal(invoice_correct(&sale, &first, 1, &change, &e),
				 0);
		(void)text_copy(change.reason, sizeof(change.reason), "why");
		assert_int_equal(invoice_write(&change, &body, &e), 0);
		if (invoice_read(buf_text(&body), body.used_bytes, &again,
				 &e) != 0)
			fail_msg("seed %lld: %s", (long long)seed, e.text);
		assert_int_equal(invoice_write(&again, &twice, &e), 0);
		assert_string_equal(buf_text(&body), buf_text(&twice));
		assert_memory_equal(&again.lines[0], &change.lines[0],
				    sizeof(again.lines[0]));
	}
}

static void what_is_no_document_is_refused(void **state)
{
	static const char *const rows[] = {
		"",
		"[]",
		"{}",
		"{\"kind\":\"sale\"}",
		"{\"kind\":\"gift\",\"series\":\"OG\",\"number\":1}",
		"{\"kind\":\"sale\",\"series\":\"OG\",\"number\":\"x\"}",
		"{\"kind\":\"sale\",\"series\":\"OG\",\"number\":1,"
		"\"lines\":[{\"amount\":\"ten\"}]}",
		"{\"kind\":\"sale\",\"series\":\"OG\",\"number\":1,"
		"\"madeAt\":\"yesterday\"}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct invoice invoice = {0};
		int rc = invoice_read(rows[i], strlen(rows[i]), &invoice, NULL);

		if (rc != ERR_INVALID || invoice.lines != NULL)
			fail_msg("'%s': rc %d", rows[i], rc);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_change_has_what_was_and_what_is),
		cmocka_unit_test(
			whatever_is_given_back_in_parts_ends_at_nothing),
		cmocka_unit_test(rates_are_sums_of_lines),
		cmocka_unit_test(a_document_survives_its_json),
		cmocka_unit_test(what_is_no_document_is_refused),
	};
	return cmocka_run_group_tests_name("invoice_change", tests, NULL, NULL);
}
