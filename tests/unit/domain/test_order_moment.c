/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "domain/order/order_moment.h"
#include "order_text.h"

static void put(struct order *to, const struct order *from, bool all, int line)
{
	CLEANUP(buf_clear) struct buf text = BUF_MAX(100000);

	assert_int_equal(order_moment_render(from, all, line, &text, NULL), 0);
	assert_int_equal(order_moment_apply(to, buf_text(&text), NULL), 0);
}

static void assert_lines(const struct order *order, const char *want)
{
	char text[ORDER_TEXT_LINES_BYTES];

	order_text_lines(order, text);
	assert_string_equal(text, want);
}

static void what_was_kept_comes_back(void **state)
{
	(void)state;
	CLEANUP(order_clear)
	struct order order =
		order_text_order(ORDER_ASSEMBLING, "A3+2 B1~900 C2s0");
	CLEANUP(order_clear) struct order back = {0};

	order.terms.slot_to_ms = 7;
	order.bags = 3;
	(void)text_copy(order.lines[2].reason, sizeof(order.lines[2].reason),
			"not \"found\"");
	put(&back, &order, true, 0);
	assert_lines(&back, "A3+2 B1 C2s0");
	assert_int_equal(back.lines[1].weight_g, 900);
	assert_int_equal(back.state, ORDER_ASSEMBLING);
	assert_int_equal(back.version, order.version);
	assert_int_equal(back.terms.slot_to_ms, 7);
	assert_int_equal(back.bags, 3);
	assert_string_equal(back.lines[2].reason, "not \"found\"");
	assert_int_equal(back.lines[0].weight_g, -1);
	assert_memory_equal(&back.lines[1].price_minor,
			    &order.lines[1].price_minor, sizeof(int64_t));
}

static void a_later_moment_changes_the_lines_that_it_has(void **state)
{
	(void)state;
	CLEANUP(order_clear)
	struct order order = order_text_order(ORDER_NEW, "A3 B1");
	CLEANUP(order_clear) struct order back = {0};

	put(&back, &order, true, 0);
	order.state = ORDER_ASSEMBLING;
	order.lines[0].qty_picked_milli = 3000;
	order.lines[0].state = LINE_PICKED;
	order.lines[1].qty_picked_milli = 1000;
	put(&back, &order, false, 1);
	assert_lines(&back, "A3+3 B1");
	assert_int_equal(back.state, ORDER_ASSEMBLING);
	put(&back, &order, false, 0);
	assert_lines(&back, "A3+3 B1");
}

static void what_is_no_moment_is_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"",
		"[]",
		"{\"lines\":[[]]}",
		"{\"lines\":[[1,\"A\",\"new\",\"\",0,0,1,2,3]]}",
		"{\"lines\":[[1.5,\"A\",\"new\",\"\",0,0,1,2,3,4,5,6,7,8,9]]}",
		"{\"lines\":[7]}",
	};

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		CLEANUP(order_clear) struct order order = {0};

		if (order_moment_apply(&order, texts[i], NULL) != ERR_INVALID)
			fail_msg("%s", texts[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_kept_comes_back),
		cmocka_unit_test(a_later_moment_changes_the_lines_that_it_has),
		cmocka_unit_test(what_is_no_moment_is_refused),
	};

	return cmocka_run_group_tests_name("order_moment", tests, NULL, NULL);
}
