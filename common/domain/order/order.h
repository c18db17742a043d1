/* SPDX-License-Identifier: MIT
 *
 * order.h - an order and what can happen to it, as values.
 *
 * Money is kopecks (`_minor`), quantity thousandths of a piece or pack
 * (`_milli`), weight grams for the whole line (`_g`, -1: a piece line). Times
 * are UTC milliseconds, 0: not set. Texts that are longer than their field are
 * cut; the marketplace's body is kept whole in the inbox.
 */
#ifndef DOMAIN_ORDER_H
#define DOMAIN_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domain/order/order_state.h"

struct err;

enum {
	ORDER_LINES_MAX = 1000,
	ORDER_ID_POINTS_MAX = 255, /* of Kuper's order_id, orderUUID */
	ORDER_ID_BYTES = 4 * ORDER_ID_POINTS_MAX + 1,
	ORDER_NUMBER_BYTES = 32,
	ORDER_TEXT_BYTES = 512,
	ORDER_SKU_BYTES = 64,
	ORDER_SHORT_BYTES = 64,
	ORDER_CODES_MAX = 4000, /* marking codes of one order */
	ORDER_CODE_BYTES = 192, /* BARCODE_TEXT_BYTES */
	ORDER_UNIT_BYTES = 40,  /* GTIN and serial with their identifiers */
	/* Grams against what the picked quantity should weigh (contract.md,
	 * defaults). Beyond soft: a warning, beyond hard: refused. */
	WEIGHT_SOFT_PERCENT = 10,
	WEIGHT_HARD_PERCENT = 25
};

/*        symbol, name */
#define LINE_STATES(X)               \
	X(LINE_PENDING, "pending")   \
	X(LINE_PICKED, "picked")     \
	X(LINE_SHORT, "short")       \
	X(LINE_REPLACED, "replaced") \
	X(LINE_REMOVED, "removed")

enum line_state {
	LINE_NONE = 0,
#define X(symbol, name) symbol,
	LINE_STATES(X)
#undef X
	LINE_STATE_MAX_
};

/* What we tell the marketplace; the name is Kuper's event type. */
#define NOTICES(X)                                  \
	X(NOTICE_ACCEPTED, "order.accepted")        \
	X(NOTICE_IN_WORK, "order.in_work")          \
	X(NOTICE_ASSEMBLED, "order.assembled")      \
	X(NOTICE_READY, "order.ready_for_delivery") \
	X(NOTICE_CANCELED, "order.canceled")

enum notice {
	NOTICE_NONE = 0,
#define X(symbol, name) symbol,
	NOTICES(X)
#undef X
	NOTICE_MAX_
};

struct order_line {
	int line_no; /* from 1, never reused */
	char sku[ORDER_SKU_BYTES];
	char name[ORDER_TEXT_BYTES / 2];
	int64_t qty_ordered_milli, qty_milli, qty_picked_milli;
	int64_t weight_g, weight_picked_g; /* -1: none */
	int64_t price_minor, discount_price_minor;
	int64_t total_minor, discount_total_minor;
	enum line_state state;
	char reason[ORDER_SHORT_BYTES];
	int replaced_by, replaces; /* line_no, 0: none */
	int64_t version; /* of the order, when the line last changed */
	/* Not kept in the store: of the catalogue, by whoever judges weights */
	int soft_percent, hard_percent;
	bool is_marked; /* each piece needs a marking code */
	bool is_piece;  /* sold in whole pieces */
};

/* A marking code of a picked unit. */
struct order_code {
	int line_no;
	char unit[ORDER_UNIT_BYTES]; /* names it (barcode.h) */
	char code[ORDER_CODE_BYTES];
};

/* What the marketplace says about an order. In an event "", 0, -1 and
 * has_lines = false mean that the event did not say it. */
