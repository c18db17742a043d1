/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "net/client/http_probe.h"
#include "net/notify.h"
#include "net/server/http_server.h"
#include "temp_folder.h"

struct fixture {
	struct temp_folder folder;
	char path[TEMP_PATH_BYTES];
	int fd;
};

static int setup(void **state)
{
	static struct fixture f;
	struct err e = {0};

	*state = &f;
	if (temp_folder_make(&f.folder) < 0)
		return -1;
	f.fd = notify_open(temp_path(&f.folder, "notify.sock", f.path), &e);
	return f.fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	(void)close(f->fd);
	temp_folder_remove(&f->folder);
	return 0;
}

/* Send text, with `extra_fd` attached unless it is -1. */
static void say(const struct fixture *f, const char *text, int extra_fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
	char data[8192];
	struct iovec body = {.iov_base = data, .iov_len = strlen(text)};
	struct msghdr message = {.msg_name = &address,
				 .msg_namelen = sizeof(address),
				 .msg_iov = &body,
				 .msg_iovlen = 1};
	CLEANUP_FD int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, f->path, strlen(f->path) + 1);
	memcpy(data, text, strlen(text));
	if (extra_fd >= 0) {
		struct cmsghdr *part;

		message.msg_control = control;
		message.msg_controllen = sizeof(control);
		part = CMSG_FIRSTHDR(&message);
		part->cmsg_level = SOL_SOCKET;
		part->cmsg_type = SCM_RIGHTS;
		part->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(part), &extra_fd, sizeof(int));
	}
	assert_int_equal(sendmsg(fd, &message, 0), (ssize_t)strlen(text));
}

static const struct {
	const char *text;
	unsigned news;
} datagrams[] = {
	{"READY=1", NOTIFY_READY},
	{"WATCHDOG=1\n", NOTIFY_WATCHDOG},
	{"STOPPING=1", NOTIFY_STOPPING},
	{"RELOADING=1\nMONOTONIC_USEC=123", NOTIFY_RELOADING},
	{"STATUS=READY=1", 0},
	{"READY=0", 0},
	{"READY=12", 0},
	{"READY", 0},
	{"\n\n", 0},
	{"X=1\nREADY=1\nWATCHDOG=1", NOTIFY_READY | NOTIFY_WATCHDOG},
};

static void a_datagram_tells_what_it_says_and_who_sent_it(void **state)
{
	const struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(datagrams); i++) {
		unsigned news = 99;
		pid_t pid = 0;

		say(f, datagrams[i].text, -1);
		assert_int_equal(notify_receive(f->fd, &pid, &news), 1);
		if (news != datagrams[i].news || pid != getpid())
			fail_msg("'%s': news %u from pid %d", datagrams[i].text,
				 news, (int)pid);
		assert_int_equal(notify_receive(f->fd, &pid, &news), 0);
	}
}

static void the_pid_is_the_one_of_the_process_that_sent(void **state)
{
	const struct fixture *f = *state;
	unsigned news;
	pid_t pid;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		say(f, "READY=1", -1);
		_exit(0);
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(notify_receive(f->fd, &pid, &news), 1);
	assert_int_equal(pid, child);
}

static int open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int count = 0;

	assert_non_null(folder);
	while (readdir(folder) != NULL)
		count++;
	(void)closedir(folder);
	return count;
}

static void descriptors_that_come_along_are_closed(void **state)
{
	const struct fixture *f = *state;
	int before = open_descriptors();

	for (int i = 0; i < 10; i++) {
		unsigned news;
		pid_t pid;

		say(f, "READY=1", STDERR_FILENO);
		assert_int_equal(notify_receive(f->fd, &pid, &news), 1);
		assert_int_equal(news, NOTIFY_READY);
		assert_int_equal(pid, getpid());
	}
	assert_int_equal(open_descriptors(), before);
}

static void a_long_datagram_is_cut_and_harmless(void **state)
{
	const struct fixture *f = *state;
	char text[8000];
	unsigned news;
	pid_t pid;

	memset(text, 'x', sizeof(text));
	memcpy(text, "READY=1\n", 8);
	text[sizeof(text) - 1] = '\0';
	say(f, text, -1);
	assert_int_equal(notify_receive(f->fd, &pid, &news), 1);
	assert_int_equal(news, NOTIFY_READY);
}

