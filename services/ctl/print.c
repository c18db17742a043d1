/* SPDX-License-Identifier: MIT
 *
 * print.c - rows of any view, for people (a table) and for programs (JSON).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/text.h"
#include "codec/decimal.h"
#include "codec/json/json_out.h"
#include "codec/time/timestamp.h"
#include "ctl.h"
#include "domain/invoice/invoice.h"
#include "domain/order/order_state.h"
#include "store/engine/db.h"
#include "store/watch/views.h"

enum {
	COLUMNS_MAX = 40,
	OUTPUT_BYTES_MAX = 256 * 1024 * 1024,
	LIMIT_MAX = 1000000,
	WORD_BYTES = 64
};

struct printer {
	bool json;
	struct buf buf;
	struct json_out out;
	int rows;
};

/* How a column is shown follows from the unit in its name. */
static bool ends_with(const char *name, const char *suffix)
{
	size_t n = strlen(name);
	size_t m = strlen(suffix);

	return n >= m && strcmp(name + n - m, suffix) == 0;
}

static const char *cell_text(struct query *row, int column,
			     char buffer[TIMESTAMP_TEXT_BYTES])
{
	const char *name = query_col_name(row, column);
	int64_t value = query_col_i64(row, column);

	if (query_col_is_null(row, column))
		return "-";
	if (ends_with(name, "_ms"))
		return value == 0 ? "-" : timestamp_format(value, 0, buffer);
	if (ends_with(name, "_minor"))
		return decimal_format(value, MONEY_DIGITS, buffer);
	if (ends_with(name, "_milli"))
		return decimal_format_short(value, QUANTITY_DIGITS, buffer);
	return query_col_text(row, column);
}
_Static_assert((int)TIMESTAMP_TEXT_BYTES >= (int)DECIMAL_TEXT_BYTES,
	       "one buffer serves both");

/* Cells are shown as times, roubles and pieces, so the unit leaves the name. */
static int shown_bytes(const char *name)
{
	static const char *const units[] = {"_ms", "_minor", "_milli"};

	for (size_t i = 0; i < COUNT_OF(units); i++)
		if (ends_with(name, units[i]))
			return (int)(strlen(name) - strlen(units[i]));
	return (int)strlen(name);
}

static void print_header(struct printer *p, struct query *row)
{
	for (int i = 0; i < query_columns(row); i++) {
		const char *name = query_col_name(row, i);

		buf_printf(&p->buf, "%s%.*s", i > 0 ? "\t" : "",
			   shown_bytes(name), name);
	}
	buf_add_char(&p->buf, '\n');
}

/* One cell is a part of one line, whatever is in the data. */
static void print_cell(struct printer *p, struct query *row, int column)
{
	char buffer[TIMESTAMP_TEXT_BYTES];
	const char *text = cell_text(row, column, buffer);

	for (; *text != '\0'; text++)
		buf_add_char(&p->buf,
			     (char)((unsigned char)*text < ' ' ? ' ' : *text));
}

static int print_table_row(struct query *row, void *context)
{
	struct printer *p = context;

	if (p->rows++ == 0)
		print_header(p, row);
	for (int i = 0; i < query_columns(row); i++) {
		if (i > 0)
			buf_add_char(&p->buf, '\t');
		print_cell(p, row, i);
	}
	buf_add_char(&p->buf, '\n');
	return 0;
}

/* Of one thing: a line for each of its fields. */
static int print_record(struct query *row, void *context)
{
	struct printer *p = context;

	p->rows++;
	for (int i = 0; i < query_columns(row); i++) {
		const char *name = query_col_name(row, i);

		buf_printf(&p->buf, "%.*s\t", shown_bytes(name), name);
		if (query_col_text(row, i)[0] != '\0')
			print_cell(p, row, i);
		else
			buf_add_char(&p->buf, '-');
		buf_add_char(&p->buf, '\n');
	}
	return 0;
}

/* The messages that an operation met are many. */
static bool is_of_one_thing(const char *view)
{
	return (ends_with(view, ".show") && strcmp(view, "audit.show") != 0) ||
	       strcmp(view, "order.head") == 0;
}

static void put_json_columns(struct printer *p, struct query *row)
{
	for (int i = 0; i < query_columns(row); i++) {
		const char *name = query_col_name(row, i);

		if (query_col_is_null(row, i))
			json_put_null(&p->out, name);
		else if (query_col_is_number(row, i))
			json_put_i64(&p->out, name, query_col_i64(row, i));
		else
			json_put_text(&p->out, name, query_col_text(row, i));
	}
}

static int print_json_row(struct query *row, void *context)
{
	struct printer *p = context;

	json_object(&p->out, NULL);
	put_json_columns(p, row);
	json_end(&p->out);
	p->rows++;
	return 0;
}

