/* SPDX-License-Identifier: MIT
 *
 * form_upd.c - the universal transfer document (УПД) as an XML file for an
 * operator of electronic documents: order of the Federal Tax Service
 * ЕД-7-26/970@ of 2023-12-19, format 5.03; 5.02 is the same here but for the
 * rate of 22 %, and its schema is at hand for tests.
 *
 * Function СЧФДОП (invoice and transfer) when the buyer is a company whose INN
 * and address are known, as the format demands; else ДОП (transfer only). Only
 * sales have this form: their corrections are another format (УКД).
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "codec/decimal.h"
#include "codec/digest.h"
#include "codec/time/timestamp.h"
#include "document/form/form.h"
#include "document/form/xml_out.h"
#include "domain/invoice/vat.h"

#define PROGRAM "Ordergate"
enum {
	PERSON_INN_DIGITS = 12,
	PRICE_DIGITS = 6, /* 11 are allowed */
	MOSCOW_OFFSET_S = 3 * 3600
};

static bool suits(const struct invoice *invoice)
{
	return invoice->kind == INVOICE_SALE;
}

/* The format wants a GUID; one that follows from the document makes the same
 * name again. */
static void file_guid(const struct invoice *invoice, char ret_guid[40])
{
	char hash[DIGEST_TEXT_BYTES];
	char text[INVOICE_NAME_BYTES + 32];
	char name[INVOICE_NAME_BYTES];

	invoice_name(invoice->series, invoice->number, name);
	(void)snprintf(text, sizeof(text), "%s/%s/%s", invoice->seller.inn,
		       invoice->date, name);
	digest_sha256(text, strlen(text), hash);
	(void)snprintf(ret_guid, 40, "%.8s-%.4s-%.4s-%.4s-%.12s", hash,
		       hash + 8, hash + 12, hash + 16, hash + 20);
}

/* ON_NSCHFDOPPR_recipient_sender_date_guid_marking_0_0_0_0_00, as the order
 * says; without the extension it is ИдФайл too. */
static void file_id(const struct invoice *invoice, char ret_id[FORM_FILE_BYTES])
{
	char guid[40];

	file_guid(invoice, guid);
	(void)snprintf(ret_id, FORM_FILE_BYTES,
		       "ON_NSCHFDOPPR_%s_%s%s_%.4s%.2s%.2s_%s_%d_0_0_0_0_00",
		       invoice->buyer.inn[0] != '\0' ? invoice->buyer.inn : "0",
		       invoice->seller.inn, invoice->seller.kpp, invoice->date,
		       invoice->date + 5, invoice->date + 8, guid,
		       invoice->code_count > 0 ? 1 : 0);
}

static void file_name(const struct invoice *invoice,
		      const struct form_options *options,
		      char ret_name[FORM_FILE_BYTES])
{
	char id[FORM_FILE_BYTES];

	(void)options;
	file_id(invoice, id);
	(void)snprintf(ret_name, FORM_FILE_BYTES, "%.190s.xml", id);
}

/* "Surname Name Patronymic" */
static void put_person(struct xml_out *x, const char *name)
{
	char copy[FORM_SIGNER_BYTES * 2];
	char *rest = copy;
	const char *parts[3] = {"", "", ""};

	(void)text_copy(copy, sizeof(copy), name);
	for (int i = 0; i < 3 && rest != NULL; i++)
		parts[i] = i < 2 ? strsep(&rest, " ") : rest;
	xml_open(x, "ФИО");
	xml_attribute(x, "Фамилия", parts[0][0] != '\0' ? parts[0] : "-");
	xml_attribute(x, "Имя", parts[1][0] != '\0' ? parts[1] : "-");
	if (parts[2] != NULL && parts[2][0] != '\0')
		xml_attribute(x, "Отчество", parts[2]);
	xml_close(x);
}

static void put_identity(struct xml_out *x, const struct invoice_party *party)
{
	static const char prefix[] = "ИП ";
	const char *name = party->name;

	if (strlen(party->inn) == PERSON_INN_DIGITS) {
		if (strncmp(name, prefix, sizeof(prefix) - 1) == 0)
			name += sizeof(prefix) - 1;
		xml_open(x, "СвИП");
		xml_attribute(x, "ИННФЛ", party->inn);
		put_person(x, name);
	} else if (party->inn[0] != '\0') {
		xml_open(x, "СвЮЛУч");
		xml_attribute(x, "НаимОрг", name);
		xml_attribute(x, "ИННЮЛ", party->inn);
		if (party->kpp[0] != '\0')
			xml_attribute(x, "КПП", party->kpp);
	} else {
		xml_open(x, "СвФЛУч");
		xml_attribute(x, "ИныеСвед",
			      name[0] != '\0' ? name : "Розничный покупатель");
	}
	xml_close(x);
}

