/* SPDX-License-Identifier: MIT
 *
 * barcode.h - what a scanner read, as values. Pure and thread-safe.
 *
 * Understood are EAN-8, EAN-13, UPC-A and GTIN-14 with their check digit
 * (GS1 General Specifications 7.9), a store's own labels with a weight or a
 * price in an EAN-13 (prefixes 20 to 29; each retailer has its own layout, so
 * it comes from a table), element strings of GS1-128 and DataMatrix with the
 * weight in AI 310n, and marking codes («Честный знак»): AI 01 and 21, then
 * what the group separator divides. Marking codes are never cut by lengths,
 * because serials differ from one kind of goods to the next.
 *
 * Anything else of printable ASCII is a code of the retailer's own.
 */
#ifndef CODEC_BARCODE_H
#define CODEC_BARCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum {
	BARCODE_TEXT_BYTES = 192, /* the longest code that is kept, and a NUL */
	BARCODE_KEY_BYTES = 15,   /* 14 digits */
	BARCODE_KEYS_MAX = 2,
	BARCODE_ARTICLE_BYTES = 64,
	BARCODE_PREFIX_BYTES = 8,
	BARCODE_GS = 0x1d /* group separator; FNC1 inside of a code */
};

/* Labels that a store prints for what it has weighed: prefix, article, value
 * and check digit, thirteen digits together. value / divisor is kilograms or
 * roubles. */
struct barcode_rule {
	char prefix[BARCODE_PREFIX_BYTES];
	int article_digits;
	bool is_price;
	int64_t divisor; /* > 0; 1000: grams, 100: kopecks */
};

struct barcode {
	/* Under which the goods may stand in a catalogue, filled up with zeros
	 * to 14 digits; the likeliest first. */
	char keys[BARCODE_KEYS_MAX][BARCODE_KEY_BYTES];
	int key_count;
	/* A code that fits a label may be one of the retailer's own all the
	 * same: then the first key is all of it, and whoever is found by that
	 * has got neither weight nor price from it. */
	bool is_first_key_whole;
	/* May be a SKU itself: a code of the retailer's own, or the article of
	 * a label. "" : none */
	char article[BARCODE_ARTICLE_BYTES];
	int64_t weight_g;    /* -1: not said */
	int64_t price_minor; /* of all of the label; -1: not said */
	/* Of a marking code, else "": the code as it is passed on, without
	 * what the scanner put in front, and the part that names the unit. */
	char marking[BARCODE_TEXT_BYTES];
	char unit[BARCODE_TEXT_BYTES];
};

/* 0; ERR_INVALID, and *ret_reason is a stable word for why: bad_code,
 * bad_check_digit, gs_lost. Of rules that fit, the one with the longest prefix
 * counts. */
int barcode_read(const char *text, const struct barcode_rule *rules,
		 size_t rule_count, struct barcode *ret_barcode,
		 const char **ret_reason, struct err *e);

/* True for a rule that describes thirteen digits. */
bool barcode_rule_is_valid(const struct barcode_rule *rule);

/* Are these two marking codes of one unit? A scanner that loses the group
 * separators makes a longer text out of the same code, so one unit may be the
 * beginning of the other. */
bool barcode_same_unit(const char *unit, const char *other);

/* The digit that makes `count` digits and itself a GTIN. */
char barcode_check_digit(const char *digits, size_t count);

#endif
