/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/config/config.h"
#include "app/edge/certificate.h"
#include "app/edge/edge.h"
#include "app/state_dir.h"
#include "base/clock.h"
#include "base/err.h"
#include "temp_folder.h"

struct fixture {
	struct temp_folder folder;
	struct state_dir dir;
	char certificate[EDGE_FILE_BYTES];
	char key[EDGE_FILE_BYTES];
};

static int open_below(struct fixture *f, const char *name)
{
	char root[TEMP_PATH_BYTES];
	struct err e = {0};

	(void)temp_path(&f->folder, name, root);
	if (state_dir_open(root, true, &f->dir, &e) == 0)
		return 0;
	print_error("%s\n", e.text);
	return -1;
}

static int setup(void **state)
{
	static struct fixture fixture;

	(void)unsetenv("RUNTIME_DIRECTORY");
	*state = &fixture;
	return temp_folder_make(&fixture.folder) == 0
		       ? open_below(&fixture, "state")
		       : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	temp_folder_remove(&f->folder);
	return 0;
}

/* The configuration that this text of a file makes. */
static struct config *config_of(const struct fixture *f, const char *text)
{
	char path[TEMP_PATH_BYTES];
	struct config *config = NULL;
	struct err e = {0};

	assert_int_equal(
		temp_write(&f->folder, "test.conf", text, strlen(text), 0600),
		0);
	if (config_load(temp_path(&f->folder, "test.conf", path), true, &config,
			&e) < 0)
		fail_msg("%s: %s", text, e.text);
	return config;
}

static void make_certificate(struct fixture *f, const struct config *config)
{
	struct err e = {0};

	edge_certificate(config, &f->dir, f->certificate, f->key);
	if (certificate_ensure(f->certificate, f->key, config->http.server_name,
			       clock_wall_ms(), &e) < 0)
		fail_msg("%s", e.text);
}

