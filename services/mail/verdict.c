/* SPDX-License-Identifier: MIT */
#include "verdict.h"

#include "base/backoff.h"
#include "base/err.h"
#include "base/macros.h"

enum {
	SECOND_MS = 1000,
	AWAY_PAUSE_MS = 30 * SECOND_MS,
	BUSY_PAUSE_MS = 60 * SECOND_MS,
	/* A server may lock out whoever comes with a wrong password often. */
	LOGIN_PAUSE_MS = 300 * SECOND_MS,
	LOST_PAUSE_MS = 300 * SECOND_MS,
	PAUSE_MAX_MS = 15 * 60 * SECOND_MS
};

static const struct row {
	int rc;
	enum mail_verdict_kind kind;
	enum queue_outcome outcome;
	enum queue_hold hold;
	int pause_ms;
	int attempts_max; /* then it fails; 0: never, it expires */
	bool refund, uncertain, stops;
	const char *class;
} rows[] = {
	{.rc = 0, .kind = MAIL_SENT, .class = "done"},
	{.rc = ERR_REMOTE,
	 .kind = MAIL_LATER,
	 .pause_ms = AWAY_PAUSE_MS,
	 .refund = true,
	 .stops = true,
	 .class = "retry"},
	{.rc = ERR_BUSY,
	 .kind = MAIL_LATER,
	 .pause_ms = BUSY_PAUSE_MS,
	 .class = "retry"},
	{.rc = ERR_DENIED,
	 .kind = MAIL_LATER,
	 .hold = HOLD_AUTH,
	 .pause_ms = LOGIN_PAUSE_MS,
	 .refund = true,
	 .stops = true,
	 .class = "auth"},
	{.rc = ERR_UNCERTAIN,
	 .kind = MAIL_LATER,
	 .outcome = OUTCOME_POISONED,
	 .hold = HOLD_UNCERTAIN,
	 .pause_ms = LOST_PAUSE_MS,
	 .attempts_max = MAIL_COPIES_MAX,
	 .uncertain = true,
	 .stops = true,
	 .class = "uncertain"},
	{.rc = ERR_STATE,
	 .kind = MAIL_FAILED,
	 .outcome = OUTCOME_REJECTED,
	 .class = "reject"},
	{.rc = ERR_INVALID,
	 .kind = MAIL_FAILED,
	 .outcome = OUTCOME_REJECTED,
	 .class = "reject"},
	{.rc = ERR_NOMEM,
	 .kind = MAIL_LATER,
	 .pause_ms = AWAY_PAUSE_MS,
	 .refund = true,
	 .stops = true,
	 .class = "retry"},
};

static const struct row *row_of(int rc)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (rows[i].rc == rc)
			return &rows[i];
	return &rows[COUNT_OF(rows) - 1];
}

struct mail_verdict mail_judge(const struct queue_message *m, int rc,
			       int64_t now_ms)
{
	const struct row *row = row_of(rc);
	bool doubt = row->uncertain || m->sending_since_ms != 0;
	struct mail_verdict v = {
		.kind = row->kind,
		.outcome = row->outcome,
		.keep_uncertain = doubt,
		.stops = row->stops,
		.class = row->class,
	};

	if (row->attempts_max > 0 && m->attempts >= row->attempts_max)
		v.kind = MAIL_FAILED;
	v.retry = (struct queue_retry){
		.due_ms = now_ms + backoff_ms(m->attempts, row->pause_ms,
					      PAUSE_MAX_MS, (uint64_t)m->id),
		.hold = row->hold,
		/* An older doubt does not vanish. */
		.keep_uncertain = doubt,
		.refund = row->refund,
	};
	return v;
}