static void put_party(struct xml_out *x, const char *element,
		      const struct invoice_party *party)
{
	xml_open(x, element);
	xml_open(x, "ИдСв");
	put_identity(x, party);
	xml_close(x);
	if (party->address[0] != '\0') {
		xml_open(x, "Адрес");
		xml_open(x, "АдрИнф");
		xml_attribute(x, "КодСтр", "643");
		xml_attribute(x, "НаимСтран", "Россия");
		xml_attribute(x, "АдрТекст", party->address);
		xml_close(x);
		xml_close(x);
	}
	xml_close(x);
}

static void put_fact(struct xml_out *x, const char *name, const char *value)
{
	if (value[0] == '\0')
		return;
	xml_open(x, "ТекстИнф");
	xml_attribute(x, "Идентиф", name);
	xml_attribute(x, "Значен", value);
	xml_close(x);
}

static bool is_invoice_too(const struct invoice *invoice)
{
	return invoice->buyer.inn[0] != '\0' &&
	       invoice->buyer.address[0] != '\0' &&
	       invoice->seller.address[0] != '\0';
}

static void put_invoice(struct xml_out *x, const struct invoice *invoice)
{
	char name[INVOICE_NAME_BYTES];
	char date[16];

	invoice_name(invoice->series, invoice->number, name);
	xml_open(x, "СвСчФакт");
	xml_attribute(x, "НомерДок", name);
	xml_attribute(x, "ДатаДок", form_date(invoice->date, date));
	put_party(x, "СвПрод", &invoice->seller);
	xml_open(x, "ДокПодтвОтгрНом");
	xml_attribute(x, "РеквНаимДок", "Универсальный передаточный документ");
	xml_attribute(x, "РеквНомерДок", name);
	xml_attribute(x, "РеквДатаДок", form_date(invoice->date, date));
	xml_close(x);
	put_party(x, "СвПокуп", &invoice->buyer);
	xml_open(x, "ДенИзм");
	xml_attribute(x, "КодОКВ", "643");
	xml_attribute(x, "НаимОКВ", "Российский рубль");
	xml_close(x);
	xml_open(x, "ИнфПолФХЖ1");
	put_fact(x, "НомерЗаказа", invoice->external_id);
	put_fact(x, "ВнутреннийНомерЗаказа", invoice->order_number);
	put_fact(x, "Магазин", invoice->store_id);
	put_fact(x, "СхемаРаботы", invoice_scheme_name(invoice->scheme));
	xml_close(x);
	xml_close(x);
}

static void put_tax(struct xml_out *x, const char *element, bool is_free,
		    int64_t vat_minor)
{
	xml_open(x, element);
	if (is_free)
		xml_leaf(x, "БезНДС", "без НДС");
	else
		xml_leaf_money(x, "СумНал", vat_minor);
	xml_close(x);
}

static void put_codes(struct xml_out *x, const struct invoice *invoice,
		      int line_no)
{
	bool begun = false;

	for (size_t i = 0; i < invoice->code_count; i++) {
		if (invoice->codes[i].line_no != line_no)
			continue;
		if (!begun)
			xml_open(x, "НомСредИдентТов");
		begun = true;
		xml_leaf(x, "КИЗ", invoice->codes[i].unit);
	}
	if (begun)
		xml_close(x);
}

static void put_amounts(struct xml_out *x, const struct invoice_line *line)
{
	int64_t net_minor = line->is.amount_minor - line->is.vat_minor;
	int64_t price = form_unit_price(line, false, PRICE_DIGITS);
	char text[DECIMAL_TEXT_BYTES];

	xml_attribute(x, "КолТов",
		      decimal_format_short(form_quantity_milli(line, &line->is),
					   QUANTITY_DIGITS, text));
	if (price > 0) /* the format knows no goods for nothing */
		xml_attribute(x, "ЦенаТов",
			      decimal_format_short(price, PRICE_DIGITS, text));
	xml_attribute_money(x, "СтТовБезНДС", net_minor);
	xml_attribute(x, "НалСт", form_rate(line->vat_percent, text));
	xml_attribute_money(x, "СтТовУчНал", line->is.amount_minor);
}

