/* SPDX-License-Identifier: MIT
 *
 * form_html.c - a document as a page for a browser or printer: one file, no
 * script, nothing loaded from elsewhere.
 */
#include <stdint.h>

#include "base/macros.h"
#include "codec/decimal.h"
#include "codec/html_out.h"
#include "document/form/form.h"

enum {
	TEXT_POINTS_MAX = 1000
};

static const char style[] =
	"@page{size:A4;margin:12mm}"
	"body{font:13px/1.35 'DejaVu Sans',Arial,sans-serif;color:#111;"
	"max-width:186mm;margin:0 auto;padding:8px}"
	"h1{font-size:19px;margin:0 0 2px}.sub{color:#555;margin:0 0 12px}"
	"dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 12px;"
	"margin:0 0 14px}dt{color:#555}dd{margin:0}"
	"table{border-collapse:collapse;width:100%}thead{display:table-header-"
	"group}tr{break-inside:avoid}"
	"th,td{border:1px solid #bbb;padding:3px 5px;vertical-align:top}"
	"td{overflow-wrap:anywhere}th:nth-child(2){width:40%}"
	"th{background:#f1f1f1;font-weight:600;text-align:left}"
	".n{text-align:right;white-space:nowrap;overflow-wrap:normal}"
	"td.sku{font-size:11px;color:#555;min-width:80px}tfoot "
	"td{font-weight:600}"
	/* else a browser prints the total below every page */
	"tfoot{display:table-row-group}"
	".sign{display:flex;gap:40px;margin-top:32px}"
	".sign div{flex:1;border-top:1px solid #111;padding-top:3px;"
	"color:#555}";

static void put(struct buf *out, const char *text)
{
	html_put(out, text, TEXT_POINTS_MAX);
}

static void put_money(struct buf *out, int64_t minor)
{
	char text[DECIMAL_TEXT_BYTES];

	buf_add_text(out, "<td class=n>");
	buf_add_text(out, decimal_format(minor, MONEY_DIGITS, text));
	buf_add_text(out, "</td>");
}

static void put_quantity(struct buf *out, const struct invoice_line *line,
			 const struct invoice_amounts *amounts)
{
	char text[DECIMAL_TEXT_BYTES];

	buf_add_text(out, "<td class=n>");
	buf_add_text(out,
		     decimal_format_short(form_quantity_milli(line, amounts),
					  QUANTITY_DIGITS, text));
	buf_add_text(out, form_is_weighed(line) ? " кг</td>" : " шт</td>");
}

static void put_fact(struct buf *out, const char *name, const char *value,
		     const char *more, const char *more_value)
{
	if (value[0] == '\0')
		return;
	buf_add_text(out, "<dt>");
	buf_add_text(out, name);
	buf_add_text(out, "</dt><dd>");
	put(out, value);
	if (more_value[0] != '\0') {
		buf_add_text(out, more);
		put(out, more_value);
	}
	buf_add_text(out, "</dd>\n");
}

static void put_head(struct buf *out, const struct invoice *invoice)
{
	char name[INVOICE_NAME_BYTES];
	char date[16];

	invoice_name(invoice->series, invoice->number, name);
	buf_add_text(out, "<!DOCTYPE html>\n<html lang=ru><head><meta "
			  "charset=utf-8><meta name=viewport "
			  "content=\"width=device-width\">\n<title>");
	put(out, form_title(invoice));
	buf_add_text(out, " № ");
	put(out, name);
	buf_add_text(out, "</title>\n<style>");
	buf_add_text(out, style);
	buf_add_text(out, "</style></head><body>\n<h1>");
	put(out, form_title(invoice));
	buf_add_text(out, " № ");
	put(out, name);
	buf_add_text(out, "</h1>\n<p class=sub>от ");
	put(out, form_date(invoice->date, date));
	buf_add_text(out, "</p>\n");
}

static void put_party(struct buf *out, const char *role,
		      const struct invoice_party *party)
{
	const struct {
		const char *before, *value;
	} parts[] = {
		{", ИНН ", party->inn},
		{", КПП ", party->kpp},
		{", ", party->address},
	};

	buf_add_text(out, "<dt>");
	buf_add_text(out, role);
	buf_add_text(out, "</dt><dd>");
	put(out, party->name[0] != '\0' ? party->name : "Розничный покупатель");
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		if (parts[i].value[0] == '\0')
			continue;
		buf_add_text(out, parts[i].before);
		put(out, parts[i].value);
	}
	buf_add_text(out, "</dd>\n");
}