static const struct {
	const char *config, *holds, *lacks;
} rendered[] = {
	{"", "listen 127.0.0.1:8443 ssl http2;", "@"},
	{"", "client_max_body_size 1048576;", "listen 127.0.0.1:0"},
	{"", "limit_req zone=requests burst=200 nodelay;", "ipv6only"},
	{"", "rate=100r/s", "deny all;\n\t\t\tproxy_read_timeout"},
	{"", "/run/hook-4.sock\" max_fails=0;", "hook-5.sock"},
	{"", "/run/console-1.sock\" max_fails=0;", "console-2.sock"},
	{"", "allow 127.0.0.0/8;\n\t\t\tallow ::1;\n\t\t\tdeny all;", "$args"},
	{"", "/tls/certificate.pem\";", "ssl_session_tickets on"},
	{"", "25.00% hook_3;\n\t\t* hook_4;", "hook_5"},
	{"pool { hook = 3 }",
	 "33.33% hook_1;\n\t\t33.33% hook_2;\n\t\t* hook_3;", "hook_4"},
	{"http { port = 1234 listen = \"0.0.0.0\" }", "listen 0.0.0.0:1234 ssl",
	 "8443"},
	{"http { listen = \"::1\" }", "listen [::1]:8443 ssl http2;",
	 "ipv6only"},
	{"http { listen = \"::\" }", "listen [::]:8443 ipv6only=off ssl http2;",
	 "127.0.0.1:8443"},
	{"http { plain_port = 8081 }", "listen 127.0.0.1:8081;",
	 "listen 127.0.0.1:8081 ssl"},
	{"http { requests_per_second = 0 }", "upstream hook", "limit_"},
	{"http { requests_per_second = 7 }", "burst=14 nodelay;",
	 "limit_conn connections 7;"},
	{"http { hook_networks = \" 10.0.0.0/8   192.168.1.1 \" }",
	 "allow 10.0.0.0/8;\n\t\t\tallow 192.168.1.1;\n\t\t\tdeny all;",
	 "allow ;"},
	{"http { trusted_networks = \"\" }", "deny all;", "allow "},
	{"http { request_body_bytes = 2048 }", "longer than 2048 bytes",
	 "1048576"},
	{"pool { hook = 0 assembly = 2 }", "/run/hook-1.sock\"", "hook-2.sock"},
	{"http { tls_certificate = \"/etc/a.pem\" tls_key = \"/etc/b.pem\" }",
	 "ssl_certificate \"/etc/a.pem\";", "certificate.pem"},
	{"", "server_name localhost;", "ssl_verify_client"},
	{"", "access.log\" line buffer", "syslog"},
	{"", "proxy_read_timeout 1500ms;", "set_real_ip_from"},
	{"pool { hook = 1 }", "proxy_read_timeout 3s;", "hook-2.sock"},
	{"", "listen 127.0.0.1:8443", "Strict-Transport-Security"},
	{"", "listen 127.0.0.1:8443", "return 308 https"},
	{"log { access = \"journal\" }",
	 "access_log syslog:server=unix:/dev/log,nohostname,"
	 "tag=ordergate_edge line if=$is_problem;",
	 "access.log"},
	{"http { hsts = 365d }",
	 "Strict-Transport-Security max-age=31536000 always;", "hsts"},
	{"http { redirect_port = 8080 }",
	 "return 308 https://$host:8443$request_uri;", "acme-challenge"},
	{"http { redirect_port = 80 port = 443 listen = \"::\" }",
	 "listen [::]:80 ipv6only=off;", "$host:443"},
	{"http { redirect_port = 80 acme_folder = \"/var/lib/acme\" }",
	 "root \"/var/lib/acme\";", "listen 127.0.0.1:80 ssl"},
	{"http { proxy_networks = \"10.0.0.0/8 fd00::/8\" }",
	 "set_real_ip_from 10.0.0.0/8;\n\tset_real_ip_from fd00::/8;\n"
	 "\treal_ip_header X-Forwarded-For;",
	 "set_real_ip_from ;"},
	{"http { hook_client_ca = \"/etc/ca.pem\" }",
	 "if ($ssl_client_verify != SUCCESS) {\n\t\t\t\treturn 403;",
	 "ssl_verify_client on"},
	{"http { upstream = \" 10.0.0.2  b.example:8443 [fd00::1] "
	 "[fd00::2]:8443\" "
	 "upstream_ca = \"/etc/up.pem\" server_name = \"a.example b.example\" "
	 "}",
	 "\t\tserver 10.0.0.2:443 max_fails=2 fail_timeout=2s;\n"
	 "\t\tserver b.example:8443 max_fails=2 fail_timeout=2s;\n"
	 "\t\tserver [fd00::1]:443 max_fails=2 fail_timeout=2s;\n"
	 "\t\tserver [fd00::2]:8443 max_fails",
	 "unix:/"},
	{"http { upstream = \"10.0.0.2\" upstream_ca = \"/etc/up.pem\" "
	 "server_name = \"a.example b.example\" }",
	 "proxy_ssl_verify on;\n\tproxy_ssl_verify_depth 3;\n"
	 "\tproxy_ssl_trusted_certificate \"/etc/up.pem\";\n"
	 "\tproxy_ssl_server_name on;\n\tproxy_ssl_name a.example;",
	 "proxy_pass http:"},
	{"http { upstream = \" \" }", "proxy_pass http://$hook;", "proxy_ssl"},
	{"http { upstream = \"10.0.0.2\" }",
	 "non_idempotent;\n\t\t\tproxy_read_timeout 4s;\n"
	 "\t\t\tproxy_pass https://$hook;",
	 "hook_2"},
	{"http { upstream = \"10.0.0.2\" }", "\t\tzone hook 64k;\n",
	 "proxy_ssl_certificate"},
	{"http { upstream = \"10.0.0.2\" upstream_certificate = \"/e.pem\" "
	 "upstream_key = \"/k.pem\" }",
	 "proxy_ssl_certificate \"/e.pem\";\n"
	 "\tproxy_ssl_certificate_key \"/k.pem\";",
	 "ssl_verify_client"},
	{"http { edge_ca = \"/ca.pem\" proxy_networks = \"10.0.0.1\" }",
	 "\t\tssl_client_certificate \"/ca.pem\";\n"
	 "\t\tssl_verify_client optional;\n"
	 "\t\tssl_verify_depth 3;\n"
	 "\t\tif ($stranger) {\n\t\t\treturn 403;\n",
	 "zone hook"},
};

