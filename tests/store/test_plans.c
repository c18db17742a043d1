/* SPDX-License-Identifier: MIT
 *
 * What changes or deletes rows while orders go on holds the write lock, so none
 * of it may look through a whole table that grows with the business.
 */
#include "cmocka_all.h"

#include <stdbool.h>
#include <string.h>

#include "base/macros.h"
#include "store/catalogue/products.h"
#include "store/engine/db_private.h"
#include "store/queue/archive.h"
#include "store/repair/eraser.h"
#include "store_fixture.h"

static const char *const growing[] = {
	"orders",
	"order_lines",
	"order_history",
	"order_identity",
	"order_customers",
	"order_marking_codes",
	"inbox",
	"inbox_archive",
	"inbox_head",
	"outbox",
	"outbox_archive",
	"outbox_head",
	"products",
	"product_barcodes",
	"api_requests",
	"telegram_archive",
	"message_attempts",
	"message_attempts_archive",
};

static bool is_growing(const char *name, size_t bytes)
{
	for (size_t i = 0; i < COUNT_OF(growing); i++)
		if (strlen(growing[i]) == bytes &&
		    strncmp(growing[i], name, bytes) == 0)
			return true;
	return false;
}

/* These look at one end of a key, or at what has failed. */
static const char *const allowed[] = {
	"products_first",        "products_last",      "product_barcodes_first",
	"product_barcodes_last", "erase_failed_inbox",
};

static bool is_allowed(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(allowed); i++)
		if (strcmp(allowed[i], name) == 0)
			return true;
	return false;
}

/* The first line of a plan that goes through a growing table; NULL: none. */
static const char *find_scan(const char *plan)
{
	static const char scan[] = "SCAN ";

	for (const char *p = plan; *p != '\0'; p = strchr(p, '\n') + 1) {
		const char *table = p + strlen(scan);

		if (strncmp(p, scan, strlen(scan)) == 0 &&
		    is_growing(table, strcspn(table, " \n")))
			return p;
	}
	return NULL;
}

static void no_statement_goes_through_a_table_that_grows(void **state)
{
	const struct stmt *all = stmt_first();
	int sweeps = 0;

	for (size_t i = 0; i < stmt_count(); i++) {
		const char *scan;

		if (strncmp(all[i].name, "tx_", 3) == 0)
			continue;
		scan = find_scan(fixture_plan(*state, all[i].sql));
		if (scan != NULL && !is_allowed(all[i].name))
			fail_msg("%s: %.*s", all[i].name,
				 (int)strcspn(scan, "\n"), scan);
		sweeps += strcmp(all[i].name, "products_delete") == 0 ||
			  strcmp(all[i].name, "archive_identity") == 0 ||
			  strcmp(all[i].name, "erase_inbox") == 0;
	}
	assert_int_equal(sweeps, 3);
}

static void a_scan_is_noticed(void **state)
{
	assert_non_null(find_scan(fixture_plan(
		*state, "DELETE FROM orders WHERE comment = 'x'")));
	assert_null(find_scan(
		fixture_plan(*state, "DELETE FROM orders WHERE id = 1")));
}

/* What is not called is not linked. */
static const void *const volatile linked[] = {&archive_old_orders, erase_steps};

int main(void)
{
	int (*volatile sweep)(struct db *, int, struct err *) = products_sweep;
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			no_statement_goes_through_a_table_that_grows,
			fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			a_scan_is_noticed, fixture_setup, fixture_teardown),
	};

	if (sweep == NULL || linked[0] == NULL)
		return 1;
	return cmocka_run_group_tests_name("plans", tests, NULL, NULL);
}
