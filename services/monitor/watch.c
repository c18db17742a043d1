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
#include "rules.h"
#include "store/engine/writer.h"
#include "store/monitor/monitor.h"
#include "store/queue/telegram_queue.h"
#include "store/watch/alerts.h"
#include "text.h"

enum {
	THRESHOLD_UNIT_MS = 60 * 1000,
	LINES_MAX = 5,       /* of the worst, in a message about many */
	LINES_AT_HAND = 1000 /* the worst come first */
};

/* Something to be marked, and perhaps told. */
struct item {
	int place;                  /* in the order of the query */
	enum alert_telling telling; /* as far as a reader can see */
	int64_t alert_id;           /* of an end */
	bool stirs, calms;          /* no end: holds again, not yet over */
	bool silenced;
	char *chat, *subject, *text, *line; /* owned */
	char *store_id;                     /* owned */
};

struct items {
	const struct watch *watch;
	const struct rule *rule;
	const struct config_rule *config;
	struct err *e;
	struct item *rows;
	int count, room;
};

static void item_clear(struct item *item)
{
	free(item->chat);
	free(item->subject);
	free(item->text);
	free(item->line);
	free(item->store_id);
}

static void items_clear(struct items *items)
{
	for (int i = 0; i < items->count; i++)
		item_clear(&items->rows[i]);
	free(items->rows);
}

/* Room for one more row, zeroed; NULL when out of memory. */
static struct item *add_item(struct items *items)
{
	if (items->count == items->room) {
		int room = MAX_OF(items->room * 2, 64);
		struct item *rows =
			reallocarray(items->rows, (size_t)room, sizeof(*rows));

		if (rows == NULL)
			return NULL;
		items->rows = rows;
		items->room = room;
	}
	items->rows[items->count] = (struct item){.place = items->count};
	return &items->rows[items->count++];
}

/* Who is told: whom the rule names, else the store's people, else whoever gets
 * that severity, else the administrator. */
static char *copy_chat(const struct items *items, const char *chat)
{
	const struct config_telegram *t = &items->watch->config->telegram;
	const struct {
		const char *severity, *chat;
	} by_severity[] = {
		{"critical", t->critical_chat},
		{"warning", t->warning_chat},
		{"info", t->info_chat},
	};

	if (items->config->chat[0] != '\0')
		return strdup(items->config->chat);
	if (chat[0] != '\0')
		return strdup(chat);
	for (size_t i = 0; i < COUNT_OF(by_severity); i++)
		if (strcmp(by_severity[i].severity, items->config->severity) ==
			    0 &&
		    by_severity[i].chat[0] != '\0')
			return strdup(by_severity[i].chat);
	return strdup(t->admin_chat);
}

static enum alert_telling expect(const struct items *items, const char *state)
{
	if (strcmp(state, "firing") == 0)
		return ALERT_REPEAT;
	return strcmp(state, "pending") == 0 || items->config->for_ms == 0
		       ? ALERT_FIRE
		       : ALERT_NOTHING;
}

/* As large as needed: there may be thousands. NULL when out of memory. */
static char *copy_of(const struct buf *text)
{
	return buf_finish(text, NULL) == 0 ? strdup(buf_text(text)) : NULL;
}

static int note_finding(const struct monitor_finding *finding, void *context)
{
	CLEANUP(buf_clear) struct buf text = BUF_MAX(TEXT_BYTES_MAX);
	CLEANUP(buf_clear) struct buf line = BUF_MAX(TEXT_BYTES_MAX);
	struct items *items = context;
	struct item *item = add_item(items);
	int64_t now_ms = items->watch->now_ms;

	if (item == NULL)
		return err_set(items->e, ERR_NOMEM, "out of memory");
	text_finding(&text, items->rule, items->config->severity, finding,
		     now_ms, items->watch->config->telegram.order_link);
	text_line(&line, items->rule, finding, now_ms);
	item->silenced = finding->silenced;
	item->telling = finding->silenced ? ALERT_NOTHING
					  : expect(items, finding->alert_state);
	item->chat = copy_chat(items, finding->chat);
	item->subject = strdup(finding->subject);
	item->store_id = strdup(finding->store_id);
	item->text = copy_of(&text);
	item->line = copy_of(&line);
	if (item->chat == NULL || item->subject == NULL || item->text == NULL ||
	    item->line == NULL || item->store_id == NULL)
		return err_set(items->e, ERR_NOMEM, "out of memory");
	return 0;
}

