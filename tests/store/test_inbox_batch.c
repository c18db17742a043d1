/* SPDX-License-Identifier: MIT
 *
 * Messages that go into the inbox together leave there what they leave one by
 * one. Without DB_CAP_ARRAYS both are the same.
 */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "store/engine/db.h"
#include "store/engine/writer.h"
#include "store/queue/inbox_batch.h"
#include "store/repair/verify.h"
#include "store_fixture.h"

enum {
	ROUNDS = 24,
	ROUND_MAX = 24,
	NAMES = 14,
	LARGE = 6,
	LARGE_BYTES = 1024 * 1024
};

struct keep {
	struct unit unit;
	struct inbox_arrival row;
	struct identity identity;
};

static size_t most_together;

static int run_one(struct unit *u, struct db *db, int64_t now_ms, struct err *e)
{
	struct keep *k = CONTAINER_OF(u, struct keep, unit);

	return inbox_add(db, &k->row, now_ms, &k->identity, e);
}

static int run_all(struct unit *first, size_t count, struct db *db,
		   int64_t now_ms, struct err *e)
{
	struct inbox_arrival rows[INBOX_BATCH_MAX] = {{0}};
	struct identity identities[INBOX_BATCH_MAX];
	struct unit *u = first;
	int rc;

	most_together = MAX_OF(most_together, count);
	for (size_t i = 0; i < count; i++, u = u->next)
		rows[i] = CONTAINER_OF(u, struct keep, unit)->row;
	rc = inbox_add_all(db, rows, count, now_ms, identities, e);
	u = first;
	for (size_t i = 0; i < count && rc == 0; i++, u = u->next)
		CONTAINER_OF(u, struct keep, unit)->identity = identities[i];
	return rc;
}

static const char *const names[NAMES] = {"",   "H1", "H2", "H3", "H4",
					 "H5", "H6", "U1", "U2", "U3",
					 "U4", "U5", "U6", "H7"};

static int below(unsigned *seed, int limit)
{
	return (int)((unsigned)rand_r(seed) % (unsigned)limit);
}

static void make_rows(struct inbox_arrival *rows, size_t count, unsigned *seed)
{
	static int64_t number;

	for (size_t i = 0; i < count; i++)
		rows[i] = (struct inbox_arrival){
			.external_id = names[below(seed, NAMES)],
			.alias = names[1 + below(seed, NAMES - 1)],
			.event_type = "order.updated",
			.body = "{\"name\":\"\xd0\x96'\\\\\"}",
			.event_ms = ++number,
			.quarantine_reason =
				below(seed, 4) == 0 ? "unknown" : NULL,
		};
}

static void keep_all(struct fixture *f, const struct inbox_arrival *rows,
		     size_t count, const char *channel, bool together)
{
	struct keep keeps[ROUND_MAX] = {{.identity = {0}}};
	struct unit *units[ROUND_MAX];

	for (size_t i = 0; i < count; i++) {
		keeps[i].row = rows[i];
		keeps[i].row.channel = channel;
		keeps[i].unit.run = run_one;
		keeps[i].unit.run_all = together ? run_all : NULL;
		units[i] = &keeps[i].unit;
	}
	writer_call_all(f->writer, units, count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(keeps[i].unit.rc, 0);
		assert_true(keeps[i].identity.number[0] != '\0');
	}
}

/* What others do to heads between two batches: lease, block, put away. */
static const char *const others[] = {
	"UPDATE inbox_head SET state = 2, due_ms = 7 WHERE last_seq % 3 = 0",
	"UPDATE inbox_head SET state = 4, due_ms = 8 WHERE last_seq % 3 = 1",
	"UPDATE inbox_head SET state = 0 WHERE state = 4",
	"INSERT INTO inbox_head_idle (order_id, last_seq) SELECT order_id,"
	" last_seq FROM inbox_head WHERE last_seq % 2 = 0"
	" ON CONFLICT (order_id) DO UPDATE SET last_seq = excluded.last_seq;"
	" DELETE FROM inbox_head WHERE last_seq % 2 = 0",
};

#define PAIRS                                                         \
	" FROM inbox AS a JOIN inbox AS b ON b.event_ms = a.event_ms" \
	" LEFT JOIN inbox_head AS h ON h.order_id = a.order_id"       \
	" LEFT JOIN inbox_head AS i ON i.order_id = b.order_id"       \
	" JOIN order_identity AS n ON n.channel = a.channel"          \
	"  AND n.external_id = a.external_id"                         \
	" JOIN order_identity AS m ON m.channel = b.channel"          \
	"  AND m.external_id = b.external_id"                         \
	" WHERE a.channel = 'one' AND b.channel = 'many'"
