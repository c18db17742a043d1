/* SPDX-License-Identifier: MIT */
#include "probe.h"

#include <stdio.h>
#include <string.h>

#include "app/edge/edge.h"
#include "app/service/service.h"
#include "base/err.h"
#include "codec/json/json_doc.h"
#include "net/client/http_client.h"

enum {
	TIMEOUT_MS = 5000,
	ANSWER_BYTES_MAX = 8192
};

static int get(const char *url, const char *ca_file,
	       struct http_answer *ret_answer, struct err *e)
{
	CLEANUP(http_client_freep) struct http_client *client = NULL;
	const struct http_client_options options = {
		.user_agent = "ordergate/" ORDERGATE_VERSION,
		.parallel_max = 1,
		.ca_file = ca_file,
	};
	const struct http_request request = {
		.method = "GET",
		.url = url,
		.timeout_ms = TIMEOUT_MS,
		.answer_max_bytes = ANSWER_BYTES_MAX,
	};
	int rc = http_client_new(&options, &client, e);

	return rc < 0 ? rc : http_client_call(client, &request, ret_answer, e);
}

static int judge(const struct http_answer *answer, struct err *e)
{
	CLEANUP_JSON struct json *doc = NULL;

	if ((answer->status == 200 || answer->status == 503) &&
	    answer->body != NULL &&
	    json_doc_parse(answer->body, answer->body_bytes, &doc, NULL) == 0 &&
	    json_get_text(doc, "status")[0] != '\0')
		return 0;
	return err_set(e, ERR_REMOTE, "status %d, not our answer",
		       answer->status);
}

int probe_health(struct service *s, struct err *e)
{
	struct http_answer answer = {.retry_after_ms = -1};
	char certificate[EDGE_FILE_BYTES];
	char key[EDGE_FILE_BYTES];
	char url[CONFIG_TEXT_BYTES + 16];
	const struct config *config = s->config;
	bool self_made = config->http.tls_certificate[0] == '\0';
	size_t length = strlen(config->monitor.public_url);
	int rc;

	while (length > 0 && config->monitor.public_url[length - 1] == '/')
		length--;
	(void)snprintf(url, sizeof(url), "%.*s/healthz", (int)length,
		       config->monitor.public_url);
	edge_certificate(config, &s->dir, certificate, key);
	rc = get(url, self_made ? certificate : NULL, &answer, e);
	if (rc == 0)
		rc = judge(&answer, e);
	http_answer_clear(&answer);
	return rc;
}

int probe_ping(struct service *s, struct err *e)
{
	struct http_answer answer = {.retry_after_ms = -1};
	const char *url = s->config->monitor.ping_url;
	int rc;

	if (url[0] == '\0')
		return 0;
	rc = get(url, NULL, &answer, e);
	if (rc == 0 && (answer.status < 200 || answer.status > 299))
		rc = err_set(e, ERR_REMOTE, "status %d", answer.status);
	http_answer_clear(&answer);
	return rc;
}