static void each_option_shows_in_the_configuration_of_nginx(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(rendered); i++) {
		CLEANUP(config_freep)
		struct config *config = config_of(f, rendered[i].config);
		CLEANUP(buf_clear) struct buf out = BUF_MAX(EDGE_BYTES_MAX);
		struct err e = {0};

		if (edge_render(config, &f->dir, &out, &e) < 0)
			fail_msg("row %zu: %s", i, e.text);
		if (strstr(buf_text(&out), rendered[i].holds) == NULL)
			fail_msg("row %zu (%s): lacks '%s'", i,
				 rendered[i].config, rendered[i].holds);
		if (strstr(buf_text(&out), rendered[i].lacks) != NULL)
			fail_msg("row %zu (%s): holds '%s'", i,
				 rendered[i].config, rendered[i].lacks);
	}
}

static void a_buffer_that_is_too_small_is_an_error(void **state)
{
	struct fixture *f = *state;
	CLEANUP(config_freep) struct config *config = config_of(f, "");
	CLEANUP(buf_clear) struct buf out = BUF_MAX(1000);

	assert_int_equal(edge_render(config, &f->dir, &out, NULL), ERR_NOMEM);
}

static const struct {
	const char *folder, *config;
} accepted[] = {
	{"plain", ""},
	{"ipv6", "http { listen = \"::\" port = 18443 }"},
	{"open", "http { requests_per_second = 0 plain_port = 18081 }"},
	{"closed", "http { hook_networks = \"10.0.0.0/8 fd00::/8\" "
		   "requests_per_second = 100000 trusted_networks = \"\" }"},
	{"none", "pool { hook = 0 assembly = 0 }"},
	{"many", "pool { hook = 64 assembly = 64 }"},
	{"options", "http { redirect_port = 18082 hsts = 1d "
		    "proxy_networks = \"10.0.0.0/8\" "
		    "acme_folder = \"/var/lib/acme\" }"},
	{"journal", "log { access = \"journal\" }"},
	{"front", "http { upstream = \"127.0.0.2 [::1]:18443\" } "
		  "telegram { updates = \"webhook\" }"},
	{"names", "http { server_name = \"a.example *.b.example\" }"},
	{"with space", ""},
	{"каталог", ""},
	{"a;b{c}#d'e", ""},
};

static void nginx_accepts_what_is_rendered(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(accepted); i++) {
		CLEANUP(config_freep)
		struct config *config = config_of(f, accepted[i].config);
		char file[EDGE_PATH_BYTES];
		struct stat about;
		struct err e = {0};

		assert_int_equal(open_below(f, accepted[i].folder), 0);
		make_certificate(f, config);
		if (edge_write_checked(config, &f->dir, &e) < 0)
			fail_msg("%s: %s", accepted[i].folder, e.text);
		edge_file(&f->dir, file);
		assert_int_equal(stat(file, &about), 0);
	}
}

static void a_path_that_nginx_would_misread_is_refused(void **state)
{
	static const char *const names[] = {"a\"b", "a$b", "a\\b", "a\nb"};
	struct fixture *f = *state;
	CLEANUP(config_freep) struct config *config = config_of(f, "");

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		CLEANUP(buf_clear) struct buf out = BUF_MAX(EDGE_BYTES_MAX);

		assert_int_equal(open_below(f, names[i]), 0);
		if (edge_render(config, &f->dir, &out, NULL) != ERR_INVALID)
			fail_msg("'%s' was taken", names[i]);
	}
}

static void what_nginx_refuses_leaves_the_old_configuration_alone(void **state)
{
	struct fixture *f = *state;
	CLEANUP(config_freep) struct config *good = config_of(f, "");
	CLEANUP(config_freep)
	struct config *bad =
		config_of(f, "http { tls_certificate = \"/nowhere/a.pem\" "
			     "tls_key = \"/nowhere/b.pem\" }");
	char text[EDGE_BYTES_MAX];
	struct err e = {0};

	make_certificate(f, good);
	assert_int_equal(edge_write_checked(good, &f->dir, &e), 0);
	assert_int_equal(edge_write_checked(bad, &f->dir, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "/nowhere/a.pem"));
	assert_null(strchr(e.text, '\n'));
	temp_read(&f->folder, "state/run/nginx/nginx.conf", text, sizeof(text));
	assert_non_null(strstr(text, "/tls/certificate.pem"));
	assert_null(strstr(text, "/nowhere"));
}

