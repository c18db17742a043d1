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
#include "channel/kuper.h"

/* One line as a test writes it: quantities in milli, weights in grams. */
struct row {
	const char *sku;
	int64_t ordered, wish, picked, weight_g, weight_picked_g;
	enum line_state state;
	int replaced_by, replaces;
};

static struct order make_order(const char *id, const char *uuid,
			       const struct row *rows, size_t count)
{
	struct order order = {.state = ORDER_ASSEMBLED};

	(void)text_copy(order.external_id, sizeof(order.external_id), id);
	(void)text_copy(order.number, sizeof(order.number), "1-000318");
	(void)text_copy(order.terms.order_uuid, sizeof(order.terms.order_uuid),
			uuid);
	(void)text_copy(order.terms.customer_name,
			sizeof(order.terms.customer_name), "Иван П.");
	(void)text_copy(order.terms.customer_phone,
			sizeof(order.terms.customer_phone), "+79990000001");
	for (size_t i = 0; i < count; i++) {
		struct order_line *line =
			order_line_add(&order.lines, &order.line_count);

		assert_non_null(line);
		line->line_no = (int)i + 1;
		(void)text_copy(line->sku, sizeof(line->sku), rows[i].sku);
		line->qty_ordered_milli = rows[i].ordered;
		line->qty_milli = rows[i].wish;
		line->qty_picked_milli = rows[i].picked;
		line->weight_g = rows[i].weight_g;
		line->weight_picked_g = rows[i].weight_picked_g;
		line->state = rows[i].state;
		line->replaced_by = rows[i].replaced_by;
		line->replaces = rows[i].replaces;
	}
	return order;
}

static void assert_body(const char *name, enum notice notice,
			const struct order *order, const char *expected)
{
	CLEANUP(buf_clear) struct buf out = BUF_MAX(65536);
	struct err e = {0};

	if (kuper_render_notice(notice, order, &out, &e) < 0)
		fail_msg("%s: %s", name, e.text);
	if (strcmp(buf_text(&out), expected) != 0)
		fail_msg("%s:\n%s\nexpected\n%s", name, buf_text(&out),
			 expected);
}

