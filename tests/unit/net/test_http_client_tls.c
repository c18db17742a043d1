/* SPDX-License-Identifier: MIT
 *
 * The client against a TLS peer with a certificate made for this run.
 */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "net/client/http_client.h"
#include "raw_http.h"
#include "tls_peer.h"

enum {
	DAY_S = 24 * 3600
};

static struct http_client *client_new(const char *ca_file)
{
	const struct http_client_options options = {
		.user_agent = "test",
		.parallel_max = 1,
		.ca_file = ca_file,
	};
	struct http_client *client = NULL;
	struct err e = {0};

	if (http_client_new(&options, &client, &e) < 0)
		fail_msg("%s", e.text);
	return client;
}

static int post(struct http_client *client, const struct tls_peer *p,
		const char *body, size_t body_bytes, struct err *e)
{
	char url[128];
	const struct http_request request = {
		.method = "POST",
		.url = url,
		.body = body,
		.body_bytes = body_bytes,
		.timeout_ms = RAW_WAIT_MS,
	};
	CLEANUP(http_answer_clear) struct http_answer a = {0};

	(void)snprintf(url, sizeof(url), "https://127.0.0.1:%d/secret",
		       tls_peer_port(p));
	return http_client_call(client, &request, &a, e);
}

static void only_a_trusted_peer_gets_the_request(void **state)
{
	static const struct {
		const char *name, *certificate_names;
		long from_s, to_s;
		const char *ca_file; /* "": the peer's own */
		int rc;
	} rows[] = {
		{"its certificate is known", "IP:127.0.0.1", -DAY_S, DAY_S, "",
		 0},
		{"nobody knows it", "IP:127.0.0.1", -DAY_S, DAY_S, NULL,
		 ERR_REMOTE},
		{"it is for another host", "DNS:localhost", -DAY_S, DAY_S, "",
		 ERR_REMOTE},
		{"it has expired", "IP:127.0.0.1", -2L * DAY_S, -DAY_S, "",
		 ERR_REMOTE},
		{"it is not valid yet", "IP:127.0.0.1", DAY_S, 2L * DAY_S, "",
		 ERR_REMOTE},
		{"the file with our authorities is missing", "IP:127.0.0.1",
		 -DAY_S, DAY_S, "/nonexistent/ca.pem", ERR_REMOTE},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(tls_peer_freep)
		struct tls_peer *p =
			tls_peer_new(rows[i].certificate_names, rows[i].from_s,
				     rows[i].to_s, 0);
		const char *ca_file = rows[i].ca_file;
		CLEANUP(http_client_freep)
		struct http_client *client =
			client_new(ca_file != NULL && ca_file[0] == '\0'
					   ? tls_peer_ca_file(p)
					   : ca_file);
		struct err e = {0};
		int rc = post(client, p, NULL, 0, &e);

		if (rc != rows[i].rc)
			fail_msg("%s: rc %d %s", rows[i].name, rc, e.text);
		if (tls_peer_requests(p) != (rc == 0 ? 1 : 0))
			fail_msg("%s: %d requests", rows[i].name,
				 tls_peer_requests(p));
		if (rc < 0 && strstr(e.text, "secret") != NULL)
			fail_msg("%s: tells %s", rows[i].name, e.text);
	}
}

static void a_post_over_tls_is_sent_once_too(void **state)
{
	CLEANUP(tls_peer_freep)
	struct tls_peer *p = tls_peer_new("IP:127.0.0.1", -DAY_S, DAY_S, 2);
	CLEANUP(http_client_freep)
	struct http_client *client = client_new(tls_peer_ca_file(p));
	struct err e = {0};

	(void)state;
	assert_int_equal(post(client, p, NULL, 0, &e), 0);
	assert_int_equal(post(client, p, NULL, 0, &e), ERR_UNCERTAIN);
	assert_int_equal(tls_peer_requests(p), 2);
	assert_int_equal(post(client, p, NULL, 0, &e), 0);
	assert_int_equal(tls_peer_requests(p), 3);
}

/* NOSIGNAL means that libcurl leaves SIGPIPE to us; it must not come to it. */
static void a_peer_that_closes_in_the_middle_raises_no_signal(void **state)
{
	static char body[4 * 1024 * 1024];
	CLEANUP(tls_peer_freep)
	struct tls_peer *p = tls_peer_new("IP:127.0.0.1", -DAY_S, DAY_S, 1);
	CLEANUP(http_client_freep)
	struct http_client *client = client_new(tls_peer_ca_file(p));
	struct err e = {0};

	(void)state;
	assert_int_equal(post(client, p, body, sizeof(body), &e),
			 ERR_UNCERTAIN);
	assert_int_equal(tls_peer_requests(p), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_trusted_peer_gets_the_request),
		cmocka_unit_test(a_post_over_tls_is_sent_once_too),
		cmocka_unit_test(
			a_peer_that_closes_in_the_middle_raises_no_signal),
	};
	return cmocka_run_group_tests_name("http_client_tls", tests, NULL,
					   NULL);
}
