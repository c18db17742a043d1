/* SPDX-License-Identifier: MIT
 *
 * verdict.c - POST documents/{id}/ack and documents/{id}/refuse.
 */
#include "store/exchange/verdicts.h"

#include <string.h>

#include "answer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "codec/json/json_doc.h"
#include "erp.h"
#include "store/engine/writer.h"

enum {
	BODY_BYTES_MAX = 8 * 1024
};

static const struct word {
	const char *path, *state;
	bool has_reason;
	const char *code, *message; /* when it is something else already */
} words[] = {
	{"/ack", VERDICT_ACKNOWLEDGED, false, "refused",
	 "the document was refused before"},
	{"/refuse", VERDICT_REFUSED, true, "acknowledged",
	 "the document was acknowledged before"},
};

struct call { /* one request on its way through the writer */
	struct unit unit;
	struct http_exchange *x;
	const struct word *word;
	int64_t document_id;
	char reason[VERDICT_REASON_BYTES];
	struct verdict verdict;
	int found;
};

static int give(struct unit *u, struct db *db, int64_t now_ms, struct err *e)
{
	struct call *call = CONTAINER_OF(u, struct call, unit);

	call->found = verdicts_give(db, call->document_id, call->word->state,
				    call->reason, now_ms, &call->verdict, e);
	return MIN_OF(call->found, 0);
}

/* A refused document that a later one replaced stays refused. */
static bool is_as_asked(const struct call *call)
{
	return strcmp(call->verdict.state, call->word->state) == 0 ||
	       (call->word->has_reason &&
		strcmp(call->verdict.state, "replaced") == 0);
}

static void put_conflict(struct json_out *out, const struct call *call)
{
	json_object(out, NULL);
	json_object(out, "error");
	json_put_text(out, "code", call->word->code);
	json_put_text(out, "message", call->word->message);
	json_end(out);
	answer_put_verdict(out, "verdict", &call->verdict);
	json_end(out);
}

static void answer(struct unit *u, int rc, const struct err *e)
{
	struct call *call = CONTAINER_OF(u, struct call, unit);
	CLEANUP(buf_clear) struct buf body = BUF_MAX(BODY_BYTES_MAX);
	struct json_out out = json_out_to(&body);

	(void)e;
	if (rc < 0) {
		erp_unavailable(call->x);
	} else if (call->found == 0) {
		http_reply_error(call->x, 404, "unknown_document",
				 "there is no document with that id");
	} else if (is_as_asked(call)) {
		answer_put_verdict(&out, NULL, &call->verdict);
		answer_send(call->x, 200, &out);
	} else {
		put_conflict(&out, call);
		answer_send(call->x, 409, &out);
	}
}

/* 0, or ERR_INVALID: what is wrong with the body. */
static int read_body(struct call *call, struct err *e)
{
	CLEANUP_JSON struct json *body = NULL;
	const char *reason;

	if (http_body_bytes(call->x) == 0 && !call->word->has_reason)
		return 0;
	if (json_doc_parse(http_body(call->x), http_body_bytes(call->x), &body,
			   e) < 0)
		return ERR_INVALID;
	if (json_kind(body) != JSON_OBJECT)
		return err_set(e, ERR_INVALID, "the body must be an object");
	if (!call->word->has_reason)
		return 0;
	reason = json_kind(json_get(body, "reason")) == JSON_STRING
			 ? json_get_text(body, "reason")
			 : "";
	if (reason[strspn(reason, " \t\r\n")] == '\0')
		return err_set(e, ERR_INVALID,
			       "reason is missing: say what is wrong with the "
			       "document");
	if (!text_copy(call->reason, sizeof(call->reason), reason))
		return err_set(e, ERR_INVALID, "reason is longer than %d bytes",
			       VERDICT_REASON_BYTES - 1);
	return 0;
}

static const struct word *find_word(const char *path)
{
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (strcmp(words[i].path, path) == 0)
			return &words[i];
	return NULL;
}

void verdict_receive(struct http_exchange *x, void *context)
{
	struct erp *erp = erp_enter(x, context);
	const char *path = http_path(x) + strlen(ERP_PATH "documents/");
	struct err e = {0};
	struct call *call;
	int64_t id;

	if (erp == NULL)
		return;
	if (!erp_number(path, &path, &id) ||
	    (*path != '\0' && find_word(path) == NULL)) {
		http_reply_error(x, 404, "not_found",
				 "there is nothing at this path");
		return;
	}
	if (*path == '\0') {
		erp_refuse_method(x, "GET, HEAD");
		return;
	}
	call = http_exchange_alloc(x, sizeof(*call));
	if (call == NULL) {
		erp_unavailable(x);
		return;
	}
	call->x = x;
	call->word = find_word(path);
	call->document_id = id;
	call->unit.run = give;
	call->unit.done = answer;
	if (read_body(call, &e) < 0)
		http_reply_error(x, 400, "bad_body", e.text);
	else if (writer_submit(erp->service->writer, &call->unit, NULL) < 0)
		erp_unavailable(x);
}