static void a_notification_names_the_order_and_nothing_it_need_not(void **state)
{
	static const struct {
		const char *name, *id, *uuid;
		enum notice notice;
		const char *body;
	} rows[] = {
		{"accepted carries our number", "H48120937765", "u-1",
		 NOTICE_ACCEPTED,
		 "{\"event\":{\"type\":\"order.accepted\",\"payload\":"
		 "{\"order_id\":\"H48120937765\",\"number\":\"1-000318\"}}}"},
		{"in_work", "H48120937765", "u-1", NOTICE_IN_WORK,
		 "{\"event\":{\"type\":\"order.in_work\",\"payload\":"
		 "{\"order_id\":\"H48120937765\"}}}"},
		{"assembled", "H48120937765", "", NOTICE_ASSEMBLED,
		 "{\"event\":{\"type\":\"order.assembled\",\"payload\":"
		 "{\"order_id\":\"H48120937765\"}}}"},
		{"canceled", "H48120937765", "u-1", NOTICE_CANCELED,
		 "{\"event\":{\"type\":\"order.canceled\",\"payload\":"
		 "{\"order_id\":\"H48120937765\"}}}"},
		{"known by the UUID alone", "", "d2a97d0b-2f5e", NOTICE_IN_WORK,
		 "{\"event\":{\"type\":\"order.in_work\",\"payload\":"
		 "{\"orderUUID\":\"d2a97d0b-2f5e\"}}}"},
		{"the UUID stands for the id", "d2a97d0b-2f5e", "d2a97d0b-2f5e",
		 NOTICE_IN_WORK,
		 "{\"event\":{\"type\":\"order.in_work\",\"payload\":"
		 "{\"orderUUID\":\"d2a97d0b-2f5e\"}}}"},
		{"an external showcase", "metro:d2a97d0b-2f5e", "d2a97d0b-2f5e",
		 NOTICE_IN_WORK,
		 "{\"event\":{\"type\":\"order.in_work\",\"payload\":"
		 "{\"order_id\":\"metro:d2a97d0b-2f5e\"}}}"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(order_clear)
		struct order order =
			make_order(rows[i].id, rows[i].uuid, NULL, 0);

		assert_body(rows[i].name, rows[i].notice, &order, rows[i].body);
	}
}

#define READY(changed, positions)                                        \
	"{\"event\":{\"type\":\"order.ready_for_delivery\",\"payload\":" \
	"{\"order_id\":\"H1\",\"order\":{\"originalOrderId\":\"H1\","    \
	"\"changed\":" changed ",\"positions\":[" positions "]}}}}"

static const struct {
	const char *name;
	struct row lines[4];
	size_t count;
	const char *body;
} compositions[] = {
	{"as ordered, still with its lines",
	 {{"100245871", 2000, 2000, 2000, -1, -1, LINE_PICKED, 0, 0}},
	 1,
	 READY("false", "{\"id\":\"100245871\",\"originalQuantity\":2,"
			"\"quantity\":2}")},
	{"weights and a shortage",
	 {{"100245871", 2000, 2000, 2000, -1, -1, LINE_PICKED, 0, 0},
	  {"100318840", 1000, 1000, 1000, 1000, 1120, LINE_PICKED, 0, 0},
	  {"100900127", 2000, 2000, 1000, 600, 310, LINE_SHORT, 0, 0}},
	 3,
	 READY("true", "{\"id\":\"100245871\",\"originalQuantity\":2,"
		       "\"quantity\":2},"
		       "{\"id\":\"100318840\",\"originalQuantity\":1,"
		       "\"quantity\":1,\"weight\":\"1120\"},"
		       "{\"id\":\"100900127\",\"originalQuantity\":2,"
		       "\"quantity\":1,\"weight\":\"310\"}")},
	{"only the weight differs",
	 {{"1", 1000, 1000, 1000, 1000, 990, LINE_PICKED, 0, 0}},
	 1,
	 READY("true", "{\"id\":\"1\",\"originalQuantity\":1,"
		       "\"quantity\":1,\"weight\":\"990\"}")},
	{"weighed as ordered",
	 {{"1", 1000, 1000, 1000, 1000, 1000, LINE_PICKED, 0, 0}},
	 1,
	 READY("false", "{\"id\":\"1\",\"originalQuantity\":1,"
			"\"quantity\":1,\"weight\":\"1000\"}")},
	{"nothing was picked",
	 {{"1", 2000, 2000, 0, -1, -1, LINE_SHORT, 0, 0},
	  {"2", 1000, 1000, 0, 500, -1, LINE_SHORT, 0, 0}},
	 2,
	 READY("true", "{\"id\":\"1\",\"originalQuantity\":2,"
		       "\"quantity\":0},"
		       "{\"id\":\"2\",\"originalQuantity\":1,"
		       "\"quantity\":0,\"weight\":\"0\"}")},
	{"a fraction of a piece",
	 {{"1", 1500, 1500, 250, -1, -1, LINE_SHORT, 0, 0}},
	 1,
	 READY("true", "{\"id\":\"1\",\"originalQuantity\":1.5,"
		       "\"quantity\":0.25}")},
	{"picked without scales: the share of the ordered weight",
	 {{"1", 4000, 4000, 1000, 1001, -1, LINE_SHORT, 0, 0},
	  {"2", 2000, 2000, 2000, 700, 0, LINE_PICKED, 0, 0}},
	 2,
	 READY("true", "{\"id\":\"1\",\"originalQuantity\":4,"
		       "\"quantity\":1,\"weight\":\"250\"},"
		       "{\"id\":\"2\",\"originalQuantity\":2,"
		       "\"quantity\":2,\"weight\":\"700\"}")},
	{"a wish that grew is told as changed",
	 {{"1", 2000, 3000, 3000, -1, -1, LINE_PICKED, 0, 0}},
	 1,
	 READY("true", "{\"id\":\"1\",\"originalQuantity\":2,"
		       "\"quantity\":3}")},
	{"picked, then taken back by the customer",
	 {{"1", 2000, 0, 2000, -1, -1, LINE_REMOVED, 0, 0}},
	 1,
	 READY("true", "{\"id\":\"1\",\"originalQuantity\":2,"
		       "\"quantity\":0}")},
	{"replaced by another",
	 {{"100700415", 1000, 1000, 0, -1, -1, LINE_REPLACED, 2, 0},
	  {"100700416", 0, 0, 1000, -1, -1, LINE_PICKED, 0, 1}},
	 2,
	 READY("true", "{\"id\":\"100700415\",\"originalQuantity\":1,"
		       "\"quantity\":0,"
		       "\"replacedByID\":\"100700416\"},"
		       "{\"id\":\"100700416\",\"originalQuantity\":0,"
		       "\"quantity\":1}")},
	{"a replacement that was taken back",
	 {{"1", 1000, 1000, 1000, -1, -1, LINE_PICKED, 0, 0},
	  {"2", 0, 0, 0, -1, -1, LINE_REMOVED, 0, 1}},
	 2,
	 READY("false", "{\"id\":\"1\",\"originalQuantity\":1,"
			"\"quantity\":1}")},
	{"an order without lines", {{0}}, 0, READY("false", "")},
};

static void marking_codes_go_out_as_they_were_scanned(void **state)
{
	static const struct row rows[] = {
		{"1", 1000, 1000, 1000, -1, -1, LINE_PICKED, 0, 0},
		{"2", 1000, 1000, 1000, -1, -1, LINE_REMOVED, 0, 0},
	};
	CLEANUP(order_clear)
	struct order order = make_order("H1", "u-1", rows, COUNT_OF(rows));

	(void)state;
	assert_int_equal(order_code_add(&order, 1, "u",
					"01\x1d"
					"93\"",
					NULL),
			 0);
	assert_int_equal(order_code_add(&order, 2, "v", "02", NULL), 0);
	assert_body("marked goods", NOTICE_READY, &order,
		    READY("true", "{\"id\":\"1\",\"originalQuantity\":1,"
				  "\"quantity\":1,\"markingCode\":["
				  "{\"value\":\"01\\u001d93\\\"\"}]},"
				  "{\"id\":\"2\",\"originalQuantity\":1,"
				  "\"quantity\":0}"));
}

static void the_final_composition_lists_every_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(compositions); i++) {
		CLEANUP(order_clear)
		struct order order =
			make_order("H1", "u-1", compositions[i].lines,
				   compositions[i].count);

		assert_body(compositions[i].name, NOTICE_READY, &order,
			    compositions[i].body);
	}
}

