/* SPDX-License-Identifier: MIT
 *
 * form_commerceml.c - documents in CommerceML 2.10, as 1С and others take them
 * (schema: commerceml-2.10.xsd; operations and roles: СТО СЭОИ 2.1.4.1-2008).
 *
 * A correction has no operation of its own there: it goes as «Прочие», so that
 * nobody takes a difference for another sale.
 */
#include "base/err.h"
#include "codec/decimal.h"
#include "codec/time/timestamp.h"
#include "document/form/form.h"
#include "document/form/xml_out.h"
#include "domain/invoice/vat.h"

struct words {
	const char *operation, *own_role, *other_role;
};

/* By kind and scheme. */
static const struct words words[INVOICE_KIND_MAX_][INVOICE_SCHEME_MAX_] = {
	[INVOICE_SALE] =
		{
			[INVOICE_DIRECT] = {"Отпуск товара", "Продавец",
					    "Покупатель"},
			[INVOICE_AGENT] = {"Отпуск товара", "Продавец",
					   "Покупатель"},
			[INVOICE_COMMISSION] =
				{"Отчет о продажах комиссионного товара",
				 "Комитент", "Комиссионер"},
		},
	[INVOICE_RETURN] =
		{
			[INVOICE_DIRECT] = {"Возврат товара", "Продавец",
					    "Покупатель"},
			[INVOICE_AGENT] = {"Возврат товара", "Продавец",
					   "Покупатель"},
			[INVOICE_COMMISSION] = {"Возврат комиссионного товара",
						"Комитент", "Комиссионер"},
		},
	[INVOICE_CORRECTION] =
		{
			[INVOICE_DIRECT] = {"Прочие", "Продавец", "Покупатель"},
			[INVOICE_AGENT] = {"Прочие", "Продавец", "Покупатель"},
			[INVOICE_COMMISSION] = {"Прочие", "Комитент",
						"Комиссионер"},
		},
};

static int begin(struct form_run *run, struct err *e)
{
	char made[TIMESTAMP_TEXT_BYTES];
	struct xml_out *x = NULL;
	/* Whole seconds: the schema's moment has no zone. */
	int64_t made_ms = run->options->made_ms / 1000 * 1000;
	int rc = xml_out_new(run->out, "UTF-8", &x, e);

	if (rc < 0)
		return rc;
	run->own = x;
	(void)timestamp_format(made_ms, 0, made);
	xml_open(x, "КоммерческаяИнформация");
	xml_attribute(x, "xmlns", "urn:1C.ru:commerceml_2");
	xml_attribute(x, "ВерсияСхемы", "2.10");
	xml_attribute(x, "ДатаФормирования", made);
	return 0;
}

static void put_party(struct xml_out *x, const struct invoice_party *party,
		      const char *role)
{
	const char *name =
		party->name[0] != '\0' ? party->name : "Розничный покупатель";

	xml_open(x, "Контрагент");
	xml_leaf(x, "Наименование", name);
	xml_leaf(x,
		 party->inn[0] != '\0' ? "ОфициальноеНаименование"
				       : "ПолноеНаименование",
		 name);
	if (party->inn[0] != '\0') {
		xml_leaf(x, "ИНН", party->inn);
		if (party->kpp[0] != '\0')
			xml_leaf(x, "КПП", party->kpp);
	}
	if (party->address[0] != '\0') {
		xml_open(x, "Адрес");
		xml_leaf(x, "Представление", party->address);
		xml_close(x);
	}
	xml_leaf(x, "Роль", role);
	xml_close(x);
}

static void put_tax(struct xml_out *x, int vat_percent, int64_t vat_minor)
{
	char rate[DECIMAL_TEXT_BYTES];

	xml_open(x, "Налог");
	xml_leaf(x, "Наименование", "НДС");
	xml_leaf(x, "УчтеноВСумме", "true");
	xml_leaf_money(x, "Сумма", vat_minor);
	xml_leaf(x, "Ставка",
		 vat_percent == VAT_NONE
			 ? "Без НДС"
			 : decimal_format(vat_percent, 0, rate));
	xml_close(x);
}

static void put_discount(struct xml_out *x, int64_t discount_minor)
{
	if (discount_minor <= 0)
		return;
	xml_open(x, "Скидки");
	xml_open(x, "Скидка");
	xml_leaf(x, "Наименование", "Скидка маркетплейса");
	xml_leaf_money(x, "Сумма", discount_minor);
	xml_leaf(x, "УчтеноВСумме", "true");
	xml_close(x);
	xml_close(x);
}

static void put_unit(struct xml_out *x, bool is_weighed)
{
	xml_open(x, "БазоваяЕдиница");
	xml_attribute(x, "Код", is_weighed ? "166" : "796");
	xml_attribute(x, "НаименованиеПолное",
		      is_weighed ? "Килограмм" : "Штука");
	xml_attribute(x, "МеждународноеСокращение", is_weighed ? "KGM" : "PCE");
	xml_attribute(x, "НаименованиеКраткое", is_weighed ? "кг" : "шт");
	xml_close(x);
}

static void put_requisite(struct xml_out *x, const char *name,
			  const char *value)
{
	if (value[0] == '\0')
		return;
	xml_open(x, "ЗначениеРеквизита");
	xml_leaf(x, "Наименование", name);
	xml_leaf(x, "Значение", value);
	xml_close(x);
}

static void put_number(struct xml_out *x, const char *name, int64_t value,
		       int digits)
{
	char text[DECIMAL_TEXT_BYTES];

	put_requisite(x, name, decimal_format_short(value, digits, text));
}

