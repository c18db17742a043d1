/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "app/config/config.h"
#include "app/config/config_private.h"
#include "base/err.h"
#include "temp_folder.h"

static struct temp_folder folder;

static int setup(void **state)
{
	(void)state;
	return temp_folder_make(&folder);
}

static int teardown(void **state)
{
	(void)state;
	temp_folder_remove(&folder);
	return 0;
}

/* Load a file that holds `text`. */
static int load_bytes(const void *text, size_t bytes, struct config **ret,
		      struct err *e)
{
	char path[TEMP_PATH_BYTES];

	assert_int_equal(temp_write(&folder, "c.conf", text, bytes, 0600), 0);
	return config_load(temp_path(&folder, "c.conf", path), true, ret, e);
}

static int load(const char *text, struct config **ret, struct err *e)
{
	return load_bytes(text, strlen(text), ret, e);
}

/* "/…/c.conf:LINE: NAME: …what…" */
struct refusal {
	const char *text;
	int line;
	const char *name;
	const char *what;
};

static void check_refusals(const struct refusal *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		CLEANUP(config_freep) struct config *config = NULL;
		struct err e = {0};
		char want[128];
		int rc = load(rows[i].text, &config, &e);

		(void)snprintf(want, sizeof(want), "/c.conf:%d: %s",
			       rows[i].line, rows[i].name);
		if (rc != ERR_INVALID || config != NULL ||
		    strstr(e.text, want) == NULL ||
		    strstr(e.text, rows[i].what) == NULL ||
		    strchr(e.text, '\n') != NULL)
			fail_msg("row %zu (%s): wanted '%s...%s', got %s '%s'",
				 i, rows[i].text, want, rows[i].what,
				 err_name(rc), e.text);
	}
}

static void a_wrong_value_is_named_with_file_line_and_key(void **state)
{
	static const struct refusal rows[] = {
		{"http {\n port = 0\n}", 2, "http.port: ",
		 "'0' is not allowed: a whole number from 1 to 65535"},
		{"http { port = 65536 }", 1, "http.port: ", "65535"},
		{"http { port = 99999999999999999999 }", 1, "http.port: ", ""},
		{"http { port = 84x }", 1, "http.port: ", "'84x'"},
		{"http { port = -1 }", 1, "http.port: ", "'-1'"},
		{"http { port = \"\" }", 1, "http.port: ", "''"},
		{"# c\n// c\n/* c\nc */\nhttp {\n\n port = x }", 7,
		 "http.port: ", "'x'"},
		{"job monitor { every = 0 }", 1,
		 "job.monitor.every: ", "a time from 1s to 31d"},
		{"job monitor { every = 5 m }", 1, "job.monitor.m", ""},
		{"job monitor { every = 5w }", 1, "job.monitor.every: ",
		 "in ms, s, m, h or d (a bare number counts 1s)"},
		{"job monitor { every = s }", 1, "job.monitor.every: ", ""},
		{"job monitor { every = 1.5s }", 1, "job.monitor.every: ", ""},
		{"job monitor { every = 99999999999999d }", 1,
		 "job.monitor.every: ", ""},
		{"telegram { expire_minutes = 30s }", 1,
		 "telegram.expire_minutes: ", "counts 1m"},
		{"channel kuper { timeout_ms = 9s }", 1,
		 "channel.kuper.timeout_ms: ", "to 8s"},
		{"channel kuper { probe_ms = 16s }", 1,
		 "channel.kuper.probe_ms: ", "to 15s"},
		{"rule order-late { enabled = 1 }", 1,
		 "rule.order-late.enabled: ", "true or false"},
		{"rule order-late { severity = loud }", 1,
		 "rule.order-late.severity: ",
		 "one of \"info\" \"warning\" \"critical\""},
		{"job monitor { misfire = never }", 1,
		 "job.monitor.misfire: ", "one of \"skip\" \"once\" \"all\""},
		{"job backup { at = \"24:00\" }", 1,
		 "job.backup.at: ", "23:59"},
		{"job backup { at = \"3:30\" }", 1, "job.backup.at: ", ""},
		{"job backup { at = \"03:60\" }", 1, "job.backup.at: ", ""},
		{"job backup { time_zone = \"Mars/Base\" }", 1,
		 "job.backup.time_zone: ", "tzdata"},
		{"job backup { time_zone = \"../../etc/passwd\" }", 1,
		 "job.backup.time_zone: ", "Europe/Moscow"},
		{"invoicing { formats = {json, xls} }", 1,
		 "invoicing.formats: ", "'xls'"},
		{"invoicing { seller_name = A signer = B\nformats = {upd} }", 2,
		 "invoicing.formats: ", "seller_inn"},
		{"invoicing { closed_until = \"2026-02-30\" }", 1,
		 "invoicing.closed_until: ", "2026-01-31"},
		{"invoicing { formats = {csv, csv} }", 1,
		 "invoicing.formats: ", "twice"},
		{"invoicing {\n formats = {} }", 2,
		 "invoicing.formats: ", "empty"},
		{"invoicing { default_vat = 18 }", 1,
		 "invoicing.default_vat: ", "\"22\""},
	};

	(void)state;
	check_refusals(rows, COUNT_OF(rows));
}

