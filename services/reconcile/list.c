/* SPDX-License-Identifier: MIT
 *
 * list.c - what has changed since the last listing.
 *
 * A page's findings and the place of the next page are one transaction. A
 * listing that could not be finished goes on in the next run; the times that it
 * asks for overlap, because two clocks are involved.
 */
#include <string.h>

#include "app/service/service.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/text.h"
#include "reconcile.h"
#include "store/engine/writer.h"
#include "store/pull/pulls.h"
#include "store/repair/restore.h"

enum {
	PAGE_SIZE = 50,
	PAGES_MAX = 2000,
	FOUND_MAX = 500, /* of a page that is longer than we asked for */
	PAGE_BYTES_MAX = 8 * 1024 * 1024,
	STORE_RECORDS_MAX = 1000, /* in one run, of one store */
	STORES_MAX = 512,
	OVERLAP_MS = 15 * 60 * 1000,
	LOOK_BACK_MS = 24 * 3600 * 1000, /* when our clock has gone back */
	URL_BYTES_MAX = CONFIG_TEXT_BYTES + 3 * CHANNEL_PAGE_TOKEN_BYTES + 128
};

struct listing {
	struct reconcile *reconcile;
	struct pull_cursor cursor;
	struct store_count {
		char store_id[ORDER_SHORT_BYTES];
		int records;
	} stores[STORES_MAX];
	int store_count;
	bool finished, full, resumed;
};

struct save {
	struct unit unit;
	const struct channel *channel;
	struct pull_cursor cursor;
	const char *found[FOUND_MAX]; /* borrowed from the page */
	int count;
	int64_t began_ms; /* of the listing that this page ends; 0: none */
};

static int run_save(struct unit *u, struct db *db, int64_t now_ms,
		    struct err *e)
{
	struct save *save = CONTAINER_OF(u, struct save, unit);
	const char *name = save->channel->name;
	int rc = 0;

	for (int i = 0; i < save->count && rc == 0; i++)
		rc = pulls_add(db, name, save->found[i], now_ms, e);
	if (rc == 0)
		rc = pulls_save_cursor(db, name, &save->cursor, now_ms, e);
	if (rc >= 0 && save->began_ms != 0)
		rc = restore_pull_listed(db, save->began_ms, now_ms, e);
	return MIN_OF(rc, 0);
}

/* One more record of its store. A run stops where the next page could bring a
 * store more than it may. */
static void count_record(struct listing *l, const char *store_id)
{
	struct store_count *store = NULL;

	for (int i = 0; i < l->store_count && store == NULL; i++)
		if (strcmp(l->stores[i].store_id, store_id) == 0)
			store = &l->stores[i];
	if (store == NULL && l->store_count < STORES_MAX) {
		store = &l->stores[l->store_count++];
		(void)text_copy(store->store_id, sizeof(store->store_id),
				store_id);
	}
	if (store == NULL || ++store->records > STORE_RECORDS_MAX - PAGE_SIZE)
		l->full = true;
}

static int weigh_page(struct listing *l, const struct channel_page *page,
		      struct save *save, struct err *e)
{
	struct reconcile *r = l->reconcile;
	int64_t now_ms = clock_wall_ms();

	for (size_t i = 0; i < page->count; i++) {
		const struct channel_shipment *s = &page->shipments[i];
		int rc = weigh_listed(r->service->db, r->channel, s, now_ms, e);

		if (rc < 0)
			return rc;
		count_record(l, s->store_id);
		if (rc > 0)
			save->found[save->count++] = s->external_id;
	}
	r->listed += (int64_t)page->count;
	r->unreadable += page->unreadable;
	r->found += save->count;
	return 0;
}

static int take_page(struct listing *l, const struct channel_page *page,
		     struct err *e)
{
	struct reconcile *r = l->reconcile;
	struct save save = {.unit.run = run_save, .channel = r->channel};
	int rc;

	if (page->count > COUNT_OF(save.found))
		return err_set(e, ERR_REMOTE, "a page of too many orders");
	rc = weigh_page(l, page, &save, e);
	if (rc < 0)
		return rc;
	if (page->next[0] != '\0' &&
	    strcmp(page->next, l->cursor.page_token) == 0)
		return err_set(e, ERR_REMOTE, "the listing goes in circles");
	(void)text_copy(l->cursor.page_token, sizeof(l->cursor.page_token),
			page->next);
	l->finished = page->next[0] == '\0';
	if (l->finished) {
		save.began_ms = l->cursor.listing_ms;
		l->cursor.since_ms = l->cursor.listing_ms - OVERLAP_MS;
		l->cursor.listing_ms = 0;
	}
	save.cursor = l->cursor;
	return writer_call(r->service->writer, &save.unit, e);
}

static int put_url(const struct listing *l, struct buf *url, struct err *e)
{
	const struct reconcile *r = l->reconcile;

	buf_add_text(url, r->config->shipments_url);
	r->channel->put_list_query(l->cursor.since_ms, PAGE_SIZE,
				   l->cursor.page_token, url);
	return buf_finish(url, e);
}

/* A token that is no longer taken: from the beginning, once. */
static int begin_anew(struct listing *l, struct err *e)
{
	if (!l->resumed || l->cursor.page_token[0] == '\0')
		return err_set(e, ERR_REMOTE, "listing: %s",
			       l->reconcile->why.text);
	l->resumed = false;
	l->cursor.page_token[0] = '\0';
	return 0;
}

static int next_page(struct listing *l, struct err *e)
{
	CLEANUP(buf_clear) struct buf url = BUF_MAX(URL_BYTES_MAX);
	CLEANUP(http_answer_clear) struct http_answer answer = {0};
	CLEANUP(channel_page_clear) struct channel_page page = {0};
	struct reconcile *r = l->reconcile;
	enum call_result result;
	int rc = put_url(l, &url, e);

	if (rc < 0)
		return rc;
	result = call_get(r, buf_text(&url), PAGE_BYTES_MAX, &answer);
	if (result == CALL_REFUSED || result == CALL_GONE)
		return begin_anew(l, e);
	if (result == CALL_DENIED)
		return err_set(e, ERR_DENIED, "listing: %s", r->why.text);
	if (result != CALL_OK)
		return err_set(e, ERR_REMOTE, "listing: %s", r->why.text);
	rc = r->channel->read_page(answer.body, answer.body_bytes, &page, e);
	if (rc < 0)
		return err_wrap(e, ERR_REMOTE, "listing");
	return take_page(l, &page, e);
}

static void begin(struct listing *l)
{
	int64_t now_ms = clock_wall_ms();

	if (l->cursor.since_ms > now_ms)
		l->cursor.since_ms = now_ms - LOOK_BACK_MS;
	l->resumed = l->cursor.listing_ms != 0;
	if (!l->resumed || l->cursor.listing_ms > now_ms)
		l->cursor.listing_ms = now_ms;
}

int list_changes(struct reconcile *r, struct err *e)
{
	CLEANUP_FREE struct listing *l = calloc(1, sizeof(*l));
	int rc;

	if (l == NULL)
		return err_set(e, ERR_NOMEM, "listing: out of memory");
	l->reconcile = r;
	rc = pulls_cursor(r->service->db, r->channel->name, &l->cursor, e);
	if (rc < 0)
		return rc;
	begin(l);
	for (int i = 0; i < PAGES_MAX && rc == 0 && !l->finished && !l->full &&
			(i == 0 || call_may_go_on(r));
	     i++) {
		reconcile_progress(r);
		rc = next_page(l, e);
	}
	r->unfinished = !l->finished;
	return rc;
}
