/* SPDX-License-Identifier: MIT */
#include "mailer.h"

#include <inttypes.h>
#include <string.h>

#include "app/log.h"
#include "app/mail/mail_out.h"
#include "app/metrics/metrics.h"
#include "app/service/service.h"
#include "app/service/service_owner.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/redact.h"
#include "base/text.h"
#include "store/engine/writer.h"
#include "store/queue/attempts.h"
#include "store/queue/mail_queue.h"
#include "store/queue/queue.h"
#include "verdict.h"

enum {
	SWEEP_LIMIT = 200,
	MINUTE_MS = 60 * 1000,
	LEASE_MARGIN_MS = 40 * 1000,
	JOB_MARGIN_MS = 5000,
	RUN_DEFAULT_MS = 60000
};

struct mailer {
	struct service *service;
	struct mail_out out;
	int64_t end_ms; /* monotonic: nothing is claimed later */
	bool stopped;
	struct err why;
	int64_t sent, later, failed, expired;
};

/* One mail under way. */
struct posting {
	struct unit unit;
	struct mailer *mailer;
	struct queue_message message;
	bool claimed;
	struct smtp_answer answer;
	struct mail_verdict verdict;
	struct err why;
};

struct sweep {
	struct unit unit;
	struct mailer *mailer;
	int expired;
};

/* What mailers that died held, and what is too old. */
static int run_sweep(struct unit *u, struct db *db, int64_t now_ms,
		     struct err *e)
{
	struct sweep *sweep = CONTAINER_OF(u, struct sweep, unit);
	struct service *s = sweep->mailer->service;
	int rc = queue_reclaim(db, &queue_mail, now_ms, service_owner_life, s,
			       SWEEP_LIMIT, e);

	if (rc >= 0)
		rc = mail_queue_expire(
			db, now_ms - s->config->mail.expire_minutes * MINUTE_MS,
			SWEEP_LIMIT, e);
	sweep->expired = MAX_OF(rc, 0);
	return MIN_OF(rc, 0);
}

static int run_claim(struct unit *u, struct db *db, int64_t now_ms,
		     struct err *e)
{
	struct posting *p = CONTAINER_OF(u, struct posting, unit);
	const struct mailer *mailer = p->mailer;
	struct queue_lease lease = {
		.owner = mailer->service->instance.owner,
		.until_ms = now_ms + mailer->out.server.timeout_ms +
			    LEASE_MARGIN_MS,
		.sending = true,
	};
	int rc;

	/* The unit may run again: another one of its batch has failed. */
	queue_message_clear(&p->message);
	rc = queue_claim(db, &queue_mail, now_ms, &lease, &p->message, e);
	p->claimed = rc > 0;
	return MIN_OF(rc, 0);
}

static int keep_attempt(struct db *db, const struct posting *p, int64_t now_ms,
			struct err *e)
{
	struct attempt attempt = {
		.kind = "send",
		.started_ms = now_ms - p->answer.duration_ms,
		.duration_ms = p->answer.duration_ms,
		.http_status = p->answer.status,
		.class = p->verdict.class,
		.answer = p->why.text,
		.worker = p->mailer->service->instance.name,
	};

	return attempts_add(db, &queue_mail, p->message.id, &attempt, e);
}

static int run_settle(struct unit *u, struct db *db, int64_t now_ms,
		      struct err *e)
{
	struct posting *p = CONTAINER_OF(u, struct posting, unit);
	struct queue_result failed = {
		.state = QUEUE_FAILED,
		.outcome = p->verdict.outcome,
		.error = p->why.text,
		.keep_uncertain = p->verdict.keep_uncertain,
	};
	int rc;

	if (p->verdict.kind == MAIL_SENT)
		return mail_queue_sent(db, &p->message, p->answer.text, now_ms,
				       e);
	rc = keep_attempt(db, p, now_ms, e);
	if (rc < 0)
		return rc;
	return p->verdict.kind == MAIL_LATER
		       ? queue_retry(db, &queue_mail, &p->message,
				     &p->verdict.retry, now_ms, e)
		       : queue_finish(db, &queue_mail, &p->message, &failed,
				      now_ms, e);
}

/* A server repeats addresses, and whatever else it likes. */
static void hide_people(struct err *why)
{
	CLEANUP(buf_clear) struct buf text = BUF_MAX(sizeof(why->text));

	redact_put(&text, why->text, strlen(why->text));
	(void)text_copy(why->text, sizeof(why->text), buf_text(&text));
}