static const char differences[] =
	"SELECT count(*)" PAIRS " AND (a.order_seq <> b.order_seq"
	" OR a.state <> b.state OR a.outcome <> b.outcome"
	" OR coalesce(a.error, '') <> coalesce(b.error, '')"
	" OR a.external_id <> b.external_id OR a.body <> b.body"
	" OR a.event_type <> b.event_type OR a.hold <> b.hold"
	" OR coalesce(h.last_seq, -1) <> coalesce(i.last_seq, -1)"
	" OR coalesce(h.state, -1) <> coalesce(i.state, -1)"
	" OR (h.due_ms < 10) <> (i.due_ms < 10)"
	" OR (a.order_id = n.order_id) <> (b.order_id = m.order_id))";
static const char unlike_orders[] =
	"SELECT count(*) - count(DISTINCT one) + count(*) - count(DISTINCT"
	" many) FROM (SELECT DISTINCT a.order_id AS one, b.order_id AS"
	" many" PAIRS ") AS pairs";
static const char unlike_names[] =
	"SELECT count(*) FROM order_identity AS a LEFT JOIN order_identity AS b"
	" ON b.channel = 'many' AND b.external_id = a.external_id"
	" WHERE a.channel = 'one' AND b.order_id IS NULL";

static void together_is_the_same_as_one_by_one(void **state)
{
	struct fixture *f = *state;
	unsigned seed = 1;
	int64_t kept = 0;
	int bad = -1;

	most_together = 0;
	for (int round = 0; round < ROUNDS; round++) {
		struct inbox_arrival rows[ROUND_MAX];
		size_t count = 1 + (size_t)below(&seed, ROUND_MAX);

		make_rows(rows, count, &seed);
		keep_all(f, rows, count, "one", false);
		keep_all(f, rows, count, "many", true);
		kept += (int64_t)count;
		if (fixture_i64(f, differences) != 0 ||
		    fixture_i64(f, unlike_orders) != 0)
			fail_msg("round %d", round);
		fixture_sql(f, others[below(&seed, COUNT_OF(others))]);
	}
	assert_int_equal(fixture_i64(f, "SELECT count(*)" PAIRS), kept);
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM inbox"),
			 2 * kept);
	assert_int_equal(fixture_i64(f, unlike_names), 0);
	assert_int_equal(fixture_i64(f, "SELECT value FROM counters"
					" WHERE name = 'order'"),
			 fixture_i64(f, "SELECT count(DISTINCT order_id)"
					" FROM order_identity"));
	assert_int_equal(verify_all(f->db, &bad, NULL), 0);
	assert_int_equal(most_together > 1,
			 (db_caps(f->path) & DB_CAP_ARRAYS) != 0);
}

/* PostgreSQL refuses what is no UTF-8; nothing of the kind comes here. */
static void one_that_fails_fails_alone(void **state)
{
	struct fixture *f = *state;
	struct keep keeps[3] = {{.identity = {0}}};
	struct unit *units[3];
	int refused = fixture_is_sqlite() ? 0 : ERR_INVALID;

	for (size_t i = 0; i < COUNT_OF(keeps); i++) {
		keeps[i] = (struct keep){
			.unit.run = run_one,
			.unit.run_all = run_all,
			.row = {.channel = "kuper",
				.external_id = "H1",
				.alias = "",
				.event_type = "order.updated",
				.body = i == 1 ? "\xff" : "{}"},
		};
		units[i] = &keeps[i].unit;
	}
	writer_call_all(f->writer, units, COUNT_OF(units));
	assert_int_equal(keeps[0].unit.rc, 0);
	assert_int_equal(keeps[1].unit.rc, refused);
	assert_int_equal(keeps[2].unit.rc, 0);
	assert_string_equal(keeps[0].identity.number, keeps[2].identity.number);
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM inbox"),
			 refused < 0 ? 2 : 3);
	assert_int_equal(fixture_i64(f, "SELECT max(order_seq) FROM inbox"),
			 refused < 0 ? 2 : 3);
}

/* More bytes than one statement takes: the sequence goes on in the next. */
static void large_ones_go_in_parts(void **state)
{
	struct fixture *f = *state;
	struct inbox_arrival rows[LARGE];
	char *body = malloc(LARGE_BYTES + 1);

	assert_non_null(body);
	memset(body, 'x', LARGE_BYTES);
	body[LARGE_BYTES] = '\0';
	for (size_t i = 0; i < LARGE; i++)
		rows[i] = (struct inbox_arrival){.external_id = names[1],
						 .alias = names[i],
						 .event_type = "order.paid",
						 .body = body};
	keep_all(f, rows, LARGE, "kuper", true);
	free(body);
	assert_int_equal(fixture_i64(f, "SELECT sum(length(body)) FROM inbox"),
			 (int64_t)LARGE * LARGE_BYTES);
	assert_int_equal(fixture_i64(f, "SELECT last_seq FROM inbox_head"),
			 LARGE);
	assert_int_equal(fixture_i64(f, "SELECT count(DISTINCT order_seq)"
					" FROM inbox"),
			 LARGE);
}

#define STORE_TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(together_is_the_same_as_one_by_one),
		STORE_TEST(one_that_fails_fails_alone),
		STORE_TEST(large_ones_go_in_parts),
	};

	return cmocka_run_group_tests_name("inbox_batch", tests, NULL, NULL);
}
