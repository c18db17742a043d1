/* SPDX-License-Identifier: MIT */
#include "items.h"

#include <stdlib.h>
#include <string.h>

#include "app/config/config.h"
#include "base/err.h"
#include "base/macros.h"
#include "watch.h"

void items_clear(struct items *items)
{
	for (int i = 0; i < items->count; i++)
		free(items->rows[i].memory);
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
static const char *choose_chat(const struct items *items, const char *chat)
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
		return items->config->chat;
	if (chat[0] != '\0')
		return chat;
	for (size_t i = 0; i < COUNT_OF(by_severity); i++)
		if (strcmp(by_severity[i].severity, items->config->severity) ==
			    0 &&
		    by_severity[i].chat[0] != '\0')
			return by_severity[i].chat;
	return t->admin_chat;
}

static enum alert_telling expect(const struct items *items, const char *state)
{
	if (strcmp(state, "firing") == 0)
		return ALERT_REPEAT;
	return strcmp(state, "pending") == 0 || items->config->for_ms == 0
		       ? ALERT_FIRE
		       : ALERT_NOTHING;
}

/* The copy of a text, behind the one before. */
static const char *put(char **p, const char *text)
{
	size_t n = strlen(text) + 1;
	const char *copy = memcpy(*p, text, n);

	*p += n;
	return copy;
}

static size_t bytes_of(const struct monitor_finding *f)
{
	const char *const texts[] = {
		f->subject, f->chat, f->alert_state, f->number, f->external_id,
		f->store,   f->zone, f->store_id,    f->detail, f->reason,
	};
	size_t bytes = 0;

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		bytes += strlen(texts[i]) + 1;
	return bytes;
}

/* The item's own copies of what it says, in one piece: there may be thousands
 * of items. */
static int keep_finding(struct item *item, struct err *e)
{
	struct monitor_finding *f = &item->finding;
	char *p = malloc(bytes_of(f));

	if (p == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	item->memory = p;
	f->subject = put(&p, f->subject);
	f->chat = put(&p, f->chat);
	f->alert_state = put(&p, f->alert_state);
	f->number = put(&p, f->number);
	f->external_id = put(&p, f->external_id);
	f->store = put(&p, f->store);
	f->zone = put(&p, f->zone);
	f->store_id = put(&p, f->store_id);
	f->detail = put(&p, f->detail);
	f->reason = put(&p, f->reason);
	return 0;
}

int items_note_finding(const struct monitor_finding *finding, void *context)
{
	struct items *items = context;
	struct item *item = add_item(items);

	if (item == NULL)
		return err_set(items->e, ERR_NOMEM, "out of memory");
	item->finding = *finding;
	item->telling = finding->silenced ? ALERT_NOTHING
					  : expect(items, finding->alert_state);
	if (keep_finding(item, items->e) < 0)
		return ERR_NOMEM;
	item->chat = choose_chat(items, item->finding.chat);
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

int items_note_end(const struct monitor_end *end, void *context)
{
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
	item->finding = end->now;
	item->finding.chat = end->chat;
	item->lasted_ms = (end->calm_since_ms > 0 ? end->calm_since_ms
						  : items->watch->now_ms) -
			  end->now.at_ms;
	if (keep_finding(item, items->e) < 0)
		return ERR_NOMEM;
	item->chat = item->finding.chat;
	return 0;
}

int items_by_chat_and_telling(const void *left, const void *right)
{
	const struct item *a = left;
	const struct item *b = right;
	int order = strcmp(a->chat, b->chat);

	if (order == 0)
		order = (int)a->telling - (int)b->telling;
	return order != 0 ? order : a->place - b->place;
}
