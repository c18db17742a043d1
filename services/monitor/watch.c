/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "app/config/config.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "items.h"
#include "rules.h"
#include "store/engine/writer.h"
#include "store/monitor/monitor.h"
#include "store/queue/telegram_queue.h"
#include "store/watch/alerts.h"
#include "text.h"

enum {
	THRESHOLD_UNIT_MS = 60 * 1000,
	LINES_MAX = 5, /* of the worst, in a message about many */
	WAVE_MAX = 8   /* batches that the writer gets in one go */
};

/* Some items of one chat and one telling: one unit. */
struct batch {
	struct unit unit;
	const struct items *items;
	struct item *segment; /* its first item, with the message about all */
	const struct item *first;
	int count;
	bool one_message; /* about all of the segment */
	char *message;    /* of it; NULL: it is in an earlier batch */
	char *texts[WATCH_UNIT_MAX]; /* about each, owned */
	int64_t now_ms;
};

static void batch_clear(struct batch *batch)
{
	for (int i = 0; i < batch->count; i++)
		free(batch->texts[i]);
	free(batch->message);
	*batch = (struct batch){0};
}

static int mark_end(struct db *db, const struct batch *batch, int i,
		    struct err *e)
{
	const struct item *item = &batch->first[i];

	if (item->stirs || item->calms)
		return alert_calm(db, item->alert_id, item->calms,
				  batch->now_ms, e);
	return batch->one_message
		       ? alert_mark_over(db, item->alert_id, batch->texts[i],
					 batch->now_ms, e)
		       : alert_over(db, item->alert_id, batch->texts[i],
				    batch->now_ms, e);
}

static int mark_one(struct db *db, const struct batch *batch, int i,
		    struct err *e)
{
	const struct config_rule *config = batch->items->config;
	const struct item *item = &batch->first[i];
	struct alert_finding finding = {
		.rule = batch->items->rule->name,
		.subject = item->finding.subject,
		.chat = item->chat,
		.text = batch->texts[i],
		.store_id = item->finding.store_id,
		.silenced = item->finding.silenced,
		.told_id = batch->one_message ? batch->segment->message_id : 0,
	};
	int64_t id;

	if (item->alert_id != 0)
		return mark_end(db, batch, i, e);
	assert(config != NULL); /* a rule that is off finds nothing */
	finding.is_new = item->finding.alert_state[0] == '\0';
	finding.severity = config->severity;
	finding.for_ms = config->for_ms;
	finding.repeat_ms = config->repeat_ms;
	return batch->one_message
		       ? alert_mark(db, &finding, batch->now_ms, &id, e)
		       : alert_found(db, &finding, batch->now_ms, e);
}

/* The message about all goes first: the alerts keep its id. */
static int add_message(struct db *db, struct batch *batch, struct err *e)
{
	struct item *segment = batch->segment;
	struct telegram_message message = {
		.chat = segment->chat,
		.kind = alert_telling_name(segment->telling),
		.severity = batch->items->config != NULL
				    ? batch->items->config->severity
				    : "info",
		.text = batch->message,
	};
	int rc = telegram_queue_put(db, &message, batch->now_ms,
				    &segment->message_id, e);

	segment->failed = rc < 0;
	return rc;
}

static int run_batch(struct unit *u, struct db *db, int64_t now_ms,
		     struct err *e)
{
	struct batch *batch = CONTAINER_OF(u, struct batch, unit);
	int rc = 0;

	(void)now_ms; /* one moment for the whole pass */
	u->bells = BELL_TELEGRAM;
	if (batch->message != NULL)
		rc = add_message(db, batch, e);
	else if (batch->segment->failed)
		rc = err_set(e, ERR_BUSY, "the message about all was not kept");
	for (int i = 0; i < batch->count && rc >= 0; i++)
		rc = mark_one(db, batch, i, e);
	if (rc < 0)
		batch->segment->failed = true;
	return MIN_OF(rc, 0);
}

/* As large as needed: there may be thousands. NULL when out of memory. */
static char *copy_of(const struct buf *text)
{
	return buf_finish(text, NULL) == 0 ? strdup(buf_text(text)) : NULL;
}

/* What is kept with the alert, and sent when it is told alone. */
static char *write_one(const struct items *items, const struct item *item)
{
	CLEANUP(buf_clear) struct buf text = BUF_MAX(TEXT_BYTES_MAX);

	if (item->alert_id == 0)
		text_finding(&text, items->rule, items->config->severity,
			     &item->finding, items->watch->now_ms,
			     items->watch->config->telegram.order_link);
	else if (item->telling == ALERT_RESOLVE)
		text_over(&text, items->rule, &item->finding, item->lasted_ms,
			  items->watch->config->telegram.order_link);
	return copy_of(&text);
}

