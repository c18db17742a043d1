/* SPDX-License-Identifier: MIT
 *
 * single.c - one document, one of its files, one order.
 */
#include <stdio.h>
#include <string.h>

#include "answer.h"
#include "app/small_file.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "domain/order/order.h"
#include "erp.h"
#include "store/engine/db.h"
#include "store/exchange/feed.h"
#include "store/exchange/feed_json.h"
#include "store/exchange/renditions.h"
#include "store/exchange/verdicts.h"
#include "store/order/orders.h"

enum {
	FILE_NAME_BYTES = 256
};

/* Formats that are files of one document each. */
static const struct suffix {
	const char *suffix, *format, *content_type;
} suffixes[] = {
	{".xml", "upd", "application/xml"},
	{".pdf", "pdf", "application/pdf"},
	{".html", "html", "text/html; charset=utf-8"},
};

static const struct suffix *find_suffix(const char *path)
{
	for (size_t i = 0; i < COUNT_OF(suffixes); i++)
		if (strcmp(suffixes[i].suffix, path) == 0)
			return &suffixes[i];
	return NULL;
}

static const char *suffix_of(const char *format)
{
	for (size_t i = 0; i < COUNT_OF(suffixes); i++)
		if (strcmp(suffixes[i].format, format) == 0)
			return suffixes[i].suffix;
	return "";
}

static void refuse_unknown(struct http_exchange *x, const char *code,
			   const char *message)
{
	http_reply_error(x, 404, code, message);
}

struct list {
	struct json_out *out;
	int64_t document_id;
};

static void put_file(const struct rendition *file, void *context)
{
	struct list *list = context;
	char path[sizeof(ERP_PATH) + 64];

	(void)snprintf(path, sizeof(path), ERP_PATH "documents/%lld%s",
		       (long long)list->document_id, suffix_of(file->format));
	json_object(list->out, NULL);
	json_put_text(list->out, "format", file->format);
	json_put_text(list->out, "path", path);
	json_put_text(list->out, "name", file->file_name);
	json_put_i64(list->out, "bytes", file->bytes);
	json_put_text(list->out, "sha256", file->hash);
	json_end(list->out);
}

static int put_document(const struct feed_entry *entry, void *context,
			struct err *e)
{
	(void)e;
	feed_put_document(context, entry);
	return 0;
}

/* 1, 0, < 0; all of it from one moment. */
static int render_document(struct db *db, int64_t id, struct json_out *out)
{
	struct list list = {.out = out, .document_id = id};
	struct verdict verdict;
	int rc;

	json_object(out, NULL);
	rc = feed_document(db, id, put_document, out, NULL);
	if (rc > 0)
		rc = verdicts_get(db, id, &verdict, NULL);
	if (rc <= 0)
		return rc;
	answer_put_verdict(out, "verdict", &verdict);
	json_array(out, "files");
	rc = renditions_list(db, id, put_file, &list, NULL);
	json_end(out);
	json_end(out);
	return rc < 0 ? rc : 1;
}

static void show_document(struct http_exchange *x, struct db *db, int64_t id)
{
	CLEANUP(buf_clear) struct buf body = BUF_MAX(ERP_ANSWER_BYTES_MAX);
	struct json_out out = json_out_to(&body);
	int rc = db_begin_read(db, NULL);

	if (rc == 0) {
		rc = render_document(db, id, &out);
		db_rollback(db);
	}
	answer_one(x, rc, &out, "unknown_document",
		   "there is no document with that id");
}

struct wanted {
	const char *format;
	char name[FILE_NAME_BYTES];
	char tag[80]; /* its hash, as an ETag */
};

static void find_file(const struct rendition *file, void *context)
{
	struct wanted *wanted = context;

	if (strcmp(file->format, wanted->format) != 0)
		return;
	(void)text_copy(wanted->name, sizeof(wanted->name), file->file_name);
	(void)snprintf(wanted->tag, sizeof(wanted->tag), "\"%.64s\"",
		       file->hash);
}

static void send_file(struct http_exchange *x, const struct erp *erp,
		      const struct wanted *wanted, const char *content_type)
{
	CLEANUP(buf_clear) struct buf body = BUF_MAX(ERP_ANSWER_BYTES_MAX);
	char path[STATE_PATH_BYTES + FILE_NAME_BYTES];

	(void)snprintf(path, sizeof(path), "%s/%s", erp->service->dir.export,
		       wanted->name);
	if (small_file_read(path, &body, NULL, NULL) < 0) {
		refuse_unknown(x, "no_file",
			       "the file is not in export/ any more");
		return;
	}
	http_reply_header(x, "ETag", wanted->tag);
	http_reply(x, 200, content_type, buf_text(&body), body.used_bytes);
}

static void show_file(struct http_exchange *x, struct erp *erp, int64_t id,
		      const struct suffix *suffix)
{
	struct wanted wanted = {.format = suffix->format};
	struct verdict verdict;
	int rc = verdicts_get(erp->reader, id, &verdict, NULL);

	if (rc > 0 &&
	    renditions_list(erp->reader, id, find_file, &wanted, NULL) < 0)
		rc = ERR_IO;
	if (rc < 0)
		erp_unavailable(x);
	else if (rc == 0)
		refuse_unknown(x, "unknown_document",
			       "there is no document with that id");
	else if (wanted.name[0] == '\0')
		refuse_unknown(x, "not_exported",
			       "the document has no file of this format (yet): "
			       "see invoicing.formats; corrections and returns "
			       "have no xml");
	else
		send_file(x, erp, &wanted, suffix->content_type);
}

void single_document(struct http_exchange *x, void *context)
{
	struct erp *erp = erp_enter(x, context);
	const char *path = http_path(x) + strlen(ERP_PATH "documents/");
	int64_t id;

	if (erp == NULL)
		return;
	if (!erp_number(path, &path, &id))
		refuse_unknown(x, "unknown_document",
			       "there is no document with that id");
	else if (*path == '\0')
		show_document(x, erp->reader, id);
	else if (find_suffix(path) != NULL)
		show_file(x, erp, id, find_suffix(path));
	else if (strcmp(path, "/ack") == 0 || strcmp(path, "/refuse") == 0)
		erp_refuse_method(x, "POST");
	else
		refuse_unknown(x, "not_found", "there is nothing at this path");
}

/* 1, 0, < 0; all of it from one moment. */
static int load_order(struct db *db, const char *number, struct order *order)
{
	int64_t id = 0;
	int rc = db_begin_read(db, NULL);

	if (rc < 0)
		return rc;
	rc = orders_find_number(db, number, &id, NULL);
	if (rc > 0)
		rc = orders_load(db, id, order, NULL);
	db_rollback(db);
	return rc;
}

void single_order(struct http_exchange *x, void *context)
{
	CLEANUP(buf_clear) struct buf body = BUF_MAX(ERP_ANSWER_BYTES_MAX);
	CLEANUP(order_clear) struct order order = {0};
	struct erp *erp = erp_enter(x, context);
	struct json_out out = json_out_to(&body);
	int rc;

	if (erp == NULL)
		return;
	rc = load_order(erp->reader, http_path(x) + strlen(ERP_PATH "orders/"),
			&order);
	if (rc > 0)
		answer_put_order(&out, &order);
	answer_one(x, rc, &out, "unknown_order",
		   "there is no order with that number");
}
