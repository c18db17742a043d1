/* SPDX-License-Identifier: MIT */
#include "args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "codec/barcode/barcode.h"
#include "codec/decimal.h"
#include "codec/json/json_doc.h"
#include "codec/json/json_out.h"
#include "domain/order/order_actions.h"

/* Reads one value into the args and into the canonical text. 0, or ERR_INVALID
 * with a text that follows the field's name. */
struct arg_row;
typedef int arg_reader(const struct arg_row *row, const struct json *value,
		       struct api_args *args, struct json_out *canonical,
		       struct err *e);

struct arg_row {
	const char *name;
	arg_reader *read;
	size_t offset, size;
	int64_t min, max;
	int digits;
};

static void *target_of(const struct arg_row *row, struct api_args *args)
{
	return (char *)args + row->offset;
}

static int read_text(const struct arg_row *row, const struct json *value,
		     struct api_args *args, struct json_out *canonical,
		     struct err *e)
{
	const char *text = json_text(value);

	if (text == NULL || json_kind(value) == JSON_BOOL)
		return err_set(e, ERR_INVALID, "must be a text");
	if (!text_copy(target_of(row, args), row->size, text))
		return err_set(e, ERR_INVALID, "is longer than %zu bytes",
			       row->size - 1);
	json_put_text(canonical, row->name, text);
	return 0;
}

/* Exact: what a decimal cannot hold is told, not rounded. */
static int read_number(const struct arg_row *row, const struct json *value,
		       struct api_args *args, struct json_out *canonical,
		       struct err *e)
{
	static const char *const decimals[] = {
		" without decimals", " of at most one decimal",
		" of at most two decimals", " of at most three decimals"};
	const char *text = json_text(value);
	int64_t number = 0;

	if (text == NULL || decimal_parse(text, row->digits, &number, NULL) < 0)
		return err_set(e, ERR_INVALID, "must be a number%s",
			       decimals[row->digits]);
	if (number < row->min || number > row->max)
		return err_set(e, ERR_INVALID, "is out of range");
	memcpy(target_of(row, args), &number, sizeof(number));
	json_put_decimal(canonical, row->name, number, row->digits);
	return 0;
}

static int read_limit(const struct arg_row *row, const struct json *value,
		      struct api_args *args, struct json_out *canonical,
		      struct err *e)
{
	int rc = read_number(row, value, args, canonical, e);

	args->limit = MIN_OF(args->limit, (int64_t)ARG_PAGE_MAX);
	return rc;
}

static int read_bool(const struct arg_row *row, const struct json *value,
		     struct api_args *args, struct json_out *canonical,
		     struct err *e)
{
	bool *target = target_of(row, args);

	if (json_kind(value) != JSON_BOOL)
		return err_set(e, ERR_INVALID, "must be true or false");
	*target = strcmp(json_text(value), "true") == 0;
	json_put_bool(canonical, row->name, *target);
	return 0;
}

static int read_states(const struct arg_row *row, const struct json *value,
		       struct api_args *args, struct json_out *canonical,
		       struct err *e)
{
	if (json_kind(value) != JSON_ARRAY)
		return err_set(e, ERR_INVALID, "must be a list");
	for (const struct json *v = json_first(value); v != NULL;
	     v = json_next(v)) {
		const char *name = json_text(v);
		enum order_state state =
			order_state_from_name(name != NULL ? name : "");

		if (state == ORDER_NONE)
			return err_set(e, ERR_INVALID,
				       "has something that is no state");
		args->states |= 1U << state;
	}
	json_put_i64(canonical, row->name, args->states);
	return 0;
}

const char *api_after_format(int64_t deadline_ms, int64_t id,
			     char text[ARG_AFTER_BYTES])
{
	(void)snprintf(text, ARG_AFTER_BYTES, "%lld-%lld",
		       (long long)deadline_ms, (long long)id);
	return text;
}

static int read_after(const struct arg_row *row, const struct json *value,
		      struct api_args *args, struct json_out *canonical,
		      struct err *e)
{
	const char *given = json_text(value);
	char text[ARG_AFTER_BYTES];
	char *dash;