static void a_wrong_text_is_named_with_file_line_and_key(void **state)
{
	static const struct refusal rows[] = {
		{"invoicing { seller_inn = 123 }", 1,
		 "invoicing.seller_inn: ", "10 or 12 digits"},
		{"invoicing { seller_kpp = 7701 }", 1,
		 "invoicing.seller_kpp: ", "9 digits"},
		{"invoicing { seller_name = \"a\\nb\" }", 1,
		 "invoicing.seller_name: ", "one line"},
		{"invoicing { seller_name = \"\\xff\" }", 1,
		 "invoicing.seller_name: ", "UTF-8"},
		{"invoicing { series = \"a b\" }", 1, "invoicing.series: ", ""},
		{"http { trusted_networks = \"10.0.0.0/33\" }", 1,
		 "http.trusted_networks: ", "'10.0.0.0/33' is no network"},
		{"http { trusted_networks = \"::1/129\" }", 1,
		 "http.trusted_networks: ", ""},
		{"http { hook_networks = \"10.0.0.1, ::1\" }", 1,
		 "http.hook_networks: ", "'10.0.0.1,'"},
		{"http { listen = \"localhost\" }", 1,
		 "http.listen: ", "IP address"},
		{"http { server_name = \"a;b\" }", 1, "http.server_name: ", ""},
		{"http { server_name = \"\" }", 1, "http.server_name: ", ""},
		{"http { tls_key = \"k.pem\" }", 1,
		 "http.tls_key: ", "absolute"},
		{"http { tls_key = \"/a;b\" }", 1, "http.tls_key: ", ""},
		{"http { request_body_bytes = 1000000000 }", 1,
		 "http.request_body_bytes: ", "8388608"},
		{"store { url = \"mysql:x\" }", 1, "store.url: ", "sqlite"},
		{"store { url = \"sqlite:a/b\" }", 1, "store.url: ", ""},
		{"store { url = \"sqlite:../b\" }", 1, "store.url: ", ""},
		{"store { url = \"sqlite:\" }", 1, "store.url: ", ""},
		{"telegram { admin_chat = \"bob\" }", 1,
		 "telegram.admin_chat: ", "@channel"},
	};

	(void)state;
	check_refusals(rows, COUNT_OF(rows));
}

