/* SPDX-License-Identifier: MIT
 *
 * push.c - the ERP as a receiver: its settings, what goes out with a message,
 * what its answer says of a document, and the feed that the messages come from.
 */
#include "store/exchange/push.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/metrics/metrics.h"
#include "base/buf.h"
#include "base/macros.h"
#include "base/text.h"
#include "codec/digest.h"
#include "notifier.h"
#include "store/exchange/verdicts.h"

enum {
	ENTRIES_MAX = 100, /* in one transaction: some 10 ms */
	ACCEPTED = 202     /* taken; the verdict comes later, by its own call */
};

struct config_channel push_config(const struct config_erp *config)
{
	struct config_channel made = {
		.auth = "bearer",
		.rate_per_second = config->rate_per_second,
		.parallel = config->parallel,
		.timeout_ms = config->timeout_ms,
		.quick_attempts = config->quick_attempts,
		.probe_ms = config->probe_ms,
	};

	(void)text_copy(made.notifications_url, sizeof(made.notifications_url),
			config->push_url);
	return made;
}

int push_load_secret(const struct state_dir *dir,
		     char ret_secret[SECRET_BYTES_MAX], struct err *e)
{
	struct secret secret = {0};
	int rc = secret_load(dir, "erp-push-secret", &secret, e);

	if (rc == 0)
		(void)text_copy(ret_secret, SECRET_BYTES_MAX, secret.first);
	explicit_bzero(&secret, sizeof(secret));
	return rc == ERR_NOTFOUND ? 0 : rc;
}

void push_read_numbers(struct slot *slot)
{
	if (slot->endpoint->channel->pushed)
		erp_read_numbers(slot->message.body, strlen(slot->message.body),
				 &slot->entry_id, &slot->document_id);
}

static const struct {
	const char *event_type, *path;
} paths[] = {
	{PUSH_DOCUMENT, "documents"},
	{PUSH_ORDER, "orders"},
};

void push_put_path(const struct slot *slot, struct buf *out)
{
	if (out->used_bytes > 0 && out->data[out->used_bytes - 1] != '/')
		buf_add_char(out, '/');
	for (size_t i = 0; i < COUNT_OF(paths); i++)
		if (strcmp(paths[i].event_type, slot->message.event_type) == 0)
			buf_add_text(out, paths[i].path);
}

/* Standard Webhooks 1.0: the signature is that of "id.timestamp.body". */
static void put_signature(const struct slot *slot, int64_t now_s,
			  char ret_header[PUSH_HEADER_BYTES])
{
	CLEANUP(buf_clear)
	struct buf text = BUF_MAX(strlen(slot->message.body) + 64);
	char signature[DIGEST_BASE64_BYTES];

	buf_printf(&text, "%" PRId64 ".%" PRId64 ".", slot->entry_id, now_s);
	buf_add_text(&text, slot->message.body);
	digest_hmac_sha256_base64(slot->endpoint->credentials.second,
				  buf_text(&text), text.used_bytes, signature);
	(void)snprintf(ret_header, PUSH_HEADER_BYTES,
		       "webhook-signature: v1,%s", signature);
}

void push_put_headers(const struct slot *slot, int64_t now_ms,
		      struct push_headers *texts, const char **ret_headers)
{
	int64_t now_s = now_ms / 1000;

	(void)snprintf(texts->key, sizeof(texts->key),
		       "Idempotency-Key: %" PRId64, slot->entry_id);
	(void)snprintf(texts->id, sizeof(texts->id), "webhook-id: %" PRId64,
		       slot->entry_id);
	(void)snprintf(texts->time, sizeof(texts->time),
		       "webhook-timestamp: %" PRId64, now_s);
	ret_headers[0] = texts->key;
	ret_headers[1] = texts->id;
	ret_headers[2] = texts->time;
	if (slot->endpoint->credentials.second[0] == '\0')
		return;
	put_signature(slot, now_s, texts->signature);
	ret_headers[3] = texts->signature;
}

/* A refusal has been told as one: the message is over. */
static int refuse(struct db *db, const struct slot *slot,
		  struct queue_result *result, int64_t now_ms, struct err *e)
{
	const char *why =
		slot->refusal[0] != '\0' ? slot->refusal : slot->error;
	struct verdict verdict;
	int rc = verdicts_give(db, slot->document_id, VERDICT_REFUSED, why,
			       now_ms, &verdict, e);

	if (rc > 0 && strcmp(verdict.state, VERDICT_ACKNOWLEDGED) != 0)
		result->state = QUEUE_DONE;
	return MIN_OF(rc, 0);
}

int push_give_verdict(struct db *db, const struct slot *slot,
		      struct queue_result *result, int64_t now_ms,
		      struct err *e)
{
	struct verdict verdict;

	if (slot->document_id == 0)
		return 0;
	if (result->outcome == OUTCOME_REJECTED)
		return refuse(db, slot, result, now_ms, e);
	if (result->outcome != OUTCOME_OK || result->http_status == ACCEPTED)
		return 0;
	return MIN_OF(verdicts_give(db, slot->document_id, VERDICT_ACKNOWLEDGED,
				    "", now_ms, &verdict, e),
		      0);
}

static int run_pump(struct unit *u, struct db *db, int64_t now_ms,
		    struct err *e)
{
	struct pump *pump = CONTAINER_OF(u, struct pump, letter.unit);

	pump->moved = push_entries(db, ENTRIES_MAX, now_ms, e);
	return MIN_OF(pump->moved, 0);
}

static void pump_on(struct notifier *n);

static void on_letter(struct letter *letter)
{
	struct pump *pump = CONTAINER_OF(letter, struct pump, letter);
	struct notifier *n = letter->notifier;

	pump->under_way = false;
	if (letter->rc < 0) {
		notifier_store_failed(n, &letter->err);
		return;
	}
	metric_add(metric_get(METRIC_COUNTER, "ordergate_erp_pushed_total", ""),
		   pump->moved);
	if (pump->moved == 0 || service_stopping(n->service))
		return;
	for (int i = 0; i < n->endpoint_count; i++)
		if (n->endpoints[i].channel->pushed)
			n->endpoints[i].look_at_ms = 0;
	pump_on(n);
}

/* Until nothing was left. */
static void pump_on(struct notifier *n)
{
	n->pump.under_way = true;
	n->pump.letter.unit.run = run_pump;
	n->pump.letter.open = on_letter;
	mailbox_submit(n, &n->pump.letter);
}

int push_when_due(struct notifier *n, struct err *e)
{
	int rc = 0;

	if (n->pump.under_way || n->service->config->erp.push_url[0] == '\0')
		return 0;
	rc = push_is_due(n->service->db, e);
	if (rc > 0)
		pump_on(n);
	return MIN_OF(rc, 0);
}
