/* SPDX-License-Identifier: MIT
 *
 * read.c - methods that only look. They run on the event thread: one indexed
 * page or one order is a matter of a few milliseconds at most.
 */
#include "answer/answer.h"
#include "answer/order_json.h"
#include "assembly.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "call.h"
#include "store/engine/db.h"
#include "store/order/orders.h"

struct page {
	struct json_out out;
	int64_t left; /* rows that still fit */
	bool has_more;
	int64_t last_deadline_ms, last_id;
};

static int put_row(const struct order_row *row, void *context)
{
	struct page *page = context;

	if (page->left == 0) {
		page->has_more = true;
		return 0;
	}
	page->left--;
	page->last_deadline_ms = row->deadline_ms;
	page->last_id = row->id;
	order_json_row(&page->out, NULL, row);
	return 0;
}

void read_orders(struct api_call *call)
{
	struct page page = {.out = answer_begin(call),
			    .left = call->args.limit};
	struct orders_filter filter = {
		.store_id = call->args.store_id,
		.states = call->args.states,
		.after_deadline_ms = call->args.after_deadline_ms,
		.after_id = call->args.after_id,
		/* One more shows whether there is a next page. */
		.limit = (int)call->args.limit + 1,
	};
	char after[ARG_AFTER_BYTES];
	int rc;

	json_array(&page.out, "orders");
	rc = orders_list(call->assembly->reader, &filter, put_row, &page, NULL);
	json_end(&page.out);
	if (page.has_more)
		json_put_text(&page.out, "next",
			      api_after_format(page.last_deadline_ms,
					       page.last_id, after));
	if (rc < 0 || answer_end(&page.out, NULL) < 0)
		answer_unavailable(call);
	call_reply(call);
}

/* 1 and the order, 0, < 0; all of it from one moment. */
static int load(struct api_call *call, struct order *order)
{
	struct db *db = call->assembly->reader;
	int rc = db_begin_read(db, NULL);

	if (rc < 0)
		return rc;
	rc = orders_load_number(db, call->args.number, order, NULL);
	if (rc > 0 && facts_changes(call, db, order->id, NULL) < 0)
		rc = ERR_IO;
	db_rollback(db);
	return rc;
}

void read_order(struct api_call *call)
{
	CLEANUP(order_clear) struct order order = {0};
	int rc = load(call, &order);

	if (rc > 0)
		rc = answer_order(call, &order, NULL, NULL);
	else if (rc == 0)
		answer_unknown_order(call);
	if (rc < 0)
		answer_unavailable(call);
	call_reply(call);
}
