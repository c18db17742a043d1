/* SPDX-License-Identifier: MIT */
#include "net/client/http_client.h"

#include <assert.h>
#include <curl/curl.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/text.h"
#include "net/client/curl_once.h"
#include "net/server/http_request.h"

enum {
	CONNECT_TIMEOUT_DEFAULT_MS = 3000,
	CALL_TIMEOUT_DEFAULT_MS = 8000,
	ANSWER_DEFAULT_BYTES = 64 * 1024,
	HEAD_BYTES_MAX = 64 * 1024, /* of an answer, all its headers */
	/* A connection that was idle for longer is not used again: some peers
	 * close theirs after 5 s, and a request that meets the closing is
	 * uncertain. */
	IDLE_MAX_S = 4,
	RETRY_AFTER_MAX_S = 7 * 24 * 3600,
	STEP_MS = 1000
};

struct http_client {
	CURLM *multi;
	char *user_agent, *ca_file;
	int parallel_max, connect_timeout_ms;
	bool allow_http;
	int running;
	struct call *calls;
};

struct call {
	struct http_client *client;
	struct call *next, *previous;
	CURL *easy;
	CURLU *url;
	struct curl_slist *headers;
	char *body;
	http_done *done;
	void *context;

	bool repeatable; /* libcurl may send it again on its own: GET */
	int attempts;
	size_t head_bytes;
	bool head_interim, head_complete;
	struct buf answer;
	bool cut;
	int64_t started_ms;
	char error[CURL_ERROR_SIZE];
};

static void cleanup_url_text(char **text)
{
	curl_free(*text);
}

static void call_free(struct call *c)
{
	if (c == NULL)
		return;
	curl_easy_cleanup(c->easy);
	curl_url_cleanup(c->url);
	curl_slist_free_all(c->headers);
	free(c->body);
	buf_clear(&c->answer);
	free(c);
}
CLEANUP_DEFINE(struct call *, call_free)

/* Take the call out of the client; its connection stays in the cache. */
static void call_end(struct call *c)
{
	struct http_client *client = c->client;

	(void)curl_multi_remove_handle(client->multi, c->easy);
	if (c->previous != NULL)
		c->previous->next = c->next;
	else
		client->calls = c->next;
	if (c->next != NULL)
		c->next->previous = c->previous;
	client->running--;
}

/* When a kept-alive connection closes without an answer, libcurl 7.88 opens
 * another one and sends the request again (Curl_retry_request()). A read
 * callback that cannot be rewound stops it only when the body has at least one
 * byte. This callback runs before every attempt, also the repeated one. */
static int on_attempt(void *call, char *remote, /* NOLINT */
		      char *local, /* NOLINT */ int remote_port, int local_port)
{
	struct call *c = call;

	(void)remote;
	(void)local;
	(void)remote_port;
	(void)local_port;
	c->attempts++;
	return c->attempts == 1 || c->repeatable ? CURL_PREREQFUNC_OK
						 : CURL_PREREQFUNC_ABORT;
}

/* A stream that ends within the headers is a success for libcurl, so the empty
 * line after them is looked for here. */
static size_t on_head(char *line, size_t size, size_t count, void *call)
{
	struct call *c = call;
	size_t n = size * count;

	c->head_bytes += n;
	if (c->head_bytes > HEAD_BYTES_MAX)
		return 0;
	if (c->head_complete) /* a trailer */
		return n;
	if (n > 9 && memcmp(line, "HTTP/", 5) == 0)
		c->head_interim = line[9] == '1';
	else if (n <= 2 && (line[0] == '\r' || line[0] == '\n'))
		c->head_complete = !c->head_interim;
	return n;
}

static size_t on_body(char *data, size_t size, size_t count, void *call)
{
	struct call *c = call;
	size_t n = size * count;
	size_t room = c->answer.max_bytes - c->answer.used_bytes;

	buf_add(&c->answer, data, MIN_OF(n, room));
	c->cut = n > room;
	return c->cut || c->answer.failed ? 0 : n;
}

static curl_socket_t on_socket(void *call, curlsocktype purpose,
			       struct curl_sockaddr *address)
{
	(void)call;
	(void)purpose;
	return socket(address->family, address->socktype | SOCK_CLOEXEC,
		      address->protocol);
}

