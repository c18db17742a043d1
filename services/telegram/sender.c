/* SPDX-License-Identifier: MIT */
#include "sender.h"

#include <inttypes.h>
#include <string.h>

#include "app/service/service.h"
#include "app/service/service_owner.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/text.h"
#include "delivery.h"
#include "digest_text.h"
#include "store/engine/writer.h"
#include "store/monitor/measures.h"
#include "store/queue/queue.h"
#include "store/queue/telegram_queue.h"
#include "store/telegram/bot_trouble.h"

enum {
	SWEEP_LIMIT = 200, /* messages in one transaction */
	SWEEP_ROUNDS = 500,
	MINUTE_MS = 60 * 1000,
	REFUSED_MS = 60 * MINUTE_MS
};

struct sweep {
	struct unit unit;
	struct service *service;
	int count; /* of the last transaction */
};

/* What senders that died held: it may have been sent. And what waits for a time
 * of another clock. */
static int run_reclaim(struct unit *u, struct db *db, int64_t now_ms,
		       struct err *e)
{
	struct sweep *sweep = CONTAINER_OF(u, struct sweep, unit);

	sweep->count =
		queue_reclaim(db, &queue_telegram, now_ms, service_owner_life,
			      sweep->service, SWEEP_LIMIT, e);
	return sweep->count < 0 ? sweep->count
				: telegram_queue_wake(db, now_ms, e);
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

/* So that people are told (rule telegram-refused), once, and no message is
 * tried before the token, its file or the address has changed. */
static int keep_trouble(struct service *s, const struct bot *bot,
			const struct delivery *d,
			const struct bot_trouble *known, struct err *e)
{
	struct bot_trouble trouble = {0};

	if (d->refused) {
		(void)text_copy(trouble.kind, sizeof(trouble.kind), BOT_DENIED);
		(void)text_copy(trouble.key, sizeof(trouble.key), bot->key);
		(void)text_copy(trouble.reason, sizeof(trouble.reason),
				d->why.text);
	} else if (known->kind[0] == '\0' || d->sent == 0) {
		return 0;
	}
	return bot_trouble_keep(s->writer, BOT_SENDING, &trouble, e);
}

struct sighting {
	struct unit unit;
	int64_t ahead_ms;
};

static int run_sighting(struct unit *u, struct db *db, int64_t now_ms,
			struct err *e)
{
	const struct sighting *s = CONTAINER_OF(u, struct sighting, unit);

	return measures_put(db, MEASURE_CLOCK_SEEN, "telegram", s->ahead_ms, "",
			    now_ms, e);
}

/* For rule clock-offset: on a machine without a time service nobody else
 * tells. */
static int keep_clock(struct service *s, const struct delivery *d,
		      struct err *e)
{
	struct sighting sighting = {.unit.run = run_sighting,
				    .ahead_ms = d->clock_ahead_ms};

	return d->clock_seen ? writer_call(s->writer, &sighting.unit, e) : 0;
}

/* A refusal may have been Telegram's own fault: after REFUSED_MS one message is
 * tried again all the same. */
static bool is_refused(const struct bot *bot, const struct bot_trouble *known,
		       int64_t wall_ms)
{
	return known->kind[0] != '\0' && strcmp(known->key, bot->key) == 0 &&
	       wall_ms < known->at_ms + REFUSED_MS;
}

static int deliver(struct service *s, const struct bot *bot, const char *key,
		   const struct swept *swept, struct buf *ret_line,
		   struct err *e)
{
	CLEANUP(delivery_close) struct delivery d = {0};
	struct bot_trouble known;
	int rc = bot_trouble_get(s->db, BOT_SENDING, &known, e);

	if (rc < 0)
		return rc;
	if (is_refused(bot, &known, clock_wall_ms())) {
		write_line(s, &d, swept, ret_line);
		buf_printf(ret_line,
			   "; nothing is tried until the secret telegram-token "
			   "changes: %s",
			   known.reason);
		return 0;
	}
	rc = delivery_open(s, bot, key, &d, e);
	if (rc == 0)
		rc = delivery_run(&d, e);
	if (rc == 0)
		rc = keep_trouble(s, bot, &d, &known, e);
	if (rc == 0)
		rc = keep_clock(s, &d, e);
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
	CLEANUP(bot_wipe) struct bot bot = {0};
	struct secret key = {0};
	struct swept swept = {0};
	bool has_buttons = strcmp(s->config->telegram.updates, "off") != 0 &&
			   bot_callback_key(&s->dir, &key);
	int rc = sweep_up(s, &swept, e);

	if (rc < 0)
		return rc;
	rc = bot_load(&s->dir, s->config, &bot, e);
	if (rc == ERR_NOTFOUND) {
		buf_add_text(ret_line, "there is no secret telegram-token: ");
		write_line(s, &(struct delivery){0}, &swept, ret_line);
		return 0;
	}
	if (rc == 0)
		rc = deliver(s, &bot, has_buttons ? key.first : NULL, &swept,
			     ret_line, e);
	explicit_bzero(&key, sizeof(key));
	return rc;
}
