/* SPDX-License-Identifier: MIT
 *
 * verdict.h - what becomes of a mail after a server's answer, as a table.
 */
#ifndef MAIL_VERDICT_H
#define MAIL_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "store/queue/queue.h"

enum {
	/* Copies of a mail whose answers were lost, at most. */
	MAIL_COPIES_MAX = 3
};

enum mail_verdict_kind {
	MAIL_SENT,
	MAIL_LATER,
	MAIL_FAILED
};

struct mail_verdict {
	enum mail_verdict_kind kind;
	enum queue_outcome outcome; /* MAIL_FAILED */
	struct queue_retry retry;   /* MAIL_LATER; without its error */
	bool keep_uncertain;        /* MAIL_FAILED: it may have arrived */
	bool stops;                 /* nothing more is sent in this run */
	const char *class;          /* for message_attempts */
};

/* rc is that of smtp_send(). Pure. */
struct mail_verdict mail_judge(const struct queue_message *m, int rc,
			       int64_t now_ms);

#endif
