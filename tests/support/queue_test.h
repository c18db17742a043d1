/* SPDX-License-Identifier: MIT
 *
 * queue_test.h - one fixture for the tests of the queue model, which run on
 * each queue that has it.
 *
 *	ON(test, inbox_kind) in a table of tests;   struct test *t = *state;
 */
#ifndef QUEUE_TEST_H
#define QUEUE_TEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "store/engine/db.h"
#include "store/queue/queue.h"
#include "store_fixture.h"

#define ME "notifier-1:me"
#define OTHER "notifier-2:other"

enum {
	T0 = 1000000,
	LEASE_MS = 30000
};

/* Orders are numbered from 1 in the order of their first message, and in both
 * queues that is also the number of their head. */
struct kind {
	const struct queue *queue;
	const char *table, *head_table, *head_key;
	bool is_outbox;
	int (*add)(struct db *db, int64_t order_id, const char *body,
		   int64_t now_ms);
};
extern struct kind inbox_kind, outbox_kind; /* cmocka's states are not const */

struct test {
	struct fixture *f;
	struct db *db; /* writes; its transactions are the test's */
	const struct kind *kind;
};

/* For cmocka, with a kind as the first state. */
int queue_test_setup(void **state);
int queue_test_teardown(void **state);

/* Each is one transaction; what must not fail fails the test. */
void begin(struct test *t);
void commit(struct test *t);
/* Commit what has ended with rc, or undo it where the engine wants that; what
 * has become of it when all of it has run. */
int end(struct test *t, int rc);
void add(struct test *t, int64_t order_id, const char *body, int64_t now_ms);
int claim_as(struct test *t, const char *owner, bool sending, int64_t now_ms,
	     struct queue_message *ret_message);
int claim(struct test *t, int64_t now_ms, struct queue_message *ret_message);
void expect_body(struct test *t, int64_t now_ms, const char *body,
		 struct queue_message *ret_message);
int finish(struct test *t, const struct queue_message *m,
	   const struct queue_result *result, int64_t now_ms);
int retry(struct test *t, const struct queue_message *m,
	  const struct queue_retry *how, int64_t now_ms);

/* One column of the message with that body; of a head. Static buffer. */
const char *value(struct test *t, const char *body, const char *column);
const char *head_value(struct test *t, int64_t head, const char *column);

/* Steps of SQLite's machine for one statement with $1, $2, ... bound to texts;
 * what it changes is undone. */
int64_t steps_of(struct test *t, const struct stmt *stmt,
		 const char *const *values, int count);

#define MESSAGE CLEANUP(queue_message_clear) struct queue_message
#define ON(fn, kind)                                                   \
	cmocka_unit_test_prestate_setup_teardown(fn, queue_test_setup, \
						 queue_test_teardown, &(kind))

#endif
