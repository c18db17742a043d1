/* SPDX-License-Identifier: MIT */
#include "document/form/form.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "codec/decimal.h"
#include "domain/invoice/vat.h"

static const struct form *const forms[] = {
	&form_json, &form_csv,  &form_commerceml,
	&form_upd,  &form_html, &form_pdf,
};

const struct form *form_find(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(forms); i++)
		if (strcmp(forms[i]->name, name) == 0)
			return forms[i];
	return NULL;
}

int form_begin(struct form_run *run, const struct form *form,
	       const struct form_options *options, struct buf *out,
	       struct err *e)
{
	*run = (struct form_run){.form = form, .options = options, .out = out};
	return form->begin != NULL ? form->begin(run, e) : 0;
}

int form_add(struct form_run *run, const struct invoice *invoice,
	     const char *body, struct err *e)
{
	int rc = run->form->add(run, invoice, body, e);

	if (rc < 0)
		return rc;
	run->count++;
	return buf_finish(run->out, e);
}

int form_end(struct form_run *run, struct err *e)
{
	int rc = run->form->end != NULL ? run->form->end(run, e) : 0;

	return rc < 0 ? rc : buf_finish(run->out, e);
}

void form_clear(struct form_run *run)
{
	if (run->form != NULL && run->form->clear != NULL)
		run->form->clear(run);
	*run = (struct form_run){0};
}

bool form_suits(const struct form *form, const struct invoice *invoice)
{
	return form->suits == NULL || form->suits(invoice);
}

void form_batch_file(const struct form *form,
		     const struct form_options *options,
		     char ret_name[FORM_FILE_BYTES])
{
	(void)snprintf(ret_name, FORM_FILE_BYTES, "documents-%06lld.%s",
		       (long long)options->batch_id, form->extension);
}

void form_single_file(const struct form *form, const struct invoice *invoice,
		      const struct form_options *options,
		      char ret_name[FORM_FILE_BYTES])
{
	char name[INVOICE_NAME_BYTES];

	if (form->file_name != NULL) {
		form->file_name(invoice, options, ret_name);
		return;
	}
	invoice_name(invoice->series, invoice->number, name);
	(void)snprintf(ret_name, FORM_FILE_BYTES, "%s-%s.%s",
		       invoice_kind_name(invoice->kind), name, form->extension);
}

const char *form_title(const struct invoice *invoice)
{
	static const char *const titles[INVOICE_KIND_MAX_][2] = {
		[INVOICE_KIND_NONE] = {"", ""},
		[INVOICE_SALE] = {"Реализация",
				  "Отчёт о продаже комиссионного товара"},
		[INVOICE_CORRECTION] = {"Корректировка реализации",
					"Корректировка отчёта о продаже"},
		[INVOICE_RETURN] = {"Возврат", "Возврат комиссионного товара"},
	};

	return titles[invoice->kind][invoice->scheme == INVOICE_COMMISSION];
}

struct form_roles form_roles(const struct invoice *invoice)
{
	static const struct form_roles roles[INVOICE_SCHEME_MAX_] = {
		[INVOICE_SCHEME_NONE] = {"Продавец", "Покупатель"},
		[INVOICE_DIRECT] = {"Продавец", "Покупатель"},
		[INVOICE_AGENT] = {"Принципал", "Агент"},
		[INVOICE_COMMISSION] = {"Комитент", "Комиссионер"},
	};

	return roles[invoice->scheme];
}

void form_change(const struct invoice *invoice, int64_t *ret_before_minor,
		 int64_t *ret_after_minor)
{
	*ret_before_minor = *ret_after_minor = 0;
	for (size_t i = 0; i < invoice->line_count; i++) {
		*ret_before_minor += invoice->lines[i].before.amount_minor;
		*ret_after_minor += invoice->lines[i].after.amount_minor;
	}
}

const char *form_rate(int vat_percent, char text[16])
{
	if (vat_percent == VAT_NONE)
		return "без НДС";
	(void)snprintf(text, 16, "%d%%", vat_percent);
	return text;
}

const char *form_date(const char *date, char text[16])
{
	if (strlen(date) != INVOICE_DATE_BYTES - 1)
		return date;
	(void)snprintf(text, 16, "%.2s.%.2s.%.4s", date + 8, date + 5, date);
	return text;
}

bool form_is_weighed(const struct invoice_line *line)
{
	return line->is.weight_g > 0 || line->before.weight_g > 0;
}

int64_t form_quantity_milli(const struct invoice_line *line,
			    const struct invoice_amounts *amounts)
{
	return form_is_weighed(line) ? amounts->weight_g : amounts->qty_milli;
}

int64_t form_unit_price(const struct invoice_line *line, bool with_tax,
			int digits)
{
	const struct invoice_amounts *of =
		line->before.qty_milli > 0 ? &line->before : &line->is;
	int64_t quantity_milli = form_quantity_milli(line, of);
	int64_t scale = 1000;
	int64_t price = 0;

	for (int i = MONEY_DIGITS; i < digits; i++)
		scale *= 10;
	if (quantity_milli <= 0 ||
	    decimal_mul_div(of->amount_minor - (with_tax ? 0 : of->vat_minor),
			    scale, quantity_milli, &price, NULL) < 0)
		return 0;
	return price;
}
