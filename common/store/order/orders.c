/* SPDX-License-Identifier: MIT */
#include "store/order/orders.h"

#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "store/engine/db.h"
#include "store/order/history.h"
#include "store/order/marking_codes.h"
#include "store/order/order_lines.h"

#define ORDER_COLUMNS                                                     \
	"id, channel, external_id, number, store_id, state, version,"     \
	" event_ms, snapshot_ms, order_uuid, slot_from_ms, slot_to_ms,"   \
	" deadline_ms, comment, replacement_policy, shipment_method,"     \
	" total_minor, discount_total_minor, picker_id, picker_until_ms," \
	" bags, cancel_source, cancel_reason, taken_ms, assembled_ms,"    \
	" ready_ms, paid_ms, received_ms, delivered_ms, canceled_ms,"     \
	" created_ms, updated_ms, client_type, payment_methods,"          \
	" delivery_cost_minor, cancel_code, courier_assigned_ms,"         \
	" courier_arrived_ms, line_count"

STMT(orders_get, "SELECT " ORDER_COLUMNS " FROM orders WHERE id = $1");
STMT(orders_get_by_number,
     "SELECT " ORDER_COLUMNS " FROM orders WHERE number = $1");
STMT(orders_get_customer,
     "SELECT name, phone, address, email, inn, kpp, legal_address"
     " FROM order_customers WHERE order_id = $1");
STMT(orders_still,
     "SELECT 1 FROM orders WHERE id = $1 AND version = $2"
     " AND picker_until_ms = $3 AND updated_ms = $4 AND state = $5"
     " AND NOT EXISTS (SELECT 1 FROM inbox_head AS h WHERE h.order_id = $1"
     "  AND h.state IN (1, 2))");
STMT(orders_by_number, "SELECT id FROM orders WHERE number = $1");
#define INSERT_ORDER                                                   \
	"INSERT INTO orders (" ORDER_COLUMNS ")"                       \
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,"  \
	" $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24," \
	" $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36," \
	" $37, $38, $39)"
#define INSERT_CUSTOMER                                                       \
	"INSERT INTO order_customers (order_id, name, phone, address, email," \
	" inn, kpp, legal_address) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"

/* A new order: SQLite sets up more for an upsert. */
STMT(orders_insert, INSERT_ORDER);
STMT(orders_insert_customer, INSERT_CUSTOMER);
STMT(orders_put, INSERT_ORDER
     " ON CONFLICT (id) DO UPDATE SET store_id = $5, state = $6, version = $7,"
     " event_ms = $8, snapshot_ms = $9, order_uuid = $10, slot_from_ms = $11,"
     " slot_to_ms = $12, deadline_ms = $13, comment = $14,"
     " replacement_policy = $15, shipment_method = $16, total_minor = $17,"
     " discount_total_minor = $18, picker_id = $19, picker_until_ms = $20,"
     " bags = $21, cancel_source = $22, cancel_reason = $23, taken_ms = $24,"
     " assembled_ms = $25, ready_ms = $26, paid_ms = $27, received_ms = $28,"
     " delivered_ms = $29, canceled_ms = $30, updated_ms = $32,"
     " client_type = $33, payment_methods = $34, delivery_cost_minor = $35,"
     " cancel_code = $36, courier_assigned_ms = $37,"
     " courier_arrived_ms = $38, line_count = $39");
/* Every index that an update names is a page to write. Picking, which happens
 * most, names none. */
#define PUT_PICKING                                                       \
	"UPDATE orders SET version = $2, picker_id = $3, picker_until_ms" \
	" = $4, bags = $5, updated_ms = $6"
#define PUT_TAKING PUT_PICKING ", taken_ms = $7"
STMT(orders_put_picking, PUT_PICKING " WHERE id = $1");
STMT(orders_put_taking, PUT_TAKING " WHERE id = $1");
STMT(orders_put_step, PUT_TAKING
     ", state = $8, event_ms = $9,"
     " snapshot_ms = $10, cancel_source = $11, cancel_reason = $12,"
     " cancel_code = $13, assembled_ms = $14, ready_ms = $15, paid_ms = $16,"
     " received_ms = $17, delivered_ms = $18, canceled_ms = $19,"
     " courier_assigned_ms = $20, courier_arrived_ms = $21 WHERE id = $1");
