/* SPDX-License-Identifier: MIT
 *
 * order_actions.h - what the store's staff may do to an order. Pure.
 *
 * One action is one call of the assembly API, or one entry of a handheld's
 * journal. order_act() holds it against the order as it is now, and either
 * changes the order or says why not; a refused action has changed nothing.
 * A new action is a row of the table in order_actions.c.
 *
 * A picker holds an order by a lease: taking it and every action on it extend
 * the lease, and after its end anybody may take the order.
 */
#ifndef DOMAIN_ORDER_ACTIONS_H
#define DOMAIN_ORDER_ACTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domain/order/order_apply.h"

struct err;

enum {
	ORDER_LEASE_MS = 15 * 60 * 1000,
	ORDER_BAGS_MAX = 1000
};

enum order_action_type {
	ACTION_TAKE = 1,
	ACTION_RELEASE,
	ACTION_KEEP_ALIVE,
	ACTION_PICK,
	ACTION_RESET,
	ACTION_FINISH,
	ACTION_HAND_OVER,
	ACTION_CANCEL,
	ACTION_SCAN,
	ACTION_REPLACE,
	ACTION_MAX_
};

/* What the store knows about goods that an action names. */
struct named_goods {
	char sku[ORDER_SKU_BYTES]; /* "" : nobody knows them */
	char name[ORDER_TEXT_BYTES / 2];
	int64_t piece_weight_g; /* -1: not said */
	int soft_percent, hard_percent;
	bool is_unlisted; /* there is a catalogue, and it lacks them */
};

/* A marking code, with what the store knows about it. */
struct scanned_code {
	char unit[ORDER_UNIT_BYTES];
	char code[ORDER_CODE_BYTES];
	char sku[ORDER_SKU_BYTES];        /* "" : nobody knows its GTIN */
	char used_by[ORDER_NUMBER_BYTES]; /* another open order, or "" */
};

/* Texts are never NULL and borrowed during the call. What an action does not
 * need is not looked at. */
struct order_action {
	enum order_action_type type;
	const char *picker_id; /* who acts; "" : the store */
	int64_t version;       /* that the caller has seen */
	bool take_over;
	int line_no;
	int64_t quantity_milli; /* absolute; a scan adds it, < 0: one */
	int64_t weight_g;       /* of all of it; -1: not said */
	const char *reason;     /* "" : not said */
	int64_t bags;           /* -1: not said */
	const char *code;       /* "" : not said */

	/* Picking: all codes of the line, when has_codes is set. Scanning: the
	 * one that was scanned, or none. */
	const struct scanned_code *codes;
	size_t code_count;
	bool has_codes;

	/* Scanning and replacing. */
	const struct named_goods *goods;
	int64_t price_minor;    /* of one piece; of a label: of all of it; -1 */
	const char *consent;    /* how the customer agreed; "" : he did not */
	int64_t dearer_percent; /* so much more a replacement may cost without
				   that */

	/* An entry of a handheld's journal. It was not done in the sight of the
	 * order as it is, so it is held against its line: `version` is the last
	 * one that the handheld saw, and own_versions are those that it made
	 * itself since. */
	bool replayed;
	bool held_once;          /* the picker has held the order before */
	const char *device_time; /* "" : not said */
	const int64_t *own_versions;
	size_t own_version_count;
};

enum order_refusal {
	REFUSAL_NONE = 0,
	REFUSAL_STEP,    /* not from this state */
	REFUSAL_PICKER,  /* another one holds the order, or nobody does */
	REFUSAL_VERSION, /* the caller has not seen the order as it is */
	REFUSAL_VALUES,  /* the remarks say what is wrong */
	REFUSAL_LINE     /* replayed: somebody else has changed the line */
};

enum {
	REMARK_TEXT_BYTES = 160
};

/* A fault of a refused action, or a warning about one that was done. */
struct order_remark {
	int line_no;       /* 0: not about a line */
	const char *field; /* constant: of the request; NULL: of the order */
	const char *code;  /* constant */
	char text[REMARK_TEXT_BYTES];
};

struct order_outcome {
	enum order_refusal refusal;
	struct order_remark *remarks; /* owned */
	size_t remark_count;
	struct order_change change; /* empty when refused */
};
void order_outcome_clear(struct order_outcome *outcome);

/* 1 done, 0 refused, ERR_NOMEM. *ret_outcome is the caller's to clear in all
 * cases. */
int order_act(struct order *order, const struct order_action *action,
	      const struct order_policy *policy, int64_t now_ms,
	      struct order_outcome *ret_outcome, struct err *e);

/* Is it about one line, so that a journal's entry is held against that? */
bool order_action_is_about_line(enum order_action_type type);

/* The event of order_step() that decides about an action. */
enum order_event_type order_action_event(enum order_action_type type);

/* True for the reasons that a shortage may have: not_found, expired, damaged,
 * customer_refused, other (contract.md). */
bool order_is_shortage_reason(const char *reason);

/* A line that the marketplace gave a weight is sold by weight. */
bool order_line_is_weighed(const struct order_line *line);

#endif
