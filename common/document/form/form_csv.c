/* SPDX-License-Identifier: MIT
 *
 * form_csv.c - a row per line of a document, for spreadsheets: UTF-8 with a
 * byte order mark, semicolons, CR LF (RFC 4180).
 */
#include <string.h>

#include "base/macros.h"
#include "codec/decimal.h"
#include "document/form/form.h"
#include "domain/invoice/vat.h"

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

static void put_field(struct buf *out, const char *text)
{
	if (strpbrk(text, ";\"\r\n") == NULL && text[0] != ' ') {
		buf_add_text(out, text);
		return;
	}
	buf_add_char(out, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"')
			buf_add_char(out, '"');
		buf_add_char(out, *text);
	}
	buf_add_char(out, '"');
}

static void put_text(struct buf *out, const char *text)
{
	put_field(out, text);
	buf_add_char(out, ';');
}

static void put_number(struct form_run *run, int64_t value, int digits)
{
	char text[DECIMAL_TEXT_BYTES];
	char *point;

	(void)decimal_format(value, digits, text);
	point = run->options->decimal_comma ? strchr(text, '.') : NULL;
	if (point != NULL)
		*point = ',';
	put_text(run->out, text);
}

static void put_document(struct buf *out, const struct invoice *invoice)
{
	char name[INVOICE_NAME_BYTES];

	invoice_name(invoice->series, invoice->number, name);
	put_text(out, invoice_kind_name(invoice->kind));
	put_text(out, name);
	put_text(out, invoice->series);
	buf_add_i64(out, invoice->number);
	buf_add_char(out, ';');
	put_text(out, invoice->date);
	put_text(out, invoice->shipment_date);
	put_text(out, invoice_scheme_name(invoice->scheme));
	put_text(out, invoice->order_number);
	put_text(out, invoice->external_id);
	put_text(out, invoice->channel);
	put_text(out, invoice->store_id);
}

/* The columns that only later documents fill; the last ends the row. */
static void put_change(struct form_run *run, const struct invoice *invoice,
		       const struct invoice_line *line)
{
	char original[INVOICE_NAME_BYTES];

	if (invoice->kind == INVOICE_SALE) {
		buf_add_text(run->out, ";;;;;\r\n");
		return;
	}
	put_number(run, line->before.qty_milli, QUANTITY_DIGITS);
	put_number(run, line->before.amount_minor, MONEY_DIGITS);
	put_number(run, line->after.qty_milli, QUANTITY_DIGITS);
	put_number(run, line->after.amount_minor, MONEY_DIGITS);
	invoice_name(invoice->of_series, invoice->of_number, original);
	put_text(run->out, original);
	put_field(run->out, invoice->reason);
	buf_add_text(run->out, "\r\n");
}

static void put_line(struct form_run *run, const struct invoice *invoice,
		     const struct invoice_line *line)
{
	put_document(run->out, invoice);
	buf_add_i64(run->out, line->line_no);
	buf_add_char(run->out, ';');
	put_text(run->out, line->sku);
	put_text(run->out, line->name);
	put_number(run, line->is.qty_milli, QUANTITY_DIGITS);
	if (form_is_weighed(line))
		put_number(run, line->is.weight_g, 3); /* kg of grams */
	else
		buf_add_char(run->out, ';');
	put_number(run, line->price_minor, MONEY_DIGITS);
	put_number(run, line->discount_minor, MONEY_DIGITS);
	put_number(run, line->is.amount_minor, MONEY_DIGITS);
	if (line->vat_percent == VAT_NONE)
		put_text(run->out, "none");
	else
		put_number(run, line->vat_percent, 0);
	put_number(run, line->is.vat_minor, MONEY_DIGITS);
	put_number(run, line->is.amount_minor - line->is.vat_minor,
		   MONEY_DIGITS);
	put_change(run, invoice, line);
}

static int add(struct form_run *run, const struct invoice *invoice,
	       const char *body, struct err *e)
{
	(void)body;
	(void)e;
	for (size_t i = 0; i < invoice->line_count; i++)
		put_line(run, invoice, &invoice->lines[i]);
	return 0;
}

const struct form form_csv = {
	.name = "csv",
	.extension = "csv",
	.begin = begin,
	.add = add,
};
