/* SPDX-License-Identifier: MIT
 *
 * claim_cost - what one claim costs in a store that nobody else uses, for
 * tests/bench/pipeline.
 *
 *	claim_cost STORE
 *
 * Takes messages of the inbox and of the outbox, each with its result, in
 * transactions that are undone. Prints "inbox=<us> outbox=<us>", each the
 *median of the rounds.
 */
#include <stdint.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "store/engine/db.h"
#include "store/queue/outbox.h"
#include "store/queue/queue.h"

enum {
	ROUNDS = 25,
	CLAIMS = 40 /* in a transaction: about what a batch takes */
};

static int claim_inbox(struct db *db, int64_t now_ms,
		       const struct queue_lease *lease,
		       struct queue_message *ret_message, struct err *e)
{
	return queue_claim(db, &queue_inbox, now_ms, lease, ret_message, e);
}

static int claim_outbox(struct db *db, int64_t now_ms,
			const struct queue_lease *lease,
			struct queue_message *ret_message, struct err *e)
{
	struct outbox_pick pick = {.endpoint = "kuper"};
	struct outbox_context context;

	return outbox_claim(db, &pick, now_ms, lease, ret_message, &context, e);
}

static const struct work {
	const char *name;
	const struct queue *queue;
	int (*claim)(struct db *db, int64_t now_ms,
		     const struct queue_lease *lease,
		     struct queue_message *ret_message, struct err *e);
} works[] = {
	{"inbox", &queue_inbox, claim_inbox},
	{"outbox", &queue_outbox, claim_outbox},
};

static int claim_one(struct db *db, const struct work *work, int64_t now_ms,
		     struct err *e)
{
	CLEANUP(queue_message_clear) struct queue_message message = {0};
	struct queue_lease lease = {.owner = "bench", .until_ms = now_ms};
	struct queue_result result = {.state = QUEUE_DONE,
				      .outcome = OUTCOME_OK};
	int rc = work->claim(db, now_ms, &lease, &message, e);

	if (rc == 0)
		return err_set(e, ERR_NOTFOUND, "nothing is due in the %s",
			       work->name);
	return rc < 0 ? rc
		      : queue_finish(db, work->queue, &message, &result, now_ms,
				     e);
}

/* Nanoseconds of one claim with its result. */
static int64_t round_of(struct db *db, const struct work *work, struct err *e)
{
	int64_t start_us;
	int64_t end_us;
	int rc = db_begin_write(db, e);

	start_us = clock_mono_us();
	for (int i = 0; i < CLAIMS && rc >= 0; i++)
		rc = claim_one(db, work, clock_wall_ms(), e);
	end_us = clock_mono_us();
	db_rollback(db);
	return rc < 0 ? rc : (end_us - start_us) * 1000 / CLAIMS;
}

static int measure(struct db *db, const struct work *work, struct err *e)
{
	int64_t fastest_ns = INT64_MAX;

	for (int i = 0; i < ROUNDS; i++) {
		int64_t round_ns = round_of(db, work, e);

		if (round_ns < 0)
			return (int)round_ns;
		fastest_ns = MIN_OF(fastest_ns, round_ns);
	}
	(void)printf("%s=%.1f ", work->name, (double)fastest_ns / 1000.0);
	return 0;
}

int main(int argc, char **argv)
{
	CLEANUP_DB struct db *db = NULL;
	struct err e = {0};
	int rc;

	if (argc != 2) {
		(void)fputs("usage: claim_cost STORE\n", stderr);
		return 2;
	}
	rc = db_open(argv[1], DB_WRITE, &db, &e);
	for (size_t i = 0; i < COUNT_OF(works) && rc >= 0; i++)
		rc = measure(db, &works[i], &e);
	if (rc < 0)
		(void)fprintf(stderr, "claim_cost: %s\n", e.text);
	(void)putchar('\n');
	return rc < 0;
}
