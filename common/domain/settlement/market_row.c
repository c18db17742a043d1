/* SPDX-License-Identifier: MIT */
#include "domain/settlement/market_row.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "codec/decimal.h"
#include "codec/time/timestamp.h"

enum {
	HEADER_ROWS_MAX = 20, /* titles above it */
	NAME_BYTES = 128,
	SHOWN_BYTES = 40,
	NUMBER_BYTES = 64,
	/* How much of a file tells its encoding. */
	SAMPLE_BYTES = 1024 * 1024
};

/* Small letters, spaces as one, ё as е; what a person means to be the same. */
static void fold(const char *text, char ret[NAME_BYTES])
{
	size_t used = 0;

	for (; *text != '\0' && used + 3 < NAME_BYTES; text++) {
		unsigned char c = (unsigned char)*text;
		unsigned char next = (unsigned char)text[1];

		if (c >= 'A' && c <= 'Z') {
			ret[used++] = (char)(c | 0x20);
		} else if (c == 0xD0 && next >= 0x90 && next <= 0xAF) {
			bool first_half = next < 0xA0; /* А..П */

			ret[used++] = first_half ? (char)0xD0 : (char)0xD1;
			ret[used++] =
				(char)(first_half ? next + 0x20 : next - 0x20);
			text++;
		} else if ((c == 0xD0 && next == 0x81) ||
			   (c == 0xD1 && next == 0x91)) { /* Ё, ё */
			ret[used++] = (char)0xD0;
			ret[used++] = (char)0xB5;
			text++;
		} else if (c == 0xC2 && next == 0xA0) {
			ret[used++] = ' ';
			text++;
		} else {
			ret[used++] = (char)(c < ' ' ? ' ' : c);
		}
	}
	ret[used] = '\0';
}

/* Place of the text in "name|other name", from 0; -1: it is not there. */
static int place_in(const char *names, const char *text)
{
	char folded[NAME_BYTES];
	char copy[NAME_BYTES];
	const char *wanted;
	int place = 0;

	(void)text_copy(copy, sizeof(copy), text);
	fold(text_trim(copy), folded);
	wanted = folded;
	while (*names != '\0') {
		size_t bytes = strcspn(names, "|");
		char name[NAME_BYTES];
		char given[NAME_BYTES];

		(void)snprintf(given, sizeof(given), "%.*s",
			       (int)MIN_OF(bytes, sizeof(given) - 1), names);
		fold(given, name);
		if (name[0] != '\0' && strcmp(name, wanted) == 0)
			return place;
		names += bytes + (names[bytes] == '|');
		place++;
	}
	return -1;
}

static const char *names_of(const struct market_format *format,
			    enum market_column column)
{
	const char *const names[MARKET_COLUMNS] = {
		[MARKET_ORDER] = format->order,
		[MARKET_AMOUNT] = format->amount,
		[MARKET_VAT] = format->vat,
		[MARKET_STATUS] = format->status,
		[MARKET_DATE] = format->date,
	};

	return names[column];
}

/* The better name wins; the same one twice is a question. */
static int find_column(const struct csv *csv, const char *names, int *ret_place,
		       struct err *e)
{
	int best = -1;
	bool twice = false;

	*ret_place = -1;
	for (int field = 0; field < csv->field_count; field++) {
		int place = place_in(names, csv_field(csv, field));

		if (place < 0 || (best >= 0 && place > best))
			continue;
		twice = place == best;
		best = place;
		if (!twice)
			*ret_place = field;
	}
	if (!twice)
		return 0;
	return err_set(e, ERR_INVALID, "the column '%.40s' is there twice",
		       csv_field(csv, *ret_place));
}

/* 1: this row is the header; 0: it is not. */
static int read_header(const struct csv *csv,
		       const struct market_format *format,
		       int places[MARKET_COLUMNS], struct err *e)
{
	for (int i = 0; i < MARKET_COLUMNS; i++) {
		int rc = find_column(csv,
				     names_of(format, (enum market_column)i),
				     &places[i], e);

		if (rc < 0)
			return rc;
	}
	return places[MARKET_ORDER] >= 0 && places[MARKET_AMOUNT] >= 0;
}

