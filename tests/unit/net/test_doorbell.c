/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "net/doorbell.h"
#include "raw_http.h"

struct fixture {
	char *run_dir;
	struct doorbell_ringer *ringer;
	int64_t now_ms;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -1;
	f->run_dir = raw_folder_new();
	f->now_ms = 5000;
	clock_fake(1000000, f->now_ms);
	*state = f;
	return doorbell_ringer_new(f->run_dir, &f->ringer, NULL);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	clock_fake(-1, 0);
	doorbell_ringer_free(f->ringer);
	raw_folder_free(f->run_dir);
	free(f);
	return 0;
}

static void pass_ms(struct fixture *f, int64_t ms)
{
	f->now_ms += ms;
	clock_fake(1000000, f->now_ms);
}

static int open_bell(const struct fixture *f, const char *topic,
		     const char *instance)
{
	struct err e = {0};
	int fd = doorbell_open(f->run_dir, topic, instance, &e);

	if (fd < 0)
		fail_msg("%s", e.text);
	return fd;
}

static bool file_exists(const struct fixture *f, const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", f->run_dir, name);
	return access(path, F_OK) == 0;
}

static void every_bell_of_the_topic_rings_and_no_other(void **state)
{
	struct fixture *f = *state;
	int first = open_bell(f, "inbox", "processor-1");
	int second = open_bell(f, "inbox", "processor-2");
	int other = open_bell(f, "outbox", "notifier-1");
	int longer = open_bell(f, "inbox2", "processor-1");

	doorbell_ring(f->ringer, "inbox");
	doorbell_ring(f->ringer, "inbox");
	assert_true(raw_readable(first, 0));
	assert_int_equal(doorbell_drain(first), 2);
	assert_false(raw_readable(first, 0));
	assert_int_equal(doorbell_drain(first), 0);
	assert_int_equal(doorbell_drain(second), 2);
	assert_int_equal(doorbell_drain(other), 0);
	assert_int_equal(doorbell_drain(longer), 0);
	doorbell_ring(f->ringer, "nobody");
	(void)close(first);
	(void)close(second);
	(void)close(other);
	(void)close(longer);
}

static void a_bell_does_not_block_and_is_not_inherited(void **state)
{
	struct fixture *f = *state;
	int fd = open_bell(f, "inbox", "processor-1");
	char path[256];
	struct stat info;

	assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	(void)snprintf(path, sizeof(path), "%s/inbox@processor-1.bell",
		       f->run_dir);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0660);
	(void)close(fd);
}

static void a_full_bell_has_rung_already(void **state)
{
	struct fixture *f = *state;
	int fd = open_bell(f, "inbox", "processor-1");
	int n;

	for (int i = 0; i < 5000; i++)
		doorbell_ring(f->ringer, "inbox");
	n = doorbell_drain(fd);
	assert_in_range(n, 1, 4999);
	/* It was not given up for that. */
	doorbell_ring(f->ringer, "inbox");
	assert_int_equal(doorbell_drain(fd), 1);
	(void)close(fd);
}

static void a_new_bell_is_found_within_a_second(void **state)
{
	struct fixture *f = *state;
	int fd;

	doorbell_ring(f->ringer, "inbox");
	fd = open_bell(f, "inbox", "processor-1");
	pass_ms(f, 999);
	doorbell_ring(f->ringer, "inbox");
	assert_int_equal(doorbell_drain(fd), 0);
	pass_ms(f, 1);
	doorbell_ring(f->ringer, "inbox");
	assert_int_equal(doorbell_drain(fd), 1);
	(void)close(fd);
}

static void the_bell_of_a_dead_process_is_passed_over(void **state)
{
	struct fixture *f = *state;
	int dead = open_bell(f, "inbox", "processor-1");
	int alive = open_bell(f, "inbox", "processor-2");

	(void)close(dead);
	doorbell_ring(f->ringer, "inbox");
	doorbell_ring(f->ringer, "inbox");
	assert_int_equal(doorbell_drain(alive), 2);
	assert_true(file_exists(f, "inbox@processor-1.bell"));

	/* Its successor takes the name over and is heard after a scan. */
	dead = open_bell(f, "inbox", "processor-1");
	pass_ms(f, 1000);
	doorbell_ring(f->ringer, "inbox");
	assert_int_equal(doorbell_drain(dead), 1);
	assert_int_equal(doorbell_drain(alive), 1);
	(void)close(dead);
	(void)close(alive);
}

