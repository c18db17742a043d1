/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "codec/barcode/barcode.h"

enum {
	SEEN_BYTES = 512
};

static const struct barcode_rule rules[] =
	{
		{"2", 6, false, 1000},   {"21", 5, false, 1000},
		{"23", 5, true, 100},    {"24", 4, true, 1},
		{"29", 12, false, 1000}, /* no digit is left for a value */
};

/* What was read, as "=whole-key key article w=weight p=price unit=... marking",
 * with a '~' for each group separator; or the reason for which it was refused.
 */
static void describe(const char *text, char seen[SEEN_BYTES])
{
	struct barcode b;
	const char *reason = "none";
	struct err e = {0};
	int used = 0;

	if (barcode_read(text, rules, COUNT_OF(rules), &b, &reason, &e) < 0) {
		(void)snprintf(seen, SEEN_BYTES, "%s", reason);
		assert_true(e.text[0] != '\0');
		return;
	}
	seen[0] = '\0';
	for (int i = 0; i < b.key_count; i++)
		used += snprintf(
			seen + used, (size_t)(SEEN_BYTES - used), "%s%s ",
			i == 0 && b.is_first_key_whole ? "=" : "", b.keys[i]);
	used += snprintf(seen + used, (size_t)(SEEN_BYTES - used), "(%s)",
			 b.article);
	if (b.weight_g >= 0)
		used += snprintf(seen + used, (size_t)(SEEN_BYTES - used),
				 " w=%lld", (long long)b.weight_g);
	if (b.price_minor >= 0)
		used += snprintf(seen + used, (size_t)(SEEN_BYTES - used),
				 " p=%lld", (long long)b.price_minor);
	if (b.unit[0] != '\0')
		(void)snprintf(seen + used, (size_t)(SEEN_BYTES - used),
			       " unit=%s %s", b.unit, b.marking);
	for (char *p = seen; *p != '\0'; p++)
		if (*p == BARCODE_GS)
			*p = '~';
}