struct order_terms {
	char store_id[ORDER_SHORT_BYTES];
	char order_uuid[ORDER_ID_BYTES];
	char comment[ORDER_TEXT_BYTES];
	char replacement_policy[ORDER_SHORT_BYTES];
	char shipment_method[ORDER_SHORT_BYTES];
	int64_t slot_from_ms, slot_to_ms, deadline_ms;
	int64_t total_minor, discount_total_minor;
	char customer_name[ORDER_TEXT_BYTES / 2];
	char customer_phone[ORDER_SHORT_BYTES];
	char customer_address[ORDER_TEXT_BYTES];
	char client_type[ORDER_SHORT_BYTES];     /* b2c, b2b */
	char payment_methods[ORDER_SHORT_BYTES]; /* spaces between */
	int64_t delivery_cost_minor;
	char customer_email[ORDER_TEXT_BYTES / 4]; /* of business customers */
	char customer_inn[ORDER_SHORT_BYTES];
	char customer_kpp[ORDER_SHORT_BYTES];
	char customer_legal_address[ORDER_TEXT_BYTES];
};

struct order {
	int64_t id; /* 0: does not exist yet */
	char channel[ORDER_SHORT_BYTES];
	char external_id[ORDER_ID_BYTES];
	char number[ORDER_NUMBER_BYTES];
	enum order_state state;
	int64_t version;     /* goes up with what a picker must see */
	int64_t event_ms;    /* of the latest marketplace event that described
				or moved it; 0: created without a time */
	int64_t snapshot_ms; /* of the latest applied composition */
	struct order_terms terms;

	char picker_id[ORDER_SHORT_BYTES];
	int64_t picker_until_ms;
	int64_t bags;
	char cancel_source[ORDER_SHORT_BYTES]; /* marketplace, store */
	char cancel_reason[ORDER_TEXT_BYTES / 2];
	char cancel_code[ORDER_SHORT_BYTES]; /* word of the marketplace */
	int64_t courier_assigned_ms, courier_arrived_ms;
	int64_t taken_ms; /* by the picker who has it, or had it last */
	int64_t assembled_ms, ready_ms, paid_ms, received_ms;
	int64_t delivered_ms, canceled_ms, created_ms, updated_ms;

	bool is_new;              /* it is in no table yet */
	bool is_without_customer; /* terms.customer_* were not loaded */
	struct order_line *lines; /* owned */
	size_t line_count;
	struct order_code *codes; /* owned; of each line in their sequence */
	size_t code_count;
};

/* One thing that happened, read from a marketplace's body. */
struct order_event {
	enum order_event_type type;
	int64_t event_ms;
	bool has_own_time;   /* else event_ms is when it was received */
	int64_t received_ms; /* by us; 0: not known */
	int64_t said_ms;     /* what the body said instead of event_ms, if that
				could not be; 0 */
	struct order_terms terms;
	char cancel_reason[ORDER_TEXT_BYTES / 2];
	char cancel_code[ORDER_SHORT_BYTES];
	/* Paths of values that are there and cannot be read, and that the order
	 * can do without; spaces between. */
	char unread[ORDER_TEXT_BYTES / 2];
	bool has_lines;
	struct order_line *lines; /* owned; line_no is not set */
	size_t line_count;
};

void order_clear(struct order *order);
void order_event_clear(struct order_event *event);

/* Room for one more line at the end, zeroed with weights -1; NULL when out of
 * memory or at ORDER_LINES_MAX. */
struct order_line *order_line_add(struct order_line **lines, size_t *count);
struct order_line *order_line_find(struct order *order, int line_no);
/* One more than any line has had: numbers are never used again. */
int order_next_line_no(const struct order *order);

/* Marking codes of a line. Adding: 0; ERR_NOMEM, also at ORDER_CODES_MAX. */
int order_code_add(struct order *order, int line_no, const char *unit,
		   const char *code, struct err *e);
void order_codes_remove(struct order *order, int line_no);
size_t order_codes_count(const struct order *order, int line_no);

const char *line_state_name(enum line_state state);
enum line_state line_state_from_name(const char *name);
const char *notice_name(enum notice notice);
enum notice notice_from_name(const char *name);

#endif
