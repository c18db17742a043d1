/* SPDX-License-Identifier: MIT */
#include "document/settlement/report_form.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "codec/csv/csv_out.h"
#include "codec/decimal.h"
#include "codec/html_out.h"
#include "codec/json/json_doc.h"

enum {
	TEXT_POINTS_MAX = 300
};

/* In the language of the document's readers, as on all documents. */
static const struct {
	const char *name, *text;
} texts[] = {
	{"missing", "нет у нас"},
	{"extra", "нет в отчёте"},
	{"different", "расхождение"},
	{"duplicate", "повтор в отчёте"},
	{"unknown-order", "заказ неизвестен"},
	{"blocked", "документ заблокирован"},
	{"nothing-handed-over", "ничего не передано"},
	{"not-yet-made", "документ ещё не создан"},
	{"not-delivered", "заказ не доставлен"},
	{"status", "в отчёте отменён"},
	{"amount", "сумма"},
	{"vat", "НДС"},
	{"not-in-report", "есть документ, нет строки"},
	{"twice", "строка повторяется"},
};

static const char *text_of(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		if (strcmp(texts[i].name, name) == 0)
			return texts[i].text;
	return name;
}

static const char *get(const struct json *object, const char *key)
{
	return json_get_text(object, key);
}

static int parse(const char *body, size_t bytes, struct json **ret_doc,
		 struct err *e)
{
	int rc = json_doc_parse(body, bytes, ret_doc, e);

	if (rc == 0 && strcmp(get(*ret_doc, "kind"), "report") != 0)
		rc = err_set(e, ERR_INVALID, "this is not a report");
	return rc;
}

bool report_form_is_report(const char *body)
{
	static const char start[] = "{\"kind\":\"report\"";

	return strncmp(body, start, sizeof(start) - 1) == 0;
}

/* An empty cell for what is not there. */
static void put_money(struct csv_out *out, const struct json *object,
		      const char *key)
{
	int64_t minor = 0;

	if (json_get_decimal(object, key, MONEY_DIGITS, &minor, NULL) > 0)
		csv_put_decimal(out, minor, MONEY_DIGITS);
	else
		csv_put(out, "");
}

static void put_row(struct csv_out *out, const struct json *finding)
{
	int64_t line = 0;

	csv_put(out, get(finding, "kind"));
	csv_put(out, get(finding, "why"));
	if (json_get_decimal(finding, "line", 0, &line, NULL) > 0)
		csv_put_i64(out, line);
	else
		csv_put(out, "");
	csv_put(out, get(finding, "order"));
	csv_put(out, get(finding, "number"));
	csv_put(out, get(finding, "date"));
	put_money(out, json_get(finding, "report"), "amount");
	put_money(out, json_get(finding, "ours"), "amount");
	put_money(out, json_get(finding, "report"), "vat");
	put_money(out, json_get(finding, "ours"), "vat");
	csv_put(out, get(finding, "detail"));
	csv_end(out);
}

static int render_csv(const char *body, size_t bytes, bool decimal_comma,
		      struct buf *out, struct err *e)
{
	static const char *const columns[] = {
		"kind",       "why",     "line",       "order",
		"number",     "date",    "report_sum", "our_sum",
		"report_vat", "our_vat", "detail",
	};
	CLEANUP_JSON struct json *doc = NULL;
	struct csv_out csv = csv_out_to(out, ';');
	int rc = parse(body, bytes, &doc, e);

	if (rc < 0)
		return rc;
	csv.decimal_comma = decimal_comma;
	buf_add_text(out, "\xEF\xBB\xBF");
	for (size_t i = 0; i < COUNT_OF(columns); i++)
		csv_put(&csv, columns[i]);
	csv_end(&csv);
	for (const struct json *f = json_first(json_get(doc, "findings"));
	     f != NULL; f = json_next(f))
		put_row(&csv, f);
	return buf_finish(out, e);
}

static int render_json(const char *body, size_t bytes, bool decimal_comma,
		       struct buf *out, struct err *e)
{
	(void)decimal_comma;
	buf_add(out, body, bytes);
	buf_add_char(out, '\n');
	return buf_finish(out, e);
}

static const char style[] =
	"@page{size:A4 landscape;margin:12mm}"
	"body{font:13px/1.35 'DejaVu Sans',Arial,sans-serif;color:#111;"
	"max-width:270mm;margin:0 auto;padding:8px}"
	"h1{font-size:19px;margin:0 0 8px}"
	"dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 12px;"
	"margin:0 0 14px}dt{color:#555}dd{margin:0}"
	"table{border-collapse:collapse;width:100%}thead{display:table-header-"
	"group}tr{break-inside:avoid}"
	"th,td{border:1px solid #bbb;padding:3px 5px;vertical-align:top;"
	"overflow-wrap:anywhere}"
	"th{background:#f1f1f1;font-weight:600;text-align:left}"
	".n{text-align:right;white-space:nowrap}";

