/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/log.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "temp_folder.h"

enum {
	OUT_BYTES = 1024 * 1024
};

static char out[OUT_BYTES];

/* Run `write_lines` in a child whose stderr is a pipe; what it wrote is in
 * `out`. The log is a matter of a whole process, so each test has its own. */
static void collect(void (*write_lines)(void))
{
	size_t used = 0;
	int status = 0;
	int fds[2];
	pid_t child;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	child = fork();
	if (child == 0) {
		if (dup2(fds[1], STDERR_FILENO) < 0)
			_exit(1);
		write_lines();
		_exit(0);
	}
	(void)close(fds[1]);
	for (;;) {
		ssize_t got = read(fds[0], out + used, sizeof(out) - 1 - used);

		if (got <= 0)
			break;
		used += (size_t)got;
	}
	out[used] = '\0';
	(void)close(fds[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void check_out(const char *want)
{
	if (strcmp(out, want) != 0)
		fail_msg("wanted:\n%sgot:\n%s", want, out);
}

#define HEAD "ts=2026-11-22T03:04:05.678Z level="

static void open_at_a_known_time(const char *level)
{
	clock_fake(1795316645678, 0);
	log_open("hook", 2, level);
}

static void write_fields(void)
{
	struct err e;

	open_at_a_known_time("info");
	log_event(LOG_LEVEL_INFO, "started", LOG_NO_FIELDS);
	log_event(LOG_LEVEL_WARNING, "order late", LOG_TEXT("order", "H-17"),
		  LOG_I64("minutes", -5));
	(void)err_set(&e, ERR_BUSY, "lock of \"x\" is taken");
	log_error(&e, "claim failed", LOG_TEXT("channel", "kuper"));
}

static void a_line_is_logfmt_with_service_and_instance(void **state)
{
	(void)state;
	collect(write_fields);
	check_out(HEAD "info service=hook instance=2 msg=started\n" HEAD
		       "warning service=hook instance=2 msg=\"order late\""
		       " order=H-17 minutes=-5\n" HEAD
		       "error service=hook instance=2 msg=\"claim failed\""
		       " err=busy reason=\"lock of \\\"x\\\" is taken\""
		       " channel=kuper\n");
}

static void write_strange_values(void)
{
	static const char *const values[] = {
		"",        "a b",   "a=b",    "a\"b",     "a\\b",   "a\nb",
		"a\x01 b", "заказ", "за каз", "\xff\xfe", "\x7f x",
	};

	open_at_a_known_time("info");
	for (size_t i = 0; i < COUNT_OF(values); i++)
		log_event(LOG_LEVEL_INFO, "m", LOG_TEXT("v", values[i]));
}

static void no_value_breaks_out_of_its_field(void **state)
{
	static const char *const want[] = {
		"\"\"",       "\"a b\"",        "\"a=b\"",      "\"a\\\"b\"",
		"\"a\\\\b\"", "\"a\\nb\"",      "\"a\\x01 b\"", "заказ",
		"\"за каз\"", "\"\\xff\\xfe\"", "\"\\x7f x\"",
	};
	char *line = out;

	(void)state;
	collect(write_strange_values);
	for (size_t i = 0; i < COUNT_OF(want); i++) {
		char *value = strstr(line, " v=");
		char *end = strchr(line, '\n');

		if (value == NULL || end == NULL) {
			fail_msg("row %zu: no line", i);
			return;
		}
		*end = '\0';
		if (strcmp(value + 3, want[i]) != 0)
			fail_msg("row %zu: wanted %s, got %s", i, want[i],
				 value + 3);
		line = end + 1;
	}
	assert_string_equal(line, "");
}

static void write_personal(void)
{
	static const char *const keys[] = {
		"phone",   "name", "customer", "address",  "email",  "token",
		"comment", "body", "payload",  "password", "secret",
	};

	open_at_a_known_time("debug");
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		log_event(LOG_LEVEL_INFO, "m",
			  LOG_TEXT(keys[i], "MARKER-PERSONAL"));
	log_event(LOG_LEVEL_INFO, "m", LOG_I64("phone", 79161234567));
}

static void personal_values_are_never_written(void **state)
{
	(void)state;
	collect(write_personal);
	assert_null(strstr(out, "MARKER"));
	assert_null(strstr(out, "7916"));
	assert_non_null(strstr(out, "phone=(personal)\n"));
	assert_non_null(strstr(out, "token=(personal)\n"));
}

static void write_at_levels(void)
{
	static const char *const levels[] = {"error", "warning", "info",
					     "debug", "nonsense"};

	log_open("hook", 1, "debug");
	for (size_t i = 0; i < COUNT_OF(levels); i++) {
		log_set_level(levels[i]);
		log_event(LOG_LEVEL_ERROR, "E", LOG_NO_FIELDS);
		log_event(LOG_LEVEL_WARNING, "W", LOG_NO_FIELDS);
		log_event(LOG_LEVEL_INFO, "I", LOG_NO_FIELDS);
		log_event(LOG_LEVEL_DEBUG, "D", LOG_NO_FIELDS);
	}
}

static void the_level_decides_what_is_written(void **state)
{
	char letters[32];
	size_t n = 0;

	(void)state;
	collect(write_at_levels);
	for (const char *p = out; (p = strstr(p, "msg=")) != NULL; p++)
		letters[n++] = p[4];
	letters[n] = '\0';
	assert_string_equal(letters, "EEWEWIEWIDEWI");
}

static void write_long(void)
{
	char big[3000];

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	open_at_a_known_time("info");
	log_event(LOG_LEVEL_INFO, big, LOG_TEXT("a", big), LOG_TEXT("b", big),
		  LOG_TEXT("c", big), LOG_TEXT("d", big), LOG_I64("last", 7));
}

/* One write of at most PIPE_BUF bytes is never mixed with another's. */
static void a_line_has_a_maximum_and_keeps_its_end(void **state)
{
	(void)state;
	collect(write_long);
	assert_true(strlen(out) <= 4096);
	assert_int_equal(out[strlen(out) - 1], '\n');
	assert_non_null(strstr(out, " last=7\n"));
}

static void write_from_one_thread(void)
{
	for (int i = 0; i < 200; i++)
		log_event(LOG_LEVEL_INFO, "one whole line", LOG_I64("i", i));
}

static void *write_from_thread(void *unused)
{
	(void)unused;
	write_from_one_thread();
	return NULL;
}

static void write_from_threads(void)
{
	pthread_t threads[4];

	open_at_a_known_time("info");
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		if (pthread_create(&threads[i], NULL, write_from_thread, NULL))
			_exit(1);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		(void)pthread_join(threads[i], NULL);
}

static void lines_of_threads_are_whole(void **state)
{
	static const char head[] =
		HEAD "info service=hook instance=2 msg=\"one whole line\" i=";
	int lines = 0;

	(void)state;
	collect(write_from_threads);
	for (char *p = out; *p != '\0'; lines++) {
		char *end = strchr(p, '\n');

		if (end == NULL || strncmp(p, head, strlen(head)) != 0)
			fail_msg("line %d: %.100s", lines, p);
		p += strcspn(p, "\n") + 1;
	}
	assert_true(lines > 100);
}

/* The reader of stderr takes nothing: writing must neither wait nor fail, and
 * the next line that gets through tells how many were lost. */
static void a_stalled_reader_loses_lines_and_is_told(void **state)
{
	int64_t start_ms = clock_mono_ms();
	int saved = dup(STDERR_FILENO);
	int fds[2];
	char *dropped;
	ssize_t got;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
	log_open("hook", 1, "info");
	for (int i = 0; i < 5000; i++)
		log_event(LOG_LEVEL_INFO, "into the void", LOG_I64("i", i));
	got = read(fds[0], out, sizeof(out) - 1);
	assert_true(got > 0);
	log_event(LOG_LEVEL_INFO, "again", LOG_NO_FIELDS);
	(void)dup2(saved, STDERR_FILENO);
	(void)close(saved);
	assert_true(clock_mono_ms() - start_ms < 60000);
	assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	while (strstr(out, "msg=again") == NULL) {
		got = read(fds[0], out, sizeof(out) - 1);
		if (got <= 0)
			fail_msg("the last line did not get through");
		out[got] = '\0';
	}
	dropped = strstr(out, "msg=again dropped=");
	assert_non_null(dropped);
	assert_true(strtol(dropped + strlen("msg=again dropped="), NULL, 10) >
		    1000);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

/* Our log and others' writes to the same file share one offset. */
static void a_file_gets_all_lines_in_order(void **state)
{
	struct temp_folder folder;
	char text[4096];
	char path[TEMP_PATH_BYTES];
	int status = 0;
	pid_t child;

	(void)state;
	assert_int_equal(temp_folder_make(&folder), 0);
	child = fork();
	if (child == 0) {
		int fd = open(temp_path(&folder, "log", path),
			      O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
			_exit(1);
		log_open("hook", 1, "info");
		(void)dprintf(STDERR_FILENO, "first\n");
		log_event(LOG_LEVEL_INFO, "second", LOG_NO_FIELDS);
		(void)dprintf(STDERR_FILENO, "third\n");
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	temp_read(&folder, "log", text, sizeof(text));
	temp_folder_remove(&folder);
	assert_int_equal(strncmp(text, "first\nts=", 9), 0);
	assert_non_null(strstr(text, "msg=second\nthird\n"));
}

static void errno_survives_a_line(void **state)
{
	(void)state;
	errno = ENOTTY;
	log_event(LOG_LEVEL_DEBUG, "not written", LOG_NO_FIELDS);
	assert_int_equal(errno, ENOTTY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_logfmt_with_service_and_instance),
		cmocka_unit_test(no_value_breaks_out_of_its_field),
		cmocka_unit_test(personal_values_are_never_written),
		cmocka_unit_test(the_level_decides_what_is_written),
		cmocka_unit_test(a_line_has_a_maximum_and_keeps_its_end),
		cmocka_unit_test(lines_of_threads_are_whole),
		cmocka_unit_test(a_file_gets_all_lines_in_order),
		cmocka_unit_test(a_stalled_reader_loses_lines_and_is_told),
		cmocka_unit_test(errno_survives_a_line),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