	if (given == NULL || !text_copy(text, sizeof(text), given))
		return err_set(e, ERR_INVALID, "is not the `next` of a page");
	dash = strchr(text, '-');
	if (dash == NULL)
		return err_set(e, ERR_INVALID, "is not the `next` of a page");
	*dash = '\0';
	if (text_to_i64(text, 0, INT64_MAX, &args->after_deadline_ms, NULL) <
		    0 ||
	    text_to_i64(dash + 1, 0, INT64_MAX, &args->after_id, NULL) < 0)
		return err_set(e, ERR_INVALID, "is not the `next` of a page");
	json_put_text(canonical, row->name, given);
	return 0;
}

/* One code into the next place of args->codes. */
static int read_code(const struct json *value, struct api_args *args,
		     struct err *e)
{
	struct scanned_code *code = &args->codes[args->code_count];
	const char *text = json_text(value);
	const char *reason = NULL;
	struct barcode barcode;

	if (text == NULL)
		return err_set(e, ERR_INVALID, "has something that is no text");
	if (barcode_read(text, NULL, 0, &barcode, &reason, e) < 0)
		return err_wrap(e, ERR_INVALID, "has a bad code");
	if (barcode.marking[0] == '\0' ||
	    !text_copy(code->unit, sizeof(code->unit), barcode.unit) ||
	    !text_copy(code->code, sizeof(code->code), barcode.marking))
		return err_set(e, ERR_INVALID,
			       "has something that is no marking code");
	args->code_count++;
	return 0;
}

static int read_codes(const struct arg_row *row, const struct json *value,
		      struct api_args *args, struct json_out *canonical,
		      struct err *e)
{
	size_t count = json_count(value);
	int rc = 0;

	if (json_kind(value) != JSON_ARRAY)
		return err_set(e, ERR_INVALID, "must be a list");
	if (count > ARG_CODES_MAX)
		return err_set(e, ERR_INVALID, "has more than %d codes",
			       ARG_CODES_MAX);
	args->codes = calloc(count + 1, sizeof(*args->codes));
	if (args->codes == NULL)
		return err_set(e, ERR_INVALID, "has no room in memory");
	args->has_codes = true;
	json_array(canonical, row->name);
	for (const struct json *v = json_first(value); v != NULL && rc == 0;
	     v = json_next(v)) {
		rc = read_code(v, args, e);
		json_put_text_or_null(canonical, NULL, json_text(v));
	}
	json_end(canonical);
	return rc;
}

/* true is consent; so is a text that says how it was given. */
static int read_consent(const struct arg_row *row, const struct json *value,
			struct api_args *args, struct json_out *canonical,
			struct err *e)
{
	const char *text = json_text(value);

	if (json_kind(value) != JSON_BOOL)
		return read_text(row, value, args, canonical, e);
	if (strcmp(text, "true") == 0)
		(void)text_copy(args->consent, sizeof(args->consent), "yes");
	json_put_text(canonical, row->name, args->consent);
	return 0;
}

/* Its entries are read by whoever replays them. */
static int read_actions(const struct arg_row *row, const struct json *value,
			struct api_args *args, struct json_out *canonical,
			struct err *e)
{
	(void)args;
	if (json_kind(value) != JSON_ARRAY)
		return err_set(e, ERR_INVALID, "must be a list");
	json_put_i64(canonical, row->name, (int64_t)json_count(value));
	return 0;
}

#define TEXT(name, member)                                              \
	{                                                               \
		name, read_text, offsetof(struct api_args, member),     \
			sizeof(((struct api_args *)0)->member), 0, 0, 0 \
	}
#define NUMBER(name, read, member, min, max, digits)                      \
	{                                                                 \
		name, read, offsetof(struct api_args, member),            \
			sizeof(((struct api_args *)0)->member), min, max, \
			digits                                            \
	}
#define OTHER(name, read, member)                                         \
	{                                                                 \
		name, read, offsetof(struct api_args, member), 0, 0, 0, 0 \
	}

/* A picked quantity and weight have the limits of ordered ones. */
#define QUANTITY_MAX_MILLI INT64_C(1000000000)
#define WEIGHT_MAX_G INT64_C(1000000000)
#define PRICE_MAX_MINOR INT64_C(1000000000)