void ctl_print_aligned(const char *text)
{
	int widths[COLUMNS_MAX] = {0};
	int column = 0;
	int width = 0;

	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '\t' || *p == '\n') {
			widths[column] = MAX_OF(widths[column], width);
			column = *p == '\n'
					 ? 0
					 : MIN_OF(column + 1, COLUMNS_MAX - 1);
			width = 0;
		} else if (((unsigned char)*p & 0xC0) != 0x80) {
			width++; /* a code point, not a byte */
		}
	}
	column = width = 0;
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '\t') {
			(void)printf("%*s", widths[column] - width + 2, "");
			column = MIN_OF(column + 1, COLUMNS_MAX - 1);
			width = 0;
			continue;
		}
		(void)putchar(*p);
		if (*p == '\n')
			column = width = 0;
		else if (((unsigned char)*p & 0xC0) != 0x80)
			width++;
	}
}

static int collect(struct ctl *ctl, struct printer *p, const char *view,
		   const char *const *params, size_t count)
{
	int (*print)(struct query * row, void *context) =
		is_of_one_thing(view) ? print_record : print_table_row;

	return view_run(ctl->db, view_find(view), params, count,
			p->json ? print_json_row : print, p, &ctl->err);
}

/* The rows of one more view, under their title. */
static int add_section(struct ctl *ctl, struct printer *p,
		       const struct ctl_section *section,
		       const char *const *params, size_t count)
{
	int rc;

	p->rows = 0;
	if (p->json)
		json_array(&p->out, section->title);
	rc = collect(ctl, p, section->view, params, count);
	if (p->json) {
		json_end(&p->out);
		return rc;
	}
	if (p->rows > 0)
		(void)printf("\n%s\n", section->title);
	ctl_print_aligned(buf_text(&p->buf));
	buf_reset(&p->buf);
	return rc;
}

int ctl_print_sections(struct ctl *ctl, const struct ctl_section *sections,
		       const char *const *params, size_t count)
{
	struct printer p = {.json = ctl->json,
			    .buf = BUF_MAX(OUTPUT_BYTES_MAX)};
	int rc = 0;

	p.out = json_out_to(&p.buf);
	if (p.json)
		json_object(&p.out, NULL);
	for (; sections->title != NULL && rc >= 0; sections++)
		rc = add_section(ctl, &p, sections, params, count);
	if (p.json && rc >= 0) {
		json_end(&p.out);
		(void)printf("%s\n", buf_text(&p.buf));
	}
	buf_clear(&p.buf);
	return rc < 0 ? ctl_error(ctl, rc) : CTL_DONE;
}

static int print_open_row(struct query *row, void *context)
{
	struct printer *p = context;

	if (!p->json)
		return print_record(row, context);
	put_json_columns(p, row);
	p->rows++;
	return 0;
}

int ctl_print_whole(struct ctl *ctl, const char *view,
		    const struct ctl_section *sections,
		    const char *const *params, size_t count)
{
	struct printer p = {.json = ctl->json,
			    .buf = BUF_MAX(OUTPUT_BYTES_MAX)};
	int rc;

	p.out = json_out_to(&p.buf);
	if (p.json) {
		json_array(&p.out, NULL);
		json_object(&p.out, NULL);
	}
	rc = view_run(ctl->db, view_find(view), params, count, print_open_row,
		      &p, &ctl->err);
	if (rc <= 0) {
		buf_clear(&p.buf);
		return rc < 0 ? ctl_error(ctl, rc) : CTL_NOTFOUND;
	}
	if (!p.json) {
		ctl_print_aligned(buf_text(&p.buf));
		buf_reset(&p.buf);
	}
	for (; sections->title != NULL && rc >= 0; sections++)
		rc = add_section(ctl, &p, sections, params, count);
	if (p.json && rc >= 0) {
		json_end(&p.out);
		json_end(&p.out);
		(void)printf("%s\n", buf_text(&p.buf));
	}
	buf_clear(&p.buf);
	return rc < 0 ? ctl_error(ctl, rc) : CTL_DONE;
}

int ctl_print_each(struct ctl *ctl, const char *view, const char *const *params,
		   size_t count)
{
	struct printer p = {.buf = BUF_MAX(OUTPUT_BYTES_MAX)};
	int rc = 0;

	for (size_t i = 0; i < count && rc >= 0; i++)
		rc = collect(ctl, &p, view, &params[i], 1);
	ctl_print_aligned(buf_text(&p.buf));
	buf_clear(&p.buf);
	return rc < 0 ? ctl_error(ctl, rc) : CTL_DONE;
}

