/* SPDX-License-Identifier: MIT
 *
 * invoice_build.c - from an order to its sale.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "codec/decimal.h"
#include "domain/invoice/invoice_private.h"
#include "domain/invoice/vat.h"

int invoice_reserve(struct invoice *invoice, size_t lines, size_t codes,
		    struct err *e)
{
	invoice->lines = calloc(lines + 1, sizeof(*invoice->lines));
	invoice->codes = calloc(codes + 1, sizeof(*invoice->codes));
	if (invoice->lines != NULL && invoice->codes != NULL)
		return 0;
	return err_set(e, ERR_NOMEM, "invoice: out of memory");
}

int invoice_count(struct invoice *invoice, const struct invoice_line *line,
		  struct err *e)
{
	int rc = decimal_add(invoice->total_minor, line->is.amount_minor,
			     &invoice->total_minor, e);

	if (rc == 0)
		rc = decimal_add(invoice->vat_minor, line->is.vat_minor,
				 &invoice->vat_minor, e);
	if (rc == 0)
		rc = decimal_add(invoice->discount_minor, line->discount_minor,
				 &invoice->discount_minor, e);
	return rc;
}

/* The final quantity as the marketplace was told it (order.ready_for_delivery):
 * the buyer pays for that, whatever else became of the line. */
static bool is_handed_over(const struct order_line *line)
{
	return line->state != LINE_REMOVED && line->qty_picked_milli > 0;
}

static bool is_weighed(const struct order_line *line)
{
	return line->weight_g > 0 && line->weight_picked_g >= 0;
}

/* Price times what was handed over: by weight where the line has one, because
 * the price of a weighed line is that of its ordered weight. */
static int line_amount(const struct order_line *line, int64_t price_minor,
		       int64_t *ret_minor, struct err *e)
{
	int64_t full_minor = 0;
	int rc;

	if (!is_weighed(line))
		return decimal_mul_div(price_minor, line->qty_picked_milli,
				       1000, ret_minor, e);
	/* One rounding only: price * quantity is whole in thousandths. */
	rc = decimal_mul_div(price_minor, line->qty_milli, 1, &full_minor, e);
	if (rc < 0)
		return rc;
	return decimal_mul_div(full_minor, line->weight_picked_g,
			       line->weight_g * 1000, ret_minor, e);
}

/* What the line would have cost more without the marketplace's discount. */
static int line_discount(const struct order_line *line, int64_t amount_minor,
			 int64_t *ret_minor, struct err *e)
{
	int64_t full_minor = 0;
	int rc;

	*ret_minor = 0;
	if (line->price_minor <= line->discount_price_minor)
		return 0;
	rc = line_amount(line, line->price_minor, &full_minor, e);
	if (rc == 0)
		*ret_minor = full_minor - amount_minor;
	return rc;
}

static const char *vat_code(const struct order *order,
			    const struct order_line *line,
			    const struct invoice_terms *terms)
{
	const char *code = terms->line_vat != NULL
				   ? terms->line_vat[line - order->lines].text
				   : "";

	return code[0] != '\0' ? code : terms->default_vat;
}

static int check_line(const struct order_line *line, const char *code,
		      struct err *e)
{
	if (line->discount_price_minor <= 0)
		return err_set(e, ERR_INVALID, "line %d (%s) has no price",
			       line->line_no, line->sku);
	if (code[0] == '\0')
		return err_set(e, ERR_INVALID,
			       "line %d (%s) has no VAT rate: import it with "
			       "the catalogue, or set invoicing.default_vat",
			       line->line_no, line->sku);
	return 0;
}

static int add_line(struct invoice *invoice, const struct order_line *line,
		    const char *code, struct err *e)
{
	struct invoice_line *to = &invoice->lines[invoice->line_count];
	int rc = check_line(line, code, e);

	if (rc == 0)
		rc = vat_percent(code, invoice->shipment_date, &to->vat_percent,
				 e);
	if (rc == 0)
		rc = line_amount(line, line->discount_price_minor,
				 &to->is.amount_minor, e);
	if (rc == 0)
		rc = line_discount(line, to->is.amount_minor,
				   &to->discount_minor, e);
	if (rc < 0)
		return rc;
	to->line_no = line->line_no;
	(void)text_copy(to->sku, sizeof(to->sku), line->sku);
	(void)text_copy(to->name, sizeof(to->name), line->name);
	to->price_minor = line->discount_price_minor;
	to->is.qty_milli = line->qty_picked_milli;
	to->is.weight_g = is_weighed(line) ? line->weight_picked_g : -1;
	to->is.vat_minor =
		vat_included_minor(to->is.amount_minor, to->vat_percent);
	invoice->line_count++;
	return invoice_count(invoice, to, e);
}

