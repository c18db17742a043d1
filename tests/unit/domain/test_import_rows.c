/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "domain/catalogue/import_rows.h"

#define PRODUCT_HEADER \
	"sku,name,barcodes,unit,piece_weight_g,vat_rate,tolerance_percent\n"
#define STORE_HEADER \
	"id,name,time_zone,opening_hours,telegram_chat,integration_type\n"

/* All that is told of a row, a line each. */
struct told {
	char text[2048];
};

static void tell(void *context, bool is_fault, const char *text)
{
	struct told *told = context;
	size_t used = strlen(told->text);

	(void)snprintf(told->text + used, sizeof(told->text) - used, "%s%s\n",
		       is_fault ? "" : "warning: ", text);
}

static int read_product(const char *text, struct product *p, struct told *told)
{
	struct row_ear ear = {tell, told};
	CLEANUP(csv_clear) struct csv csv;
	int places[PRODUCT_COLUMNS];

	csv_open(&csv, text, strlen(text));
	assert_int_equal(csv_read_header(&csv, product_columns, PRODUCT_COLUMNS,
					 places, NULL),
			 0);
	assert_int_equal(csv_next(&csv, NULL), 1);
	return product_from_row(&csv, places, told != NULL ? &ear : NULL, p);
}

static int read_store(const char *text, struct store_entry *s,
		      struct told *told)
{
	struct row_ear ear = {tell, told};
	CLEANUP(csv_clear) struct csv csv;
	int places[STORE_COLUMNS];

	csv_open(&csv, text, strlen(text));
	assert_int_equal(csv_read_header(&csv, store_columns, STORE_COLUMNS,
					 places, NULL),
			 0);
	assert_int_equal(csv_next(&csv, NULL), 1);
	return store_from_row(&csv, places, told != NULL ? &ear : NULL, s);
}

static void a_product_has_what_its_row_says(void **state)
{
	(void)state;
	struct product p;

	assert_int_equal(
		read_product(PRODUCT_HEADER
			     " 7 ,\"Milk, 1 l\",4600 4601,pcs,950.0,10%,5\n",
			     &p, NULL),
		0);
	assert_string_equal(p.sku, "7");
	assert_string_equal(p.name, "Milk, 1 l");
	assert_string_equal(p.barcodes, "4600 4601");
	assert_string_equal(p.unit, "pcs");
	assert_int_equal(p.piece_weight_g, 950);
	assert_string_equal(p.vat_rate, "10");
	assert_int_equal(p.tolerance_percent, 5);
	assert_int_equal(read_product("name;sku\nMilk;7\n", &p, NULL), 0);
	assert_string_equal(p.sku, "7");
	assert_string_equal(p.barcodes, "");
	assert_string_equal(p.vat_rate, "");
	assert_int_equal(p.piece_weight_g, -1);
	assert_int_equal(p.tolerance_percent, -1);
	assert_false(p.marked);
}

static void a_product_may_be_marked(void **state)
{
	static const struct {
		const char *row;
		bool marked;
	} rows[] = {{"7,Water,", false},   {"7,Water,0", false},
		    {"7,Water,no", false}, {"7,Water, 1 ", true},
		    {"7,Water,yes", true}, {"7,Water,да", true},
		    {"7,Water,нет", false}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char text[512];
		struct product p;

		(void)snprintf(text, sizeof(text), "sku,name,marked\n%s\n",
			       rows[i].row);
		if (read_product(text, &p, NULL) != 0 ||
		    p.marked != rows[i].marked)
			fail_msg("%s", rows[i].row);
	}
}

static void a_bad_mark_names_its_column(void **state)
{
	struct product p;
	struct told told = {0};

	(void)state;
	assert_int_equal(
		read_product("sku,name,marked\n7,Water,maybe\n", &p, &told), 1);
	assert_non_null(strstr(told.text, "marked: 'maybe' is not one of"));
}

static void a_bad_product_names_its_column(void **state)
{
	(void)state;
	static const struct {
		const char *row, *error;
	} rows[] = {
		{",a,,,,,", "sku: is empty"},
		{"1,a", "2 fields instead of 7"},
		{"1,Milk 3,2 %,,,,,", "8 fields instead of 7"},
		{"1,a,,,heavy,,", "piece_weight_g: 'heavy' is no whole"},
		{"1,a,,,-5,,", "piece_weight_g: '-5' is no whole"},
		{"1,a,,,1.5,,", "piece_weight_g: '1.5' is no whole"},
		{"1,a,,,,18,", "vat_rate: '18' is not one of"},
		{"1,a,,,,,101", "tolerance_percent: '101' is no whole"},
		{"1,a,,kilogrammes-and-more,,,", "unit: longer than 15"},
		{"1,\"a\nb\",,,,,", "name: more than one line"},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char text[512];
		struct product p;
		struct told told = {0};

		(void)snprintf(text, sizeof(text), PRODUCT_HEADER "%s\n",
			       rows[i].row);
		if (read_product(text, &p, &told) != 1 ||
		    strstr(told.text, rows[i].error) == NULL)
			fail_msg("%s: %s", rows[i].row, told.text);
	}
}

