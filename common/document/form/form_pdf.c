/* SPDX-License-Identifier: MIT
 *
 * form_pdf.c - a document on A4 pages.
 */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "codec/decimal.h"
#include "document/form/form.h"
#include "document/form/page_out.h"

enum {
	LEFT = 120,
	RIGHT = PAGE_WIDTH - 120,
	TOP = 120,
	BOTTOM = PAGE_HEIGHT - 180,
	PADDING = 12,
	BODY_SIZE = 80,
	SMALL_SIZE = 70,
	TITLE_SIZE = 140,
	TITLE_LESS = 10, /* bold is wider */
	COLUMNS_MAX = 10,
	CELL_BYTES = 64
};

struct column {
	const char *title;
	int width;
	bool right;
};

/* Wide enough for millions with kopecks, and no word of a title is broken. */
static const struct column sale_columns[] = {
	{"№", 80, true},           {"Товар", 500, false},
	{"Артикул", 300, false},   {"Кол-во", 200, true},
	{"Цена", 220, true},       {"НДС", 120, true},
	{"в т.ч. НДС", 210, true}, {"Сумма", 230, true},
	{NULL, 0, false},
};
static const struct column change_columns[] = {
	{"№", 60, true},      {"Товар", 265, false}, {"Артикул", 250, false},
	{"Было", 175, true},  {"Стало", 175, true},  {"Изменение", 235, true},
	{"Цена", 185, true},  {"НДС", 115, true},    {"в т.ч. НДС", 190, true},
	{"Сумма", 210, true}, {NULL, 0, false},
};

struct sheet {
	struct page_out *page;
	const struct invoice *invoice;
	const struct column *columns;
	int size; /* of the table's texts */
	int y, number;
};

typedef const char *cells[COLUMNS_MAX];

static int row_height(struct sheet *s, cells texts, bool bold)
{
	int height = 0;

	for (int i = 0; s->columns[i].title != NULL; i++) {
		struct page_text place = {.width = s->columns[i].width -
						   2 * PADDING,
					  .size = s->size,
					  .bold = bold};

		height = MAX_OF(height,
				page_text_height(s->page, &place, texts[i]));
	}
	return height + 2 * PADDING;
}

static void draw_row(struct sheet *s, cells texts, bool bold, int height)
{
	int x = LEFT;

	for (int i = 0; s->columns[i].title != NULL; i++) {
		struct page_text place = {.x = x + PADDING,
					  .y = s->y + PADDING,
					  .width = s->columns[i].width -
						   2 * PADDING,
					  .size = s->size,
					  .bold = bold,
					  .right = s->columns[i].right};

		(void)page_text(s->page, &place, texts[i]);
		page_line(s->page, x, s->y, x, s->y + height);
		x += s->columns[i].width;
	}
	page_line(s->page, x, s->y, x, s->y + height);
	page_line(s->page, LEFT, s->y, x, s->y);
	s->y += height;
	page_line(s->page, LEFT, s->y, x, s->y);
}

static void draw_titles(struct sheet *s)
{
	cells titles = {0};
	int height;

	for (int i = 0; s->columns[i].title != NULL; i++)
		titles[i] = s->columns[i].title;
	height = row_height(s, titles, true);
	page_shade(s->page, LEFT, s->y, RIGHT - LEFT, height);
	draw_row(s, titles, true, height);
}

static void draw_footer(struct sheet *s)
{
	char name[INVOICE_NAME_BYTES];
	char text[INVOICE_NAME_BYTES + 64];
	struct page_text place = {.x = LEFT,
				  .y = PAGE_HEIGHT - 140,
				  .width = RIGHT - LEFT,
				  .size = SMALL_SIZE,
				  .right = true};

	invoice_name(s->invoice->series, s->invoice->number, name);
	(void)snprintf(text, sizeof(text), "%s, лист %d", name, s->number);
	(void)page_text(s->page, &place, text);
}

/* What comes next needs so much room: go on with a new page otherwise. */
static bool make_room(struct sheet *s, int height)
{
	if (s->y + height <= BOTTOM)
		return false;
	draw_footer(s);
	page_next(s->page);
	s->number++;
	s->y = TOP;
	return true;
}