int ctl_print_view(struct ctl *ctl, const char *view, const char *const *params,
		   size_t count)
{
	struct printer p = {.json = ctl->json,
			    .buf = BUF_MAX(OUTPUT_BYTES_MAX)};
	int rc;

	p.out = json_out_to(&p.buf);
	if (p.json)
		json_array(&p.out, NULL);
	rc = collect(ctl, &p, view, params, count);
	if (p.json && rc >= 0) {
		json_end(&p.out);
		(void)printf("%s\n", buf_text(&p.buf));
	} else {
		ctl_print_aligned(buf_text(&p.buf));
	}
	buf_clear(&p.buf);
	if (rc < 0)
		return ctl_error(ctl, rc);
	if (ctl->limit > 0 && rc >= ctl->limit)
		ctl_note("these are the first %lld: --limit N shows more\n",
			 (long long)ctl->limit);
	if (rc == 0 && ends_with(view, ".show"))
		return ctl_fail(ctl, CTL_NOTFOUND, "there is no '%s'",
				count > 0 ? params[0] : "");
	return CTL_DONE;
}

const char *ctl_limit(struct ctl *ctl)
{
	const char *text = ctl_option(ctl, "--limit", "100");

	if (text_to_i64(text, 1, LIMIT_MAX, &ctl->limit, NULL) == 0)
		return text;
	(void)ctl_fail(ctl, CTL_USAGE,
		       "--limit is a number from 1 to %d, not '%.32s'",
		       LIMIT_MAX, text);
	return NULL;
}

/* Which options or arguments give a view its parameters, in order. */
static const struct {
	const char *view, *options[3];
} parameters[] = {
	{"audit.list", {"--limit"}},
	{"audit.show", {""}},
	{"quarantine.list", {"--limit"}},
	{"order.list", {"--state", "--store", "--limit"}},
	{"catalog.show", {""}},
	{"job.history", {"", "--limit"}},
	{"alert.list", {"--state", "--limit"}},
	{"silence.list", {"--limit"}},
	{"document.list", {"--kind", "--state", "--limit"}},
	{"document.blocked", {"--limit"}},
	{"erp.refused", {"--limit"}},
	{"erp.uploads", {"--limit"}},
	{"document.batches", {"--limit"}},
	{"document.reports", {"--limit"}},
	{"document.changed", {"--limit"}},
	{"document.files", {"", "--limit"}},
};

/* What a filter may say: a slip must not look like "there is nothing". */
#define WORD(symbol, name) name " "
static const struct {
	const char *view, *option, *words; /* between blanks */
} known[] = {
	{"order.list", "--state", " " ORDER_STATES(WORD)},
	{"alert.list", "--state", " pending firing resolved "},
	{"document.list", "--state", " made exported "},
	{"document.list", "--kind", " " INVOICE_KINDS(WORD)},
};
#undef WORD

static int check_word(struct ctl *ctl, const char *option, const char *value)
{
	char word[WORD_BYTES];

	(void)snprintf(word, sizeof(word), " %s ", value);
	for (size_t i = 0; i < COUNT_OF(known) && value[0] != '\0'; i++)
		if (strcmp(known[i].view, ctl->view) == 0 &&
		    strcmp(known[i].option, option) == 0 &&
		    strstr(known[i].words, word) == NULL)
			return ctl_fail(ctl, CTL_USAGE,
					"%s is one of:%s, not '%.32s'", option,
					known[i].words, value);
	return CTL_DONE;
}

/* The parameter that an option or an argument gives; NULL after saying why. */
static const char *take_parameter(struct ctl *ctl, const char *option)
{
	const char *value;

	if (strcmp(option, "--limit") == 0)
		return ctl_limit(ctl);
	value = option[0] == '\0' ? ctl_next(ctl) : ctl_option(ctl, option, "");
	if (value == NULL)
		(void)ctl_fail(ctl, CTL_USAGE,
			       "an argument is missing: try ordergatectl "
			       "--help");
	else if (check_word(ctl, option, value) != CTL_DONE)
		value = NULL;
	return value;
}

int ctl_view(struct ctl *ctl)
{
	const char *params[3] = {NULL};
	size_t count = 0;
	size_t row = 0;

	while (row < COUNT_OF(parameters) &&
	       strcmp(parameters[row].view, ctl->view) != 0)
		row++;
	for (; row < COUNT_OF(parameters) && count < 3 &&
	       parameters[row].options[count] != NULL;
	     count++) {
		params[count] =
			take_parameter(ctl, parameters[row].options[count]);
		if (params[count] == NULL)
			return CTL_USAGE;
	}
	if (ctl->arg_count > 0)
		return ctl_fail(ctl, CTL_USAGE, "what is '%s'?", ctl->args[0]);
	return ctl_print_view(ctl, ctl->view, params, count);
}