static const struct arg_row rows[ARG_MAX_] = {
	[ARG_STORE_ID] = TEXT("storeId", store_id),
	[ARG_STATES] = OTHER("states", read_states, states),
	[ARG_LIMIT] = NUMBER("limit", read_limit, limit, 1, INT32_MAX, 0),
	[ARG_AFTER] = OTHER("after", read_after, after_id),
	[ARG_NUMBER] = TEXT("number", number),
	[ARG_PICKER_ID] = TEXT("pickerId", picker_id),
	[ARG_TAKE_OVER] = OTHER("takeOver", read_bool, take_over),
	[ARG_VERSION] =
		NUMBER("version", read_number, version, 0, INT64_MAX, 0),
	[ARG_LINE] = NUMBER("line", read_number, line, 0, INT32_MAX, 0),
	[ARG_QUANTITY] = NUMBER("quantity", read_number, quantity_milli, 0,
				QUANTITY_MAX_MILLI, QUANTITY_DIGITS),
	[ARG_WEIGHT] = NUMBER("weight", read_number, weight_g, 0, WEIGHT_MAX_G,
			      WEIGHT_DIGITS),
	[ARG_MARKING_CODES] = OTHER("markingCodes", read_codes, codes),
	[ARG_REASON] = TEXT("reason", reason),
	[ARG_BAGS] = NUMBER("bags", read_number, bags, 0, ORDER_BAGS_MAX, 0),
	[ARG_CODE] = TEXT("code", code),
	[ARG_SKU] = TEXT("sku", sku),
	[ARG_PRICE] = NUMBER("price", read_number, price_minor, 0,
			     PRICE_MAX_MINOR, MONEY_DIGITS),
	[ARG_CONSENT] = {"consent", read_consent,
			 offsetof(struct api_args, consent), ORDER_SHORT_BYTES,
			 0, 0, 0},
	[ARG_ACTIONS] = OTHER("actions", read_actions, codes),
};

/* Missing, null and "" say nothing. */
static bool is_there(const struct json *value)
{
	const char *text = json_text(value);

	return json_kind(value) != JSON_NONE && json_kind(value) != JSON_NULL &&
	       !(text != NULL && text[0] == '\0');
}

static void add_fault(struct arg_faults *faults, const struct arg_row *row,
		      const char *code, const char *text)
{
	struct arg_fault *fault = &faults->all[faults->count++];

	fault->field = row->name;
	fault->code = code;
	(void)snprintf(fault->text, sizeof(fault->text), "%s %.150s", row->name,
		       text);
}

void api_args_clear(struct api_args *args)
{
	free(args->codes);
	args->codes = NULL;
	args->code_count = 0;
}

static const struct json *find(const struct arg_source *source, int arg)
{
	const struct json *value = json_get(source->data, rows[arg].name);

	if (arg == ARG_PICKER_ID && source->picker_id != NULL)
		return source->picker_id;
	if (arg == ARG_VERSION && !is_there(value))
		return source->version;
	return value;
}

void api_args_read(const struct arg_source *source, unsigned needs,
		   unsigned takes, struct api_args *ret_args,
		   struct buf *canonical, struct arg_faults *ret_faults)
{
	struct json_out out = json_out_to(canonical);

	*ret_args = (struct api_args){.limit = ARG_PAGE_DEFAULT,
				      .quantity_milli = -1,
				      .weight_g = -1,
				      .bags = -1,
				      .price_minor = -1};
	ret_faults->count = 0;
	json_object(&out, NULL);
	for (int i = 0; i < ARG_MAX_; i++) {
		const struct json *value = find(source, i);
		struct err e = {0};

		if (((needs | takes) & ARG_BIT(i)) == 0)
			continue;
		if (!is_there(value)) {
			if ((needs & ARG_BIT(i)) != 0)
				add_fault(ret_faults, &rows[i], "missing",
					  "is missing");
			continue;
		}
		if (rows[i].read(&rows[i], value, ret_args, &out, &e) < 0)
			add_fault(ret_faults, &rows[i], "malformed", e.text);
	}
	json_end(&out);
}
