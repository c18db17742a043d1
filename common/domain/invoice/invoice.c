/* SPDX-License-Identifier: MIT */
#include "domain/invoice/invoice.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "codec/decimal.h"
#include "codec/json/json_out.h"
#include "domain/invoice/vat.h"

void invoice_clear(struct invoice *invoice)
{
	free(invoice->lines);
	*invoice = (struct invoice){0};
}

/* The final quantity as the marketplace was told it (order.ready_for_delivery):
 * the buyer pays for that, whatever else became of the line. */
static bool is_handed_over(const struct order_line *line)
{
	return line->state != LINE_REMOVED && line->qty_picked_milli > 0;
}

/* Price times what was handed over: by weight where the line has one, because
 * the price of a weighed line is that of its ordered weight. */
static int line_amount(const struct order_line *line, int64_t *ret_minor,
		       struct err *e)
{
	int64_t full_minor = 0;
	int rc;

	if (line->weight_g <= 0 || line->weight_picked_g < 0)
		return decimal_mul_div(line->discount_price_minor,
				       line->qty_picked_milli, 1000, ret_minor,
				       e);
	/* One rounding only: price * quantity is whole in thousandths. */
	rc = decimal_mul_div(line->discount_price_minor, line->qty_milli, 1,
			     &full_minor, e);
	if (rc < 0)
		return rc;
	return decimal_mul_div(full_minor, line->weight_picked_g,
			       line->weight_g * 1000, ret_minor, e);
}

static const char *vat_code(const struct order *order,
			    const struct order_line *line,
			    const struct invoice_terms *terms)
{
	const char *code = terms->line_vat != NULL
				   ? terms->line_vat[line - order->lines]
				   : "";

	return code[0] != '\0' ? code : terms->default_vat;
}

static int add_line(struct invoice *invoice, const struct order *order,
		    const struct order_line *line,
		    const struct invoice_terms *terms, struct err *e)
{
	const char *code = vat_code(order, line, terms);
	struct invoice_line *to = &invoice->lines[invoice->line_count];
	int rc;

	if (line->discount_price_minor <= 0)
		return err_set(e, ERR_INVALID, "line %d (%s) has no price",
			       line->line_no, line->sku);
	if (code[0] == '\0')
		return err_set(e, ERR_INVALID,
			       "line %d (%s) has no VAT rate: import it with "
			       "the catalogue, or set invoicing.default_vat",
			       line->line_no, line->sku);
	to->line = line;
	to->qty_milli = line->qty_picked_milli;
	rc = vat_percent(code, terms->business_date, &to->vat_percent, e);
	if (rc == 0)
		rc = line_amount(line, &to->amount_minor, e);
	if (rc < 0)
		return rc;
	to->vat_minor = vat_included_minor(to->amount_minor, to->vat_percent);
	invoice->line_count++;
	rc = decimal_add(invoice->total_minor, to->amount_minor,
			 &invoice->total_minor, e);
	if (rc < 0)
		return rc;
	return decimal_add(invoice->vat_minor, to->vat_minor,
			   &invoice->vat_minor, e);
}

int invoice_build(const struct order *order, const struct invoice_terms *terms,
		  struct invoice *ret_invoice, struct err *e)
{
	CLEANUP(invoice_clear) struct invoice invoice = {0};

	invoice.lines = calloc(order->line_count + 1, sizeof(*invoice.lines));
	if (invoice.lines == NULL)
		return err_set(e, ERR_NOMEM, "invoice: out of memory");
	for (size_t i = 0; i < order->line_count; i++) {
		int rc;

		if (!is_handed_over(&order->lines[i]))
			continue;
		rc = add_line(&invoice, order, &order->lines[i], terms, e);
		if (rc < 0)
			return rc;
	}
	if (invoice.line_count == 0)
		return 0;
	*ret_invoice = invoice;
	invoice = (struct invoice){0};
	return 1;
}

static void put_line(struct json_out *out, const struct invoice_line *l)
{
	json_object(out, NULL);
	json_put_i64(out, "line", l->line->line_no);
	json_put_text(out, "sku", l->line->sku);
	json_put_text(out, "name", l->line->name);
	json_put_decimal(out, "quantity", l->qty_milli, QUANTITY_DIGITS);
	if (l->line->weight_picked_g >= 0 && l->line->weight_g >= 0)
		json_put_i64(out, "weight", l->line->weight_picked_g);
	json_put_money(out, "price", l->line->discount_price_minor);
	json_put_money(out, "amount", l->amount_minor);
	if (l->vat_percent == VAT_NONE)
		json_put_text(out, "vatRate", "none");
	else
		json_put_i64(out, "vatRate", l->vat_percent);
	json_put_money(out, "vat", l->vat_minor);
	json_end(out);
}

int invoice_render(const struct invoice *invoice, const struct order *order,
		   const struct invoice_terms *terms, int64_t number,
		   struct buf *buf, struct err *e)
{
	struct json_out out = json_out_to(buf);

	json_object(&out, NULL);
	json_put_text(&out, "kind", "sale");
	json_put_text(&out, "series", terms->series);
	json_put_i64(&out, "number", number);
	json_put_text(&out, "date", terms->business_date);
	json_object(&out, "order");
	json_put_text(&out, "number", order->number);
	json_put_text(&out, "channel", order->channel);
	json_put_text(&out, "externalId", order->external_id);
	json_put_text(&out, "storeId", order->terms.store_id);
	json_put_time(&out, "deliveredAt", order->delivered_ms);
	json_end(&out);
	json_object(&out, "seller");
	json_put_text(&out, "name", terms->seller_name);
	json_put_text(&out, "inn", terms->seller_inn);
	json_put_text(&out, "kpp", terms->seller_kpp);
	json_end(&out);
	json_array(&out, "lines");
	for (size_t i = 0; i < invoice->line_count; i++)
		put_line(&out, &invoice->lines[i]);
	json_end(&out);
	json_put_money(&out, "total", invoice->total_minor);
	json_put_money(&out, "vat", invoice->vat_minor);
	json_end(&out);
	return json_out_finish(&out, e);
}