STMT(orders_put_customer, INSERT_CUSTOMER
     " ON CONFLICT (order_id) DO UPDATE SET name = $2, phone = $3,"
     " address = $4, email = $5, inn = $6, kpp = $7, legal_address = $8");
/* The partial index order_history_changes has these kinds only. What made no
 * version is nothing that a picker would see. */
STMT(history_changes_select,
     "SELECT at_ms, kind, detail FROM order_history"
     " WHERE order_id = $1 AND kind IN ('order.updated', 'order.canceled')"
     " AND detail LIKE '%\"version\":%' ORDER BY id DESC LIMIT $2");
STMT(history_held, "SELECT count(*) FROM order_history WHERE order_id = $1"
		   " AND actor = $2 AND kind IN ('take', 'takeOver')");
/* Lines are numbered from 1 without a gap and never deleted, so the last number
 * is their count where the row does not tell it. */
STMT(orders_page,
     "SELECT o.id, o.version, o.slot_from_ms, o.slot_to_ms, o.deadline_ms,"
     " o.number, o.channel, o.external_id, o.store_id, o.state, o.picker_id,"
     " coalesce(o.line_count,"
     "  (SELECT max(l.line_no) FROM order_lines l WHERE l.order_id = o.id), 0)"
     " FROM orders o WHERE o.store_id = $1"
     " AND o.state NOT IN ('delivered', 'canceled')"
     " AND (o.deadline_ms > $2 OR (o.deadline_ms = $2 AND o.id > $3))"
     " ORDER BY o.deadline_ms, o.id");
STMT(orders_page_all,
     "SELECT o.id, o.version, o.slot_from_ms, o.slot_to_ms, o.deadline_ms,"
     " o.number, o.channel, o.external_id, o.store_id, o.state, o.picker_id,"
     " coalesce(o.line_count,"
     "  (SELECT max(l.line_no) FROM order_lines l WHERE l.order_id = o.id), 0)"
     " FROM orders o WHERE o.store_id = $1"
     " AND (o.deadline_ms > $2 OR (o.deadline_ms = $2 AND o.id > $3))"
     " ORDER BY o.deadline_ms, o.id");

/* Columns in the order of ORDER_COLUMNS. */
static void read_order(struct query *q, struct order *o)
{
	struct order_terms *t = &o->terms;

	o->id = query_col_i64(q, 0);
	QUERY_COL_COPY(q, 1, o->channel);
	QUERY_COL_COPY(q, 2, o->external_id);
	QUERY_COL_COPY(q, 3, o->number);
	QUERY_COL_COPY(q, 4, t->store_id);
	o->state = order_state_from_name(query_col_text(q, 5));
	o->version = query_col_i64(q, 6);
	o->event_ms = query_col_i64(q, 7);
	o->snapshot_ms = query_col_i64(q, 8);
	QUERY_COL_COPY(q, 9, t->order_uuid);
	t->slot_from_ms = query_col_i64(q, 10);
	t->slot_to_ms = query_col_i64(q, 11);
	t->deadline_ms = query_col_i64(q, 12);
	QUERY_COL_COPY(q, 13, t->comment);
	QUERY_COL_COPY(q, 14, t->replacement_policy);
	QUERY_COL_COPY(q, 15, t->shipment_method);
	t->total_minor = query_col_i64(q, 16);
	t->discount_total_minor = query_col_i64(q, 17);
	QUERY_COL_COPY(q, 18, o->picker_id);
	o->picker_until_ms = query_col_i64(q, 19);
	o->bags = query_col_i64(q, 20);
	QUERY_COL_COPY(q, 21, o->cancel_source);
	QUERY_COL_COPY(q, 22, o->cancel_reason);
	o->taken_ms = query_col_i64(q, 23);
	o->assembled_ms = query_col_i64(q, 24);
	o->ready_ms = query_col_i64(q, 25);
	o->paid_ms = query_col_i64(q, 26);
	o->received_ms = query_col_i64(q, 27);
	o->delivered_ms = query_col_i64(q, 28);
	o->canceled_ms = query_col_i64(q, 29);
	o->created_ms = query_col_i64(q, 30);
	o->updated_ms = query_col_i64(q, 31);
	QUERY_COL_COPY(q, 32, t->client_type);
	QUERY_COL_COPY(q, 33, t->payment_methods);
	t->delivery_cost_minor = query_col_i64(q, 34);
	QUERY_COL_COPY(q, 35, o->cancel_code);
	o->courier_assigned_ms = query_col_i64(q, 36);
	o->courier_arrived_ms = query_col_i64(q, 37);
}

