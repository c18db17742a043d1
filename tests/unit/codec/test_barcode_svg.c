/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "codec/barcode/barcode_svg.h"

enum {
	MODULES_MAX = 1024
};

/* The symbol as text, a '#' for each dark module; its number of modules. */
static long draw(const char *svg, char modules[MODULES_MAX])
{
	const char *size = strstr(svg, "viewBox=\"0 0 ");
	long width;

	assert_non_null(size);
	width = strtol(size + strlen("viewBox=\"0 0 "), NULL, 10);
	assert_true(width > 0 && width < MODULES_MAX);
	memset(modules, '.', (size_t)width);
	modules[width] = '\0';
	for (const char *p = strchr(svg, 'M'); p != NULL;
	     p = strchr(p + 1, 'M')) {
		char *end;
		long x = strtol(p + 1, &end, 10);
		long bar = strtol(end + strlen(" 0h"), NULL, 10);

		assert_true(bar >= 1 && bar <= 4 && x + bar <= width);
		memset(modules + x, '#', (size_t)bar);
	}
	return width;
}

/* Code 128 (ISO/IEC 15417): start B, data, check character, stop. */
static void bars_are_those_of_the_standard(void **state)
{
	CLEANUP(buf_clear) struct buf b = BUF_MAX(64 * 1024);
	char modules[MODULES_MAX];

	(void)state;
	assert_int_equal(barcode_svg(&b, "A", NULL), 0);
	assert_int_equal(draw(buf_text(&b), modules), 10 + 3 * 11 + 13 + 10);
	assert_string_equal(modules, ".........."
				     "##.#..#...." /* start B */
				     "#.#...##..." /* A: 33 */
				     "#...#.##..." /* (104 + 33) % 103 = 34 */
				     "##...###.#.##"
				     "..........");
}

static void what_cannot_be_encoded_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"\xd0\x96\xd0\x96\xd0\x96",
		("0123456789012345678901234567890123456789012345678901234567890"
		 "1234567890"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CLEANUP(buf_clear) struct buf b = BUF_MAX(64 * 1024);

		assert_int_equal(barcode_svg(&b, bad[i], NULL), ERR_INVALID);
		assert_int_equal(b.used_bytes, 0);
	}
}

static void a_full_buffer_is_an_error(void **state)
{
	CLEANUP(buf_clear) struct buf b = BUF_MAX(100);

	(void)state;
	assert_int_equal(barcode_svg(&b, "1-000123", NULL), ERR_NOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bars_are_those_of_the_standard),
		cmocka_unit_test(what_cannot_be_encoded_is_refused),
		cmocka_unit_test(a_full_buffer_is_an_error),
	};

	return cmocka_run_group_tests_name("barcode_svg", tests, NULL, NULL);
}