static void draw_fact(struct sheet *s, const char *name, const char *value)
{
	struct page_text label = {
		.x = LEFT, .y = s->y, .width = 320, .size = BODY_SIZE};
	struct page_text text = {.x = LEFT + 330,
				 .y = s->y,
				 .width = RIGHT - LEFT - 330,
				 .size = BODY_SIZE};

	if (value[0] == '\0')
		return;
	(void)page_text(s->page, &label, name);
	s->y += page_text(s->page, &text, value) + 6;
}

static void draw_party(struct sheet *s, const char *name,
		       const struct invoice_party *party)
{
	char text[640];

	(void)snprintf(text, sizeof(text), "%s%s%s%s%s%s%s",
		       party->name[0] != '\0' ? party->name
					      : "Розничный покупатель",
		       party->inn[0] != '\0' ? ", ИНН " : "", party->inn,
		       party->kpp[0] != '\0' ? ", КПП " : "", party->kpp,
		       party->address[0] != '\0' ? ", " : "", party->address);
	draw_fact(s, name, text);
}

static void draw_original(struct sheet *s)
{
	char name[INVOICE_NAME_BYTES];
	char text[INVOICE_NAME_BYTES + 64];
	char date[16];

	if (s->invoice->kind == INVOICE_SALE)
		return;
	invoice_name(s->invoice->of_series, s->invoice->of_number, name);
	(void)snprintf(text, sizeof(text), "%s от %s", name,
		       form_date(s->invoice->of_date, date));
	draw_fact(s, "К документу", text);
	draw_fact(s, "Причина", s->invoice->reason);
}

static void draw_head(struct sheet *s)
{
	struct page_text place = {.x = LEFT,
				  .y = TOP,
				  .width = RIGHT - LEFT,
				  .size = TITLE_SIZE,
				  .bold = true};
	struct form_roles roles = form_roles(s->invoice);
	char name[INVOICE_NAME_BYTES];
	char text[INVOICE_NAME_BYTES + ORDER_ID_BYTES + 128];
	char date[16];

	invoice_name(s->invoice->series, s->invoice->number, name);
	(void)snprintf(text, sizeof(text), "%s № %s от %s",
		       form_title(s->invoice), name,
		       form_date(s->invoice->date, date));
	s->y = TOP + page_text(s->page, &place, text) + 40;
	draw_party(s, roles.seller, &s->invoice->seller);
	draw_party(s, roles.buyer, &s->invoice->buyer);
	(void)snprintf(text, sizeof(text), "%s (№ %s)", s->invoice->external_id,
		       s->invoice->order_number);
	draw_fact(s, "Заказ", text);
	draw_fact(s, "Магазин", s->invoice->store_id);
	draw_fact(s, "Дата отгрузки",
		  form_date(s->invoice->shipment_date, date));
	draw_original(s);
	s->y += 30;
}

static void quantity_text(const struct invoice_line *line,
			  const struct invoice_amounts *amounts,
			  char text[CELL_BYTES])
{
	char number[DECIMAL_TEXT_BYTES];

	(void)snprintf(text, CELL_BYTES, "%s %s",
		       decimal_format_short(form_quantity_milli(line, amounts),
					    QUANTITY_DIGITS, number),
		       form_is_weighed(line) ? "кг" : "шт");
}

static void draw_line(struct sheet *s, const struct invoice_line *line,
		      size_t place)
{
	char number[CELL_BYTES];
	char before[CELL_BYTES];
	char after[CELL_BYTES];
	char quantity[CELL_BYTES];
	char price[DECIMAL_TEXT_BYTES];
	char rate[16];
	char vat[DECIMAL_TEXT_BYTES];
	char amount[DECIMAL_TEXT_BYTES];
	cells texts = {0};
	int at = 0;
	int height;

	(void)snprintf(number, sizeof(number), "%zu", place);
	quantity_text(line, &line->before, before);
	quantity_text(line, &line->after, after);
	quantity_text(line, &line->is, quantity);
	texts[at++] = number;
	texts[at++] = line->name[0] != '\0' ? line->name : line->sku;
	texts[at++] = line->sku;
	if (s->invoice->kind != INVOICE_SALE) {
		texts[at++] = before;
		texts[at++] = after;
	}
	texts[at++] = quantity;
	texts[at++] = decimal_format(form_unit_price(line, true, MONEY_DIGITS),
				     MONEY_DIGITS, price);
	texts[at++] = form_rate(line->vat_percent, rate);
	texts[at++] = decimal_format(line->is.vat_minor, MONEY_DIGITS, vat);
	texts[at++] =
		decimal_format(line->is.amount_minor, MONEY_DIGITS, amount);
	height = row_height(s, texts, false);
	if (make_room(s, height))
		draw_titles(s);
	draw_row(s, texts, false, height);
}

