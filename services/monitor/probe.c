/* SPDX-License-Identifier: MIT */
#include "probe.h"

#include <stdio.h>
#include <string.h>

#include "app/edge/edge.h"
#include "app/edge/probe_mark.h"
#include "app/locale.h"
#include "app/service/service.h"
#include "base/clock.h"
#include "base/err.h"
#include "channel/kuper.h"
#include "codec/json/json_doc.h"
#include "net/client/http_client.h"

enum {
	TIMEOUT_MS = 5000,
	ANSWER_BYTES_MAX = 8192,
	HEADER_BYTES = PROBE_MARK_BYTES + 32
};

/* body NULL: a GET. */
static int call(const char *url, const char *ca_file, const char *header,
		const char *body, struct http_answer *ret_answer, struct err *e)
{
	CLEANUP(http_client_freep) struct http_client *client = NULL;
	const struct http_client_options options = {
		.user_agent = "ordergate/" ORDERGATE_VERSION,
		.parallel_max = 1,
		.ca_file = ca_file,
	};
	const char *const headers[] = {header, NULL};
	const struct http_request request = {
		.method = body != NULL ? "POST" : "GET",
		.url = url,
		.headers = headers,
		.body = body,
		.body_bytes = body != NULL ? strlen(body) : 0,
		.timeout_ms = TIMEOUT_MS,
		.answer_max_bytes = ANSWER_BYTES_MAX,
	};
	int rc = http_client_new(&options, &client, e);

	return rc < 0 ? rc : http_client_call(client, &request, ret_answer, e);
}

/* The answer of this very installation, to this very question? */
static bool is_ours(const struct http_answer *answer, const char *proof)
{
	CLEANUP_JSON struct json *doc = NULL;

	return answer->status == 200 && answer->body != NULL &&
	       json_doc_parse(answer->body, answer->body_bytes, &doc, NULL) ==
		       0 &&
	       strcmp(json_get_text(doc, "probe"), proof) == 0;
}

/* What is wrong, in words for people. */
static int judge(const struct http_answer *answer, const char *proof,
		 int64_t slow_ms, struct err *e)
{
	char why[ERR_TEXT_MAX];

	if (answer->rc < 0) {
		(void)snprintf(why, sizeof(why), "%.160s", answer->err.text);
		return answer->untrusted
			       ? err_set(e, ERR_REMOTE,
					 tr("its certificate is not trusted: "
					    "%s"),
					 why)
			       : err_set(e, ERR_REMOTE, tr("no answer: %s"),
					 why);
	}
	if (answer->status == 503)
		return err_set(e, ERR_REMOTE,
			       tr("notifications cannot be kept now (status "
				  "503)"));
	if (!is_ours(answer, proof))
		return err_set(e, ERR_REMOTE,
			       tr("status %d, and not an answer of this "
				  "installation"),
			       answer->status);
	if (answer->duration_ms > slow_ms)
		return err_set(e, ERR_REMOTE, tr("answered only after %lld ms"),
			       (long long)answer->duration_ms);
	return 0;
}

static int ask(struct service *s, const struct secret *key, struct err *e)
{
	struct http_answer answer = {.retry_after_ms = -1};
	char certificate[EDGE_FILE_BYTES];
	char path[EDGE_FILE_BYTES];
	char url[CONFIG_TEXT_BYTES + 64];
	char header[HEADER_BYTES];
	char proof[DIGEST_TEXT_BYTES];
	struct probe_mark mark;
	const struct config *config = s->config;
	bool self_made = config->http.tls_certificate[0] == '\0';
	size_t length = strlen(config->monitor.public_url);
	int rc;

	while (length > 0 && config->monitor.public_url[length - 1] == '/')
		length--;
	(void)snprintf(url, sizeof(url), "%.*s%s", (int)length,
		       config->monitor.public_url, channel_kuper.hook_path);
	edge_certificate(config, &s->dir, certificate, path);
	probe_mark_make(key, clock_wall_ms(), &mark);
	probe_mark_answer(key, mark.nonce, proof);
	(void)snprintf(header, sizeof(header), PROBE_MARK_HEADER ": %s",
		       mark.text);
	(void)call(url, self_made ? certificate : NULL, header, "{}", &answer,
		   e);
	rc = judge(&answer, proof, config->monitor.slow_ms, e);
	http_answer_clear(&answer);
	return rc;
}

int probe_self(struct service *s, char *ret_why, size_t why_bytes,
	       struct err *e)
{
	struct secret key = {0};
	struct err why = {0};
	int rc = secret_load(&s->dir, "probe-key", &key, e);

	if (rc < 0)
		return err_wrap(e, rc, "run ordergatectl init");
	rc = ask(s, &key, &why);
	explicit_bzero(&key, sizeof(key));
	(void)snprintf(ret_why, why_bytes, "%s", rc < 0 ? why.text : "");
	return rc < 0;
}

int probe_ping(struct service *s, struct err *e)
{
	struct http_answer answer = {.retry_after_ms = -1};
	const char *url = s->config->monitor.ping_url;
	int rc;

	if (url[0] == '\0')
		return 0;
	rc = call(url, NULL, NULL, NULL, &answer, e);
	if (rc == 0 && (answer.status < 200 || answer.status > 299))
		rc = err_set(e, ERR_REMOTE, "status %d", answer.status);
	http_answer_clear(&answer);
	return rc;
}
