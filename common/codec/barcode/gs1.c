/* SPDX-License-Identifier: MIT
 *
 * gs1.c - element strings: application identifiers and their values (GS1
 * General Specifications 3.2 and 7.8).
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "codec/barcode/barcode_private.h"
#include "codec/decimal.h"

enum {
	GTIN_DIGITS = 14,
	SERIAL_BYTES_MAX = 20, /* of AI 21 */
	TAIL_BYTES = 6,        /* AI 93 and its value */
	WEIGHT_DIGITS_MAX = 6,
	KILOGRAM_DECIMALS = 3
};

enum field {
	FIELD_OTHER,
	FIELD_GTIN,
	FIELD_SERIAL,
	FIELD_WEIGHT /* kilograms; the identifier's last digit: decimals */
};

/* Identifiers by their first digits. Where fixed_bytes is 0, the value ends at
 * the next separator. The first row that fits counts. */
static const struct ai {
	const char *prefix;
	size_t ai_bytes, fixed_bytes;
	enum field field;
} ais[] = {
	{"00", 2, 18, FIELD_OTHER},  {"01", 2, 14, FIELD_GTIN},
	{"02", 2, 14, FIELD_GTIN},   {"11", 2, 6, FIELD_OTHER},
	{"12", 2, 6, FIELD_OTHER},   {"13", 2, 6, FIELD_OTHER},
	{"15", 2, 6, FIELD_OTHER},   {"16", 2, 6, FIELD_OTHER},
	{"17", 2, 6, FIELD_OTHER},   {"20", 2, 2, FIELD_OTHER},
	{"10", 2, 0, FIELD_OTHER},   {"21", 2, 0, FIELD_SERIAL},
	{"22", 2, 0, FIELD_OTHER},   {"30", 2, 0, FIELD_OTHER},
	{"310", 4, 6, FIELD_WEIGHT}, {"31", 4, 6, FIELD_OTHER},
	{"32", 4, 6, FIELD_OTHER},   {"33", 4, 6, FIELD_OTHER},
	{"34", 4, 6, FIELD_OTHER},   {"35", 4, 6, FIELD_OTHER},
	{"36", 4, 6, FIELD_OTHER},   {"37", 2, 0, FIELD_OTHER},
	{"39", 4, 0, FIELD_OTHER},   {"41", 3, 13, FIELD_OTHER},
	{"2", 3, 0, FIELD_OTHER},    {"4", 3, 0, FIELD_OTHER},
	{"7", 4, 0, FIELD_OTHER},    {"8", 4, 0, FIELD_OTHER},
	{"9", 2, 0, FIELD_OTHER},
};

bool gs1_is_element_string(const char *text)
{
	size_t length = strlen(text);
	size_t digits = strspn(text, "0123456789");

	/* A marking code: more than a GTIN follows its AI. */
	if (strncmp(text, "01", 2) == 0 && digits >= 2 + GTIN_DIGITS &&
	    length > 2 + GTIN_DIGITS)
		return true;
	return (strncmp(text, "01", 2) == 0 && digits == length &&
		length == 2 + GTIN_DIGITS) ||
	       (strncmp(text, "310", 3) == 0 && digits == length &&
		length == 4 + WEIGHT_DIGITS_MAX);
}

static const struct ai *find_ai(const char *text)
{
	for (size_t i = 0; i < COUNT_OF(ais); i++)
		if (strncmp(text, ais[i].prefix, strlen(ais[i].prefix)) == 0)
			return &ais[i];
	return NULL;
}

/* These symbols carry a checksum of their own, so a check digit that is wrong
 * was printed so, or the code was typed in. A GTIN-14 that begins with 9 stands
 * for goods of any weight, and the catalogue may know it by the EAN-13 inside,
 * with a check digit of its own. */
static int read_gtin(const char *value, struct barcode *barcode,
		     const char **ret_reason, struct err *e)
{
	char inner[GTIN_DIGITS];

	if (!barcode_are_digits(value, GTIN_DIGITS))
		return barcode_refuse(ret_reason, "bad_code", e,
				      "the GTIN is not made of digits");
	if (!barcode_is_checked(value, GTIN_DIGITS))
		return barcode_refuse(ret_reason, "bad_check_digit", e,
				      "the check digit of the GTIN is wrong");
	barcode_add_key(barcode, value, GTIN_DIGITS);
	if (value[0] == '0')
		return 0;
	memcpy(inner, value + 1, GTIN_DIGITS - 1);
	inner[GTIN_DIGITS - 2] = barcode_check_digit(inner, GTIN_DIGITS - 2);
	barcode_add_key(barcode, inner, GTIN_DIGITS - 1);
	return 0;
}