/* What ends must have been over for `keep`; what was never told, or is told
 * otherwise, need not. */
static bool must_wait(const struct items *items, const struct monitor_end *end)
{
	return items->config != NULL && items->config->keep_ms > 0 &&
	       end->firing && !end->quiet &&
	       (end->calm_since_ms == 0 ||
		items->watch->now_ms - end->calm_since_ms <
			items->config->keep_ms);
}

static int note_end(const struct monitor_end *end, void *context)
{
	CLEANUP(buf_clear) struct buf text = BUF_MAX(TEXT_BYTES_MAX);
	struct items *items = context;
	struct item *item = add_item(items);

	if (item == NULL)
		return err_set(items->e, ERR_NOMEM, "out of memory");
	item->stirs = end->holds;
	item->calms = !end->holds && must_wait(items, end);
	item->telling =
		end->firing && !end->quiet && !item->stirs && !item->calms
			? ALERT_RESOLVE
			: ALERT_NOTHING;
	item->alert_id = end->alert_id;
	item->chat = strdup(end->chat);
	text_over(&text, items->rule, end->text);
	item->text =
		item->telling == ALERT_RESOLVE ? buf_take(&text) : strdup("");
	if (item->chat == NULL || item->text == NULL)
		return err_set(items->e, ERR_NOMEM, "out of memory");
	return 0;
}

static int by_chat_and_telling(const void *left, const void *right)
{
	const struct item *a = left;
	const struct item *b = right;
	int order = strcmp(a->chat, b->chat);

	if (order == 0)
		order = (int)a->telling - (int)b->telling;
	return order != 0 ? order : a->place - b->place;
}

/* Some items of one chat and one telling: one transaction. */
struct batch {
	struct unit unit;
	const struct items *items;
	const struct item *first;
	int count;
	bool one_message; /* about all of them */
	const char *text; /* of it; NULL: it was in an earlier batch */
	int64_t message_id;
	int64_t now_ms;
};

static int mark_end(struct db *db, const struct batch *batch,
		    const struct item *item, struct err *e)
{
	if (item->stirs || item->calms)
		return alert_calm(db, item->alert_id, item->calms,
				  batch->now_ms, e);
	return batch->one_message
		       ? alert_mark_over(db, item->alert_id, batch->now_ms, e)
		       : alert_over(db, item->alert_id, item->text,
				    batch->now_ms, e);
}

/* Whether it is to be told in the message about all (> 0), or < 0. */
static int mark_one(struct db *db, const struct batch *batch,
		    const struct item *item, struct err *e)
{
	const struct config_rule *config = batch->items->config;
	struct alert_finding finding = {
		.rule = batch->items->rule->name,
		.subject = item->subject,
		.chat = item->chat,
		.text = item->text,
		.store_id = item->store_id,
		.silenced = item->silenced,
	};
	int64_t id;
	int rc;

	if (item->alert_id != 0)
		return mark_end(db, batch, item, e);
	assert(config != NULL); /* a rule that is off finds nothing */
	finding.severity = config->severity;
	finding.for_ms = config->for_ms;
	finding.repeat_ms = config->repeat_ms;
	if (!batch->one_message)
		return alert_found(db, &finding, batch->now_ms, e);
	rc = alert_mark(db, &finding, batch->now_ms, &id, e);
	if (rc > 0 && batch->message_id != 0 &&
	    alert_told(db, id, batch->message_id, e) < 0)
		return ERR_BUSY;
	return rc;
}

