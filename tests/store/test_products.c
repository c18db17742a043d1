/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "store/catalogue/products.h"
#include "store/engine/db.h"
#include "store_fixture.h"

static const struct product milk = {.sku = "100",
				    .name = "Молоко",
				    .unit = "pcs",
				    .vat_rate = "10",
				    .barcodes = "4600000000017 46000024",
				    .piece_weight_g = 930,
				    .tolerance_percent = 5,
				    .marked = true};
static const struct product water = {.sku = "200",
				     .name = "Вода",
				     .barcodes = "",
				     .piece_weight_g = -1,
				     .tolerance_percent = -1};

static int run_begin(struct db *db, int64_t now_ms, void *context,
		     struct err *e)
{
	(void)now_ms;
	return products_begin(db, context, e);
}

static int64_t begin(struct fixture *f)
{
	int64_t generation = 0;

	assert_int_equal(fixture_write(f, run_begin, &generation, NULL), 0);
	return generation;
}

struct addition {
	int64_t generation;
	struct product product;
	char barcodes[PRODUCT_BARCODES_BYTES];
	int rc;
};

static int run_add(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	struct addition *a = context;

	(void)now_ms;
	a->rc = products_add(db, a->generation, &a->product, a->barcodes, e);
	return a->rc;
}

static int add(struct fixture *f, int64_t generation,
	       const struct product *product,
	       char barcodes[PRODUCT_BARCODES_BYTES])
{
	struct addition a = {.generation = generation, .product = *product};
	struct err e = {0};

	if (fixture_write(f, run_add, &a, &e) < 0)
		fail_msg("%s", e.text);
	if (barcodes != NULL)
		memcpy(barcodes, a.barcodes, sizeof(a.barcodes));
	return a.rc;
}

static int run_publish(struct db *db, int64_t now_ms, void *context,
		       struct err *e)
{
	return products_publish(db, *(int64_t *)context, 2, "hash", now_ms, e);
}

static void publish(struct fixture *f, int64_t generation)
{
	assert_int_equal(fixture_write(f, run_publish, &generation, NULL), 0);
}

static int run_sweep(struct db *db, int64_t now_ms, void *context,
		     struct err *e)
{
	(void)now_ms;
	*(int *)context = products_sweep(db, 2, e);
	return *(int *)context < 0 ? *(int *)context : 0;
}

static int sweep(struct fixture *f)
{
	int rows = 0;

	assert_int_equal(fixture_write(f, run_sweep, &rows, NULL), 0);
	return rows;
}

static void what_is_published_is_found_by_sku_and_barcode(void **state)
{
	struct fixture *f = *state;
	static const char *const spellings[] = {"4600000000017",
						"04600000000017", "46000024",
						"00000046000024"};
	int64_t generation = begin(f);
	struct product got;

	assert_int_equal(add(f, generation, &milk, NULL), 1);
	assert_int_equal(add(f, generation, &water, NULL), 1);
	assert_int_equal(products_get(f->db, "100", &got, NULL), 0);
	publish(f, generation);
	assert_int_equal(products_get(f->db, "100", &got, NULL), 1);
	assert_string_equal(got.sku, "100");
	assert_string_equal(got.name, "Молоко");
	assert_string_equal(got.vat_rate, "10");
	assert_int_equal(got.piece_weight_g, 930);
	assert_int_equal(got.tolerance_percent, 5);
	assert_true(got.marked);
	for (size_t i = 0; i < COUNT_OF(spellings); i++) {
		assert_int_equal(
			products_by_barcode(f->db, spellings[i], &got, NULL),
			1);
		assert_string_equal(got.sku, "100");
	}
	assert_int_equal(products_get(f->db, "200", &got, NULL), 1);
	assert_int_equal(got.piece_weight_g, -1);
	assert_int_equal(got.tolerance_percent, -1);
	assert_false(got.marked);
	assert_int_equal(
		products_by_barcode(f->db, "4600000000018", &got, NULL), 0);
	assert_int_equal(products_by_barcode(f->db, "", &got, NULL), 0);
}

static void a_sku_or_barcode_of_another_product_is_told(void **state)
{
	struct fixture *f = *state;
	struct product other = milk;
	char barcodes[PRODUCT_BARCODES_BYTES];
	int64_t generation = begin(f);

	assert_int_equal(add(f, generation, &milk, barcodes), 1);
	assert_int_equal(add(f, generation, &milk, barcodes), 0);
	assert_string_equal(barcodes, "");
	memcpy(other.sku, "101", sizeof("101"));
	assert_int_equal(add(f, generation, &other, barcodes), 0);
	assert_string_equal(barcodes, "4600000000017 46000024");
	memcpy(other.sku, "102", sizeof("102"));
	memcpy(other.barcodes, "7 07", sizeof("7 07"));
	assert_int_equal(add(f, generation, &other, barcodes), 1);
}

static void generations_that_nobody_reads_are_swept_in_parts(void **state)
{
	struct fixture *f = *state;
	int64_t cut_short = begin(f);
	int64_t whole;
	int64_t later;
	struct product got;
	int rows = 0;
	int step;

	(void)add(f, cut_short, &milk, NULL);
	whole = begin(f);
	(void)add(f, whole, &milk, NULL);
	(void)add(f, whole, &water, NULL);
	publish(f, whole);
	later = begin(f);
	(void)add(f, later, &water, NULL);
	while ((step = sweep(f)) > 0) {
		assert_true(step <= 2);
		rows += step;
	}
	assert_int_equal(rows, 4);
	assert_int_equal(products_get(f->db, "100", &got, NULL), 1);
	assert_int_equal(products_by_barcode(f->db, "46000024", &got, NULL), 1);
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM products"), 2);
}

static void the_state_says_what_is_published(void **state)
{
	struct fixture *f = *state;
	struct catalogue_state got;

	assert_int_equal(products_state(f->db, &got, NULL), 0);
	assert_int_equal(got.generation, 0);
	publish(f, begin(f));
	assert_int_equal(products_state(f->db, &got, NULL), 0);
	assert_int_equal(got.rows, 2);
	assert_string_equal(got.file_hash, "hash");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
		TEST(what_is_published_is_found_by_sku_and_barcode),
		TEST(a_sku_or_barcode_of_another_product_is_told),
		TEST(generations_that_nobody_reads_are_swept_in_parts),
		TEST(the_state_says_what_is_published),
#undef TEST
	};

	return cmocka_run_group_tests_name("products", tests, NULL, NULL);
}