/* Its id is the same whenever it is sent again. */
static int post(struct posting *p)
{
	const char *body = p->message.body;
	size_t length = strcspn(body, "\n");
	struct mail_text mail = {
		.to = p->message.address,
		.id = p->message.external_id,
		.subject = body,
		.subject_bytes = length,
		.text = body[length] != '\0' ? body + length + 1 : "",
		.date_ms = p->message.created_ms,
		.attempt = p->message.attempts,
	};

	int rc = mail_out_send(&p->mailer->out, &mail, &p->answer, &p->why);

	if (rc < 0)
		hide_people(&p->why);
	return rc;
}

static void note(struct mailer *mailer, const struct posting *p)
{
	static const char *const labels[] = {
		[MAIL_SENT] = "result=\"sent\"",
		[MAIL_LATER] = "result=\"later\"",
		[MAIL_FAILED] = "result=\"failed\"",
	};

	metric_add(metric_get(METRIC_COUNTER, "ordergate_mails_total",
			      labels[p->verdict.kind]),
		   1);
	mailer->sent += p->verdict.kind == MAIL_SENT;
	mailer->later += p->verdict.kind == MAIL_LATER;
	mailer->failed += p->verdict.kind == MAIL_FAILED;
	if (p->verdict.kind != MAIL_SENT)
		log_event(LOG_LEVEL_WARNING, "mail not delivered",
			  LOG_I64("message", p->message.id),
			  LOG_TEXT("error", p->why.text));
	if (p->verdict.stops) {
		mailer->stopped = true;
		mailer->why = p->why;
	}
}

/* 1: one was worked on; 0: nothing is due. */
static int post_next(struct mailer *mailer, struct err *e)
{
	struct posting p = {.unit.run = run_claim, .mailer = mailer};
	int rc = writer_call(mailer->service->writer, &p.unit, e);

	if (rc == 0 && p.claimed) {
		rc = post(&p);
		p.verdict = mail_judge(&p.message, rc, clock_wall_ms());
		p.verdict.retry.error = p.why.text;
		p.unit = (struct unit){.run = run_settle};
		rc = writer_call(mailer->service->writer, &p.unit, e);
		if (rc == 0)
			note(mailer, &p);
	}
	queue_message_clear(&p.message);
	return rc < 0 ? rc : p.claimed;
}

static void set_end(struct mailer *mailer)
{
	const struct config *config = mailer->service->config;
	const struct config_job *job = config_job(config, "mail");
	int64_t run_ms = job != NULL ? job->timeout_ms : RUN_DEFAULT_MS;

	run_ms -= config->mail.timeout_ms + JOB_MARGIN_MS;
	mailer->end_ms = clock_mono_ms() + MAX_OF(run_ms, (int64_t)1000);
}

static void write_line(const struct mailer *mailer, struct buf *line)
{
	int64_t waiting = 0;

	buf_printf(line,
		   "sent=%" PRId64 " later=%" PRId64 " failed=%" PRId64
		   " expired=%" PRId64,
		   mailer->sent, mailer->later, mailer->failed,
		   mailer->expired);
	if (mail_queue_waiting(mailer->service->db, &waiting, NULL) == 0)
		buf_printf(line, " waiting=%" PRId64, waiting);
	if (mailer->stopped)
		buf_printf(line, "; stopped: %s", mailer->why.text);
}

static int run(struct mailer *mailer, struct buf *ret_line, struct err *e)
{
	struct service *s = mailer->service;
	struct sweep sweep = {.unit.run = run_sweep, .mailer = mailer};
	int rc = writer_call(s->writer, &sweep.unit, e);

	mailer->expired = sweep.expired;
	set_end(mailer);
	if (rc == 0)
		rc = mail_out_open(&s->config->mail, &s->dir, &mailer->out, e);
	while (rc >= 0 && !mailer->stopped && !service_stopping(s) &&
	       clock_mono_ms() < mailer->end_ms) {
		rc = post_next(mailer, e);
		if (rc == 0)
			break;
	}
	if (rc < 0)
		return rc;
	write_line(mailer, ret_line);
	if (!mailer->stopped)
		return 0;
	*e = mailer->why;
	return err_wrap(e, (int)e->code, "mail (mail.server, mail-password)");
}

int mailer_run(struct service *s, struct buf *ret_line, struct err *e)
{
	struct mailer mailer = {.service = s};
	int rc;

	if (s->config->mail.server[0] == '\0') {
		buf_add_text(ret_line, "mail.server is empty");
		return 0;
	}
	rc = run(&mailer, ret_line, e);
	mail_out_close(&mailer.out);
	return rc;
}