/* The message about all goes first: the alerts keep its id. */
static int add_message(struct db *db, struct batch *batch, struct err *e)
{
	const struct item *first = batch->first;
	struct telegram_message message = {
		.chat = first->chat,
		.kind = alert_telling_name(first->telling),
		.severity = batch->items->config != NULL
				    ? batch->items->config->severity
				    : "info",
		.text = batch->text,
	};

	return telegram_queue_put(db, &message, batch->now_ms,
				  &batch->message_id, e);
}

static int run_batch(struct unit *u, struct db *db, int64_t now_ms,
		     struct err *e)
{
	struct batch *batch = CONTAINER_OF(u, struct batch, unit);
	int rc = batch->text != NULL ? add_message(db, batch, e) : 0;

	(void)now_ms; /* one moment for the whole pass */
	u->bells = BELL_TELEGRAM;
	for (int i = 0; i < batch->count && rc >= 0; i++)
		rc = mark_one(db, batch, &batch->first[i], e);
	return MIN_OF(rc, 0);
}

/* The text about a whole segment. */
static int write_many(const struct items *items, const struct item *first,
		      int count, int64_t firing, struct buf *text,
		      struct err *e)
{
	const char *lines[LINES_MAX];
	int line_count = MIN_OF(count, (int)LINES_MAX);

	for (int i = 0; i < line_count; i++)
		lines[i] = first[i].line;
	if (first->telling == ALERT_RESOLVE)
		text_many_over(text, items->rule, count);
	else
		text_many(text, items->rule, items->config->severity, count,
			  first->telling == ALERT_FIRE ? firing + count
						       : firing,
			  lines, line_count);
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

/* Items of one chat and one telling. */
static int apply_segment(const struct items *items, const struct item *first,
			 int count, struct err *e)
{
	CLEANUP(buf_clear) struct buf text = BUF_MAX(TEXT_BYTES_MAX);
	int rc = group(items, first, count, &text, e);
	bool one_message = rc > 0;
	int64_t message_id = 0;

	for (int done = 0; done < count && rc >= 0; done += WATCH_UNIT_MAX) {
		struct batch batch = {
			.unit.run = run_batch,
			.items = items,
			.first = first + done,
			.count = MIN_OF(count - done, (int)WATCH_UNIT_MAX),
			.one_message = one_message,
			.text = one_message && done == 0 ? buf_text(&text)
							 : NULL,
			.message_id = message_id,
			.now_ms = items->watch->now_ms,
		};

		rc = writer_call(items->watch->writer, &batch.unit, e);
		message_id = batch.message_id;
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

static int apply(struct watch *watch, struct items *items, struct err *e)
{
	int from = 0;

	qsort(items->rows, (size_t)items->count, sizeof(*items->rows),
	      by_chat_and_telling);
	for (int i = 1; i <= items->count; i++) {
		const struct item *first = &items->rows[from];
		int rc;

		if (i < items->count &&
		    items->rows[i].telling == first->telling &&
		    strcmp(items->rows[i].chat, first->chat) == 0)
			continue;
		rc = apply_segment(items, first, i - from, e);
		if (rc < 0)
			return rc;
		count_segment(watch, first->telling, i - from);
		from = i;
	}
	return 0;
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
	int64_t total;
	int rc = monitor_found(watch->db, rule->query, &terms, note_finding,
			       &items, &total, e);

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
				  note_end, &items, e);
	} else {
		struct monitor_terms terms = terms_of(watch, rule, config);

		terms.hold_ms = config->keep_ms;
		terms.slack = config->hysteresis *
			      (rule->in_minutes ? THRESHOLD_UNIT_MS : 1);
		rc = monitor_over(watch->db, rule->query, &terms, note_end,
				  &items, e);
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
