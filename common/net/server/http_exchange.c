/* SPDX-License-Identifier: MIT */
#include "net/server/http_exchange.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "codec/json/json_out.h"
#include "net/server/answer_queue.h"
#include "net/server/http_route.h"
#include "net/server/http_server.h"

enum {
	FREE_MAX = 128,               /* exchanges kept for later ... */
	KEPT_BYTES_MAX = 32 * 1024,   /* ... with buffers up to this size */
	PATH_BYTES_MAX = 32 * 1024,   /* the connection's memory is less */
	HEADERS_BYTES_MAX = 4 * 1024, /* of an answer */
	ANSWER_BYTES_MAX = 64 * 1024 * 1024
};

/* Not const because the library wants it so; never written. */
static char broken_answer[] = "{\"error\":{\"code\":\"internal\","
			      "\"message\":\"the answer could not be built\"}}";

static void drop_file(struct http_exchange *x)
{
	if (x->spool_fd >= 0)
		(void)close(x->spool_fd);
	x->spool_fd = -1;
	x->spool_bytes = 0;
}

static void clear(struct http_exchange *x)
{
	drop_file(x);
	free(x->own);
	x->own = NULL;
	buf_clear(&x->path);
	buf_clear(&x->body);
	buf_clear(&x->headers);
	buf_clear(&x->answer);
}

static void forget(struct buf *b)
{
	if (b->size_bytes > KEPT_BYTES_MAX)
		buf_clear(b);
	else
		buf_reset(b);
}

static struct http_exchange *make(void)
{
	struct http_exchange *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return NULL;
	x->spool_fd = -1;
	x->path = BUF_MAX(PATH_BYTES_MAX);
	x->body = BUF_MAX(HTTP_BODY_BYTES_MAX);
	x->headers = BUF_MAX(HEADERS_BYTES_MAX);
	x->answer = BUF_MAX(ANSWER_BYTES_MAX);
	return x;
}

struct http_exchange *exchange_get(struct exchange_pool *pool,
				   struct answer_queue *queue)
{
	struct http_exchange *x = pool->free;

	if (x == NULL) {
		x = make();
		if (x == NULL)
			return NULL;
	} else {
		pool->free = x->next;
		pool->free_count--;
	}
	x->queue = queue;
	x->connection = NULL;
	x->route = NULL;
	x->method = "";
	x->refusal = 0;
	x->dropped_bytes = 0;
	x->deferred = false;
	x->broken = false;
	x->status = 0;
	x->content_type = NULL;
	x->next = NULL;
	atomic_store(&x->state, EXCHANGE_RECEIVING);
	return x;
}

/* The connection may go while an abandoned exchange is still in the hands of
 * another thread: then that thread frees it, in finish(). */
static bool left_to_its_thread(struct http_exchange *x)
{
	int abandoned = EXCHANGE_ABANDONED;

	return atomic_compare_exchange_strong(&x->state, &abandoned,
					      EXCHANGE_ORPHANED);
}

void exchange_put(struct exchange_pool *pool, struct http_exchange *x)
{
	if (left_to_its_thread(x))
		return;
	assert(atomic_load(&x->state) != EXCHANGE_AWAITED);
	if (pool->free_count >= FREE_MAX) {
		clear(x);
		free(x);
		return;
	}
	drop_file(x);
	free(x->own);
	x->own = NULL;
	forget(&x->path);
	forget(&x->body);
	forget(&x->headers);
	forget(&x->answer);
	x->next = pool->free;
	pool->free = x;
	pool->free_count++;
}

void exchange_pool_clear(struct exchange_pool *pool)
{
	while (pool->free != NULL) {
		struct http_exchange *x = pool->free;

		pool->free = x->next;
		clear(x);
		free(x);
	}
	pool->free_count = 0;
}

const char *http_method(const struct http_exchange *x)
{
	return x->method;
}

const char *http_path(const struct http_exchange *x)
{
	return buf_text(&x->path);
}

const char *http_body(const struct http_exchange *x)
{
	return buf_text(&x->body);
}

size_t http_body_bytes(const struct http_exchange *x)
{
	return x->body.used_bytes;
}

