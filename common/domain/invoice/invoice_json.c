/* SPDX-License-Identifier: MIT
 *
 * invoice_json.c - a document as JSON (docs/formats/invoice.md) and back.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "codec/decimal.h"
#include "codec/json/json_doc.h"
#include "codec/json/json_out.h"
#include "codec/time/timestamp.h"
#include "domain/invoice/invoice_private.h"
#include "domain/invoice/vat.h"

static void put_rate(struct json_out *out, const char *key, int vat_percent)
{
	if (vat_percent == VAT_NONE)
		json_put_text(out, key, "none");
	else
		json_put_i64(out, key, vat_percent);
}

static void put_amounts(struct json_out *out, const char *key,
			const struct invoice_amounts *a)
{
	json_object(out, key);
	json_put_decimal(out, "quantity", a->qty_milli, QUANTITY_DIGITS);
	if (a->weight_g >= 0)
		json_put_i64(out, "weight", a->weight_g);
	json_put_money(out, "amount", a->amount_minor);
	json_put_money(out, "vat", a->vat_minor);
	json_end(out);
}

static void put_codes(struct json_out *out, const struct invoice *invoice,
		      int line_no)
{
	bool begun = false;

	for (size_t i = 0; i < invoice->code_count; i++) {
		if (invoice->codes[i].line_no != line_no)
			continue;
		if (!begun)
			json_array(out, "codes");
		begun = true;
		json_put_text(out, NULL, invoice->codes[i].unit);
	}
	if (begun)
		json_end(out);
}

static void put_line(struct json_out *out, const struct invoice *invoice,
		     const struct invoice_line *l)
{
	json_object(out, NULL);
	json_put_i64(out, "line", l->line_no);
	json_put_text(out, "sku", l->sku);
	json_put_text(out, "name", l->name);
	json_put_decimal(out, "quantity", l->is.qty_milli, QUANTITY_DIGITS);
	if (l->is.weight_g >= 0 || l->before.weight_g > 0)
		json_put_i64(out, "weight", l->is.weight_g);
	json_put_money(out, "price", l->price_minor);
	json_put_money(out, "amount", l->is.amount_minor);
	put_rate(out, "vatRate", l->vat_percent);
	json_put_money(out, "vat", l->is.vat_minor);
	if (l->discount_minor != 0)
		json_put_money(out, "discount", l->discount_minor);
	if (invoice->kind != INVOICE_SALE) {
		put_amounts(out, "before", &l->before);
		put_amounts(out, "after", &l->after);
	}
	put_codes(out, invoice, l->line_no);
	json_end(out);
}

static void put_party(struct json_out *out, const char *key,
		      const struct invoice_party *party)
{
	json_object(out, key);
	json_put_text(out, "name", party->name);
	json_put_text(out, "inn", party->inn);
	json_put_text(out, "kpp", party->kpp);
	json_put_text(out, "address", party->address);
	json_end(out);
}

static void put_original(struct json_out *out, const struct invoice *invoice)
{
	json_object(out, "original");
	json_put_text(out, "series", invoice->of_series);
	json_put_i64(out, "number", invoice->of_number);
	json_put_text(out, "date", invoice->of_date);
	json_end(out);
	json_put_text(out, "reason", invoice->reason);
}

static void put_head(struct json_out *out, const struct invoice *invoice)
{
	json_put_text(out, "kind", invoice_kind_name(invoice->kind));
	json_put_text(out, "series", invoice->series);
	json_put_i64(out, "number", invoice->number);
	json_put_i64(out, "revision", invoice->revision);
	json_put_text(out, "date", invoice->date);
	json_put_text(out, "shipmentDate", invoice->shipment_date);
	json_put_text(out, "scheme", invoice_scheme_name(invoice->scheme));
	json_put_time(out, "madeAt", invoice->made_ms);
	json_object(out, "order");
	json_put_text(out, "number", invoice->order_number);
	json_put_text(out, "channel", invoice->channel);
	json_put_text(out, "externalId", invoice->external_id);
	json_put_text(out, "storeId", invoice->store_id);
	json_put_time(out, "deliveredAt", invoice->delivered_ms);
	json_end(out);
	put_party(out, "seller", &invoice->seller);
	put_party(out, "buyer", &invoice->buyer);
	if (invoice->kind != INVOICE_SALE)
		put_original(out, invoice);
}

int invoice_write(const struct invoice *invoice, struct buf *buf, struct err *e)
{
	struct invoice_rate rates[INVOICE_RATES_MAX];
	size_t rate_count = invoice_rates(invoice, rates);
	struct json_out out = json_out_to(buf);

	json_object(&out, NULL);
	put_head(&out, invoice);
	json_array(&out, "lines");
	for (size_t i = 0; i < invoice->line_count; i++)
		put_line(&out, invoice, &invoice->lines[i]);
	json_end(&out);
	json_array(&out, "vatByRate");
	for (size_t i = 0; i < rate_count; i++) {
		json_object(&out, NULL);
		put_rate(&out, "rate", rates[i].vat_percent);
		json_put_money(&out, "amount", rates[i].amount_minor);
		json_put_money(&out, "vat", rates[i].vat_minor);
		json_end(&out);
	}
	json_end(&out);
	json_put_money(&out, "discount", invoice->discount_minor);
	json_put_money(&out, "total", invoice->total_minor);
	json_put_money(&out, "vat", invoice->vat_minor);
	json_end(&out);
	return json_out_finish(&out, e);
}

static int get(const struct json *object, const char *key, int digits,
	       int64_t *ret_value, struct err *e)
{
	int rc = json_get_decimal(object, key, digits, ret_value, e);

	return rc < 0 ? rc : 0;
}

static int get_amounts(const struct json *object, struct invoice_amounts *to,
		       struct err *e)
{
	int rc = get(object, "quantity", QUANTITY_DIGITS, &to->qty_milli, e);

	to->weight_g = -1;
	if (rc == 0)
		rc = get(object, "weight", WEIGHT_DIGITS, &to->weight_g, e);
	if (rc == 0)
		rc = get(object, "amount", MONEY_DIGITS, &to->amount_minor, e);
	if (rc == 0)
		rc = get(object, "vat", MONEY_DIGITS, &to->vat_minor, e);
	return rc;
}

static int get_rate(const struct json *object, int *ret_percent, struct err *e)
{
	int64_t percent = 0;
	int rc;

	if (strcmp(json_get_text(object, "vatRate"), "none") == 0) {
		*ret_percent = VAT_NONE;
		return 0;
	}
	rc = get(object, "vatRate", 0, &percent, e);
	*ret_percent = (int)percent;
	return rc;
}

static int get_line(const struct json *object, struct invoice *invoice,
		    struct err *e)
{
	struct invoice_line *to = &invoice->lines[invoice->line_count++];
	const struct json *code = json_first(json_get(object, "codes"));
	int64_t line_no = 0;
	int rc = get(object, "line", 0, &line_no, e);

	to->line_no = (int)line_no;
	for (; code != NULL; code = json_next(code)) {
		struct invoice_code *at = &invoice->codes[invoice->code_count];

		at->line_no = to->line_no;
		(void)text_copy(at->unit, sizeof(at->unit), json_text(code));
		invoice->code_count++;
	}
	(void)text_copy(to->sku, sizeof(to->sku), json_get_text(object, "sku"));
	(void)text_copy(to->name, sizeof(to->name),
			json_get_text(object, "name"));
	if (rc == 0)
		rc = get(object, "price", MONEY_DIGITS, &to->price_minor, e);
	if (rc == 0)
		rc = get(object, "discount", MONEY_DIGITS, &to->discount_minor,
			 e);
	if (rc == 0)
		rc = get_rate(object, &to->vat_percent, e);
	if (rc == 0)
		rc = get_amounts(object, &to->is, e);
	if (rc == 0 && invoice->kind != INVOICE_SALE)
		rc = get_amounts(json_get(object, "before"), &to->before, e);
	if (rc == 0 && invoice->kind != INVOICE_SALE)
		rc = get_amounts(json_get(object, "after"), &to->after, e);
	return rc;
}

static int get_lines(const struct json *array, struct invoice *invoice,
		     struct err *e)
{
	const struct json *line;
	size_t codes = 0;
	int rc;

	for (line = json_first(array); line != NULL; line = json_next(line))
		codes += json_count(json_get(line, "codes"));
	rc = invoice_reserve(invoice, json_count(array), codes, e);
	for (line = json_first(array); line != NULL && rc == 0;
	     line = json_next(line))
		rc = get_line(line, invoice, e);
	return rc;
}

static void get_party(const struct json *object, struct invoice_party *to)
{
	(void)text_copy(to->name, sizeof(to->name),
			json_get_text(object, "name"));
	(void)text_copy(to->inn, sizeof(to->inn), json_get_text(object, "inn"));
	(void)text_copy(to->kpp, sizeof(to->kpp), json_get_text(object, "kpp"));
	(void)text_copy(to->address, sizeof(to->address),
			json_get_text(object, "address"));
}

static int get_time(const struct json *object, const char *key,
		    int64_t *ret_wall_ms, struct err *e)
{
	const char *text = json_get_text(object, key);

	return text[0] != '\0' ? timestamp_parse(text, 0, ret_wall_ms, e) : 0;
}

static void get_texts(const struct json *doc, struct invoice *to)
{
	const struct json *order = json_get(doc, "order");
	const struct json *original = json_get(doc, "original");
	const struct {
		char *target;
		size_t bytes;
		const char *text;
	} texts[] = {
#define T(member, object, key) \
	{to->member, sizeof(to->member), json_get_text(object, key)}
		T(series, doc, "series"),
		T(date, doc, "date"),
		T(shipment_date, doc, "shipmentDate"),
		T(reason, doc, "reason"),
		T(order_number, order, "number"),
		T(channel, order, "channel"),
		T(external_id, order, "externalId"),
		T(store_id, order, "storeId"),
		T(of_series, original, "series"),
		T(of_date, original, "date"),
#undef T
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		(void)text_copy(texts[i].target, texts[i].bytes, texts[i].text);
	get_party(json_get(doc, "seller"), &to->seller);
	get_party(json_get(doc, "buyer"), &to->buyer);
	/* Documents of the first version bear one date only. */
	if (to->shipment_date[0] == '\0')
		(void)text_copy(to->shipment_date, sizeof(to->shipment_date),
				to->date);
}

