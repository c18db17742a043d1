/* SPDX-License-Identifier: MIT
 *
 * mail_queue.h - mail to people (queue.h; one head per recipient).
 *
 * Whoever has something to say adds a row per recipient in the transaction that
 * made it true; the rows of one mail share its message_id, which is also the
 * mail's Message-ID: a repeat of one whose answer was lost is recognised by it.
 * Inside a write transaction unless they say "Reader".
 *
 * In a claimed queue_message `address` is the recipient, `channel` the
 * severity, `event_type` the kind, `external_id` the message_id and `body` the
 * subject, a line feed and the text. Failed ones stay for a person; others
 * leave for mail_archive.
 */
#ifndef STORE_MAIL_QUEUE_H
#define STORE_MAIL_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

struct db;
struct err;
struct queue;
struct queue_message;

extern const struct queue queue_mail;

struct mail_draft {
	const char *message_id; /* id.h */
	const char *kind;       /* telegram, unacknowledged, over */
	const char *severity;
	const char *subject, *text; /* UTF-8; lines end with \n */
};

/* Queue the mail for one recipient. 0 or < 0. */
int mail_queue_put(struct db *db, const struct mail_draft *mail,
		   const char *address, int64_t now_ms, struct err *e);

/* A copy of a mail that is over, also an archived one, to the same recipient.
 * 1; 0 when there is none or its text was erased; < 0. */
int mail_copy(struct db *db, int64_t message_id, int64_t now_ms,
	      int64_t *ret_copy_id, struct err *e);

/* A claimed mail was taken by the server: into the archive. 0; ERR_STATE when
 * the lease was lost. */
int mail_queue_sent(struct db *db, const struct queue_message *m,
		    const char *note, int64_t now_ms, struct err *e);

/* Waiting mail made before that is obsolete: into the archive. Number of rows,
 * at most limit, or < 0. */
int mail_queue_expire(struct db *db, int64_t made_before_ms, int limit,
		      struct err *e);
/* The same for mail that nobody has tried to send and whose alerts are all
 * over. */
int mail_queue_withdraw(struct db *db, int64_t made_before_ms, int limit,
			struct err *e);

/* The login is good again: what waits for it is due now. 0 or < 0. */
int mail_queue_release(struct db *db, int64_t now_ms, struct err *e);

/* When the latest mail of a kind was made; 0: never. Reader or writer. */
int mail_queue_latest(struct db *db, const char *kind, int64_t *ret_ms,
		      struct err *e);
/* Mail that waits to be sent. Reader or writer. */
int mail_queue_waiting(struct db *db, int64_t *ret_count, struct err *e);

#endif