static int read_weight(const char *ai, const char *value,
		       struct barcode *barcode, const char **ret_reason,
		       struct err *e)
{
	char digits[WEIGHT_DIGITS_MAX + 1];
	int decimals = ai[3] - '0';
	int64_t number = 0;
	int64_t divisor = 1;

	if (decimals < 0 || decimals > WEIGHT_DIGITS_MAX - 1 ||
	    !barcode_are_digits(value, WEIGHT_DIGITS_MAX))
		return barcode_refuse(ret_reason, "bad_code", e,
				      "the weight is not made of digits");
	(void)snprintf(digits, sizeof(digits), "%.*s", WEIGHT_DIGITS_MAX,
		       value);
	(void)text_to_i64(digits, 0, INT64_MAX, &number, NULL);
	for (int i = 0; i < decimals; i++)
		divisor *= 10;
	return decimal_mul_div(number, 1000, divisor, &barcode->weight_g, e);
}

/* A short code as its scanner sends it without the separator: the serial, as
 * long as the register makes them (milk 6, drinks 7 and 8, water 13), and the
 * check characters, 93 and four. */
static bool has_swallowed_tail(const char *serial, size_t serial_bytes)
{
	static const size_t register_bytes[] = {6, 7, 8, 13};

	if (serial[serial_bytes] != '\0')
		return false;
	for (size_t i = 0; i < COUNT_OF(register_bytes); i++)
		if (serial_bytes == register_bytes[i] + TAIL_BYTES &&
		    strncmp(serial + register_bytes[i], "93", 2) == 0)
			return true;
	return false;
}

/* The unit's name is its GTIN and serial, in the form in which both are
 * scanned. */
static int name_unit(const char *gtin, const char *serial, size_t serial_bytes,
		     struct barcode *barcode, const char **ret_reason,
		     struct err *e)
{
	if (serial_bytes == 0)
		return barcode_refuse(ret_reason, "bad_code", e,
				      "the serial number is missing");
	if (serial_bytes > SERIAL_BYTES_MAX ||
	    has_swallowed_tail(serial, serial_bytes))
		return barcode_refuse(ret_reason, "gs_lost", e,
				      "the scanner drops the separators (GS) "
				      "of marking codes: let it send FNC1");
	(void)snprintf(barcode->unit, sizeof(barcode->unit), "01%.*s21%.*s",
		       GTIN_DIGITS, gtin, (int)serial_bytes, serial);
	return 0;
}

struct elements {
	const char *gtin, *serial; /* NULL: not there */
	size_t serial_bytes;
};

static int read_element(const struct ai *ai, const char *text,
			size_t value_bytes, struct elements *found,
			struct barcode *barcode, const char **ret_reason,
			struct err *e)
{
	const char *value = text + ai->ai_bytes;

	if (ai->field == FIELD_GTIN) {
		found->gtin = value;
		return read_gtin(value, barcode, ret_reason, e);
	}
	if (ai->field == FIELD_WEIGHT)
		return read_weight(text, value, barcode, ret_reason, e);
	if (ai->field == FIELD_SERIAL) {
		found->serial = value;
		found->serial_bytes = value_bytes;
	}
	return 0;
}

int gs1_read(const char *text, struct barcode *barcode, const char **ret_reason,
	     struct err *e)
{
	struct elements found = {0};
	const char *at = text;

	while (*at != '\0') {
		const struct ai *ai = find_ai(at);
		size_t left = strcspn(at, "\x1d");
		size_t bytes;
		int rc;

		if (ai == NULL || left < ai->ai_bytes + ai->fixed_bytes ||
		    left == ai->ai_bytes)
			return barcode_refuse(ret_reason, "bad_code", e,
					      "is no GS1 element string");
		bytes = ai->fixed_bytes != 0 ? ai->fixed_bytes
					     : left - ai->ai_bytes;
		rc = read_element(ai, at, bytes, &found, barcode, ret_reason,
				  e);
		if (rc < 0)
			return rc;
		at += ai->ai_bytes + bytes;
		at += *at == BARCODE_GS;
	}
	if (found.gtin == NULL)
		return barcode_refuse(ret_reason, "bad_code", e,
				      "the code does not name the goods");
	if (found.serial == NULL)
		return 0;
	(void)text_copy(barcode->marking, sizeof(barcode->marking), text);
	return name_unit(found.gtin, found.serial, found.serial_bytes, barcode,
			 ret_reason, e);
}