static void put_line(struct xml_out *x, const struct invoice *invoice,
		     const struct invoice_line *line, size_t place)
{
	bool is_weighed = form_is_weighed(line);

	xml_open(x, "СведТов");
	xml_attribute_i64(x, "НомСтр", (int64_t)place);
	xml_attribute(x, "НаимТов",
		      line->name[0] != '\0' ? line->name : line->sku);
	xml_attribute(x, "ОКЕИ_Тов", is_weighed ? "166" : "796");
	xml_attribute(x, "НаимЕдИзм", is_weighed ? "кг" : "шт");
	put_amounts(x, line);
	xml_open(x, "ДопСведТов");
	xml_attribute(x, "ПрТовРаб", "1");
	xml_attribute(x, "КодТов", line->sku);
	put_codes(x, invoice, line->line_no);
	xml_close(x);
	xml_open(x, "Акциз");
	xml_leaf(x, "БезАкциз", "без акциза");
	xml_close(x);
	put_tax(x, "СумНал", line->vat_percent == VAT_NONE, line->is.vat_minor);
	xml_close(x);
}

static void put_table(struct xml_out *x, const struct invoice *invoice)
{
	bool is_free = true;

	xml_open(x, "ТаблСчФакт");
	for (size_t i = 0; i < invoice->line_count; i++) {
		put_line(x, invoice, &invoice->lines[i], i + 1);
		if (invoice->lines[i].vat_percent != VAT_NONE)
			is_free = false;
	}
	xml_open(x, "ВсегоОпл");
	xml_attribute_money(x, "СтТовБезНДСВсего",
			    invoice->total_minor - invoice->vat_minor);
	xml_attribute_money(x, "СтТовУчНалВсего", invoice->total_minor);
	put_tax(x, "СумНалВсего", is_free, invoice->vat_minor);
	xml_close(x);
	xml_close(x);
}

static void put_transfer(struct xml_out *x, const struct invoice *invoice)
{
	char date[16];

	xml_open(x, "СвПродПер");
	xml_open(x, "СвПер");
	xml_attribute(x, "СодОпер", "Товары переданы");
	xml_attribute(x, "ДатаПер", form_date(invoice->shipment_date, date));
	xml_leaf(x, "БезДокОснПер", "1");
	xml_close(x);
	xml_close(x);
}

static void put_signer(struct xml_out *x, const char *signer)
{
	xml_open(x, "Подписант");
	xml_attribute(x, "СпосПодтПолном", "1");
	put_person(x, signer[0] != '\0' ? signer : "-");
	xml_close(x);
}

static void put_moment(struct xml_out *x, int64_t made_ms)
{
	struct civil at = timestamp_civil(made_ms, MOSCOW_OFFSET_S);
	char text[16];

	(void)snprintf(text, sizeof(text), "%02u.%02u.%04u",
		       (unsigned)at.day % 100, (unsigned)at.month % 100,
		       (unsigned)at.year % 10000);
	xml_attribute(x, "ДатаИнфПр", text);
	(void)snprintf(text, sizeof(text), "%02u.%02u.%02u",
		       (unsigned)at.hour % 100, (unsigned)at.minute % 100,
		       (unsigned)at.second % 100);
	xml_attribute(x, "ВремИнфПр", text);
}

static void put_document(struct xml_out *x, const struct invoice *invoice,
			 const struct form_options *options)
{
	xml_open(x, "Документ");
	xml_attribute(x, "КНД", "1115131");
	xml_attribute(x, "Функция", is_invoice_too(invoice) ? "СЧФДОП" : "ДОП");
	xml_attribute(
		x, "ПоФактХЖ",
		"Документ об отгрузке товаров (выполнении работ), передаче "
		"имущественных прав (документ об оказании услуг)");
	xml_attribute(x, "НаимДокОпр", "Универсальный передаточный документ");
	put_moment(x, invoice->made_ms);
	xml_attribute(x, "НаимЭконСубСост",
		      invoice->seller.name[0] != '\0' ? invoice->seller.name
						      : PROGRAM);
	put_invoice(x, invoice);
	put_table(x, invoice);
	put_transfer(x, invoice);
	put_signer(x, options->signer);
	xml_close(x);
}

static int add(struct form_run *run, const struct invoice *invoice,
	       const char *body, struct err *e)
{
	CLEANUP(xml_out_freep) struct xml_out *x = NULL;
	char id[FORM_FILE_BYTES];
	int rc = xml_out_new(run->out, run->options->upd_encoding, &x, e);

	(void)body;
	if (rc < 0)
		return rc;
	file_id(invoice, id);
	xml_open(x, "Файл");
	xml_attribute(x, "ИдФайл", id);
	xml_attribute(x, "ВерсФорм", run->options->upd_version);
	xml_attribute(x, "ВерсПрог", PROGRAM);
	put_document(x, invoice, run->options);
	xml_close(x);
	return xml_finish(x, e);
}

const struct form form_upd = {
	.name = "upd",
	.extension = "xml",
	.is_single = true,
	.add = add,
	.suits = suits,
	.file_name = file_name,
};