static void what_an_earlier_run_left_is_replaced(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};
	unsigned news;
	pid_t pid;

	(void)close(f->fd);
	f->fd = notify_open(f->path, &e);
	assert_true(f->fd >= 0);
	say(f, "READY=1", -1);
	assert_int_equal(notify_receive(f->fd, &pid, &news), 1);
}

static void a_path_that_is_too_long_is_refused(void **state)
{
	char path[200];
	struct err e = {0};

	(void)state;
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(notify_open(path, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "107"));
}

static void answer(struct http_exchange *x, void *context)
{
	(void)context;
	http_reply(x, http_query(x, "bad") != NULL ? 503 : 200, "text/plain",
		   "well", 4);
}

static void a_probe_sees_the_status_and_the_body(void **state)
{
	static const struct http_route routes[] = {
		{"GET", "/healthz", answer, 0, 0},
		{NULL, NULL, NULL, 0, 0},
	};
	const struct fixture *f = *state;
	char path[TEMP_PATH_BYTES];
	struct http_server_options options = {.routes = routes};
	struct http_server *server = NULL;
	CLEANUP(buf_clear) struct buf body = BUF_MAX(100);
	struct err e = {0};

	options.listen_fd =
		http_listen_unix(temp_path(&f->folder, "http.sock", path), &e);
	assert_true(options.listen_fd >= 0);
	assert_int_equal(http_server_start(&options, &server, &e), 0);
	assert_int_equal(http_probe_unix(path, "/healthz", 2000, &body, &e),
			 200);
	assert_string_equal(buf_text(&body), "well");
	assert_int_equal(
		http_probe_unix(path, "/healthz?bad=1", 2000, NULL, &e), 503);
	assert_int_equal(http_probe_unix(path, "/x", 2000, NULL, &e), 404);
	http_server_stop(server, 1000);
}

static void a_probe_of_nobody_is_an_error_in_time(void **state)
{
	const struct fixture *f = *state;
	char path[TEMP_PATH_BYTES];
	CLEANUP_FD int mute = -1;
	struct err e = {0};

	(void)temp_path(&f->folder, "mute.sock", path);
	assert_int_equal(http_probe_unix(path, "/", 100, NULL, &e), ERR_REMOTE);
	mute = http_listen_unix(path, &e);
	assert_true(mute >= 0);
	assert_int_equal(http_probe_unix(path, "/", 100, NULL, &e), ERR_REMOTE);
}

static void a_port_is_seen_while_somebody_listens(void **state)
{
	static const struct {
		const char *listen, *look;
	} rows[] = {
		{"127.0.0.1:0", "127.0.0.1"},
		{"127.0.0.1:0", "0.0.0.0"},
		{"[::1]:0", "::1"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct sockaddr_storage own = {0};
		socklen_t size = sizeof(own);
		struct err e = {0};
		int fd = http_listen_tcp(rows[i].listen, &e);
		uint16_t port;

		assert_true(fd >= 0);
		assert_int_equal(
			getsockname(fd, (struct sockaddr *)&own, &size), 0);
		/* The port is at the same place in both families. */
		memcpy(&port, (const char *)&own + 2, sizeof(port));
		port = (uint16_t)(port >> 8 | port << 8);
		if (!http_probe_tcp(rows[i].look, port, 1000))
			fail_msg("%s is not seen", rows[i].listen);
		(void)close(fd);
		if (http_probe_tcp(rows[i].look, port, 1000))
			fail_msg("%s is seen though it is gone",
				 rows[i].listen);
	}
	assert_false(http_probe_tcp("no address", 1, 10));
}

#define NOTIFY_TEST(function) \
	cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NOTIFY_TEST(a_datagram_tells_what_it_says_and_who_sent_it),
		NOTIFY_TEST(the_pid_is_the_one_of_the_process_that_sent),
		NOTIFY_TEST(descriptors_that_come_along_are_closed),
		NOTIFY_TEST(a_long_datagram_is_cut_and_harmless),
		NOTIFY_TEST(what_an_earlier_run_left_is_replaced),
		NOTIFY_TEST(a_path_that_is_too_long_is_refused),
		NOTIFY_TEST(a_probe_sees_the_status_and_the_body),
		NOTIFY_TEST(a_probe_of_nobody_is_an_error_in_time),
		NOTIFY_TEST(a_port_is_seen_while_somebody_listens),
	};
	return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