static void every_fault_of_a_row_is_told(void **state)
{
	struct product p;
	struct store_entry s;
	struct told product = {0};
	struct told store = {0};

	(void)state;
	assert_int_equal(
		read_product(PRODUCT_HEADER ",a,,,-5,99,abc", &p, &product), 4);
	assert_string_equal(
		product.text,
		"sku: is empty\n"
		"piece_weight_g: '-5' is no whole number from 0 to 1000000\n"
		"vat_rate: '99' is not one of 22 20 10 7 5 0 none\n"
		"tolerance_percent: 'abc' is no whole number from 0 to 100\n");
	assert_int_equal(p.piece_weight_g, -1);
	assert_string_equal(p.vat_rate, "");
	assert_int_equal(read_store(STORE_HEADER ",a,,9-17,,7", &s, &store), 3);
	assert_non_null(strstr(store.text, "id: is empty\n"));
	assert_non_null(strstr(store.text, "'9-17'"));
	assert_non_null(strstr(store.text, "integration_type: '7'"));
}

static void a_barcode_that_no_scan_finds_is_warned_of(void **state)
{
	static const struct {
		const char *barcodes, *want;
	} rows[] = {
		{"4600000000015 46000026 A-1 123 12345", ""},
		{"4600000000010", "'4600000000010'"},
		{"4600000000015 46000027", "'46000027'"},
		{"14600000000013", "'14600000000013'"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct told told = {0};
		struct product p;
		char text[256];

		(void)snprintf(text, sizeof(text),
			       "sku,name,barcodes\n1,a,%s\n", rows[i].barcodes);
		if (read_product(text, &p, &told) != 0 ||
		    (told.text[0] != '\0') != (rows[i].want[0] != '\0') ||
		    strstr(told.text, rows[i].want) == NULL ||
		    strcmp(p.barcodes, rows[i].barcodes) != 0)
			fail_msg("%s: %s", rows[i].barcodes, told.text);
	}
}

static void a_store_has_what_its_row_says(void **state)
{
	(void)state;
	struct store_entry s;

	assert_int_equal(read_store(STORE_HEADER
				    "12,Store,Asia/Omsk,08:00-22:00,-100,5",
				    &s, NULL),
			 0);
	assert_string_equal(s.id, "12");
	assert_string_equal(s.name, "Store");
	assert_string_equal(s.time_zone, "Asia/Omsk");
	assert_string_equal(s.opening_hours, "08:00-22:00");
	assert_string_equal(s.telegram_chat, "-100");
	assert_int_equal(s.integration_type, 5);
	assert_int_equal(read_store(STORE_HEADER "12,,,,,", &s, NULL), 0);
	assert_string_equal(s.name, "12");
	assert_string_equal(s.time_zone, "");
	assert_int_equal(s.integration_type, 3);
}

static void a_bad_store_names_its_column(void **state)
{
	(void)state;
	static const struct {
		const char *row, *error;
	} rows[] = {
		{",a,,,,", "id: is empty"},
		{"1,a,,8-22,,", "opening hours: '8-22'"},
		{"1,a,,,,1", "integration_type: '1' is not one of"},
		{"1,a,,,,33", "integration_type: '33' is not one of"},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char text[512];
		struct store_entry s;
		struct told told = {0};

		(void)snprintf(text, sizeof(text), STORE_HEADER "%s\n",
			       rows[i].row);
		if (read_store(text, &s, &told) != 1 ||
		    strstr(told.text, rows[i].error) == NULL)
			fail_msg("%s: %s", rows[i].row, told.text);
	}
}

static void barcodes_are_compared_as_fourteen_digits(void **state)
{
	(void)state;
	static const struct {
		const char *text, *key; /* NULL: no barcode */
	} rows[] = {
		{"46000024", "00000046000024"},
		{"4600000000017", "04600000000017"},
		{"04600000000017", "04600000000017"},
		{"123456789012345", "123456789012345"},
		{"A-17", "A-17"},
		{"", NULL},
		{"1 2", NULL},
		{"1\x1D"
		 "2",
		 NULL},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char key[BARCODE_BYTES] = "";

		assert_int_equal(product_barcode_key(rows[i].text, key),
				 rows[i].key != NULL);
		if (rows[i].key != NULL)
			assert_string_equal(key, rows[i].key);
	}
}

static void a_products_own_tolerance_is_the_hard_one(void **state)
{
	(void)state;
	static const struct {
		int percent;
		struct tolerance want;
	} rows[] = {{-1, {10, 25}}, {5, {5, 5}}, {0, {0, 0}}, {40, {10, 40}}};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct product p = {.tolerance_percent = rows[i].percent};
		struct tolerance got = product_tolerance(&p);

		assert_memory_equal(&got, &rows[i].want, sizeof(got));
	}
	assert_int_equal(product_tolerance(NULL).hard_percent, 25);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_product_has_what_its_row_says),
		cmocka_unit_test(a_product_may_be_marked),
		cmocka_unit_test(a_bad_mark_names_its_column),
		cmocka_unit_test(a_bad_product_names_its_column),
		cmocka_unit_test(every_fault_of_a_row_is_told),
		cmocka_unit_test(a_barcode_that_no_scan_finds_is_warned_of),
		cmocka_unit_test(a_store_has_what_its_row_says),
		cmocka_unit_test(a_bad_store_names_its_column),
		cmocka_unit_test(barcodes_are_compared_as_fourteen_digits),
		cmocka_unit_test(a_products_own_tolerance_is_the_hard_one),
	};

	return cmocka_run_group_tests_name("import_rows", tests, NULL, NULL);
}