static int get_head(const struct json *doc, struct invoice *to, struct err *e)
{
	int rc;

	to->kind = invoice_kind_from_name(json_get_text(doc, "kind"));
	to->scheme = invoice_scheme_from_name(json_get_text(doc, "scheme"));
	if (to->scheme == INVOICE_SCHEME_NONE)
		to->scheme = INVOICE_DIRECT;
	to->revision = 1;
	get_texts(doc, to);
	if (to->kind == INVOICE_KIND_NONE || to->series[0] == '\0')
		return err_set(e, ERR_INVALID, "this is not a document");
	rc = get(doc, "number", 0, &to->number, e);
	if (rc == 0)
		rc = get(doc, "revision", 0, &to->revision, e);
	if (rc == 0)
		rc = get(json_get(doc, "original"), "number", 0, &to->of_number,
			 e);
	if (rc == 0)
		rc = get_time(doc, "madeAt", &to->made_ms, e);
	if (rc == 0)
		rc = get_time(json_get(doc, "order"), "deliveredAt",
			      &to->delivered_ms, e);
	return rc;
}

int invoice_read(const char *body, size_t bytes, struct invoice *ret_invoice,
		 struct err *e)
{
	CLEANUP(invoice_clear) struct invoice invoice = {0};
	CLEANUP_JSON struct json *doc = NULL;
	int rc = json_doc_parse(body, bytes, &doc, e);

	if (rc == 0)
		rc = get_head(doc, &invoice, e);
	if (rc == 0)
		rc = get_lines(json_get(doc, "lines"), &invoice, e);
	if (rc == 0)
		rc = get(doc, "total", MONEY_DIGITS, &invoice.total_minor, e);
	if (rc == 0)
		rc = get(doc, "vat", MONEY_DIGITS, &invoice.vat_minor, e);
	if (rc == 0)
		rc = get(doc, "discount", MONEY_DIGITS, &invoice.discount_minor,
			 e);
	if (rc < 0)
		return rc;
	*ret_invoice = invoice;
	invoice = (struct invoice){0};
	return 0;
}