static void put(struct buf *out, const char *text)
{
	html_put(out, text, TEXT_POINTS_MAX);
}

static void put_fact(struct buf *out, const char *name, const char *value)
{
	if (value[0] == '\0')
		return;
	buf_printf(out, "<dt>%s</dt><dd>", name);
	put(out, value);
	buf_add_text(out, "</dd>\n");
}

static void put_cell(struct buf *out, const char *start, const char *text)
{
	buf_add_text(out, start);
	put(out, text);
	buf_add_text(out, "</td>");
}

static const char *number_text(const struct json *object, const char *key,
			       char text[DECIMAL_TEXT_BYTES])
{
	int64_t value = 0;

	if (json_get_decimal(object, key, 0, &value, NULL) <= 0)
		return "";
	return decimal_format(value, 0, text);
}

static void put_html_row(struct buf *out, const struct json *f)
{
	static const char plain[] = "<td>";
	static const char number[] = "<td class=n>";
	char line[DECIMAL_TEXT_BYTES];

	buf_add_text(out, "<tr>");
	put_cell(out, plain, text_of(get(f, "kind")));
	put_cell(out, plain, text_of(get(f, "why")));
	put_cell(out, number, number_text(f, "line", line));
	put_cell(out, plain, get(f, "order"));
	put_cell(out, plain, get(f, "number"));
	put_cell(out, "<td class=n>", get(f, "date"));
	put_cell(out, number, get(json_get(f, "report"), "amount"));
	put_cell(out, number, get(json_get(f, "ours"), "amount"));
	put_cell(out, number, get(json_get(f, "report"), "vat"));
	put_cell(out, number, get(json_get(f, "ours"), "vat"));
	put_cell(out, plain, get(f, "detail"));
	buf_add_text(out, "</tr>\n");
}

static void put_counts(struct buf *out, const struct json *counts)
{
	static const struct {
		const char *key, *text;
	} rows[] = {
		{"orders", "Заказов в отчёте"}, {"matched", "Совпало"},
		{"missing", "Нет у нас"},       {"extra", "Нет в отчёте"},
		{"different", "Расхождений"},   {"duplicate", "Повторов"},
	};
	char text[DECIMAL_TEXT_BYTES];

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		put_fact(out, rows[i].text,
			 number_text(counts, rows[i].key, text));
}

static void put_head(struct buf *out, const struct json *doc)
{
	const struct json *period = json_get(doc, "period");
	char number[DECIMAL_TEXT_BYTES];
	char left_out[DECIMAL_TEXT_BYTES];

	buf_printf(out,
		   "<!DOCTYPE html>\n<html lang=ru><head><meta "
		   "charset=utf-8><title>Сверка</title>\n<style>%s"
		   "</style></head><body>\n<h1>Сверка с отчётом "
		   "маркетплейса № ",
		   style);
	put(out, get(doc, "series"));
	buf_printf(out, "-%06d от ",
		   (int)strtol(number_text(doc, "number", number), NULL, 10));
	put(out, get(doc, "date"));
	buf_add_text(out, "</h1>\n<dl>");
	put_fact(out, "Файл", get(json_get(doc, "file"), "name"));
	put_fact(out, "Период с", get(period, "from"));
	put_fact(out, "по", get(period, "to"));
	put_counts(out, json_get(doc, "counts"));
	put_fact(out, "Сумма отчёта", get(doc, "reportTotal"));
	put_fact(out, "Наша сумма", get(doc, "ourTotal"));
	put_fact(out, "Не перечислено",
		 number_text(doc, "notListed", left_out));
	buf_add_text(out, "</dl>\n");
}

static int render_html(const char *body, size_t bytes, bool decimal_comma,
		       struct buf *out, struct err *e)
{
	CLEANUP_JSON struct json *doc = NULL;
	int rc = parse(body, bytes, &doc, e);

	(void)decimal_comma;
	if (rc < 0)
		return rc;
	put_head(out, doc);
	buf_add_text(out,
		     "<table><thead><tr><th>Вид</th><th>Почему</th>"
		     "<th class=n>Строка</th><th>Заказ</th><th>Наш №</th>"
		     "<th>День</th><th class=n>Сумма отчёта</th>"
		     "<th class=n>Наша сумма</th><th class=n>НДС отчёта</th>"
		     "<th class=n>Наш НДС</th><th>Подробно</th></tr></thead>\n"
		     "<tbody>\n");
	for (const struct json *f = json_first(json_get(doc, "findings"));
	     f != NULL; f = json_next(f))
		put_html_row(out, f);
	buf_add_text(out, "</tbody></table>\n</body></html>\n");
	return buf_finish(out, e);
}

const struct report_form report_forms[] = {
	{"json", render_json},
	{"csv", render_csv},
	{"html", render_html},
	{NULL, NULL},
};

const struct report_form *report_form_find(const char *name)
{
	for (const struct report_form *form = report_forms; form->name != NULL;
	     form++)
		if (strcmp(form->name, name) == 0)
			return form;
	return NULL;
}