static void put_facts(struct buf *out, const struct invoice *invoice)
{
	struct form_roles roles = form_roles(invoice);
	char original[INVOICE_NAME_BYTES] = "";
	char date[16];

	if (invoice->kind != INVOICE_SALE)
		invoice_name(invoice->of_series, invoice->of_number, original);
	buf_add_text(out, "<dl>");
	put_party(out, roles.seller, &invoice->seller);
	put_party(out, roles.buyer, &invoice->buyer);
	put_fact(out, "Заказ", invoice->external_id, ", № ",
		 invoice->order_number);
	put_fact(out, "Магазин", invoice->store_id, "", "");
	put_fact(out, "Дата отгрузки", form_date(invoice->shipment_date, date),
		 "", "");
	put_fact(out, "К документу", original, " от ",
		 form_date(invoice->of_date, date));
	put_fact(out, "Причина", invoice->reason, "", "");
	buf_add_text(out, "</dl>\n");
}

static void put_line(struct buf *out, const struct invoice *invoice,
		     const struct invoice_line *line, size_t place)
{
	char text[16];

	buf_add_text(out, "<tr><td class=n>");
	buf_add_i64(out, (int64_t)place);
	buf_add_text(out, "</td><td>");
	put(out, line->name[0] != '\0' ? line->name : line->sku);
	buf_add_text(out, "</td><td class=sku>");
	put(out, line->sku);
	buf_add_text(out, "</td>");
	if (invoice->kind != INVOICE_SALE) {
		put_quantity(out, line, &line->before);
		put_quantity(out, line, &line->after);
	}
	put_quantity(out, line, &line->is);
	put_money(out, form_unit_price(line, true, MONEY_DIGITS));
	buf_add_text(out, "<td class=n>");
	buf_add_text(out, form_rate(line->vat_percent, text));
	buf_add_text(out, "</td>");
	put_money(out, line->is.vat_minor);
	put_money(out, line->is.amount_minor);
	buf_add_text(out, "</tr>\n");
}

static void put_table(struct buf *out, const struct invoice *invoice)
{
	bool is_change = invoice->kind != INVOICE_SALE;

	buf_add_text(out, "<table><thead><tr><th class=n>№</th><th>Товар</th>"
			  "<th>Артикул</th>");
	if (is_change)
		buf_add_text(out,
			     "<th class=n>Было</th><th class=n>Стало</th>");
	buf_add_text(out, is_change ? "<th class=n>Изменение</th>"
				    : "<th class=n>Кол-во</th>");
	buf_add_text(out, "<th class=n>Цена</th><th class=n>НДС</th>"
			  "<th class=n>Сумма НДС</th><th class=n>Сумма</th>"
			  "</tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < invoice->line_count; i++)
		put_line(out, invoice, &invoice->lines[i], i + 1);
	buf_printf(out,
		   "</tbody>\n<tfoot><tr><td colspan=%d class=n>Итого</td>",
		   is_change ? 8 : 6);
	put_money(out, invoice->vat_minor);
	put_money(out, invoice->total_minor);
	buf_add_text(out, "</tr></tfoot></table>\n");
}

static void put_change(struct buf *out, const struct invoice *invoice)
{
	char text[DECIMAL_TEXT_BYTES];
	int64_t before_minor;
	int64_t after_minor;

	form_change(invoice, &before_minor, &after_minor);
	buf_add_text(out, "<p>Сумма строк: было ");
	buf_add_text(out, decimal_format(before_minor, MONEY_DIGITS, text));
	buf_add_text(out, ", стало ");
	buf_add_text(out, decimal_format(after_minor, MONEY_DIGITS, text));
	buf_add_text(out, ".</p>\n");
}

static void put_rates(struct buf *out, const struct invoice *invoice)
{
	struct invoice_rate rates[INVOICE_RATES_MAX];
	size_t count = invoice_rates(invoice, rates);
	char text[DECIMAL_TEXT_BYTES];

	buf_add_text(out, "<p>В том числе НДС: ");
	for (size_t i = 0; i < count; i++) {
		buf_add_text(out, i > 0 ? "; " : "");
		buf_add_text(out, form_rate(rates[i].vat_percent, text));
		buf_add_text(out, " — ");
		buf_add_text(out, decimal_format(rates[i].vat_minor,
						 MONEY_DIGITS, text));
	}
	if (invoice->discount_minor > 0) {
		buf_add_text(out, ". Скидка учтена: ");
		buf_add_text(out, decimal_format(invoice->discount_minor,
						 MONEY_DIGITS, text));
	}
	buf_add_text(out, "</p>\n<div class=sign><div>Отпустил</div>"
			  "<div>Получил</div></div>\n</body></html>\n");
}

static int add(struct form_run *run, const struct invoice *invoice,
	       const char *body, struct err *e)
{
	(void)body;
	(void)e;
	put_head(run->out, invoice);
	put_facts(run->out, invoice);
	put_table(run->out, invoice);
	if (invoice->kind != INVOICE_SALE)
		put_change(run->out, invoice);
	put_rates(run->out, invoice);
	return 0;
}

const struct form form_html = {
	.name = "html",
	.extension = "html",
	.is_single = true,
	.add = add,
};