static CURLcode set_numbers(struct call *c, const struct http_request *request)
{
	const struct http_client *client = c->client;
	const struct {
		CURLoption option;
		long value;
	} options[] = {
		{CURLOPT_NOSIGNAL, 1},
		/* A resolver that hangs is left behind, not waited for. */
		{CURLOPT_QUICK_EXIT, 1},
		{CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
		{CURLOPT_FOLLOWLOCATION, 0},
		{CURLOPT_NETRC, CURL_NETRC_IGNORED},
		{CURLOPT_TCP_NODELAY, 1},
		{CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
		{CURLOPT_MAXAGE_CONN, IDLE_MAX_S},
		{CURLOPT_CONNECTTIMEOUT_MS, client->connect_timeout_ms},
		{CURLOPT_TIMEOUT_MS, request->timeout_ms > 0
					     ? request->timeout_ms
					     : CALL_TIMEOUT_DEFAULT_MS},
	};
	CURLcode rc = CURLE_OK;

	for (size_t i = 0; i < COUNT_OF(options) && rc == CURLE_OK; i++)
		rc = curl_easy_setopt(c->easy, options[i].option,
				      options[i].value);
	return rc;
}

static CURLcode set_texts(struct call *c, const struct http_request *request)
{
	const struct http_client *client = c->client;
	const struct {
		CURLoption option;
		const char *value; /* NULL: left as it is */
	} options[] = {
		{CURLOPT_PROTOCOLS_STR, "http,https"},
		{CURLOPT_PROXY, ""}, /* not even from the environment */
		{CURLOPT_USERAGENT, client->user_agent},
		{CURLOPT_CAINFO,
		 request->ca_file != NULL ? request->ca_file : client->ca_file},
		{CURLOPT_CUSTOMREQUEST, request->method},
	};
	CURLcode rc = CURLE_OK;

	for (size_t i = 0; i < COUNT_OF(options) && rc == CURLE_OK; i++) {
		if (options[i].value != NULL)
			rc = curl_easy_setopt(c->easy, options[i].option,
					      options[i].value);
	}
	return rc;
}

static CURLcode set_pointers(struct call *c)
{
	CURL *easy = c->easy;
	CURLcode rc = curl_easy_setopt(easy, CURLOPT_CURLU, c->url);

#define SET(option, value)   \
	(rc = rc != CURLE_OK \
		      ? rc   \
		      : curl_easy_setopt(easy, CURLOPT_##option, value))
	SET(PRIVATE, c);
	SET(ERRORBUFFER, c->error);
	SET(HTTPHEADER, c->headers);
	SET(PREREQFUNCTION, on_attempt);
	SET(PREREQDATA, c);
	SET(HEADERFUNCTION, on_head);
	SET(HEADERDATA, c);
	SET(WRITEFUNCTION, on_body);
	SET(WRITEDATA, c);
	SET(OPENSOCKETFUNCTION, on_socket);
#undef SET
	return rc;
}

static CURLcode set_body(struct call *c, const struct http_request *request)
{
	CURLcode rc;

	if (c->body == NULL)
		return curl_easy_setopt(c->easy, CURLOPT_HTTPGET, 1L);
	rc = curl_easy_setopt(c->easy, CURLOPT_POST, 1L);
	if (rc == CURLE_OK)
		rc = curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE,
				      (curl_off_t)request->body_bytes);
	if (rc == CURLE_OK)
		rc = curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, c->body);
	return rc;
}

static int copy_url(struct call *c, const char *url, struct err *e)
{
	CLEANUP(cleanup_url_text) char *scheme = NULL;
	CLEANUP(cleanup_url_text) char *host = NULL;

	c->url = curl_url();
	if (c->url == NULL)
		return err_set(e, ERR_NOMEM, "no memory for a request");
	/* The URL is not named: its path may hold a secret. */
	if (curl_url_set(c->url, CURLUPART_URL, url,
			 CURLU_DISALLOW_USER | CURLU_PATH_AS_IS) != CURLUE_OK ||
	    curl_url_get(c->url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    curl_url_get(c->url, CURLUPART_HOST, &host, 0) != CURLUE_OK)
		return err_set(e, ERR_INVALID, "not a URL");
	if (strcmp(scheme, "https") == 0)
		return 0;
	if (strcmp(scheme, "http") != 0)
		return err_set(e, ERR_INVALID, "%s is not HTTP", scheme);
	/* libcurl has brought other spellings ("127.1") into the usual one. */
	if (c->client->allow_http || request_is_loopback(host))
		return 0;
	return err_set(e, ERR_INVALID, "plain http to %s is not allowed", host);
}

static int copy_headers(struct call *c, const struct http_request *request,
			struct err *e)
{
	/* Without a value: libcurl's own header is left out. */
	static const char *const suppressed[] = {"Expect:", "Content-Type:"};
	size_t n = request_has_header(request, "Content-Type") ? 1 : 2;

	for (size_t i = 0; request->headers != NULL && request->headers[i];
	     i++) {
		struct curl_slist *more =
			curl_slist_append(c->headers, request->headers[i]);

		if (more == NULL)
			return err_set(e, ERR_NOMEM, "no memory for a request");
		c->headers = more;
	}
	for (size_t i = 0; i < n; i++) {
		struct curl_slist *more =
			curl_slist_append(c->headers, suppressed[i]);

		if (more == NULL)
			return err_set(e, ERR_NOMEM, "no memory for a request");
		c->headers = more;
	}
	return 0;
}

static int copy_body(struct call *c, const struct http_request *request,
		     struct err *e)
{
	if (request->body == NULL && !request_wants_body(request))
		return 0;
	c->body = malloc(request->body_bytes + 1);
	if (c->body == NULL)
		return err_set(e, ERR_NOMEM, "no memory for a request");
	if (request->body != NULL)
		memcpy(c->body, request->body, request->body_bytes);
	c->body[request->body_bytes] = '\0';
	return 0;
}

static int call_new(struct http_client *client,
		    const struct http_request *request, struct call **ret,
		    struct err *e)
{
	CLEANUP(call_freep) struct call *c = calloc(1, sizeof(*c));
	CURLcode code;
	int rc;

	if (c == NULL)
		return err_set(e, ERR_NOMEM, "no memory for a request");
	c->client = client;
	c->repeatable = request_is_safe(request);
	c->answer = BUF_MAX(request->answer_max_bytes > 0
				    ? request->answer_max_bytes
				    : (size_t)ANSWER_DEFAULT_BYTES);
	rc = copy_url(c, request->url, e);
	if (rc < 0)
		return rc;
	rc = copy_headers(c, request, e);
	if (rc < 0)
		return rc;
	rc = copy_body(c, request, e);
	if (rc < 0)
		return rc;

	c->easy = curl_easy_init();
	code = c->easy != NULL ? set_pointers(c) : CURLE_OUT_OF_MEMORY;
	if (code == CURLE_OK)
		code = set_body(c, request);
	if (code == CURLE_OK)
		code = set_numbers(c, request);
	if (code == CURLE_OK)
		code = set_texts(c, request);
	if (code != CURLE_OK)
		return err_set(e, ERR_NOMEM, "libcurl: %s",
			       curl_easy_strerror(code));
	*ret = TAKE(c);
	return 0;
}

int http_client_start(struct http_client *client,
		      const struct http_request *request, http_done *done,
		      void *context, struct err *e)
{
	struct call *c = NULL;
	int rc;

	if (client->running >= client->parallel_max)
		return err_set(e, ERR_BUSY, "%d requests are under way",
			       client->running);
	rc = request_check(request, e);
	if (rc < 0)
		return rc;
	rc = call_new(client, request, &c, e);
	if (rc < 0)
		return rc;
	assert(c != NULL);
	c->done = done;
	c->context = context;
	c->started_ms = clock_mono_ms();
	if (curl_multi_add_handle(client->multi, c->easy) != CURLM_OK) {
		call_free(c);
		return err_set(e, ERR_NOMEM, "no memory for a request");
	}
	c->next = client->calls;
	if (c->next != NULL)
		c->next->previous = c;
	client->calls = c;
	client->running++;
	return 0;
}

/* Failures before anything was sent that do not mean "the peer is away". */
static const struct {
	CURLcode code;
	int rc;
} refusals[] = {
	{CURLE_OUT_OF_MEMORY, ERR_NOMEM},
	{CURLE_UNSUPPORTED_PROTOCOL, ERR_INVALID},
	{CURLE_URL_MALFORMAT, ERR_INVALID},
};

/* What decides is not why libcurl gave up but whether a byte of the request
 * had gone out, in this attempt or an earlier one: CURLINFO_REQUEST_SIZE adds
 * them up (a TLS handshake does not count). */
static int classify(const struct call *c, CURLcode code, struct err *e)
{
	const char *text =
		c->error[0] != '\0' ? c->error : curl_easy_strerror(code);
	long sent_bytes = 0;

	if (c->head_complete && (code == CURLE_OK || c->cut))
		return 0;
	(void)curl_easy_getinfo(c->easy, CURLINFO_REQUEST_SIZE, &sent_bytes);
	if (sent_bytes > 0)
		return err_set(
			e, ERR_UNCERTAIN, "sent, but no whole answer: %s",
			code == CURLE_OK ? "it ends in its headers" : text);
	for (size_t i = 0; i < COUNT_OF(refusals); i++) {
		if (refusals[i].code == code)
			return err_set(e, refusals[i].rc, "%s", text);
	}
	return err_set(e, ERR_REMOTE, "%s", text);
}

/* Seconds, or an HTTP date (RFC 9110 10.2.3). */
static int64_t retry_after_ms(struct call *c)
{
	struct curl_header *header = NULL;
	int64_t seconds;

	if (curl_easy_header(c->easy, "Retry-After", 0, CURLH_HEADER, -1,
			     &header) != CURLHE_OK)
		return -1;
	if (header->value[0] != '\0' &&
	    header->value[strspn(header->value, "0123456789")] == '\0') {
		if (text_to_i64(header->value, 0, RETRY_AFTER_MAX_S, &seconds,
				NULL) < 0)
			seconds = RETRY_AFTER_MAX_S;
	} else {
		time_t at = curl_getdate(header->value, NULL);

		if (at == -1)
			return -1;
		seconds = (int64_t)at - clock_wall_ms() / 1000;
		seconds = MIN_OF(MAX_OF(seconds, (int64_t)0),
				 (int64_t)RETRY_AFTER_MAX_S);
	}
	return seconds * 1000;
}

static int64_t date_ms(struct call *c)
{
	struct curl_header *header = NULL;
	time_t at = -1;

	if (curl_easy_header(c->easy, "Date", 0, CURLH_HEADER, -1, &header) ==
	    CURLHE_OK)
		at = curl_getdate(header->value, NULL);
	return at < 0 ? -1 : (int64_t)at * 1000;
}

static void report(struct call *c, CURLcode code)
{
	struct http_answer answer = {.retry_after_ms = -1, .date_ms = -1};
	long status = 0;

	(void)curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	answer.rc = classify(c, code, &answer.err);
	answer.untrusted = code == CURLE_PEER_FAILED_VERIFICATION;
	answer.body = buf_text(&c->answer);
	answer.body_bytes = c->answer.used_bytes;
	answer.duration_ms = clock_mono_ms() - c->started_ms;
	if (answer.rc == 0) {
		answer.status = (int)status;
		answer.body_cut = c->cut;
		answer.retry_after_ms = retry_after_ms(c);
		answer.date_ms = date_ms(c);
	}
	call_end(c);
	c->done(&answer, c->context);
	call_free(c);
}

static int report_finished(struct http_client *client)
{
	const CURLMsg *message;
	int left;
	int n = 0;

	while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
		struct call *c = NULL;
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE,
					&c);
		report(c, code); /* message is gone afterwards */
		n++;
	}
	return n;
}

/* libcurl itself failed: nothing would ever end. */
static void fail_all(struct http_client *client)
{
	for (int n = client->running; n > 0 && client->calls != NULL; n--)
		report(client->calls, CURLE_OUT_OF_MEMORY);
}

int http_client_run(struct http_client *client, int wait_ms, int extra_fd)
{
	struct curl_waitfd extra = {.fd = extra_fd, .events = CURL_WAIT_POLLIN};
	unsigned int extra_count = extra_fd >= 0 ? 1 : 0;
	int64_t until_ms = clock_mono_ms() + wait_ms;

	for (;;) {
		int64_t left_ms = until_ms - clock_mono_ms();
		int running;

		if (curl_multi_perform(client->multi, &running) != CURLM_OK)
			fail_all(client);
		if (report_finished(client) > 0 || left_ms <= 0)
			break;
		if (client->running == 0 && extra_count == 0)
			break;
		if ((extra.revents & CURL_WAIT_POLLIN) != 0)
			break;
		if (curl_multi_poll(client->multi, &extra, extra_count,
				    (int)MIN_OF(left_ms, (int64_t)STEP_MS),
				    NULL) != CURLM_OK)
			break;
	}
	return client->running;
}

int http_client_running(const struct http_client *client)
{
	return client->running;
}

static struct http_client *
make_client(const struct http_client_options *options)
{
	struct http_client *client = calloc(1, sizeof(*client));

	if (client == NULL)
		return NULL;
	client->parallel_max = MAX_OF(options->parallel_max, 1);
	client->allow_http = options->allow_http;
	client->connect_timeout_ms = options->connect_timeout_ms > 0
					     ? options->connect_timeout_ms
					     : CONNECT_TIMEOUT_DEFAULT_MS;
	client->multi = curl_multi_init();
	client->user_agent =
		strdup(options->user_agent != NULL ? options->user_agent : "");
	if (options->ca_file != NULL)
		client->ca_file = strdup(options->ca_file);
	return client;
}

int http_client_new(const struct http_client_options *options,
		    struct http_client **ret_client, struct err *e)
{
	CLEANUP(http_client_freep) struct http_client *client = NULL;

	curl_once();
	client = make_client(options);
	if (client == NULL || client->multi == NULL ||
	    client->user_agent == NULL ||
	    (options->ca_file != NULL && client->ca_file == NULL) ||
	    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS,
			      (long)client->parallel_max) != CURLM_OK)
		return err_set(e, ERR_NOMEM, "no memory for an HTTP client");
	*ret_client = TAKE(client);
	return 0;
}

void http_client_free(struct http_client *client)
{
	if (client == NULL)
		return;
	while (client->calls != NULL) {
		struct call *c = client->calls;

		call_end(c);
		call_free(c);
	}
	if (client->multi != NULL)
		(void)curl_multi_cleanup(client->multi);
	free(client->user_agent);
	free(client->ca_file);
	free(client);
}
