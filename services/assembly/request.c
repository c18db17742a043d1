/* SPDX-License-Identifier: MIT
 *
 * request.c - from a request to the method that answers it: token, method,
 * envelope, fields.
 */
#include <string.h>

#include "answer/answer.h"
#include "app/metrics/metrics.h"
#include "assembly.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "call.h"
#include "codec/json/json_doc.h"
#include "codec/json/json_scan.h"
#include "work/decision.h"

enum {
	REFUSAL_BYTES_MAX = 2048
};

/* Before there is a call: the envelope of answer.h with constants in it. */
static void refuse(struct http_exchange *x, int status, const char *request_id,
		   const char *code, const char *message)
{
	CLEANUP(buf_clear) struct buf answer = BUF_MAX(REFUSAL_BYTES_MAX);
	struct json_out out = json_out_to(&answer);

	json_object(&out, NULL);
	json_put_text_or_null(&out, "requestId", request_id);
	json_object(&out, "error");
	json_put_text(&out, "code", code);
	json_put_text(&out, "message", message);
	json_array(&out, "details");
	json_end(&out);
	json_end(&out);
	json_end(&out);
	if (status == 503)
		http_reply_header(x, "Retry-After", "1");
	if (buf_finish(&answer, NULL) == 0)
		http_reply(x, status, "application/json", buf_text(&answer),
			   answer.used_bytes);
	else
		http_reply_error(x, status, code, message);
}

/* The requestId is the caller's when the body has one that can be read. */
static void refuse_method(struct http_exchange *x)
{
	struct json_pick id = {.path = "requestId"};
	enum json_kind root;
	bool has_id = json_scan(http_body(x), http_body_bytes(x), &id, 1, &root,
				NULL) == 0 &&
		      (id.kind == JSON_STRING || id.kind == JSON_NUMBER) &&
		      id.text[0] != '\0' &&
		      strlen(id.text) < API_REQUEST_ID_BYTES;

	refuse(x, 404, has_id ? id.text : NULL, "unknown_method",
	       "there is no such method");
}

void call_clear(struct api_call *call)
{
	buf_clear(&call->answer);
	buf_clear(&call->changes);
	flow_pending_clear(&call->pending);
	api_args_clear(&call->args);
	decision_free(call->decision);
	call->decision = NULL;
}

void call_reply(struct api_call *call)
{
	CLEANUP(buf_clear) struct buf answer = {0};
	struct http_exchange *x = call->x;
	int rc = answer_expand(call, NULL);
	int status = call->status;
	const char *content_type = call->content_type;

	answer = call->answer;
	call->answer = (struct buf){0};
	call_clear(call);
	if (rc < 0) {
		refuse(x, 503, NULL, "unavailable", "no memory for the answer");
		return;
	}
	if (status == 503)
		http_reply_header(x, "Retry-After", "1");
	http_reply(x, status, content_type, buf_text(&answer),
		   answer.used_bytes);
}

void call_init(struct api_call *call, struct assembly *assembly,
	       const struct api_method *method,
	       void (*finish)(struct api_call *call))
{
	call->assembly = assembly;
	call->method = method;
	call->finish = finish;
	call->content_type = "application/json";
	call->answer = BUF_MAX(API_ANSWER_BYTES_MAX);
	call->changes = BUF_MAX(API_CHANGES_BYTES_MAX);
}

bool call_read_args(struct api_call *call, const struct arg_source *source)
{
	CLEANUP(buf_clear) struct buf canonical = BUF_MAX(API_BODY_BYTES_MAX);
	struct arg_faults faults;

	api_args_read(source, call->method->needs, call->method->takes,
		      &call->args, &canonical, &faults);
	if (faults.count > 0) {
		answer_arg_faults(call, &faults);
		return false;
	}
	if (buf_finish(&canonical, NULL) < 0) {
		answer_unavailable(call);
		return false;
	}
	digest_sha256(buf_text(&canonical), canonical.used_bytes,
		      call->body_hash);
	return true;
}

static void reply_error(struct api_call *call, int status, const char *code,
			const char *message)
{
	answer_error(call, status, code, message);
	call_reply(call);
}

/* 0, or ERR_INVALID: what is wrong with the envelope. */
static int read_envelope(struct api_call *call, const struct json *body,
			 const struct json **ret_data, struct err *e)
{
	const struct json *id = json_get(body, "requestId");
	bool is_text =
		json_kind(id) == JSON_STRING || json_kind(id) == JSON_NUMBER;

	if (json_kind(body) != JSON_OBJECT)
		return err_set(e, ERR_INVALID, "the body must be an object");
	if (is_text && !text_copy(call->request_id, sizeof(call->request_id),
				  json_text(id))) {
		call->request_id[0] = '\0';
		return err_set(e, ERR_INVALID,
			       "requestId is longer than %d bytes",
			       API_REQUEST_ID_BYTES - 1);
	}
	if (!is_text && json_kind(id) != JSON_NONE &&
	    json_kind(id) != JSON_NULL)
		return err_set(e, ERR_INVALID, "requestId must be a text");
	*ret_data = json_get(body, "requestData");
	if (json_kind(*ret_data) != JSON_OBJECT)
		return err_set(e, ERR_INVALID, "requestData must be an object");
	if (call->method->changes && call->request_id[0] == '\0')
		return err_set(e, ERR_INVALID,
			       "requestId is missing: %s "
			       "changes something",
			       call->method->name);
	return 0;
}

static void read_and_handle(struct api_call *call)
{
	CLEANUP_JSON struct json *body = NULL;
	struct arg_source source = {0};
	struct err e = {0};

	if (json_doc_parse(http_body(call->x), http_body_bytes(call->x), &body,
			   &e) < 0) {
		reply_error(call, 400, "bad_json", e.text);
		return;
	}
	if (read_envelope(call, body, &source.data, &e) < 0) {
		reply_error(call, 400, "bad_envelope", e.text);
		return;
	}
	if (!call_read_args(call, &source)) {
		call_reply(call);
		return;
	}
	call->data = source.data;
	call->method->handle(call);
}

void request_handle(struct http_exchange *x, void *context)
{
	struct assembly *assembly = ((struct service *)context)->context;
	const struct api_method *method;
	struct api_call *call;

	if (!assembly_knows_token(assembly, http_header(x, "Client-Token"))) {
		refuse(x, 403, NULL, "forbidden",
		       "Client-Token is missing or wrong");
		return;
	}
	method = api_method_find(http_path(x) + strlen(API_PATH));
	if (method == NULL) {
		refuse_method(x);
		return;
	}
	metric_add(assembly->calls[method - api_methods], 1);
	call = http_exchange_alloc(x, sizeof(*call));
	if (call == NULL) {
		refuse(x, 503, NULL, "unavailable", "out of memory");
		return;
	}
	call->x = x;
	call_init(call, assembly, method, call_reply);
	read_and_handle(call);
}