static void a_successor_is_heard_at_once_when_the_name_is_known(void **state)
{
	struct fixture *f = *state;
	int old = open_bell(f, "inbox", "processor-1");
	int new;

	doorbell_ring(f->ringer, "inbox");
	new = open_bell(f, "inbox", "processor-1");
	doorbell_ring(f->ringer, "inbox");
	assert_int_equal(doorbell_drain(old), 1);
	assert_int_equal(doorbell_drain(new), 1);
	(void)close(old);
	(void)close(new);
}

static void other_files_are_left_alone(void **state)
{
	static const char *const names[] = {
		"inbox@x.bell", /* a plain file */
		"inbox@.bel",   "inbox.bell", ".bell", "inbox@processor-1.sock",
	};
	struct fixture *f = *state;
	int fd = open_bell(f, "inbox", "processor-1");

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		char path[256];
		int file;

		(void)snprintf(path, sizeof(path), "%s/%s", f->run_dir,
			       names[i]);
		file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
		assert_true(file >= 0);
		(void)close(file);
	}
	doorbell_ring(f->ringer, "inbox");
	assert_int_equal(doorbell_drain(fd), 1);
	for (size_t i = 0; i < COUNT_OF(names); i++)
		assert_true(file_exists(f, names[i]));
	(void)close(fd);
}

static void many_bells_are_bounded(void **state)
{
	struct fixture *f = *state;
	int fds[140];
	int rung = 0;

	for (size_t i = 0; i < COUNT_OF(fds); i++) {
		char instance[16];

		(void)snprintf(instance, sizeof(instance), "p-%zu", i);
		fds[i] = open_bell(f, "inbox", instance);
	}
	doorbell_ring(f->ringer, "inbox");
	for (size_t i = 0; i < COUNT_OF(fds); i++) {
		rung += doorbell_drain(fds[i]);
		(void)close(fds[i]);
	}
	assert_int_equal(rung, 128);
	doorbell_ring(f->ringer, "inbox"); /* all gone: nothing happens */
}

static void names_and_paths_are_checked(void **state)
{
	static const struct {
		const char *topic, *instance;
	} rows[] = {
		{"", "processor-1"},
		{"inbox", ""},
		{"in/box", "p"},
		{"in@box", "p"},
		{"inbox", "../p"},
		{"inbox", "p/x"},
		{"..", "p"},
		{".inbox", "p"},
		{"inbox", "a@b"},
		{"inbox", "0123456789012345678901234567"
			  "89012345678901234567890123"},
	};
	struct fixture *f = *state;
	char deep[200];
	struct err e = {0};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int rc = doorbell_open(f->run_dir, rows[i].topic,
				       rows[i].instance, NULL);

		if (rc != ERR_INVALID)
			fail_msg("%s@%s: %d", rows[i].topic, rows[i].instance,
				 rc);
	}
	assert_int_equal(doorbell_open("/nonexistent", "inbox", "p-1", &e),
			 ERR_IO);
	memset(deep, 'd', sizeof(deep));
	deep[0] = '/';
	for (size_t n = 80; n < 120; n++) {
		deep[n] = '\0';
		/* "/" and "inbox@p-1.bell" follow: 107 in all are possible. */
		assert_int_equal(doorbell_open(deep, "inbox", "p-1", &e),
				 n + 15 <= 107 ? ERR_IO : ERR_INVALID);
		deep[n] = 'd';
	}
}

static void a_folder_that_is_gone_is_no_error(void **state)
{
	struct doorbell_ringer *ringer = NULL;

	(void)state;
	assert_int_equal(doorbell_ringer_new("/nonexistent", &ringer, NULL), 0);
	doorbell_ring(ringer, "inbox");
	doorbell_ringer_free(ringer);
	doorbell_ringer_free(NULL);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_bell_of_the_topic_rings_and_no_other),
		TEST(a_bell_does_not_block_and_is_not_inherited),
		TEST(a_full_bell_has_rung_already),
		TEST(a_new_bell_is_found_within_a_second),
		TEST(the_bell_of_a_dead_process_is_passed_over),
		TEST(a_successor_is_heard_at_once_when_the_name_is_known),
		TEST(other_files_are_left_alone),
		TEST(many_bells_are_bounded),
		TEST(names_and_paths_are_checked),
		TEST(a_folder_that_is_gone_is_no_error),
	};
	return cmocka_run_group_tests_name("doorbell", tests, NULL, NULL);
}
