/* SPDX-License-Identifier: MIT
 *
 * args.h - what a method is given: the fields of requestData as values.
 *
 * Every field of the API is a row of the table in args.c (name, kind, limits);
 * a method says which of them it needs and which it takes. What is wrong with
 * any of them is told at once. Fields that nobody knows are not looked at.
 */
#ifndef ASSEMBLY_ARGS_H
#define ASSEMBLY_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "domain/order/order_actions.h"

struct err;
struct json;

enum arg {
	ARG_STORE_ID,
	ARG_STATES, /* list of names of order_state.h */
	ARG_LIMIT,
	ARG_AFTER, /* `next` of the page before */
	ARG_NUMBER,
	ARG_PICKER_ID,
	ARG_TAKE_OVER,
	ARG_VERSION,
	ARG_LINE,
	ARG_QUANTITY, /* pieces or packs, three decimals */
	ARG_WEIGHT,   /* grams */
	ARG_MARKING_CODES,
	ARG_REASON,
	ARG_BAGS,
	ARG_CODE,
	ARG_SKU,
	ARG_PRICE,   /* kopecks, a decimal text */
	ARG_CONSENT, /* true, or how the customer agreed */
	ARG_ACTIONS, /* a handheld's journal; read by replay.c */
	ARG_MAX_
};
#define ARG_BIT(arg) (1U << (arg))

enum {
	ARG_TEXT_BYTES = 256,
	ARG_PAGE_DEFAULT = 100,
	ARG_PAGE_MAX = 1000, /* more is cut to that */
	ARG_CODES_MAX = 500
};

struct api_args {
	char store_id[ORDER_SHORT_BYTES];
	unsigned states; /* bits 1 << enum order_state; 0: not said */
	int64_t limit;
	int64_t after_deadline_ms, after_id;
	char number[ORDER_NUMBER_BYTES];
	char picker_id[ORDER_SHORT_BYTES];
	bool take_over;
	int64_t version, line;
	int64_t quantity_milli;
	int64_t weight_g; /* -1: not said */
	char reason[ARG_TEXT_BYTES];
	int64_t bags; /* -1: not said */
	char code[ARG_TEXT_BYTES];
	struct scanned_code *codes; /* owned; their text and unit are set */
	size_t code_count;
	bool has_codes;
	char sku[ORDER_SKU_BYTES];
	int64_t price_minor; /* -1: not said */
	char consent[ORDER_SHORT_BYTES];
};
void api_args_clear(struct api_args *args);

enum {
	ARG_FAULT_TEXT_BYTES = 192
};
struct arg_fault {
	const char *field; /* constant */
	const char *code;  /* constant: missing, malformed */
	char text[ARG_FAULT_TEXT_BYTES];
};
struct arg_faults {
	struct arg_fault all[ARG_MAX_];
	int count;
};

/* Where the fields are. A handheld's journal says for all of its entries who
 * acted, and calls the version by another name. */
struct arg_source {
	const struct json *data;
	const struct json *picker_id; /* NULL: in data */
	const struct json *version;   /* when data has none; NULL: nowhere */
};

/* Read the fields that bits of needs and takes name. *ret_args, the caller's to
 * clear, has the values, or *ret_faults says for each bad field what is wrong
 * with it; *canonical gets a text that is equal for requests that ask for the
 * same. */
void api_args_read(const struct arg_source *source, unsigned needs,
		   unsigned takes, struct api_args *ret_args,
		   struct buf *canonical, struct arg_faults *ret_faults);

/* The text that comes back as `after`. */
enum {
	ARG_AFTER_BYTES = 48
};
const char *api_after_format(int64_t deadline_ms, int64_t id,
			     char text[ARG_AFTER_BYTES]);

#endif