static int load_customer(struct db *db, struct order *order, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &orders_get_customer);
	int rc;

	query_i64(q, 1, order->id);
	rc = query_next(q, e);
	if (rc <= 0)
		return rc;
	QUERY_COL_COPY(q, 0, order->terms.customer_name);
	QUERY_COL_COPY(q, 1, order->terms.customer_phone);
	QUERY_COL_COPY(q, 2, order->terms.customer_address);
	QUERY_COL_COPY(q, 3, order->terms.customer_email);
	QUERY_COL_COPY(q, 4, order->terms.customer_inn);
	QUERY_COL_COPY(q, 5, order->terms.customer_kpp);
	QUERY_COL_COPY(q, 6, order->terms.customer_legal_address);
	return 0;
}

/* 1 and the row that the query finds, 0, < 0. */
static int load_row(struct query *q, struct order *order, struct err *e)
{
	int rc = query_next(q, e);

	if (rc > 0)
		read_order(q, order);
	return rc;
}

/* Behind load_row(), with its result: the rest of the order. */
static int load_rest(struct db *db, int rc, struct order *order,
		     struct order *ret_order, struct err *e)
{
	if (rc > 0)
		rc = order_lines_load(db, order, e);
	else
		return rc;
	if (rc == 0 && !order->is_without_customer)
		rc = load_customer(db, order, e);
	if (rc == 0)
		rc = marking_codes_load(db, order, e);
	if (rc < 0)
		return rc;
	*ret_order = *order;
	*order = (struct order){0};
	return 1;
}

static int load_by_id(struct db *db, int64_t order_id, struct order *order,
		      struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &orders_get);

	query_i64(q, 1, order_id);
	return load_row(q, order, e);
}

static int load_by_number(struct db *db, const char *number,
			  struct order *order, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &orders_get_by_number);

	query_text(q, 1, number);
	return load_row(q, order, e);
}

int orders_load(struct db *db, int64_t order_id, struct order *ret_order,
		struct err *e)
{
	CLEANUP(order_clear) struct order order = {0};
	int rc = load_by_id(db, order_id, &order, e);

	return load_rest(db, rc, &order, ret_order, e);
}

/* The id at the end of a number of ours (identity.c); 0: there is none. */
static int64_t id_in_number(const char *number)
{
	const char *dash = strrchr(number, '-');
	int64_t id = 0;

	if (dash == NULL || text_to_i64(dash + 1, 1, INT64_MAX, &id, NULL) < 0)
		return 0;
	return id;
}

/* The order that the number seems to name saves the way through the index. */
int orders_load_number(struct db *db, const char *number,
		       struct order *ret_order, struct err *e)
{
	CLEANUP(order_clear) struct order order = {0};
	int64_t id = id_in_number(number);
	int rc = id != 0 ? load_by_id(db, id, &order, e) : 0;

	if (rc == 0 || (rc > 0 && strcmp(order.number, number) != 0))
		rc = load_by_number(db, number, &order, e);
	order.is_without_customer = true;
	return load_rest(db, rc, &order, ret_order, e);
}

int orders_add_customer(struct db *db, struct order *order, struct err *e)
{
	int rc = order->is_without_customer ? load_customer(db, order, e) : 0;

	if (rc == 0)
		order->is_without_customer = false;
	return rc;
}

int orders_find_number(struct db *db, const char *number, int64_t *ret_id,
		       struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &orders_by_number);

	query_text(q, 1, number);
	return query_one_i64(q, ret_id, e);
}

struct order_mark order_mark_of(const struct order *order)
{
	return (struct order_mark){
		.id = order->id,
		.version = order->version,
		.picker_until_ms = order->picker_until_ms,
		.updated_ms = order->updated_ms,
		.state = order->state,
	};
}