static void an_order_known_by_uuid_is_named_by_it_inside_too(void **state)
{
	CLEANUP(order_clear)
	struct order order = make_order("", "u-9", NULL, 0);

	(void)state;
	assert_body("ready", NOTICE_READY, &order,
		    "{\"event\":{\"type\":\"order.ready_for_delivery\","
		    "\"payload\":{\"orderUUID\":\"u-9\",\"order\":"
		    "{\"originalOrderId\":\"u-9\",\"changed\":false,"
		    "\"positions\":[]}}}}");
}

static void no_personal_data_leaves_with_any_notification(void **state)
{
	(void)state;
	for (int n = NOTICE_NONE + 1; n < NOTICE_MAX_; n++) {
		CLEANUP(order_clear)
		struct order order = make_order("H1", "u-1", NULL, 0);
		CLEANUP(buf_clear) struct buf out = BUF_MAX(65536);

		assert_int_equal(
			kuper_render_notice((enum notice)n, &order, &out, NULL),
			0);
		assert_null(strstr(buf_text(&out), "Иван"));
		assert_null(strstr(buf_text(&out), "7999"));
	}
}

static void what_cannot_be_written_is_an_error(void **state)
{
	CLEANUP(order_clear)
	struct order nameless = make_order("", "", NULL, 0);
	CLEANUP(order_clear) struct order order = make_order("H1", "", NULL, 0);
	CLEANUP(buf_clear) struct buf out = BUF_MAX(65536);
	CLEANUP(buf_clear) struct buf small = BUF_MAX(20);

	(void)state;
	assert_int_equal(
		kuper_render_notice(NOTICE_IN_WORK, &nameless, &out, NULL),
		ERR_INVALID);
	assert_int_equal(
		kuper_render_notice(NOTICE_IN_WORK, &order, &small, NULL),
		ERR_NOMEM);
}

/* kuper.md 2.6 row 23. */
static void stores_that_the_marketplace_runs_hear_nothing(void **state)
{
	static const struct {
		int integration_type;
		bool allowed;
	} rows[] = {{0, false}, {3, true}, {4, false},
		    {5, true},  {6, true}, {99, true}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		for (int n = NOTICE_NONE + 1; n < NOTICE_MAX_; n++)
			if (kuper_allows((enum notice)n,
					 rows[i].integration_type) !=
			    rows[i].allowed)
				fail_msg("type %d, %s",
					 rows[i].integration_type,
					 notice_name((enum notice)n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_notification_names_the_order_and_nothing_it_need_not),
		cmocka_unit_test(the_final_composition_lists_every_line),
		cmocka_unit_test(marking_codes_go_out_as_they_were_scanned),
		cmocka_unit_test(
			an_order_known_by_uuid_is_named_by_it_inside_too),
		cmocka_unit_test(no_personal_data_leaves_with_any_notification),
		cmocka_unit_test(what_cannot_be_written_is_an_error),
		cmocka_unit_test(stores_that_the_marketplace_runs_hear_nothing),
	};
	return cmocka_run_group_tests_name("kuper_out", tests, NULL, NULL);
}