static void add_codes(struct invoice *invoice, const struct order *order,
		      int line_no)
{
	for (size_t i = 0; i < order->code_count; i++) {
		struct invoice_code *to = &invoice->codes[invoice->code_count];

		if (order->codes[i].line_no != line_no)
			continue;
		to->line_no = line_no;
		(void)text_copy(to->unit, sizeof(to->unit),
				order->codes[i].unit);
		invoice->code_count++;
	}
}

static int add_lines(struct invoice *invoice, const struct order *order,
		     const struct invoice_terms *terms, struct err *e)
{
	for (size_t i = 0; i < order->line_count; i++) {
		const struct order_line *line = &order->lines[i];
		int rc;

		if (!is_handed_over(line))
			continue;
		rc = add_line(invoice, line, vat_code(order, line, terms), e);
		if (rc < 0)
			return rc;
		add_codes(invoice, order, line->line_no);
	}
	return 0;
}

/* Positions and total come in one message of the marketplace. When they do not
 * fit together, one of them is not what the buyer paid. */
static int check_total(const struct order *order, int64_t tolerance_minor,
		       struct err *e)
{
	int64_t sum_minor = 0;
	int64_t said_minor = order->terms.discount_total_minor;
	char sum[DECIMAL_TEXT_BYTES];
	char said[DECIMAL_TEXT_BYTES];

	if (tolerance_minor < 0 || said_minor <= 0)
		return 0;
	for (size_t i = 0; i < order->line_count; i++) {
		const struct order_line *line = &order->lines[i];
		int rc = 0;

		if (line->state != LINE_REMOVED && line->replaces == 0)
			rc = decimal_add(sum_minor, line->discount_total_minor,
					 &sum_minor, e);
		if (rc < 0)
			return rc;
	}
	if (llabs(sum_minor - said_minor) <= tolerance_minor)
		return 0;
	return err_set(e, ERR_INVALID,
		       "the positions make %s, the marketplace's total is %s",
		       decimal_format(sum_minor, MONEY_DIGITS, sum),
		       decimal_format(said_minor, MONEY_DIGITS, said));
}

static void set_head(struct invoice *invoice, const struct order *order,
		     const struct invoice_terms *terms)
{
	invoice->kind = INVOICE_SALE;
	invoice->scheme = terms->scheme != INVOICE_SCHEME_NONE ? terms->scheme
							       : INVOICE_DIRECT;
	invoice->revision = 1;
	(void)text_copy(invoice->series, sizeof(invoice->series),
			terms->series);
	(void)text_copy(invoice->date, sizeof(invoice->date),
			terms->business_date);
	(void)text_copy(invoice->shipment_date, sizeof(invoice->shipment_date),
			terms->shipment_date != NULL ? terms->shipment_date
						     : terms->business_date);
	invoice->delivered_ms = order->delivered_ms;
	(void)text_copy(invoice->order_number, sizeof(invoice->order_number),
			order->number);
	(void)text_copy(invoice->channel, sizeof(invoice->channel),
			order->channel);
	(void)text_copy(invoice->external_id, sizeof(invoice->external_id),
			order->external_id);
	(void)text_copy(invoice->store_id, sizeof(invoice->store_id),
			order->terms.store_id);
	invoice->seller = terms->seller;
	invoice->buyer = terms->buyer;
}

int invoice_build(const struct order *order, const struct invoice_terms *terms,
		  struct invoice *ret_invoice, struct err *e)
{
	CLEANUP(invoice_clear) struct invoice invoice = {0};
	int rc = invoice_reserve(&invoice, order->line_count, order->code_count,
				 e);

	if (rc < 0)
		return rc;
	set_head(&invoice, order, terms);
	rc = add_lines(&invoice, order, terms, e);
	if (rc < 0 || invoice.line_count == 0)
		return rc;
	rc = check_total(order, terms->tolerance_minor, e);
	if (rc < 0)
		return rc;
	*ret_invoice = invoice;
	invoice = (struct invoice){0};
	return 1;
}