static void put_extras(struct xml_out *x, const struct invoice *invoice,
		       const struct invoice_line *line)
{
	xml_open(x, "ДополнительныеЗначенияРеквизитов");
	put_number(x, "НомерСтроки", line->line_no, 0);
	if (form_is_weighed(line))
		put_number(x, "КоличествоМест", line->is.qty_milli,
			   QUANTITY_DIGITS);
	if (invoice->kind != INVOICE_SALE) {
		put_number(x, "КоличествоДо",
			   form_quantity_milli(line, &line->before),
			   QUANTITY_DIGITS);
		put_number(x, "КоличествоПосле",
			   form_quantity_milli(line, &line->after),
			   QUANTITY_DIGITS);
		put_number(x, "СуммаДо", line->before.amount_minor,
			   MONEY_DIGITS);
		put_number(x, "СуммаПосле", line->after.amount_minor,
			   MONEY_DIGITS);
	}
	for (size_t i = 0; i < invoice->code_count; i++)
		if (invoice->codes[i].line_no == line->line_no)
			put_requisite(x, "КодМаркировки",
				      invoice->codes[i].unit);
	xml_close(x);
}

static void put_line(struct xml_out *x, const struct invoice *invoice,
		     const struct invoice_line *line)
{
	char quantity[DECIMAL_TEXT_BYTES];
	bool is_weighed = form_is_weighed(line);

	xml_open(x, "Товар");
	xml_leaf(x, "Ид", line->sku);
	xml_leaf(x, "Наименование",
		 line->name[0] != '\0' ? line->name : line->sku);
	put_unit(x, is_weighed);
	xml_leaf_money(x, "ЦенаЗаЕдиницу",
		       form_unit_price(line, true, MONEY_DIGITS));
	xml_leaf(x, "Количество",
		 decimal_format_short(form_quantity_milli(line, &line->is),
				      QUANTITY_DIGITS, quantity));
	xml_leaf_money(x, "Сумма", line->is.amount_minor);
	xml_open(x, "Налоги");
	put_tax(x, line->vat_percent, line->is.vat_minor);
	xml_close(x);
	put_discount(x, line->discount_minor);
	put_extras(x, invoice, line);
	xml_close(x);
}

static void put_head(struct xml_out *x, const struct invoice *invoice)
{
	const struct words *w = &words[invoice->kind][invoice->scheme];
	char name[INVOICE_NAME_BYTES];

	invoice_name(invoice->series, invoice->number, name);
	xml_leaf(x, "Ид", name);
	xml_leaf(x, "Номер", name);
	xml_leaf(x, "Дата", invoice->date);
	xml_leaf(x, "ХозОперация", w->operation);
	xml_leaf(x, "Роль", w->own_role);
	xml_leaf(x, "Валюта", "RUB");
	xml_leaf(x, "Курс", "1");
	xml_leaf_money(x, "Сумма", invoice->total_minor);
	xml_open(x, "Контрагенты");
	put_party(x, &invoice->seller, w->own_role);
	put_party(x, &invoice->buyer, w->other_role);
	xml_close(x);
}

static void put_sums(struct xml_out *x, const struct invoice *invoice)
{
	struct invoice_rate rates[INVOICE_RATES_MAX];
	size_t count = invoice_rates(invoice, rates);

	xml_open(x, "Налоги");
	for (size_t i = 0; i < count; i++)
		put_tax(x, rates[i].vat_percent, rates[i].vat_minor);
	xml_close(x);
	put_discount(x, invoice->discount_minor);
}

static void put_requisites(struct xml_out *x, const struct invoice *invoice)
{
	char original[INVOICE_NAME_BYTES] = "";

	if (invoice->kind != INVOICE_SALE)
		invoice_name(invoice->of_series, invoice->of_number, original);
	xml_open(x, "ЗначенияРеквизитов");
	put_requisite(x, "ВидДокумента", form_title(invoice));
	put_requisite(x, "СхемаРаботы", invoice_scheme_name(invoice->scheme));
	put_requisite(x, "НомерЗаказа", invoice->order_number);
	put_requisite(x, "НомерЗаказаМаркетплейса", invoice->external_id);
	put_requisite(x, "Маркетплейс", invoice->channel);
	put_requisite(x, "Магазин", invoice->store_id);
	put_requisite(x, "ДатаОтгрузки", invoice->shipment_date);
	put_requisite(x, "ДокументОснование", original);
	put_requisite(x, "ДатаДокументаОснования", invoice->of_date);
	put_requisite(x, "Причина", invoice->reason);
	xml_close(x);
}

static int add(struct form_run *run, const struct invoice *invoice,
	       const char *body, struct err *e)
{
	struct xml_out *x = run->own;

	(void)body;
	xml_open(x, "Документ");
	put_head(x, invoice);
	put_sums(x, invoice);
	xml_open(x, "Товары");
	for (size_t i = 0; i < invoice->line_count; i++)
		put_line(x, invoice, &invoice->lines[i]);
	xml_close(x);
	put_requisites(x, invoice);
	xml_close(x);
	return xml_flush(x, e);
}

static int end(struct form_run *run, struct err *e)
{
	return xml_finish(run->own, e);
}

static void clear(struct form_run *run)
{
	xml_out_free(run->own);
}

const struct form form_commerceml = {
	.name = "commerceml",
	.extension = "xml",
	.begin = begin,
	.add = add,
	.end = end,
	.clear = clear,
};