int orders_is_still(struct db *db, const struct order_mark *mark, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &orders_still);

	query_i64(q, 1, mark->id);
	query_i64(q, 2, mark->version);
	query_i64(q, 3, mark->picker_until_ms);
	query_i64(q, 4, mark->updated_ms);
	query_text(q, 5, order_state_name(mark->state));
	return query_next(q, e);
}

static int save_row(struct db *db, const struct order *o, struct err *e)
{
	CLEANUP_QUERY struct query *q =
		query_start(db, o->is_new ? &orders_insert : &orders_put);
	const struct order_terms *t = &o->terms;

	query_i64(q, 1, o->id);
	query_text(q, 2, o->channel);
	query_text(q, 3, o->external_id);
	query_text(q, 4, o->number);
	query_text(q, 5, t->store_id);
	query_text(q, 6, order_state_name(o->state));
	query_i64(q, 7, o->version);
	query_i64(q, 8, o->event_ms);
	query_i64(q, 9, o->snapshot_ms);
	query_text(q, 10, t->order_uuid);
	query_i64(q, 11, t->slot_from_ms);
	query_i64(q, 12, t->slot_to_ms);
	query_i64(q, 13, t->deadline_ms);
	query_text(q, 14, t->comment);
	query_text(q, 15, t->replacement_policy);
	query_text(q, 16, t->shipment_method);
	query_i64(q, 17, t->total_minor);
	query_i64(q, 18, t->discount_total_minor);
	query_text(q, 19, o->picker_id);
	query_i64(q, 20, o->picker_until_ms);
	query_i64(q, 21, o->bags);
	query_text(q, 22, o->cancel_source);
	query_text(q, 23, o->cancel_reason);
	query_i64(q, 24, o->taken_ms);
	query_i64(q, 25, o->assembled_ms);
	query_i64(q, 26, o->ready_ms);
	query_i64(q, 27, o->paid_ms);
	query_i64(q, 28, o->received_ms);
	query_i64(q, 29, o->delivered_ms);
	query_i64(q, 30, o->canceled_ms);
	query_i64(q, 31, o->created_ms);
	query_i64(q, 32, o->updated_ms);
	query_text(q, 33, t->client_type);
	query_text(q, 34, t->payment_methods);
	query_i64(q, 35, t->delivery_cost_minor);
	query_text(q, 36, o->cancel_code);
	query_i64(q, 37, o->courier_assigned_ms);
	query_i64(q, 38, o->courier_arrived_ms);
	query_i64(q, 39, (int64_t)o->line_count);
	return query_post(q, NULL, e);
}

static void bind_step(struct query *q, const struct order *o)
{
	query_text(q, 8, order_state_name(o->state));
	query_i64(q, 9, o->event_ms);
	query_i64(q, 10, o->snapshot_ms);
	query_text(q, 11, o->cancel_source);
	query_text(q, 12, o->cancel_reason);
	query_text(q, 13, o->cancel_code);
	query_i64(q, 14, o->assembled_ms);
	query_i64(q, 15, o->ready_ms);
	query_i64(q, 16, o->paid_ms);
	query_i64(q, 17, o->received_ms);
	query_i64(q, 18, o->delivered_ms);
	query_i64(q, 19, o->canceled_ms);
	query_i64(q, 20, o->courier_assigned_ms);
	query_i64(q, 21, o->courier_arrived_ms);
}

int orders_save_part(struct db *db, const struct order *o,
		     enum order_row_part part, struct err *e)
{
	static const struct stmt *const statements[] = {
		[ROW_STEP] = &orders_put_step,
		[ROW_TAKING] = &orders_put_taking,
		[ROW_PICKING] = &orders_put_picking,
	};
	CLEANUP_QUERY struct query *q = query_start(db, statements[part]);

	query_i64(q, 1, o->id);
	query_i64(q, 2, o->version);
	query_text(q, 3, o->picker_id);
	query_i64(q, 4, o->picker_until_ms);
	query_i64(q, 5, o->bags);
	query_i64(q, 6, o->updated_ms);
	if (part != ROW_PICKING)
		query_i64(q, 7, o->taken_ms);
	if (part == ROW_STEP)
		bind_step(q, o);
	return query_post(q, NULL, e);
}

