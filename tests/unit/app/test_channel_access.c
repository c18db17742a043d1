/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "app/access/channel_access.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"

/* RFC 6749 5.1, as services really answer it; a life of 0: it is refused. */
static const struct {
	const char *name, *body, *token;
	int64_t life_s;
} rows[] = {
	{"as it should be",
	 "{\"access_token\":\"a.b.c\",\"expires_in\":300,"
	 "\"token_type\":\"bearer\"}",
	 "a.b.c", 300},
	{"a life as a text", "{\"access_token\":\"t\",\"expires_in\":\"60\"}",
	 "t", 60},
	{"no life", "{\"access_token\":\"t\"}", "t", 300},
	{"a life that is over", "{\"access_token\":\"t\",\"expires_in\":0}",
	 "t", 300},
	{"less than a life", "{\"access_token\":\"t\",\"expires_in\":-5}", "t",
	 300},
	{"a life that is a word",
	 "{\"access_token\":\"t\",\"expires_in\":\"soon\"}", "t", 300},
	{"a life without end",
	 "{\"access_token\":\"t\",\"expires_in\":99999999999}", "t", 86400},
	{"an empty token", "{\"access_token\":\"\",\"expires_in\":300}", "", 0},
	{"no token", "{\"expires_in\":300}", "", 0},
	{"another thing", "{\"access_token\":{\"a\":1}}", "", 0},
	{"a second header", "{\"access_token\":\"t\\r\\nX-Evil: 1\"}", "", 0},
	{"a space", "{\"access_token\":\"t t\"}", "", 0},
	{"a page", "<html>login</html>", "", 0},
	{"half of it", "{\"access_token\":\"t", "", 0},
	{"nothing", "", "", 0},
};

static void the_answer_of_a_token_service_is_read_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char token[ACCESS_TOKEN_BYTES] = "";
		int64_t life_s = 0;
		struct err e = {0};
		int rc = access_read_token(rows[i].body, strlen(rows[i].body),
					   token, &life_s, &e);

		if ((rc == 0) != (rows[i].life_s > 0))
			fail_msg("%s: %d", rows[i].name, rc);
		if (rc == 0 && (strcmp(token, rows[i].token) != 0 ||
				life_s != rows[i].life_s))
			fail_msg("%s: %s, %lld s", rows[i].name, token,
				 (long long)life_s);
		if (rc < 0 && strstr(e.text, "Evil") != NULL)
			fail_msg("%s: %s", rows[i].name, e.text);
	}
}

static void a_token_that_is_too_long_is_refused(void **state)
{
	char body[ACCESS_TOKEN_BYTES + 64];
	char token[ACCESS_TOKEN_BYTES];
	int64_t life_s;

	(void)state;
	(void)snprintf(body, sizeof(body), "{\"access_token\":\"%0*d\"}",
		       ACCESS_TOKEN_BYTES, 0);
	assert_int_equal(
		access_read_token(body, strlen(body), token, &life_s, NULL),
		ERR_INVALID);
}

static void a_secret_is_encoded_for_the_form(void **state)
{
	CLEANUP(access_wipe) struct buf out = BUF_MAX(ACCESS_BODY_BYTES_MAX);
	const struct channel_credentials credentials = {.first = "id&x=1",
							.second = "a+b %\n"};

	(void)state;
	access_put_token_request(&out, &credentials);
	assert_string_equal(buf_text(&out), "grant_type=client_credentials&"
					    "client_id=id%26x%3D1&"
					    "client_secret=a%2Bb%20%25%0A");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_answer_of_a_token_service_is_read_or_refused),
		cmocka_unit_test(a_token_that_is_too_long_is_refused),
		cmocka_unit_test(a_secret_is_encoded_for_the_form),
	};
	return cmocka_run_group_tests_name("channel_access", tests, NULL, NULL);
}
