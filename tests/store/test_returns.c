/* SPDX-License-Identifier: MIT
 *
 * What the processor has claimed and could not apply goes back, whatever became
 * of the store meanwhile, and is blamed for nothing that it did not do.
 */
#include "cmocka_all.h"

#include "queue_test.h"

#include <string.h>

#include "base/err.h"
#include "base/macros.h"

#include "../../services/processor/returns.c" /* NOLINT */

static struct returns returns;

static int give_all_back(struct test *t)
{
	return returns_write(&returns, t->f->writer, NULL);
}

static void claim_and_return(struct test *t, enum return_why why)
{
	MESSAGE m = {0};

	assert_int_equal(claim(t, T0, &m), 1);
	returns_add(&returns, &m, why, "the store was away");
}

/* What a message is afterwards: state, attempts, losses, and how many attempts
 * were noted. */
static const char *fate(struct test *t)
{
	return fixture_text(
		t->f, "SELECT state || ' ' || attempts || ' ' || losses || ' '"
		      " || (SELECT count(*) FROM message_attempts) FROM inbox");
}

static void each_goes_back_as_what_it_is(void **state)
{
	static const struct {
		enum return_why why;
		const char *fate;
	} rows[] = {
		{RETURN_UNTRIED, "1 0 0 0"},
		{RETURN_LOST, "1 1 1 1"},
		{RETURN_FAILED, "1 1 0 1"},
	};
	struct test *t = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		fixture_sql(t->f, "DELETE FROM message_attempts");
		fixture_sql(t->f, "DELETE FROM inbox");
		fixture_sql(t->f, "DELETE FROM inbox_head");
		add(t, 1, "a", T0);
		claim_and_return(t, rows[i].why);
		assert_int_equal(give_all_back(t), 0);
		assert_int_equal(returns.count, 0);
		if (strcmp(fate(t), rows[i].fate) != 0)
			fail_msg("%d: %s", rows[i].why, fate(t));
	}
}

static void a_busy_store_forgets_nobody(void **state)
{
	CLEANUP_DB struct db *holder = NULL; /* of the lock of all writers */
	struct test *t = *state;

	add(t, 1, "a", T0);
	claim_and_return(t, RETURN_UNTRIED);
	assert_int_equal(db_open(t->f->path, DB_CREATE, &holder, NULL), 0);
	assert_int_equal(db_begin_write(holder, NULL), 0);
	assert_int_equal(give_all_back(t), ERR_BUSY);
	assert_int_equal(returns.count, 1);
	db_rollback(holder);
	assert_int_equal(give_all_back(t), 0);
	assert_int_equal(returns.count, 0);
	assert_string_equal(fate(t), "1 0 0 0");
}

static void what_somebody_else_has_taken_is_forgotten(void **state)
{
	struct test *t = *state;
	struct queue_lease lease = {.owner = "other", .until_ms = T0 + 9};
	MESSAGE m = {0};

	add(t, 1, "a", T0);
	claim_and_return(t, RETURN_FAILED);
	begin(t);
	assert_int_equal(
		queue_seize(t->db, &queue_inbox, 1, T0, &lease, &m, NULL), 1);
	commit(t);
	assert_int_equal(give_all_back(t), 0);
	assert_int_equal(returns.count, 0);
	assert_string_equal(fate(t), "2 2 0 0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON(each_goes_back_as_what_it_is, inbox_kind),
		ON(a_busy_store_forgets_nobody, inbox_kind),
		ON(what_somebody_else_has_taken_is_forgotten, inbox_kind),
	};

	return cmocka_run_group_tests_name("returns", tests, NULL, NULL);
}