int http_body_file(struct http_exchange *x, size_t *ret_bytes)
{
	int fd = x->spool_fd;

	*ret_bytes = x->spool_bytes;
	x->spool_fd = -1;
	return fd;
}

void *http_exchange_alloc(struct http_exchange *x, size_t bytes)
{
	assert(x->own == NULL);
	x->own = calloc(1, bytes);
	return x->own;
}

/* Control characters would let a value of ours end the header and begin
 * another (CWE-113). */
static bool is_header_text(const char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	}
	return true;
}

void http_reply_header(struct http_exchange *x, const char *name,
		       const char *value)
{
	if (!is_header_text(name) || !is_header_text(value) ||
	    name[0] == '\0') {
		x->broken = true;
		return;
	}
	buf_add(&x->headers, name, strlen(name) + 1);
	buf_add(&x->headers, value, strlen(value) + 1);
}

/* The one step that another thread than the event thread makes. Nothing of x
 * may be touched after the exchange of its state, nothing of the queue after
 * the release: both may be gone. */
static void finish(struct http_exchange *x)
{
	struct answer_queue *queue = x->queue;
	bool deferred = x->deferred;
	int before = atomic_exchange(&x->state, EXCHANGE_ANSWERED);

	assert(before != EXCHANGE_RECEIVING && before != EXCHANGE_ANSWERED);
	if (before == EXCHANGE_ORPHANED) {
		clear(x);
		free(x);
		return;
	}
	/* The server released it on our behalf, and may be gone by now. */
	if (before == EXCHANGE_ABANDONED)
		return;
	if (before == EXCHANGE_AWAITED)
		answer_queue_push(queue, x);
	if (deferred)
		answer_queue_release(queue);
}

/* Answer with what x->answer holds. */
static void reply(struct http_exchange *x, int status, const char *content_type)
{
	x->status = status;
	x->content_type = content_type;
	if (x->broken || x->headers.failed || x->answer.failed) {
		buf_reset(&x->headers);
		buf_clear(&x->answer);
		x->broken = true;
		x->status = 500;
		x->content_type = "application/json";
	}
	finish(x);
}

void http_reply(struct http_exchange *x, int status, const char *content_type,
		const char *body, size_t body_bytes)
{
	buf_reset(&x->answer);
	buf_add(&x->answer, body, body_bytes);
	reply(x, status, content_type);
}

void http_reply_error(struct http_exchange *x, int status, const char *code,
		      const char *message)
{
	struct json_out out;

	buf_reset(&x->answer);
	out = json_out_to(&x->answer);
	json_object(&out, NULL);
	json_object(&out, "error");
	json_put_text(&out, "code", code);
	json_put_text(&out, "message", message);
	json_end(&out);
	json_end(&out);
	reply(x, status, "application/json");
}

static const struct {
	int status;
	const char *code, *message;
} refusals[] = {
	{404, "not_found", "there is nothing at this path"},
	{405, "method_not_allowed", "this path has other methods"},
	{413, "too_large", "the body is longer than this path allows"},
	{503, "unavailable", "the server is stopping"},
	{507, "insufficient_storage", "there is no room for this body"},
};

void exchange_refuse(struct http_exchange *x, const struct http_route *routes)
{
	char allow[HTTP_ALLOW_BYTES];

	if (x->refusal == 405)
		http_reply_header(
			x, "Allow",
			http_route_allow(routes, http_path(x), allow));
	if (x->refusal == 503) /* its successor will be there */
		http_reply_header(x, "Retry-After", "1");
	for (size_t i = 0; i < COUNT_OF(refusals); i++) {
		if (refusals[i].status == x->refusal) {
			http_reply_error(x, x->refusal, refusals[i].code,
					 refusals[i].message);
			return;
		}
	}
	/* A status without a row: memory ran out on the way. */
	http_reply_error(x, 500, "internal", "the request was not understood");
}

char *exchange_answer(const struct http_exchange *x, size_t *ret_bytes)
{
	*ret_bytes =
		x->broken ? sizeof(broken_answer) - 1 : x->answer.used_bytes;
	return x->broken ? broken_answer : x->answer.data;
}