static int seek_header(struct csv *csv, const struct market_format *format,
		       int places[MARKET_COLUMNS], struct err *e)
{
	for (int i = 0; i < HEADER_ROWS_MAX; i++) {
		int rc = csv_next(csv, NULL);

		if (rc == 0)
			return 0;
		if (rc > 0)
			rc = read_header(csv, format, places, e);
		else if (rc == ERR_INVALID)
			rc = 0; /* a title may be anything */
		if (rc != 0)
			return rc;
	}
	return 0;
}

int market_open(struct csv *ret_csv, const char *data, size_t bytes,
		const struct market_format *format, int places[MARKET_COLUMNS],
		struct err *e)
{
	static const char separators[] = {0, ';', ',', '\t'};
	int rc = 0;

	for (size_t i = 0; i < sizeof(separators) && rc == 0; i++) {
		csv_open(ret_csv, data, MIN_OF(bytes, (size_t)SAMPLE_BYTES));
		ret_csv->end = data + bytes;
		if (separators[i] != 0)
			ret_csv->separator = separators[i];
		rc = seek_header(ret_csv, format, places, e);
		if (rc == 0)
			csv_clear(ret_csv);
	}
	if (rc != 0)
		return rc < 0 ? rc : 0;
	return err_set(e, ERR_INVALID,
		       "none of the first %d rows names the columns of the "
		       "order (%.*s...) and of the sum (%.*s...): see "
		       "settlement.* in the configuration",
		       HEADER_ROWS_MAX,
		       (int)text_utf8_prefix(format->order, SHOWN_BYTES),
		       format->order,
		       (int)text_utf8_prefix(format->amount, SHOWN_BYTES),
		       format->amount);
}

static bool is_space(const char *text, size_t *ret_bytes)
{
	static const char *const spaces[] = {" ", "\xC2\xA0", "\xE2\x80\xAF",
					     "\t"};

	for (size_t i = 0; i < COUNT_OF(spaces); i++) {
		*ret_bytes = strlen(spaces[i]);
		if (strncmp(text, spaces[i], *ret_bytes) == 0)
			return true;
	}
	return false;
}

/* Without spaces and the currency. False: too long. */
static bool bare_number(const char *text, char ret[NUMBER_BYTES])
{
	static const char *const ends[] = {"₽", "руб.", "руб", "р.", "RUB"};
	size_t used = 0;

	while (*text != '\0') {
		size_t bytes;

		if (is_space(text, &bytes)) {
			text += bytes;
			continue;
		}
		if (used + 1 == NUMBER_BYTES)
			return false;
		ret[used++] = *text++;
	}
	ret[used] = '\0';
	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		size_t bytes = strlen(ends[i]);

		if (used > bytes && strcmp(ret + used - bytes, ends[i]) == 0) {
			ret[used - bytes] = '\0';
			break;
		}
	}
	return true;
}

/* "1,500" may be one and a half or one thousand five hundred. */
static bool is_ambiguous(const char *number, const char *mark)
{
	return strpbrk(number, ".,") == mark && strlen(mark) == 4;
}

/* The last of '.' and ',' is the decimal mark when it is there once; the other
 * one separates thousands. */
static bool point_number(char *number)
{
	char *point = strrchr(number, '.');
	char *comma = strrchr(number, ',');
	bool is_point = comma == NULL || (point != NULL && point > comma);
	char *mark = is_point ? point : comma;
	char other = is_point ? ',' : '.';
	char *to = number;

	if (mark != NULL &&
	    (strchr(number, *mark) != mark || is_ambiguous(number, mark)))
		return false;
	for (char *from = number; *from != '\0'; from++) {
		if (*from == other)
			continue;
		*to++ = (char)(from == mark ? '.' : *from);
	}
	*to = '\0';
	return true;
}

static int read_money(const char *text, const char *what, int64_t *ret_minor,
		      struct err *e)
{
	static const char minus[] = "\xE2\x88\x92"; /* U+2212 */
	char number[NUMBER_BYTES];

	if (bare_number(text, number) && point_number(number)) {
		char *digits = number;
		size_t bytes = sizeof(minus) - 1;

		if (strncmp(number, minus, bytes) == 0) {
			digits += bytes - 1;
			*digits = '-';
		}
		/* Zeros past the kopecks are of spreadsheets. */
		if (decimal_parse(digits, MONEY_DIGITS, ret_minor, NULL) == 0)
			return 0;
	}
	return err_set(e, ERR_INVALID, "%s: '%.40s' is not a sum of money",
		       what, text);
}

