/* SPDX-License-Identifier: MIT
 *
 * Several processes' worth of writers put messages of the same few orders into
 * the inbox at the same time, each in batches, while messages are taken out
 * again and, on a server, connections are ended under them. Afterwards every
 * sequence is whole, what was acknowledged is there once, and what was not is
 * there at most once.
 */
#include "cmocka_all.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "store/engine/db.h"
#include "store/engine/writer.h"
#include "store/queue/inbox_batch.h"
#include "store/repair/verify.h"
#include "store_fixture.h"

enum {
	WRITERS = 4,
	ROUNDS = 16,
	TOGETHER = 20,
	ORDERS = 7,    /* at a time */
	NEW_EVERY = 2, /* rounds */
	KILLS = 10,
	KILL_EVERY_MS = 40,
	AGAIN_MS = 5,
	TRIES_MAX = 4000, /* of one round: 20 s of a server that is away */
	STORED_MAX = WRITERS * ROUNDS * TOGETHER
};

enum fate {
	NOT_SENT,
	ACKNOWLEDGED,
	UNKNOWN /* its COMMIT was lost */
};

struct sender {
	struct fixture *f;
	pthread_t thread;
	int number;
	enum fate fates[ROUNDS * TOGETHER];
};

static _Atomic int senders_left;
static _Atomic int gave_up;

struct keep {
	struct unit unit;
	char name[16], alias[16];
	int64_t mark; /* its event_ms: unique */
};

static struct inbox_arrival row_of(const struct keep *k)
{
	return (struct inbox_arrival){
		.channel = "kuper",
		.external_id = k->name,
		.alias = k->alias,
		.event_type = "order.updated",
		.body = "{}",
		.event_ms = k->mark,
	};
}

static int run_one(struct unit *u, struct db *db, int64_t now_ms, struct err *e)
{
	struct inbox_arrival row = row_of(CONTAINER_OF(u, struct keep, unit));
	struct identity identity;

	return inbox_add(db, &row, now_ms, &identity, e);
}

static int run_all(struct unit *first, size_t count, struct db *db,
		   int64_t now_ms, struct err *e)
{
	struct inbox_arrival rows[INBOX_BATCH_MAX] = {{0}};
	struct identity identities[INBOX_BATCH_MAX];
	struct unit *u = first;
	int rc;

	for (size_t i = 0; i < count; i++, u = u->next)
		rows[i] = row_of(CONTAINER_OF(u, struct keep, unit));
	rc = inbox_add_all(db, rows, count, now_ms, identities, e);
	/* Write transactions are serial: nobody takes a name or a number that
	 * was read to be free. The constraints would notice. */
	if (rc < 0 && rc != ERR_BUSY)
		atomic_store(&gave_up, rc);
	return rc;
}

/* Each writer goes through the orders in another direction, there are new ones
 * all the time, and some messages name an order only by its alias. */
static void name_it(struct keep *k, const struct sender *s, int round, int i)
{
	int step = s->number % 2 == 0 ? i : TOGETHER - i;
	int order = round / NEW_EVERY * ORDERS + step % ORDERS;

	(void)snprintf(k->alias, sizeof(k->alias), "U%d", order);
	if ((i + s->number) % 3 != 0)
		(void)snprintf(k->name, sizeof(k->name), "H%d", order);
}

static enum fate *fate_of(struct sender *s, const struct keep *k)
{
	return &s->fates[(k->mark - 1) % (ROUNDS * TOGETHER)];
}

/* How many of the round still have to be sent. */
static size_t send_once(struct sender *s, struct writer *writer,
			struct keep *keeps)
{
	struct unit *units[TOGETHER];
	size_t count = 0;
	size_t left = 0;

	for (int i = 0; i < TOGETHER; i++)
		if (*fate_of(s, &keeps[i]) == NOT_SENT)
			units[count++] = &keeps[i].unit;
	writer_call_all(writer, units, count);
	for (size_t i = 0; i < count; i++) {
		struct keep *k = CONTAINER_OF(units[i], struct keep, unit);

		if (k->unit.rc >= 0)
			*fate_of(s, k) = ACKNOWLEDGED;
		else if (k->unit.rc == ERR_UNCERTAIN)
			*fate_of(s, k) = UNKNOWN;
		else if (k->unit.rc == ERR_BUSY)
			left++;
		else
			atomic_store(&gave_up, k->unit.rc);
	}
	return left;
}

/* What is not acknowledged is sent again, as a marketplace does, unless it may
 * be there already: then nobody could tell it from a lost one. */
static void send_round(struct sender *s, struct writer *writer, int round)
{
	struct keep keeps[TOGETHER] = {{.mark = 0}};
	size_t left = TOGETHER;

	for (int i = 0; i < TOGETHER; i++) {
		keeps[i].unit.run = run_one;
		keeps[i].unit.run_all = run_all;
		keeps[i].mark = 1 + (s->number * ROUNDS + round) * TOGETHER + i;
		name_it(&keeps[i], s, round, i);
	}
	for (int tries = 0; left > 0 && tries < TRIES_MAX; tries++) {
		left = send_once(s, writer, keeps);
		if (left > 0)
			(void)poll(NULL, 0, AGAIN_MS);
	}
	if (left > 0)
		atomic_store(&gave_up, ERR_BUSY);
}

