/* SPDX-License-Identifier: MIT
 *
 * form_csv.c - a row per line of a document, for spreadsheets: UTF-8 with a
 * byte order mark, semicolons, CR LF (RFC 4180).
 */
#include "codec/csv/csv_out.h"
#include "codec/decimal.h"
#include "document/form/form.h"
#include "domain/invoice/vat.h"

enum {
	CHANGE_COLUMNS = 6,
	KILOGRAM_DIGITS = 3 /* of grams */
};

static const char head[] =
	"\xEF\xBB\xBF"
	"kind;document;series;number;date;shipment_date;scheme;order;"
	"external_id;channel;store;line;sku;name;quantity;weight_kg;price;"
	"discount;amount;vat_rate;vat;net;before_quantity;before_amount;"
	"after_quantity;after_amount;original;reason\r\n";

static int begin(struct form_run *run, struct err *e)
{
	(void)e;
	buf_add_text(run->out, head);
	return 0;
}

static void put_document(struct csv_out *out, const struct invoice *invoice)
{
	char name[INVOICE_NAME_BYTES];

	invoice_name(invoice->series, invoice->number, name);
	csv_put(out, invoice_kind_name(invoice->kind));
	csv_put(out, name);
	csv_put(out, invoice->series);
	csv_put_i64(out, invoice->number);
	csv_put(out, invoice->date);
	csv_put(out, invoice->shipment_date);
	csv_put(out, invoice_scheme_name(invoice->scheme));
	csv_put(out, invoice->order_number);
	csv_put(out, invoice->external_id);
	csv_put(out, invoice->channel);
	csv_put(out, invoice->store_id);
}

/* The columns that only later documents fill. */
static void put_change(struct csv_out *out, const struct invoice *invoice,
		       const struct invoice_line *line)
{
	char original[INVOICE_NAME_BYTES];

	if (invoice->kind == INVOICE_SALE) {
		for (int i = 0; i < CHANGE_COLUMNS; i++)
			csv_put(out, "");
		return;
	}
	csv_put_decimal(out, line->before.qty_milli, QUANTITY_DIGITS);
	csv_put_decimal(out, line->before.amount_minor, MONEY_DIGITS);
	csv_put_decimal(out, line->after.qty_milli, QUANTITY_DIGITS);
	csv_put_decimal(out, line->after.amount_minor, MONEY_DIGITS);
	invoice_name(invoice->of_series, invoice->of_number, original);
	csv_put(out, original);
	csv_put(out, invoice->reason);
}

static void put_line(struct csv_out *out, const struct invoice *invoice,
		     const struct invoice_line *line)
{
	put_document(out, invoice);
	csv_put_i64(out, line->line_no);
	csv_put(out, line->sku);
	csv_put(out, line->name);
	csv_put_decimal(out, line->is.qty_milli, QUANTITY_DIGITS);
	if (form_is_weighed(line))
		csv_put_decimal(out, line->is.weight_g, KILOGRAM_DIGITS);
	else
		csv_put(out, "");
	csv_put_decimal(out, line->price_minor, MONEY_DIGITS);
	csv_put_decimal(out, line->discount_minor, MONEY_DIGITS);
	csv_put_decimal(out, line->is.amount_minor, MONEY_DIGITS);
	if (line->vat_percent == VAT_NONE)
		csv_put(out, "none");
	else
		csv_put_i64(out, line->vat_percent);
	csv_put_decimal(out, line->is.vat_minor, MONEY_DIGITS);
	csv_put_decimal(out, line->is.amount_minor - line->is.vat_minor,
			MONEY_DIGITS);
	put_change(out, invoice, line);
	csv_end(out);
}

static int add(struct form_run *run, const struct invoice *invoice,
	       const char *body, struct err *e)
{
	struct csv_out out = csv_out_to(run->out, ';');

	(void)body;
	(void)e;
	out.decimal_comma = run->options->decimal_comma;
	for (size_t i = 0; i < invoice->line_count; i++)
		put_line(&out, invoice, &invoice->lines[i]);
	return 0;
}

const struct form form_csv = {
	.name = "csv",
	.extension = "csv",
	.begin = begin,
	.add = add,
};
