/* SPDX-License-Identifier: MIT */
#include "codec/barcode/barcode.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "codec/barcode/barcode_private.h"
#include "codec/decimal.h"

enum {
	GTIN_DIGITS = 14,
	EAN13_DIGITS = 13,
	KILOGRAM_G = 1000,
	ROUBLE_MINOR = 100
};

int barcode_refuse(const char **ret_reason, const char *reason, struct err *e,
		   const char *text)
{
	*ret_reason = reason;
	return err_set(e, ERR_INVALID, "%s", text);
}

bool barcode_are_digits(const char *text, size_t count)
{
	return strspn(text, "0123456789") >= count;
}

char barcode_check_digit(const char *digits, size_t count)
{
	int sum = 0;

	/* From the right: three times the first, once the second, ... */
	for (size_t i = 0; i < count; i++)
		sum += (digits[count - 1 - i] - '0') * (i % 2 == 0 ? 3 : 1);
	return (char)('0' + (10 - sum % 10) % 10);
}

bool barcode_is_checked(const char *digits, size_t count)
{
	return digits[count - 1] == barcode_check_digit(digits, count - 1);
}

void barcode_add_key(struct barcode *barcode, const char *digits, size_t count)
{
	char key[BARCODE_KEY_BYTES];

	(void)snprintf(key, sizeof(key), "%0*d%.*s", (int)(GTIN_DIGITS - count),
		       0, (int)count, digits);
	if (count == GTIN_DIGITS)
		(void)snprintf(key, sizeof(key), "%.*s", (int)count, digits);
	for (int i = 0; i < barcode->key_count; i++)
		if (strcmp(barcode->keys[i], key) == 0)
			return;
	if (barcode->key_count < BARCODE_KEYS_MAX)
		memcpy(barcode->keys[barcode->key_count++], key, sizeof(key));
}

static int value_digits(const struct barcode_rule *rule)
{
	return EAN13_DIGITS - 1 - (int)strlen(rule->prefix) -
	       rule->article_digits;
}

bool barcode_rule_is_valid(const struct barcode_rule *rule)
{
	size_t prefix_digits = strlen(rule->prefix);

	return prefix_digits > 0 &&
	       barcode_are_digits(rule->prefix, prefix_digits) &&
	       rule->article_digits > 0 && value_digits(rule) > 0 &&
	       rule->divisor > 0;
}

static const struct barcode_rule *
find_rule(const char *digits, const struct barcode_rule *rules, size_t count)
{
	const struct barcode_rule *best = NULL;

	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(rules[i].prefix);

		if (barcode_rule_is_valid(&rules[i]) &&
		    strncmp(digits, rules[i].prefix, length) == 0 &&
		    (best == NULL || length > strlen(best->prefix)))
			best = &rules[i];
	}
	return best;
}

/* The catalogue knows a label by its digits with the value put to zero, and so
 * with another check digit. */
static void read_label(const char *digits, const struct barcode_rule *rule,
		       struct barcode *barcode)
{
	size_t prefix_digits = strlen(rule->prefix);
	int count = value_digits(rule);
	char key[EAN13_DIGITS + 1];
	char value_text[EAN13_DIGITS + 1];
	int64_t value = 0;
	int64_t *target =
		rule->is_price ? &barcode->price_minor : &barcode->weight_g;

	barcode_add_key(barcode, digits, EAN13_DIGITS);
	memcpy(key, digits, sizeof(key));
	memset(key + EAN13_DIGITS - 1 - count, '0', (size_t)count);
	key[EAN13_DIGITS - 1] = barcode_check_digit(key, EAN13_DIGITS - 1);
	barcode_add_key(barcode, key, EAN13_DIGITS);
	barcode->is_first_key_whole = barcode->key_count > 1;
	(void)snprintf(barcode->article, sizeof(barcode->article), "%.*s",
		       rule->article_digits, digits + prefix_digits);
	(void)snprintf(value_text, sizeof(value_text), "%.*s", count,
		       digits + EAN13_DIGITS - 1 - count);
	(void)text_to_i64(value_text, 0, INT64_MAX, &value, NULL);
	(void)decimal_mul_div(value, rule->is_price ? ROUBLE_MINOR : KILOGRAM_G,
			      rule->divisor, target, NULL);
}

static bool is_gtin_length(size_t length)
{
	return length == 8 || (length >= 12 && length <= GTIN_DIGITS);
}

static int read_digits(const char *digits, size_t length,
		       const struct barcode_rule *rules, size_t rule_count,
		       struct barcode *barcode, const char **ret_reason,
		       struct err *e)
{
	const struct barcode_rule *rule;

	if (is_gtin_length(length) && !barcode_is_checked(digits, length))
		return barcode_refuse(ret_reason, "bad_check_digit", e,
				      "the check digit is wrong: scan again");
	rule = length == EAN13_DIGITS ? find_rule(digits, rules, rule_count)
				      : NULL;
	if (rule != NULL) {
		read_label(digits, rule, barcode);
		return 0;
	}
	if (length <= GTIN_DIGITS)
		barcode_add_key(barcode, digits, length);
	(void)text_copy(barcode->article, sizeof(barcode->article), digits);
	return 0;
}

/* Without spaces and line ends of the scanner, its symbology identifier
 * (ISO/IEC 15424: "]d2", "]C1", ...) and the first FNC1. */
static const char *strip(char *text, bool *ret_is_gs1)
{
	static const char *const gs1_identifiers[] = {"]C1", "]e0", "]d2",
						      "]Q3", "]J1"};
	char *start = text_trim(text);

	*ret_is_gs1 = false;
	for (size_t i = 0; i < COUNT_OF(gs1_identifiers); i++)
		if (strncmp(start, gs1_identifiers[i], 3) == 0)
			*ret_is_gs1 = true;
	if (start[0] == ']' && start[1] != '\0' && start[2] != '\0')
		start += 3;
	while (*start == BARCODE_GS)
		start++;
	*ret_is_gs1 = *ret_is_gs1 || strchr(start, BARCODE_GS) != NULL ||
		      gs1_is_element_string(start);
	return start;
}

static bool is_scannable(const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		if ((*p < ' ' || *p > '~') && *p != BARCODE_GS)
			return false;
	return text[0] != '\0';
}

int barcode_read(const char *text, const struct barcode_rule *rules,
		 size_t rule_count, struct barcode *ret_barcode,
		 const char **ret_reason, struct err *e)
{
	char copy[BARCODE_TEXT_BYTES];
	struct barcode barcode = {.weight_g = -1, .price_minor = -1};
	const char *code;
	size_t length;
	bool is_gs1;
	int rc = 0;

	if (!text_copy(copy, sizeof(copy), text))
		return barcode_refuse(ret_reason, "bad_code", e,
				      "the code is too long");
	code = strip(copy, &is_gs1);
	if (!is_scannable(code))
		return barcode_refuse(ret_reason, "bad_code", e,
				      "is no code: is the scanner's keyboard "
				      "layout English?");
	length = strlen(code);
	if (is_gs1)
		rc = gs1_read(code, &barcode, ret_reason, e);
	else if (barcode_are_digits(code, length))
		rc = read_digits(code, length, rules, rule_count, &barcode,
				 ret_reason, e);
	else
		(void)text_copy(barcode.article, sizeof(barcode.article), code);
	if (rc == 0)
		*ret_barcode = barcode;
	return rc;
}

bool barcode_same_unit(const char *unit, const char *other)
{
	return strncmp(unit, other, MIN_OF(strlen(unit), strlen(other))) == 0;
}