static void a_machine_without_nginx_is_told_what_to_install(void **state)
{
	char path[EDGE_PATH_BYTES];
	const char *old = getenv("PATH");
	char *kept;

	(void)state;
	assert_non_null(old);
	kept = strdup(old);
	/* Found behind an ordinary user's PATH, too. */
	assert_int_equal(setenv("PATH", "/usr/bin:/bin", 1), 0);
	assert_int_equal(edge_find_nginx(path, NULL), 0);
	assert_int_equal(setenv("PATH", kept, 1), 0);
	free(kept);
}

enum {
	DAY_MS = 24 * 60 * 60 * 1000
};

static const struct {
	const char *what, *names;
	int64_t days_later;
	const char *damage; /* this file of tls/ is overwritten before */
	int made;
} certificates[] = {
	{"the first", "localhost", 0, NULL, 1},
	{"a second start", "localhost", 0, NULL, 0},
	{"half a life later", "localhost", 400, NULL, 0},
	{"31 days before the end", "localhost", 793, NULL, 0},
	{"29 days before the end", "localhost", 796, NULL, 1},
	{"a new name", "localhost shop.example", 796, NULL, 1},
	{"the new name again", " shop.example ", 796, NULL, 0},
	{"a wildcard", "*.shop.example", 796, NULL, 1},
	{"one of the wildcard's names", "www.shop.example", 796, NULL, 0},
	{"a broken certificate", "localhost", 796, "state/tls/certificate.pem",
	 1},
	{"a broken key", "localhost", 796, "state/tls/key.pem", 1},
};

static void a_certificate_is_made_only_when_it_is_needed(void **state)
{
	struct fixture *f = *state;
	int64_t now_ms = 1790000000000;
	CLEANUP(config_freep) struct config *config = config_of(f, "");
	struct stat about;

	edge_certificate(config, &f->dir, f->certificate, f->key);
	for (size_t i = 0; i < COUNT_OF(certificates); i++) {
		struct err e = {0};
		int rc;

		if (certificates[i].damage != NULL)
			assert_int_equal(temp_write(&f->folder,
						    certificates[i].damage, "x",
						    1, 0600),
					 0);
		rc = certificate_ensure(
			f->certificate, f->key, certificates[i].names,
			now_ms + certificates[i].days_later * DAY_MS, &e);
		if (rc != certificates[i].made)
			fail_msg("%s: %d, wanted %d (%s)", certificates[i].what,
				 rc, certificates[i].made, e.text);
	}
	assert_int_equal(stat(f->key, &about), 0);
	assert_int_equal(about.st_mode & 0777, 0600);
}

static void a_key_of_another_certificate_is_replaced(void **state)
{
	struct fixture *f = *state;
	CLEANUP(config_freep) struct config *config = config_of(f, "");
	char other[EDGE_FILE_BYTES + 8];

	make_certificate(f, config);
	(void)snprintf(other, sizeof(other), "%s.other", f->certificate);
	assert_int_equal(rename(f->certificate, other), 0);
	make_certificate(f, config);
	assert_int_equal(rename(other, f->certificate), 0);
	assert_int_equal(certificate_ensure(f->certificate, f->key, "localhost",
					    clock_wall_ms(), NULL),
			 1);
	assert_int_equal(edge_write_checked(config, &f->dir, NULL), 0);
}

#define EDGE_TEST(function) \
	cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EDGE_TEST(each_option_shows_in_the_configuration_of_nginx),
		EDGE_TEST(a_buffer_that_is_too_small_is_an_error),
		EDGE_TEST(nginx_accepts_what_is_rendered),
		EDGE_TEST(a_path_that_nginx_would_misread_is_refused),
		EDGE_TEST(
			what_nginx_refuses_leaves_the_old_configuration_alone),
		EDGE_TEST(a_machine_without_nginx_is_told_what_to_install),
		EDGE_TEST(a_certificate_is_made_only_when_it_is_needed),
		EDGE_TEST(a_key_of_another_certificate_is_replaced),
	};
	return cmocka_run_group_tests_name("edge", tests, NULL, NULL);
}
