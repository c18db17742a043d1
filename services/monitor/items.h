/* SPDX-License-Identifier: MIT
 *
 * items.h - what a pass of a rule has found, with texts of its own: findings to
 * be marked and ends, in the order of the query or by chat.
 */
#ifndef MONITOR_ITEMS_H
#define MONITOR_ITEMS_H

#include <stdbool.h>
#include <stdint.h>

#include "store/monitor/monitor.h"
#include "store/watch/alerts.h"

struct config_rule;
struct err;
struct rule;
struct watch;

/* Something to be marked, and perhaps told. */
struct item {
	int place;                      /* in the order of the query */
	enum alert_telling telling;     /* as far as a reader can see */
	int64_t alert_id;               /* of an end */
	bool stirs, calms;              /* no end: holds again, not yet over */
	const char *chat;               /* borrowed from memory, or longer */
	int64_t lasted_ms;              /* of an end */
	struct monitor_finding finding; /* of an end: what is so now */
	char *memory;                   /* owned: all texts */
	/* Of the first item of a segment: its one message. */
	int64_t message_id;
	bool failed;
};

struct items {
	const struct watch *watch;
	const struct rule *rule;
	const struct config_rule *config;
	struct err *e;
	struct item *rows;
	int count, room;
};

void items_clear(struct items *items);

/* For monitor_found() and monitor_over(); the context is a struct items. */
int items_note_finding(const struct monitor_finding *finding, void *context);
int items_note_end(const struct monitor_end *end, void *context);

/* For qsort(). */
int items_by_chat_and_telling(const void *left, const void *right);

#endif