struct lines {
	char *rows[LINES_MAX]; /* owned */
	int count;
};

static void lines_clear(struct lines *lines)
{
	for (int i = 0; i < lines->count; i++)
		free(lines->rows[i]);
}

static void write_line(const struct items *items, const struct item *item,
		       struct buf *line)
{
	if (item->telling == ALERT_RESOLVE)
		text_over_line(line, items->rule, &item->finding);
	else
		text_line(line, items->rule, &item->finding,
			  items->watch->now_ms);
}

static int64_t longest(const struct item *first, int count)
{
	int64_t ms = 0;

	for (int i = 0; i < count; i++)
		ms = MAX_OF(ms, first[i].lasted_ms);
	return ms;
}

/* The text about a whole segment. */
static int write_many(const struct items *items, const struct item *first,
		      int count, int64_t firing, struct buf *text,
		      struct err *e)
{
	CLEANUP(buf_clear) struct buf line = BUF_MAX(TEXT_BYTES_MAX);
	CLEANUP(lines_clear) struct lines lines = {.count = 0};

	while (lines.count < MIN_OF(count, (int)LINES_MAX)) {
		buf_reset(&line);
		write_line(items, &first[lines.count], &line);
		lines.rows[lines.count] = copy_of(&line);
		if (lines.rows[lines.count++] == NULL)
			return err_set(e, ERR_NOMEM, "out of memory");
	}
	if (first->telling == ALERT_RESOLVE)
		text_many_over(text, items->rule, count, longest(first, count),
			       (const char *const *)lines.rows, lines.count);
	else
		text_many(text, items->rule, items->config->severity, count,
			  first->telling == ALERT_FIRE ? firing + count
						       : firing,
			  (const char *const *)lines.rows, lines.count);
	return buf_finish(text, e);
}

/* 1: these items are told in one message, whose text is written. */
static int group(const struct items *items, const struct item *first, int count,
		 struct buf *text, struct err *e)
{
	const struct watch *watch = items->watch;
	struct alert_load load = {0};
	int rc;

	if (first->telling == ALERT_NOTHING)
		return 0;
	rc = alerts_load(watch->db, items->rule->name, first->chat,
			 watch->now_ms - WATCH_STORM_MS, &load, e);
	if (rc < 0)
		return rc;
	if (count <= WATCH_SINGLE_MAX &&
	    (first->telling == ALERT_RESOLVE ||
	     load.told + count <= WATCH_SINGLE_MAX))
		return 0;
	rc = write_many(items, first, count, load.firing, text, e);
	return rc < 0 ? rc : 1;
}

/* Batches that the writer gets in one go, so that small ones share a
 * transaction; it ends each by its own budget. */
struct wave {
	struct batch batches[WAVE_MAX];
	int count;
};

static void wave_clear(struct wave *wave)
{
	for (int i = 0; i < wave->count; i++)
		batch_clear(&wave->batches[i]);
	wave->count = 0;
}

static int flush(struct wave *wave, struct writer *writer, struct err *e)
{
	struct unit *units[WAVE_MAX];
	int rc = 0;

	for (int i = 0; i < wave->count; i++)
		units[i] = &wave->batches[i].unit;
	if (wave->count > 0)
		writer_call_all(writer, units, (size_t)wave->count);
	for (int i = 0; i < wave->count && rc == 0; i++) {
		rc = wave->batches[i].unit.rc;
		if (rc < 0)
			*e = wave->batches[i].unit.err;
	}
	wave_clear(wave);
	return rc;
}

/* Items of one chat and one telling. */
struct segment {
	struct item *first;
	int count;
	bool one_message;
};