static int save_customer(struct db *db, const struct order *o, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(
		db, o->is_new ? &orders_insert_customer : &orders_put_customer);

	query_i64(q, 1, o->id);
	query_text(q, 2, o->terms.customer_name);
	query_text(q, 3, o->terms.customer_phone);
	query_text(q, 4, o->terms.customer_address);
	query_text(q, 5, o->terms.customer_email);
	query_text(q, 6, o->terms.customer_inn);
	query_text(q, 7, o->terms.customer_kpp);
	query_text(q, 8, o->terms.customer_legal_address);
	return query_post(q, NULL, e);
}

int orders_save(struct db *db, const struct order *order, bool with_lines,
		struct err *e)
{
	int rc = save_row(db, order, e);

	if (rc < 0 || !with_lines)
		return rc;
	rc = order_lines_save(db, order, e);
	if (rc < 0 || order->is_without_customer)
		return rc;
	return save_customer(db, order, e);
}

int history_add(struct db *db, int64_t order_id, int64_t at_ms,
		const char *kind, const char *actor, const char *detail,
		struct err *e)
{
	struct history_entry entry = {.order_id = order_id,
				      .at_ms = at_ms,
				      .kind = kind,
				      .actor = actor,
				      .detail = detail,
				      .after = ""};

	return history_add_moment(db, &entry, e);
}

int history_changes(struct db *db, int64_t order_id, int limit,
		    void (*each)(const struct history_change *change,
				 void *context),
		    void *context, struct err *e)
{
	CLEANUP_QUERY struct query *q =
		query_start(db, &history_changes_select);
	int rc;

	query_i64(q, 1, order_id);
	query_i64(q, 2, limit);
	while ((rc = query_next(q, e)) > 0) {
		struct history_change change = {
			.at_ms = query_col_i64(q, 0),
			.kind = query_col_text(q, 1),
			.detail = query_col_text(q, 2),
		};

		each(&change, context);
	}
	return rc;
}

int history_has_held(struct db *db, int64_t order_id, const char *picker_id,
		     struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &history_held);
	int64_t count = 0;
	int rc;

	query_i64(q, 1, order_id);
	query_text(q, 2, picker_id);
	rc = query_one_i64(q, &count, e);
	return rc < 0 ? rc : count > 0;
}

static void read_row(struct query *q, struct order_row *row)
{
	*row = (struct order_row){
		.id = query_col_i64(q, 0),
		.version = query_col_i64(q, 1),
		.slot_from_ms = query_col_i64(q, 2),
		.slot_to_ms = query_col_i64(q, 3),
		.deadline_ms = query_col_i64(q, 4),
		.number = query_col_text(q, 5),
		.channel = query_col_text(q, 6),
		.external_id = query_col_text(q, 7),
		.store_id = query_col_text(q, 8),
		.state = query_col_text(q, 9),
		.picker_id = query_col_text(q, 10),
		.line_count = query_col_i64(q, 11),
	};
}

int orders_list(struct db *db, const struct orders_filter *filter,
		int (*each)(const struct order_row *row, void *context),
		void *context, struct err *e)
{
	/* States are filtered here: the open orders of a store are few, and the
	 * partial index serves the usual list. */
	bool final = (filter->states &
		      (1U << ORDER_DELIVERED | 1U << ORDER_CANCELED)) != 0;
	CLEANUP_QUERY struct query *q =
		query_start(db, final ? &orders_page_all : &orders_page);
	int rows = 0;
	int rc = 1;

	query_text(q, 1, filter->store_id);
	query_i64(q, 2, filter->after_deadline_ms);
	query_i64(q, 3, filter->after_id);
	while (rows < filter->limit && (rc = query_next(q, e)) > 0) {
		struct order_row row;

		read_row(q, &row);
		if (filter->states != 0 &&
		    (filter->states & 1U << order_state_from_name(row.state)) ==
			    0)
			continue;
		rc = each(&row, context);
		if (rc < 0)
			return rc;
		rows++;
	}
	return rc < 0 ? rc : rows;
}