static void draw_sum(struct sheet *s, const char *name, int64_t minor,
		     bool bold)
{
	struct page_text label = {.x = LEFT,
				  .y = s->y,
				  .width = RIGHT - LEFT - 330,
				  .size = BODY_SIZE + 10,
				  .bold = bold,
				  .right = true};
	struct page_text value = {.x = RIGHT - 320,
				  .y = s->y,
				  .width = 320 - PADDING,
				  .size = BODY_SIZE + 10,
				  .bold = bold,
				  .right = true};
	char text[DECIMAL_TEXT_BYTES];

	(void)page_text(s->page, &label, name);
	s->y += page_text(s->page, &value,
			  decimal_format(minor, MONEY_DIGITS, text)) +
		10;
}

static void draw_change(struct sheet *s)
{
	int64_t before_minor;
	int64_t after_minor;

	form_change(s->invoice, &before_minor, &after_minor);
	draw_sum(s, "Сумма строк: было", before_minor, false);
	draw_sum(s, "стало", after_minor, false);
}

static void draw_sums(struct sheet *s)
{
	struct invoice_rate rates[INVOICE_RATES_MAX];
	size_t count = invoice_rates(s->invoice, rates);
	char name[64];
	char rate[16];

	(void)make_room(s, s->invoice->kind == INVOICE_SALE ? 400 : 600);
	s->y += 30;
	if (s->invoice->kind != INVOICE_SALE)
		draw_change(s);
	draw_sum(s, "Итого, ₽", s->invoice->total_minor, true);
	for (size_t i = 0; i < count; i++) {
		if (rates[i].vat_percent < 0)
			continue;
		(void)snprintf(name, sizeof(name), "в том числе НДС %s",
			       form_rate(rates[i].vat_percent, rate));
		draw_sum(s, name, rates[i].vat_minor, false);
	}
	if (s->invoice->discount_minor > 0)
		draw_sum(s, "Скидка учтена", s->invoice->discount_minor, false);
	s->y += 140;
	for (int i = 0; i < 2; i++) {
		struct page_text place = {.x = LEFT + i * 960,
					  .y = s->y + 10,
					  .width = 800,
					  .size = SMALL_SIZE};

		page_line(s->page, place.x, s->y, place.x + 800, s->y);
		(void)page_text(s->page, &place,
				i == 0 ? "Отпустил" : "Получил");
	}
}

static int add(struct form_run *run, const struct invoice *invoice,
	       const char *body, struct err *e)
{
	CLEANUP(page_out_freep) struct page_out *page = NULL;
	struct sheet sheet = {
		.invoice = invoice,
		.columns = invoice->kind == INVOICE_SALE ? sale_columns
							 : change_columns,
		.size = invoice->kind == INVOICE_SALE ? BODY_SIZE : SMALL_SIZE,
		.number = 1};
	char name[INVOICE_NAME_BYTES];
	int rc;

	(void)body;
	invoice_name(invoice->series, invoice->number, name);
	rc = page_out_new(run->out, name, invoice->made_ms, &page, e);
	if (rc < 0)
		return rc;
	sheet.page = page;
	draw_head(&sheet);
	draw_titles(&sheet);
	for (size_t i = 0; i < invoice->line_count; i++)
		draw_line(&sheet, &invoice->lines[i], i + 1);
	draw_sums(&sheet);
	draw_footer(&sheet);
	return page_finish(page, e);
}

const struct form form_pdf = {
	.name = "pdf",
	.extension = "pdf",
	.is_single = true,
	.add = add,
};