static int add_batch(const struct items *items, struct wave *wave,
		     const struct segment *segment, int done,
		     const char *message, struct err *e)
{
	struct batch *batch = &wave->batches[wave->count++];

	*batch = (struct batch){
		.unit.run = run_batch,
		.items = items,
		.segment = segment->first,
		.first = segment->first + done,
		.one_message = segment->one_message,
		.now_ms = items->watch->now_ms,
	};
	if (message != NULL && (batch->message = strdup(message)) == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	while (batch->count <
	       MIN_OF(segment->count - done, (int)WATCH_UNIT_MAX)) {
		char *text = write_one(items, &batch->first[batch->count]);

		if (text == NULL)
			return err_set(e, ERR_NOMEM, "out of memory");
		batch->texts[batch->count++] = text;
	}
	return 0;
}

static int apply_segment(const struct items *items, struct wave *wave,
			 struct segment *segment, struct err *e)
{
	CLEANUP(buf_clear) struct buf text = BUF_MAX(TEXT_BYTES_MAX);
	int rc = group(items, segment->first, segment->count, &text, e);

	segment->one_message = rc > 0;
	for (int done = 0; done < segment->count && rc >= 0;
	     done += WATCH_UNIT_MAX) {
		const char *message = segment->one_message && done == 0
					      ? buf_text(&text)
					      : NULL;

		if (wave->count == WAVE_MAX)
			rc = flush(wave, items->watch->writer, e);
		if (rc >= 0)
			rc = add_batch(items, wave, segment, done, message, e);
	}
	return MIN_OF(rc, 0);
}

static void count_segment(struct watch *watch, enum alert_telling telling,
			  int count)
{
	watch->fired += telling == ALERT_FIRE ? count : 0;
	watch->repeated += telling == ALERT_REPEAT ? count : 0;
	watch->resolved += telling == ALERT_RESOLVE ? count : 0;
}

static int apply_all(struct watch *watch, struct items *items,
		     struct wave *wave, struct err *e)
{
	int from = 0;

	for (int i = 1; i <= items->count; i++) {
		struct item *first = &items->rows[from];
		struct segment segment = {.first = first, .count = i - from};
		int rc;

		if (i < items->count &&
		    items->rows[i].telling == first->telling &&
		    strcmp(items->rows[i].chat, first->chat) == 0)
			continue;
		rc = apply_segment(items, wave, &segment, e);
		/* How many there are in a chat is read from the store. */
		if (rc == 0 && i < items->count &&
		    strcmp(items->rows[i].chat, first->chat) == 0)
			rc = flush(wave, watch->writer, e);
		if (rc < 0)
			return rc;
		count_segment(watch, first->telling, i - from);
		from = i;
	}
	return flush(wave, watch->writer, e);
}

static int apply(struct watch *watch, struct items *items, struct err *e)
{
	CLEANUP_FREE struct wave *wave = calloc(1, sizeof(*wave));
	int rc;

	if (wave == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	qsort(items->rows, (size_t)items->count, sizeof(*items->rows),
	      items_by_chat_and_telling);
	rc = apply_all(watch, items, wave, e);
	wave_clear(wave);
	return rc;
}

static struct monitor_terms terms_of(const struct watch *watch,
				     const struct rule *rule,
				     const struct config_rule *config)
{
	return (struct monitor_terms){
		.now_ms = watch->now_ms,
		/* "At least none" would be true of everything. */
		.threshold = rule->in_minutes
				     ? config->threshold * THRESHOLD_UNIT_MS
				     : MAX_OF(config->threshold, 1),
		.hold_ms = config->for_ms,
		.repeat_ms = config->repeat_ms,
		.allowance_ms = config->allowance_ms,
		.window_ms = config->window_ms,
		.minimum = config->minimum,
		.limit = WATCH_FINDINGS_MAX,
	};
}

static int watch_found(struct watch *watch, const struct rule *rule,
		       const struct config_rule *config, struct err *e)
{
	CLEANUP(items_clear)
	struct items items = {
		.watch = watch, .rule = rule, .config = config, .e = e};
	struct monitor_terms terms = terms_of(watch, rule, config);
	int rc = monitor_found(watch->db, rule->query, &terms,
			       items_note_finding, &items, e);

	return rc <= 0 ? rc : apply(watch, &items, e);
}

/* config NULL: the rule is off. */
static int watch_over(struct watch *watch, const struct rule *rule,
		      const struct config_rule *config, struct err *e)
{
	CLEANUP(items_clear)
	struct items items = {
		.watch = watch, .rule = rule, .config = config, .e = e};
	int rc;

	if (config == NULL) {
		rc = monitor_live(watch->db, rule->name, WATCH_FINDINGS_MAX,
				  items_note_end, &items, e);
	} else {
		struct monitor_terms terms = terms_of(watch, rule, config);

		terms.hold_ms = config->keep_ms;
		terms.slack = config->hysteresis *
			      (rule->in_minutes ? THRESHOLD_UNIT_MS : 1);
		rc = monitor_over(watch->db, rule->query, &terms,
				  items_note_end, &items, e);
	}
	return rc <= 0 ? rc : apply(watch, &items, e);
}

int watch_rule(struct watch *watch, const struct rule *rule, struct err *e)
{
	const struct config_rule *config =
		config_rule(watch->config, rule->name);
	int rc = 0;

	if (config != NULL && !config->enabled)
		config = NULL;
	if (config != NULL)
		rc = watch_found(watch, rule, config, e);
	if (rc == 0)
		rc = watch_over(watch, rule, config, e);
	return rc < 0 ? err_wrap(e, rc, "rule %s", rule->name) : 0;
}
