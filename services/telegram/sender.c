/* SPDX-License-Identifier: MIT */
#include "sender.h"

#include <inttypes.h>
#include <string.h>

#include "app/service/service.h"
#include "base/macros.h"
#include "delivery.h"
#include "digest_text.h"
#include "store/engine/writer.h"
#include "store/queue/queue.h"
#include "store/queue/telegram_queue.h"

enum {
	SWEEP_LIMIT = 200, /* messages in one transaction */
	SWEEP_ROUNDS = 500,
	MINUTE_MS = 60 * 1000
};

static enum queue_owner life_of(const char *owner, void *context)
{
	static const enum queue_owner lives[] = {
		[INSTANCE_ALIVE] = OWNER_ALIVE,
		[INSTANCE_DEAD] = OWNER_DEAD,
		[INSTANCE_ELSEWHERE] = OWNER_UNKNOWN,
	};
	const struct service *s = context;

	return lives[instance_life(s->dir.run, owner)];
}

struct sweep {
	struct unit unit;
	struct service *service;
	int count; /* of the last transaction */
};

/* What senders that died held: it may have been sent. */
static int run_reclaim(struct unit *u, struct db *db, int64_t now_ms,
		       struct err *e)
{
	struct sweep *sweep = CONTAINER_OF(u, struct sweep, unit);

	sweep->count = queue_reclaim(db, &queue_telegram, now_ms, life_of,
				     sweep->service, SWEEP_LIMIT, e);
	return MIN_OF(sweep->count, 0);
}

static int run_expire(struct unit *u, struct db *db, int64_t now_ms,
		      struct err *e)
{
	struct sweep *sweep = CONTAINER_OF(u, struct sweep, unit);
	const struct config_telegram *t = &sweep->service->config->telegram;
	const struct {
		const char *severity;
		int64_t minutes; /* 0: never */
	} classes[] = {
		{"critical", t->expire_minutes},
		{"warning", t->expire_warning_minutes},
		{"info", t->expire_info_minutes},
	};

	sweep->count = 0;
	for (size_t i = 0; i < COUNT_OF(classes); i++) {
		int rc = classes[i].minutes == 0
				 ? 0
				 : telegram_queue_expire_class(
					   db, classes[i].severity,
					   now_ms - classes[i].minutes *
							    MINUTE_MS,
					   SWEEP_LIMIT, e);

		if (rc < 0)
			return rc;
		sweep->count += rc;
	}
	return 0;
}

/* In transactions of SWEEP_LIMIT. Number of messages, or < 0. */
static int64_t sweep_all(struct service *s,
			 int (*run)(struct unit *u, struct db *db,
				    int64_t now_ms, struct err *e),
			 struct err *e)
{
	struct sweep sweep = {.unit.run = run, .service = s};
	int64_t total = 0;

	for (int i = 0; i < SWEEP_ROUNDS && !service_stopping(s); i++) {
		int rc = writer_call(s->writer, &sweep.unit, e);

		if (rc < 0)
			return rc;
		total += sweep.count;
		if (sweep.count < SWEEP_LIMIT)
			break;
	}
	return total;
}

/* What was done before anything was sent. */
struct swept {
	int64_t expired, merged;
};

static void write_line(struct service *s, const struct delivery *d,
		       const struct swept *swept, struct buf *line)
{
	int64_t waiting = 0;

	buf_printf(line,
		   "sent=%" PRId64 " later=%" PRId64 " failed=%" PRId64
		   " expired=%" PRId64,
		   d->sent, d->later, d->failed, swept->expired);
	if (swept->merged > 0)
		buf_printf(line, " merged=%" PRId64, swept->merged);
	if (telegram_queue_waiting(s->db, &waiting, NULL) == 0)
		buf_printf(line, " waiting=%" PRId64, waiting);
	if (s->config->telegram.admin_chat[0] == '\0')
		buf_add_text(line, "; telegram.admin_chat is empty: the "
				   "administrator is not told");
	if (d->stopped)
		buf_printf(line, "; stopped: %s", d->why.text);
}

/* A run that could not deliver at all has failed. */
static int fail_when_stopped(const struct delivery *d, struct err *e)
{
	if (!d->stopped ||
	    (d->why.code != ERR_DENIED && d->why.code != ERR_REMOTE))
		return 0;
	*e = d->why;
	return err_wrap(e, (int)d->why.code,
			"Telegram (telegram.base_url, "
			"secret telegram-token)");
}

static int deliver(struct service *s, const struct secret *token,
		   const struct swept *swept, struct buf *ret_line,
		   struct err *e)
{
	CLEANUP(delivery_close) struct delivery d = {0};
	int rc = delivery_open(s, token, &d, e);

	if (rc == 0)
		rc = delivery_run(&d, e);
	if (rc < 0)
		return rc;
	write_line(s, &d, swept, ret_line);
	return fail_when_stopped(&d, e);
}

static int sweep_up(struct service *s, struct swept *swept, struct err *e)
{
	int64_t rc = sweep_all(s, run_reclaim, e);

	if (rc >= 0)
		rc = swept->expired = sweep_all(s, run_expire, e);
	if (rc >= 0)
		rc = swept->merged = digest_all(s, e);
	return (int)MIN_OF(rc, 0);
}

int sender_run(struct service *s, struct buf *ret_line, struct err *e)
{
	struct secret token = {0};
	struct swept swept = {0};
	int rc = sweep_up(s, &swept, e);

	if (rc < 0)
		return rc;
	rc = secret_load(&s->dir, "telegram-token", &token, e);
	if (rc == ERR_NOTFOUND) {
		buf_add_text(ret_line, "there is no secret telegram-token: ");
		write_line(s, &(struct delivery){0}, &swept, ret_line);
		return 0;
	}
	if (rc == 0)
		rc = deliver(s, &token, &swept, ret_line, e);
	explicit_bzero(&token, sizeof(token));
	return rc;
}
