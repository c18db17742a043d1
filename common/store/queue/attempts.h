/* SPDX-License-Identifier: MIT
 *
 * attempts.h - what was tried with a message, and what came of it.
 *
 * The latest ATTEMPTS_KEPT_MAX of each message are kept, beside the queue and
 * later beside its archive. An attempt is written with the result that it
 * brought, in one transaction; one whose worker died is written by
 * queue_reclaim(), as `lost`.
 */
#ifndef STORE_ATTEMPTS_H
#define STORE_ATTEMPTS_H

#include <stdint.h>

struct db;
struct err;
struct queue;

enum {
	ATTEMPTS_KEPT_MAX = 20, /* of one message */
	ATTEMPT_ANSWER_BYTES = 320
};

#define ATTEMPT_UNKNOWN_MS INT64_C(-1) /* nobody saw its end */

struct attempt {
	const char *kind;    /* "apply", "send", "ask" */
	int64_t started_ms;  /* wall clock */
	int64_t duration_ms; /* or ATTEMPT_UNKNOWN_MS */
	int http_status;     /* 0: none */
	const char *class;   /* what it meant: "done", "retry", ... */
	const char *answer;  /* head of the answer or what went wrong, without
				secrets and personal data; cut to
				ATTEMPT_ANSWER_BYTES */
	const char *worker;  /* instance.h */
};

/* Inside a write transaction. 0 or < 0. */
int attempts_add(struct db *db, const struct queue *queue, int64_t message_id,
		 const struct attempt *attempt, struct err *e);

#endif