static void plain_http_goes_to_loopback_only(void **state)
{
	static const struct {
		const char *url;
		bool good;
	} rows[] = {
		{"https://example.org/a/b", true},
		{"https://example.org:8443", true},
		{"https://example.org/@a", true},
		{"https://127.0.0.1:1@example.org/", false},
		{"https://[2001:db8::1]:1/x", true},
		{"http://127.0.0.1:1/x", true},
		{"http://127.9.9.9", true},
		{"http://localhost:1/x", true},
		{"http://[::1]:1/x", true},
		{"http://example.org/", false},
		{"http://127.0.0.1.example.org/", false},
		{"http://localhost.example.org/", false},
		{"http://127.1/", false},
		{"http://[::2]/", false},
		{"http://10.0.0.1/", false},
		{"http://127.0.0.1@example.org/", false},
		{"https://user:pw@example.org/", false},
		{"https://", false},
		{"https:///x", false},
		{"https://a b/", false},
		{"https://a:0/", false},
		{"https://a:99999/", false},
		{"https://a:x/", false},
		{"https://[::1/", false},
		{"https://[::1]x/", false},
		{"ftp://example.org/", false},
		{"example.org", false},
		{"file:///etc/passwd", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(config_freep) struct config *config = NULL;
		struct err e = {0};
		char text[256];
		int rc;

		(void)snprintf(text, sizeof(text),
			       "channel kuper { notifications_url = \"%s\" }",
			       rows[i].url);
		rc = load(text, &config, &e);
		if (rc != (rows[i].good ? 0 : ERR_INVALID))
			fail_msg("row %zu: %s: %s %s", i, rows[i].url,
				 err_name(rc), e.text);
	}
}

static void what_does_not_exist_is_refused_with_what_does(void **state)
{
	static const struct refusal rows[] = {
		{"\nhttp { prt = 1 }", 2,
		 "http.prt: ", "there is no such key, only: port listen"},
		{"htp { port = 1 }", 1,
		 "htp: ", "there is no such section, only: store http"},
		{"port = 1", 1, "port: ", "no such section"},
		{"channel kupr {}", 1, "channel.kupr: ", "only: kuper"},
		{"rule order-lat { for = 1s }", 1,
		 "rule.order-lat: ", "only: order-late"},
		{"job monitr { timeout = 9s }", 1,
		 "job.monitr.every: ", "needs every, at or cron"},
		{"\n\njob backup { at = \"\" }", 3,
		 "job.backup.every: ", "needs every, at or cron"},
		{"job Backup { every = 1h }", 1, "job.Backup: ", "lower-case"},
		{"job \"\" { every = 1h }", 1, "job.: ", "lower-case"},
		{"job aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa { every = 1h }", 1,
		 "job.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: ", "1 to 31"},
		{"http { tls_key = \"/k\" }", 1,
		 "http.tls_key: ", "need each other"},
		{"http { upstream = \"a\" upstream_key = \"/k\" }", 1,
		 "http.upstream_key: ", "need each other"},
		{"http { upstream_certificate = \"/c\" upstream_key = \"/k\" "
		 "}",
		 1, "http.upstream_certificate: ", "no upstream"},
		{"http { edge_ca = \"/c\" proxy_networks = \" \" }", 1,
		 "http.edge_ca: ", "proxy_networks"},
		{"http { edge_ca = \"/c\" proxy_networks = \"10.0.0.1\"\n"
		 "hook_client_ca = \"/d\" }",
		 2, "http.hook_client_ca: ", "edge that asks"},
		{"channel kuper { auth = oauth }", 1,
		 "channel.kuper.token_url: ", "needs it"},
	};

	(void)state;
	check_refusals(rows, COUNT_OF(rows));
}

static void broken_syntax_is_refused_at_its_line(void **state)
{
	static const struct refusal rows[] = {
		{"http {\n port = 1\n", 1, "", "} is missing"},
		{"http {\n port = 1 }\n}", 3, "", "} closes nothing"},
		{"http { port 1 }", 1, "http: ", "missing equal sign"},
		{"http { port = = }", 1, "http: ", "unexpected token"},
		{"http = 1", 1, "", "missing opening brace"},
		{"job { every = 1s }", 1, "", "missing title"},
		{"job a b { every = 1s }", 1, "", "missing opening brace"},
		{"\nhttp { listen = \"::1\n }", 2, "", "closing quote"},
		{"http { listen = '::1 }", 1, "", "closing quote"},
		{"\n\n/* http {}\n\n", 3, "", "*/ is missing"},
		{"http { port = 8* }", 1, "", "'*'"},
		{"http|port = 5", 1, "", "'|'"},
		{"invoicing { formats += {html} }", 1, "", "'+'"},
		{"include(\"other.conf\")", 1, "", "include()"},
		{"http { server_name = \"${HOME}\" }", 1, "", "${...}"},
		{"http { server_name = ${HOME} }", 1, "", "${...}"},
		{"http { server_name = a${HOME} }", 1, "", "${...}"},
		{"http {\n\001 }", 2, "", "control"},
		{"http {\n }\xff", 1, "", "UTF-8"},
	};

	(void)state;
	check_refusals(rows, COUNT_OF(rows));
}

/* libconfuse keeps the state of its lexer between files. */
static void a_refused_file_does_not_spoil_the_next_one(void **state)
{
	static const char *const bad[] = {"http { listen = \"::1", "http {",
					  "/* x", "http { port = x }"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		CLEANUP(config_freep) struct config *config = NULL;
		CLEANUP(config_freep) struct config *next = NULL;
		struct err e = {0};

		assert_int_equal(load(bad[i], &config, &e), ERR_INVALID);
		if (load("http { port = 77 }", &next, &e) != 0)
			fail_msg("row %zu: %s", i, e.text);
		assert_int_equal(next->http.port, 77);
	}
}

static void only_a_readable_file_of_sane_size_is_read(void **state)
{
	CLEANUP(config_freep) struct config *config = NULL;
	CLEANUP_FREE char *big = malloc(CONFIG_FILE_BYTES_MAX + 1);
	char path[TEMP_PATH_BYTES];
	struct err e = {0};

	(void)state;
	assert_non_null(big);
	memset(big, '\n', CONFIG_FILE_BYTES_MAX + 1);
	assert_int_equal(
		load_bytes(big, CONFIG_FILE_BYTES_MAX + 1, &config, &e),
		ERR_INVALID);
	assert_non_null(strstr(e.text, "longer than"));
	assert_int_equal(load_bytes("http {}\0", 8, &config, &e), ERR_INVALID);
	(void)temp_path(&folder, "absent", path);
	assert_int_equal(config_load(path, true, &config, &e), ERR_NOTFOUND);
	assert_non_null(strstr(e.text, "absent: there is no such"));
	assert_int_equal(config_load(folder.path, true, &config, &e),
			 ERR_INVALID);
	assert_non_null(strstr(e.text, "not a regular file"));
	assert_null(config);
	assert_int_equal(config_load(path, false, &config, &e), 0);
	assert_int_equal(config->http.port, 8443);
}

static void too_many_jobs_are_refused(void **state)
{
	CLEANUP(buf_clear) struct buf text = BUF_MAX(65536);
	CLEANUP(config_freep) struct config *config = NULL;
	struct err e = {0};

	(void)state;
	for (int i = 0; i < CONFIG_JOBS_MAX; i++)
		buf_printf(&text, "job j%d { every = 1m }\n", i);
	assert_int_equal(load(buf_text(&text), &config, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "more than 32"));
}

static void a_long_path_does_not_hide_the_reason(void **state)
{
	CLEANUP(config_freep) struct config *config = NULL;
	char name[201];
	char path[TEMP_PATH_BYTES + 8];
	struct err e = {0};

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(
		temp_write(&folder, name, "http { port = 0 }", 17, 0600), 0);
	assert_int_equal(
		config_load(temp_path(&folder, name, path), true, &config, &e),
		ERR_INVALID);
	assert_non_null(strstr(e.text, ":1: http.port: '0' is not allowed"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wrong_value_is_named_with_file_line_and_key),
		cmocka_unit_test(a_wrong_text_is_named_with_file_line_and_key),
		cmocka_unit_test(plain_http_goes_to_loopback_only),
		cmocka_unit_test(what_does_not_exist_is_refused_with_what_does),
		cmocka_unit_test(broken_syntax_is_refused_at_its_line),
		cmocka_unit_test(a_refused_file_does_not_spoil_the_next_one),
		cmocka_unit_test(only_a_readable_file_of_sane_size_is_read),
		cmocka_unit_test(too_many_jobs_are_refused),
		cmocka_unit_test(a_long_path_does_not_hide_the_reason),
	};

	return cmocka_run_group_tests_name("config_refusals", tests, setup,
					   teardown);
}