static void *send_all(void *context)
{
	struct sender *s = context;
	struct writer_options options = {.path = s->f->path,
					 .checkpoint_pages = 1000};
	struct writer *writer = NULL;

	while (writer_start(&options, &writer, NULL) < 0) /* killed so soon */
		(void)poll(NULL, 0, AGAIN_MS);
	for (int round = 0; round < ROUNDS && atomic_load(&gave_up) == 0;
	     round++)
		send_round(s, writer, round);
	writer_stop(writer);
	atomic_fetch_sub(&senders_left, 1);
	return NULL;
}

/* A processor's part: some messages are over, others go back. */
static int take_one(struct db *db, int64_t now_ms, bool finish, struct err *e)
{
	CLEANUP(queue_message_clear) struct queue_message m = {0};
	struct queue_lease lease = {.owner = "race", .until_ms = now_ms};
	struct queue_result result = {.state = QUEUE_DONE,
				      .outcome = OUTCOME_OK};
	int rc = queue_claim(db, &queue_inbox, now_ms, &lease, &m, e);

	if (rc <= 0)
		return rc;
	return finish ? queue_finish(db, &queue_inbox, &m, &result, now_ms, e)
		      : queue_put_back(db, &queue_inbox, &m, now_ms, e);
}

static int take_some(struct db *db, int64_t now_ms, void *context,
		     struct err *e)
{
	int rc = 0;

	(void)context;
	for (int i = 0; i < ORDERS && rc >= 0; i++)
		rc = take_one(db, now_ms, i % 2 == 0, e);
	return MIN_OF(rc, 0);
}

static const char kill_all[] =
	"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE"
	" datname = current_database() AND pid <> pg_backend_pid()";

static void disturb(struct fixture *f)
{
	int64_t next_ms = clock_mono_ms();
	int kills = fixture_is_sqlite() ? KILLS : 0;

	while (atomic_load(&senders_left) > 0) {
		(void)fixture_write(f, take_some, NULL, NULL);
		if (kills < KILLS && clock_mono_ms() >= next_ms) {
			(void)fixture_i64(f, kill_all);
			kills++;
			next_ms = clock_mono_ms() + KILL_EVERY_MS;
		}
	}
	assert_true(kills > 0);
}

/* Every message that is stored, by its mark. */
static void check_fates(struct fixture *f, const struct sender *senders)
{
	int64_t acknowledged = 0;
	int64_t unknown = 0;
	char sql[160];

	for (int s = 0; s < WRITERS; s++)
		for (int i = 0; i < ROUNDS * TOGETHER; i++) {
			enum fate fate = senders[s].fates[i];

			assert_int_not_equal(fate, NOT_SENT);
			acknowledged += fate == ACKNOWLEDGED;
			if (fate == ACKNOWLEDGED)
				continue;
			(void)snprintf(sql, sizeof(sql),
				       "SELECT count(*) FROM inbox"
				       " WHERE event_ms = %d",
				       1 + s * ROUNDS * TOGETHER + i);
			unknown += fixture_i64(f, sql);
		}
	assert_int_equal(fixture_i64(f, "SELECT count(DISTINCT event_ms)"
					" FROM inbox"),
			 acknowledged + unknown);
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM inbox"),
			 acknowledged + unknown);
	assert_true(acknowledged > STORED_MAX / 2);
}

static void check_sequences(struct fixture *f)
{
	int bad = -1;

	assert_int_equal(
		fixture_i64(f, "SELECT count(*) FROM (SELECT i.order_id FROM"
			       " inbox AS i LEFT JOIN inbox_head AS h"
			       " ON h.order_id = i.order_id GROUP BY i.order_id"
			       " HAVING min(i.order_seq) <> 1"
			       " OR max(i.order_seq) <> count(*)"
			       " OR min(h.last_seq) <> count(*)"
			       " OR min(h.last_seq) IS NULL) AS q"),
		0);
	/* Both names of an order lead to it, and to nothing else. */
	assert_int_equal(
		fixture_i64(f, "SELECT count(*) FROM (SELECT 1 FROM"
			       " order_identity GROUP BY order_id HAVING"
			       " count(*) <> 2 OR min(substr(external_id, 2))"
			       " <> max(substr(external_id, 2))) AS q"),
		0);
	assert_int_equal(fixture_i64(f, "SELECT count(DISTINCT order_id)"
					" FROM inbox"),
			 ROUNDS / NEW_EVERY * ORDERS);
	assert_int_equal(verify_all(f->db, &bad, NULL), 0);
	assert_int_equal(bad, 0);
}

static void sequences_stay_whole_whoever_writes(void **state)
{
	struct fixture *f = *state;
	static struct sender senders[WRITERS];
	int64_t until_ms;
	int bad;

	atomic_store(&senders_left, WRITERS);
	for (int i = 0; i < WRITERS; i++) {
		senders[i] = (struct sender){.f = f, .number = i};
		assert_int_equal(pthread_create(&senders[i].thread, NULL,
						send_all, &senders[i]),
				 0);
	}
	disturb(f);
	for (int i = 0; i < WRITERS; i++)
		(void)pthread_join(senders[i].thread, NULL);
	assert_int_equal(atomic_load(&gave_up), 0);
	/* The reader's connection was ended, too. */
	until_ms = clock_mono_ms() + 20000;
	while (verify_all(f->db, &bad, NULL) < 0 && clock_mono_ms() < until_ms)
		(void)poll(NULL, 0, AGAIN_MS);
	check_fates(f, senders);
	check_sequences(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			sequences_stay_whole_whoever_writes, fixture_setup,
			fixture_teardown),
	};

	return cmocka_run_group_tests_name("intake_race", tests, NULL, NULL);
}
