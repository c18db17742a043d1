/* SPDX-License-Identifier: MIT
 *
 * pages.c - documents and orders after a counter.
 *
 * What other connections see may not be on the disk yet (decision 008). A page
 * is answered only when it is: an ERP that has read up to 7 would never ask for
 * another 7 that takes its place after a power cut. So the page is read first,
 * and then a write of our own is committed behind all that it shows.
 */
#include <string.h>

#include "answer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "erp.h"
#include "store/engine/writer.h"
#include "store/exchange/feed.h"
#include "store/exchange/feed_json.h"

enum {
	LIMIT_DEFAULT = 100,
	LIMIT_MAX = 1000,
	PAGE_BYTES_MAX = 2 * 1024 * 1024, /* then it ends, after one at least */
	NOTE_EVERY_MS = 60000 /* that somebody asks, when nothing is new */
};

static const struct kind {
	const char *name; /* of the reader, and of the list */
	int (*page)(struct db *db, int64_t after_id, int max, feed_visit *each,
		    void *context, struct err *e);
	void (*put)(struct json_out *out, const struct feed_entry *entry);
} kinds[] = {
	{FEED_DOCUMENTS, feed_documents, feed_put_document},
	{FEED_ORDERS, feed_orders, feed_put_event},
};

struct call { /* one request on its way through the writer */
	struct unit unit;
	struct http_exchange *x;
	const struct kind *kind;
	int64_t after_id, limit;
	int64_t last_id;
	int count;
	bool has_more;
	struct buf body;
	struct json_out out;
};

static int put_entry(const struct feed_entry *entry, void *context,
		     struct err *e)
{
	struct call *call = context;

	(void)e;
	if (call->count == call->limit ||
	    (call->count > 0 && call->body.used_bytes > PAGE_BYTES_MAX)) {
		call->has_more = true;
		return 1;
	}
	json_object(&call->out, NULL);
	json_put_i64(&call->out, "seq", entry->id);
	call->kind->put(&call->out, entry);
	json_end(&call->out);
	call->last_id = entry->id;
	call->count++;
	return 0;
}

static int render(struct call *call, struct db *db)
{
	int rc;

	call->last_id = call->after_id;
	call->body = BUF_MAX(ERP_ANSWER_BYTES_MAX);
	call->out = json_out_to(&call->body);
	json_object(&call->out, NULL);
	json_array(&call->out, call->kind->name);
	rc = call->kind->page(db, call->after_id, (int)call->limit + 1,
			      put_entry, call, NULL);
	json_end(&call->out);
	json_put_i64(&call->out, "next", call->last_id);
	json_put_bool(&call->out, "more", call->has_more);
	json_end(&call->out);
	return rc < 0 ? rc : buf_finish(&call->body, NULL);
}

static int note(struct unit *u, struct db *db, int64_t now_ms, struct err *e)
{
	const struct call *call = CONTAINER_OF(u, struct call, unit);

	return feed_read_on(db, call->kind->name, call->after_id, now_ms, e);
}

static void answer(struct unit *u, int rc, const struct err *e)
{
	struct call *call = CONTAINER_OF(u, struct call, unit);
	CLEANUP(buf_clear) struct buf body = call->body;

	(void)e; /* the writer's metrics and the main loop report it */
	call->out.buf = &body;
	if (rc < 0)
		erp_unavailable(call->x);
	else
		answer_send(call->x, 200, &call->out);
}

/* A number of the query; `missing` when it is not there. */
static bool read_query(struct http_exchange *x, const char *name,
		       int64_t missing, int64_t *ret_value)
{
	const char *text = http_query(x, name);
	const char *end;

	*ret_value = missing;
	if (text == NULL)
		return true;
	return erp_number(text, &end, ret_value) && *end == '\0';
}

static void show(struct http_exchange *x, void *context, size_t kind)
{
	struct erp *erp = erp_enter(x, context);
	int64_t now_ms = clock_mono_ms();
	struct call *call;
	int64_t after_id;
	int64_t limit;

	if (erp == NULL)
		return;
	if (!read_query(x, "after", 0, &after_id) ||
	    !read_query(x, "limit", LIMIT_DEFAULT, &limit) || limit < 1) {
		http_reply_error(x, 400, "bad_query",
				 "after is a number from 0, limit from 1");
		return;
	}
	call = http_exchange_alloc(x, sizeof(*call));
	if (call == NULL) {
		erp_unavailable(x);
		return;
	}
	call->x = x;
	call->kind = &kinds[kind];
	call->after_id = after_id;
	call->limit = MIN_OF(limit, (int64_t)LIMIT_MAX);
	call->unit.run = note;
	call->unit.done = answer;
	if (render(call, erp->reader) < 0) {
		answer(&call->unit, ERR_IO, NULL);
	} else if (call->count == 0 && erp->noted_ms[kind] != 0 &&
		   now_ms - erp->noted_ms[kind] < NOTE_EVERY_MS) {
		answer(&call->unit, 0, NULL); /* it shows nothing */
	} else {
		erp->noted_ms[kind] = now_ms;
		if (writer_submit(erp->service->writer, &call->unit, NULL) < 0)
			answer(&call->unit, ERR_BUSY, NULL);
	}
}

void pages_documents(struct http_exchange *x, void *context)
{
	show(x, context, 0);
}

void pages_orders(struct http_exchange *x, void *context)
{
	show(x, context, 1);
}