bool market_is_date(const char *text)
{
	char moment[32];
	int64_t ms;

	if (strlen(text) != MARKET_DATE_BYTES - 1)
		return false;
	(void)snprintf(moment, sizeof(moment), "%sT00:00:00Z", text);
	return timestamp_parse(moment, 0, &ms, NULL) == 0;
}

static int read_date(const char *text, char ret_date[MARKET_DATE_BYTES],
		     struct err *e)
{
	if (text[0] == '\0') {
		ret_date[0] = '\0';
		return 0;
	}
	if (strlen(text) >= MARKET_DATE_BYTES - 1 && text[2] == '.' &&
	    text[5] == '.')
		(void)snprintf(ret_date, MARKET_DATE_BYTES, "%.4s-%.2s-%.2s",
			       text + 6, text + 3, text);
	else
		(void)snprintf(ret_date, MARKET_DATE_BYTES, "%.10s", text);
	if (market_is_date(ret_date))
		return 0;
	return err_set(e, ERR_INVALID,
		       "date: '%.40s' is neither 2026-11-25 nor 25.11.2026",
		       text);
}

static int read_status(const char *text, const struct market_format *format,
		       bool *ret_cancelled, struct err *e)
{
	*ret_cancelled = place_in(format->cancelled, text) >= 0;
	if (text[0] == '\0' || *ret_cancelled ||
	    place_in(format->delivered, text) >= 0)
		return 0;
	return err_set(e, ERR_INVALID,
		       "status: '%.40s' is not known: name it in "
		       "settlement.delivered or settlement.cancelled",
		       text);
}

static bool is_total(const struct csv *csv)
{
	for (int i = 0; i < csv->field_count; i++) {
		const char *text = csv_field(csv, i);
		char folded[NAME_BYTES];

		fold(text, folded);
		if (strncmp(folded, "итого", strlen("итого")) == 0 ||
		    strncmp(folded, "всего", strlen("всего")) == 0 ||
		    strncmp(folded, "total", 5) == 0)
			return true;
	}
	return false;
}

static int read_sums(const struct csv *csv, const int places[MARKET_COLUMNS],
		     struct market_row *to, struct err *e)
{
	const char *vat = csv_field(csv, places[MARKET_VAT]);
	int rc = read_money(csv_field(csv, places[MARKET_AMOUNT]), "sum",
			    &to->amount_minor, e);

	to->has_vat = vat[0] != '\0';
	if (rc == 0 && to->has_vat)
		rc = read_money(vat, "VAT", &to->vat_minor, e);
	return rc;
}

int market_row(const struct csv *csv, const int places[MARKET_COLUMNS],
	       const struct market_format *format, struct market_row *ret_row,
	       struct err *e)
{
	struct market_row *to = ret_row;
	char id[ORDER_ID_BYTES + 1];
	char *trimmed;
	int rc;

	*to = (struct market_row){.line = csv->line};
	if (!text_copy(id, sizeof(id), csv_field(csv, places[MARKET_ORDER])))
		return err_set(e, ERR_INVALID, "order: '%.40s' is too long",
			       id);
	trimmed = text_trim(id);
	if (!text_copy(to->external_id, sizeof(to->external_id), trimmed))
		return err_set(e, ERR_INVALID, "order: '%.40s' is too long",
			       id);
	/* Our own CSV is opened by spreadsheets, for which they are formulas.
	 */
	if (trimmed[0] != '\0' && strchr("=+-@", trimmed[0]) != NULL)
		return err_set(e, ERR_INVALID, "order: '%.40s' is no order's",
			       trimmed);
	if (trimmed[0] == '\0') {
		if (is_total(csv))
			return 0;
		return err_set(e, ERR_INVALID, "the row names no order");
	}
	rc = read_sums(csv, places, to, e);
	if (rc == 0)
		rc = read_status(csv_field(csv, places[MARKET_STATUS]), format,
				 &to->is_cancelled, e);
	if (rc == 0)
		rc = read_date(csv_field(csv, places[MARKET_DATE]), to->date,
			       e);
	return rc < 0 ? rc : 1;
}
