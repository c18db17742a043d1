/* SPDX-License-Identifier: MIT
 *
 * fuzz_barcode.c - whatever a scanner sends is read within its limits: keys are
 * 14 digits, values are not negative, a marking code is part of what came and
 * reads the same again. Input: the text.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "codec/barcode/barcode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct barcode_rule rules[] = {
	{"2", 6, false, 1000},
	{"21", 5, false, 7},
	{"23", 5, true, 100},
	{"24", 4, true, 1},
};

static void check_keys(const struct barcode *b)
{
	assert(b->key_count >= 0 && b->key_count <= BARCODE_KEYS_MAX);
	for (int i = 0; i < b->key_count; i++) {
		assert(strlen(b->keys[i]) == 14);
		assert(strspn(b->keys[i], "0123456789") == 14);
	}
	assert(b->key_count > 0 || b->article[0] != '\0');
}

static void check_marking(const char *text, const struct barcode *b)
{
	struct barcode again;
	const char *reason = NULL;

	if (b->marking[0] == '\0') {
		assert(b->unit[0] == '\0');
		return;
	}
	assert(strstr(text, b->marking) != NULL);
	assert(strlen(b->unit) > 18 && strlen(b->unit) <= 38);
	assert(barcode_read(b->marking, rules, COUNT_OF(rules), &again, &reason,
			    NULL) == 0);
	assert(strcmp(again.unit, b->unit) == 0);
	assert(barcode_same_unit(again.unit, b->unit));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_FREE char *text = malloc(size + 1);
	struct barcode b;
	const char *reason = NULL;

	assert(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	if (barcode_read(text, rules, COUNT_OF(rules), &b, &reason, NULL) < 0) {
		assert(reason != NULL);
		return 0;
	}
	assert(b.weight_g >= -1 && b.price_minor >= -1);
	check_keys(&b);
	check_marking(text, &b);
	return 0;
}