static const struct {
	const char *name, *text, *want;
} table[] = {
	{"EAN-13", "4600000000015", "04600000000015 (4600000000015)"},
	{"EAN-13, one digit wrong", "4600000000016", "bad_check_digit"},
	{"EAN-13, two digits swapped", "4600000000051", "bad_check_digit"},
	{"EAN-8", "96385074", "00000096385074 (96385074)"},
	{"EAN-8, wrong", "96385075", "bad_check_digit"},
	{"UPC-A", "036000291452", "00036000291452 (036000291452)"},
	{"GTIN-14", "14600000000012", "14600000000012 (14600000000012)"},
	{"GTIN-14, wrong", "14600000000015", "bad_check_digit"},
	{"with what the scanner adds", " ]E04600000000015\r\n",
	 "04600000000015 (4600000000015)"},

	{"a label with 2.750 kg", "2100001027506",
	 "=02100001027506 02100001000004 (00001) w=2750"},
	{"the same label, bad check digit", "2100001027507", "bad_check_digit"},
	{"a label of the shorter prefix", "2000001027509",
	 "=02000001027509 02000001000007 (000001) w=2750"},
	{"a label without weight", "2100001000004",
	 "02100001000004 (00001) w=0"},
	{"a label with a price of 275.06", "2300001275062",
	 "=02300001275062 02300001000008 (00001) p=27506"},
	{"a price in roubles", "2400010027505",
	 "=02400010027505 02400010000003 (0001) p=275000"},
	{"a rule without room for a value is none", "2900000000018",
	 "=02900000000018 02900000000001 (900000) w=1"},

	{"a weight of one decimal", "01046000000000153101000521",
	 "04600000000015 () w=52100"},
	{"a weight of three decimals", "01046000000000153103001234",
	 "04600000000015 () w=1234"},
	{"a weight in thousandths of a gram", "]C101046000000000153105123456",
	 "04600000000015 () w=1235"},
	{"six decimals are not in the standard", "01046000000000153106123456",
	 "bad_code"},
	{"goods of any weight", "]C101946000000000183103001234",
	 "94600000000018 04600000000015 () w=1234"},
	{"batch, separator, weight",
	 "]C1010460000000001510AB12\x1d"
	 "3103000955",
	 "04600000000015 () w=955"},
	{"a date before the weight",
	 "010460000000001517261231"
	 "3103000955",
	 "04600000000015 () w=955"},
	{"a weight without goods", "3101000521", "bad_code"},
	{"a weight that is too short", "01046000000000153101005", "bad_code"},

	{"water",
	 "\x1d"
	 "0104600000000015215ABCDEFGHIJKL\x1d"
	 "93Zjqw",
	 "04600000000015 () unit=0104600000000015215ABCDEFGHIJKL"
	 " 0104600000000015215ABCDEFGHIJKL~93Zjqw"},
	{"a shorter serial",
	 "]d20104600000000015215Qbag!\x1d"
	 "93Zjqw",
	 "04600000000015 () unit=0104600000000015215Qbag!"
	 " 0104600000000015215Qbag!~93Zjqw"},
	{"by weight",
	 "0104600000000015215Qbag!\x1d"
	 "93Zjqw\x1d"
	 "3103000353",
	 "04600000000015 () w=353 unit=0104600000000015215Qbag!"
	 " 0104600000000015215Qbag!~93Zjqw~3103000353"},
	{"a unit whose GTIN has a wrong check digit",
	 "0104600000000016215EXAMPLE01", "bad_check_digit"},
	{"a weight of goods whose GTIN has a wrong check digit",
	 "01046000000000163101000521", "bad_check_digit"},
	{"without a tail", "0104600000000015215EXAMPLE01",
	 "04600000000015 () unit=0104600000000015215EXAMPLE01"
	 " 0104600000000015215EXAMPLE01"},
	{"a separator that the scanner lost",
	 "0104600000000015215ABCDEFGHIJKL93Zjqw91EE06", "gs_lost"},
	{"a separator that the scanner lost: milk",
	 "010460000000001521ABCDEF93dGVz", "gs_lost"},
	{"a separator that the scanner lost: drinks",
	 "010460000000001521ABCDEFG93dGVz", "gs_lost"},
	{"a separator that the scanner lost: others",
	 "010460000000001521ABCDEFGH93dGVz", "gs_lost"},
	{"a separator that the scanner lost: water",
	 "010460000000001521ABCDEFGHIJKLM93dGVz", "gs_lost"},
	{"a serial that looks like it, with its separator",
	 "010460000000001521ABCDEF93dGVz\x1d"
	 "93Zjqw",
	 "04600000000015 () unit=010460000000001521ABCDEF93dGVz"
	 " 010460000000001521ABCDEF93dGVz~93Zjqw"},
	{"a serial of another length that looks like it",
	 "010460000000001521ABC93dGVz",
	 "04600000000015 () unit=010460000000001521ABC93dGVz"
	 " 010460000000001521ABC93dGVz"},
	{"without a serial",
	 "010460000000001521\x1d"
	 "93Zjqw",
	 "bad_code"},

	{"a code of our own", "AB-12.7", "(AB-12.7)"},
	{"a number of our own", "200113005", "00000200113005 (200113005)"},
	{"a number that is too long for a GTIN", "123456789012345",
	 "(123456789012345)"},
	{"nothing", "", "bad_code"},
	{"spaces", "  \r\n", "bad_code"},
	{"the wrong keyboard layout", "\xd0\xa4\xd0\xab\xd0\x92", "bad_code"},
	{"a control character", "46\x01", "bad_code"},
	{"nothing but a separator", "\x1d", "bad_code"},
};

static void codes_are_read_as_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		char seen[SEEN_BYTES];

		describe(table[i].text, seen);
		if (strcmp(seen, table[i].want) != 0)
			fail_msg("%s: '%s' instead of '%s'", table[i].name,
				 seen, table[i].want);
	}
}

static void a_code_that_is_too_long_is_refused_and_not_cut(void **state)
{
	char text[BARCODE_TEXT_BYTES + 1];
	struct barcode barcode;
	const char *reason = NULL;

	(void)state;
	memset(text, 'A', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(barcode_read(text, NULL, 0, &barcode, &reason, NULL),
			 ERR_INVALID);
	assert_string_equal(reason, "bad_code");
}

static void a_unit_is_known_again_when_separators_were_lost(void **state)
{
	static const char unit[] = "0104600000000015215Qbag!";

	(void)state;
	assert_true(barcode_same_unit(unit, "0104600000000015215Qbag!93Zjqw"));
	assert_true(barcode_same_unit("0104600000000015215Qbag!93Zjqw", unit));
	assert_true(barcode_same_unit(unit, unit));
	assert_false(barcode_same_unit(unit, "0104600000000015215Qbag?"));
}

static void without_rules_a_label_is_an_ordinary_number(void **state)
{
	struct barcode barcode;
	const char *reason = NULL;

	(void)state;
	assert_int_equal(
		barcode_read("2100001027506", NULL, 0, &barcode, &reason, NULL),
		0);
	assert_string_equal(barcode.keys[0], "02100001027506");
	assert_int_equal(barcode.weight_g, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_are_read_as_the_table_says),
		cmocka_unit_test(
			a_code_that_is_too_long_is_refused_and_not_cut),
		cmocka_unit_test(
			a_unit_is_known_again_when_separators_were_lost),
		cmocka_unit_test(without_rules_a_label_is_an_ordinary_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
