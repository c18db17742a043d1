/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "net/server/http_server.h"
#include "raw_http.h"

struct fixture {
	char *folder;
	char path[256];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -1;
	f->folder = raw_folder_new();
	(void)snprintf(f->path, sizeof(f->path), "%s/s.sock", f->folder);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	raw_folder_free(f->folder);
	free(f);
	return 0;
}

static void assert_flags(int fd)
{
	assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
}

static void a_socket_is_open_to_owner_and_group_only(void **state)
{
	const struct fixture *f = *state;
	struct stat info;
	int fd = http_listen_unix(f->path, NULL);

	assert_true(fd >= 0);
	assert_flags(fd);
	assert_int_equal(stat(f->path, &info), 0);
	assert_true(S_ISSOCK(info.st_mode));
	assert_int_equal(info.st_mode & 07777, 0660);
	(void)close(fd);
}

static void an_old_socket_is_replaced_without_a_gap(void **state)
{
	const struct fixture *f = *state;
	int old = http_listen_unix(f->path, NULL);
	int before = raw_connect_unix(f->path);
	int new = http_listen_unix(f->path, NULL);
	int after = raw_connect_unix(f->path);

	assert_true(old >= 0 && before >= 0 && new >= 0 && after >= 0);
	assert_true(raw_readable(old, 0));
	assert_true(raw_readable(new, 0));
	(void)close(old);
	(void)close(before);
	(void)close(new);
	(void)close(after);
	/* Nobody listens any more: the stale file is no obstacle. */
	assert_int_equal(raw_connect_unix(f->path), -1);
	new = http_listen_unix(f->path, NULL);
	assert_true(new >= 0);
	(void)close(new);
}

static void another_file_is_not_replaced(void **state)
{
	const struct fixture *f = *state;
	struct err e = {0};
	struct stat info;
	FILE *file = fopen(f->path, "we");

	assert_non_null(file);
	(void)fclose(file);
	assert_int_equal(http_listen_unix(f->path, &e), ERR_IO);
	assert_non_null(strstr(e.text, "is not a socket"));
	assert_int_equal(stat(f->path, &info), 0);
	assert_true(S_ISREG(info.st_mode));
}

static void a_path_is_used_whole_or_refused(void **state)
{
	const struct fixture *f = *state;
	size_t base = strlen(f->folder);
	char path[200];

	/* 108 bytes of address, less the NUL and the sign of the new one. */
	for (size_t length = 104; length < 112; length++) {
		struct err e = {0};
		int fd;

		(void)snprintf(path, sizeof(path), "%s/", f->folder);
		memset(path + base + 1, 'p', length - base - 1);
		path[length] = '\0';
		fd = http_listen_unix(path, &e);
		if (length > 106) {
			assert_int_equal(fd, ERR_INVALID);
			continue;
		}
		assert_true(fd >= 0);
		assert_int_equal(access(path, F_OK), 0);
		(void)close(fd);
	}
}

static void a_missing_folder_is_an_error(void **state)
{
	struct err e = {0};

	(void)state;
	assert_int_equal(http_listen_unix("/nonexistent/s.sock", &e), ERR_IO);
	assert_non_null(strstr(e.text, "/nonexistent/s.sock"));
}

static void addresses_are_numeric_with_a_port(void **state)
{
	static const struct {
		const char *name, *address;
		int rc; /* 0: a descriptor */
	} rows[] = {
		{"IPv4", "127.0.0.1:0", 0},
		{"IPv6", "[::1]:0", 0},
		{"no port", "127.0.0.1", ERR_INVALID},
		{"empty port", "127.0.0.1:", ERR_INVALID},
		{"no host", ":8080", ERR_INVALID},
		{"empty brackets", "[]:8080", ERR_INVALID},
		{"half a bracket", "[::1:8080", ERR_INVALID},
		{"a name", "localhost:8080", ERR_INVALID},
		{"port too large", "127.0.0.1:65536", ERR_INVALID},
		{"port negative", "127.0.0.1:-1", ERR_INVALID},
		{"port with more", "127.0.0.1:80x", ERR_INVALID},
		{"empty", "", ERR_INVALID},
		{"host too long",
		 "00000000000000000000000000000000000000000000000000000000000"
		 "00000000000000000000000000000000:80",
		 ERR_INVALID},
		{"not ours", "192.0.2.1:0", ERR_IO},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct err e = {0};
		int fd = http_listen_tcp(rows[i].address, &e);

		if (rows[i].rc == 0 ? fd < 0 : fd != rows[i].rc)
			fail_msg("%s: %d %s", rows[i].name, fd, e.text);
		if (fd < 0)
			continue;
		assert_flags(fd);
		(void)close(fd);
	}
}

static void a_taken_port_is_an_error(void **state)
{
	struct sockaddr_in address = {0};
	socklen_t bytes = sizeof(address);
	char text[32];
	struct err e = {0};
	int fd = http_listen_tcp("127.0.0.1:0", NULL);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &bytes),
			 0);
	(void)snprintf(text, sizeof(text), "127.0.0.1:%d",
		       ntohs(address.sin_port));
	assert_int_equal(http_listen_tcp(text, &e), ERR_IO);
	assert_non_null(strstr(e.text, text));
	(void)close(fd);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_socket_is_open_to_owner_and_group_only),
		TEST(an_old_socket_is_replaced_without_a_gap),
		TEST(another_file_is_not_replaced),
		TEST(a_path_is_used_whole_or_refused),
		TEST(a_missing_folder_is_an_error),
		TEST(addresses_are_numeric_with_a_port),
		TEST(a_taken_port_is_an_error),
	};
	return cmocka_run_group_tests_name("http_listen", tests, NULL, NULL);
}
