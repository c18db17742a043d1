/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "fault_vfs.h"
#include "service_trial.h"
#include "store/engine/writer.h"
#include "store/queue/inbox.h"
#include "store/queue/quarantine.h"

/* Those builds trace themselves at the end; see service_process.c. */
#if defined(__SANITIZE_ADDRESS__)
#define LEAK_CHECKED true
#elif defined(__has_feature)
#define LEAK_CHECKED __has_feature(address_sanitizer)
#else
#define LEAK_CHECKED false
#endif

enum {
	IOERR = 10 /* SQLITE_IOERR */
};

static int fail_work(struct service *s, struct err *e)
{
	static int count;

	(void)s;
	trial_tell_call();
	return err_set(e, ERR_BUSY, "trouble of kind %d", count++ % 2);
}

static const struct service_def failing = {
	.name = "processor",
	.summary = "a loop that always fails",
	.many = true,
	.work = fail_work,
};

static void a_lasting_error_is_logged_once(void **state)
{
	pid_t pid;

	(void)state;
	trial_config("");
	pid = trial_start(&failing);
	for (int i = 0; i < 5; i++)
		trial_wait_for_call();
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(trial_exit_code(pid), 0);
	assert_int_equal(trial_count("err", "msg=\"work failed\""), 2);
	assert_int_equal(trial_count("err", "trouble of kind 0"), 1);
	assert_int_equal(trial_count("err", "trouble of kind 1"), 1);
}

/* Each second call finds nothing due. */
static int fail_now_and_then(struct service *s, struct err *e)
{
	static int count;

	trial_tell_call();
	s->wait_ms = 1;
	s->untried = count++ % 2 == 1;
	return s->untried ? 0 : err_set(e, ERR_BUSY, "trouble");
}

static const struct service_def failing_at_times = {
	.name = "processor",
	.summary = "a loop that fails whenever it tries",
	.many = true,
	.work = fail_now_and_then,
};

static void what_was_not_tried_is_no_success(void **state)
{
	pid_t pid;

	(void)state;
	trial_config("");
	pid = trial_start(&failing_at_times);
	for (int i = 0; i < 6; i++)
		trial_wait_for_call();
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(trial_exit_code(pid), 0);
	assert_int_equal(trial_count("err", "msg=\"work failed\""), 1);
	assert_int_equal(trial_count("err", "goes on again"), 0);
}

/* An empty transaction would not touch the disk. */
static int run_write(struct unit *u, struct db *db, int64_t now_ms,
		     struct err *e)
{
	(void)u;
	return quarantine_add(db, "test", "written", "x", 1, now_ms, e);
}

/* Writes that meet a dead disk. */
static int write_to_dead_disk(struct service *s, struct err *e)
{
	struct unit unit = {.run = run_write};
	struct err why = {0};

	(void)e;
	fault_vfs_arm(1, IOERR, true);
	(void)writer_call(s->writer, &unit, &why);
	return 0;
}

static const struct service_def unlucky = {
	.name = "processor",
	.summary = "a loop whose disk dies",
	.many = true,
	.work = write_to_dead_disk,
};

static void a_broken_store_ends_the_process(void **state)
{
	const char *const arguments[] = {"--state", trial_folder.path, NULL};

	(void)state;
	assert_int_equal(
		trial_exit_code(trial_start_with(&unlucky, NULL, arguments)),
		1);
	trial_has("err", "the store failed");
}

static void never_stop(struct service *s)
{
	(void)s;
	for (;;)
		(void)pause();
}

static int do_nothing(struct service *s, struct err *e)
{
	(void)s;
	(void)e;
	return 0;
}

static const struct service_def stubborn = {
	.name = "processor",
	.summary = "a loop that cannot stop",
	.many = true,
	.work = do_nothing,
	.stop = never_stop,
};

static void draining_has_an_end(void **state)
{
	int64_t start_ms;
	pid_t pid;

	(void)state;
	trial_config("");
	pid = trial_start(&stubborn);
	trial_wait_for("READY=1");
	start_ms = clock_mono_ms();
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(trial_exit_code(pid), 0);
	assert_true(clock_mono_ms() - start_ms < 20000);
	trial_has("err", "draining took too long");
}

/* Procedures. */

static int run_well(struct service *s, struct buf *ret_line, struct err *e)
{
	(void)s;
	(void)e;
	buf_add_text(ret_line, "{\"done\":1,\n\"rest\":0}");
	return 0;
}

static int run_badly(struct service *s, struct buf *ret_line, struct err *e)
{
	(void)s;
	(void)ret_line;
	return err_set(e, ERR_REMOTE, "nobody answers");
}

/* Waits for SIGTERM as a procedure should: between two pieces of work. */
static int run_long(struct service *s, struct buf *ret_line, struct err *e)
{
	(void)e;
	trial_tell_call();
	while (!service_stopping(s))
		(void)poll(NULL, 0, 5);
	buf_add_text(ret_line, "stopped early");
	return 0;
}

/* What the process is to the kernel. */
static int run_inspect(struct service *s, struct buf *ret_line, struct err *e)
{
	struct sigaction pipe_action;
	struct rlimit core;
	mode_t mask = umask(0);

	(void)s;
	if (sigaction(SIGPIPE, NULL, &pipe_action) < 0 ||
	    getrlimit(RLIMIT_CORE, &core) < 0)
		return err_set(e, ERR_IO, "inspection failed");
	buf_printf(ret_line, "umask %03o core %d ignored %d dumpable %d",
		   (unsigned)mask, (int)core.rlim_max,
		   pipe_action.sa_handler == SIG_IGN,
		   LEAK_CHECKED ? 0 : prctl(PR_GET_DUMPABLE));
	return 0;
}

#define PROCEDURE(function)                                               \
	{                                                                 \
		.name = "monitor", .summary = "a procedure of the tests", \
		.run = (function)                                         \
	}
static const struct service_def good = PROCEDURE(run_well);
static const struct service_def bad = PROCEDURE(run_badly);
static const struct service_def longer = PROCEDURE(run_long);
static const struct service_def inspect = PROCEDURE(run_inspect);

static void memory_is_never_dumped_and_files_are_ours(void **state)
{
	const char *const arguments[] = {"--state", trial_folder.path, NULL};

	(void)state;
	assert_int_equal(
		trial_exit_code(trial_start_with(&inspect, NULL, arguments)),
		0);
	trial_has("out", "umask 027 core 0 ignored 1 dumpable 0\n");
}

static void open_result(void)
{
	trial_redirect("result", 3);
	(void)setenv("ORDERGATE_RESULT_FD", "3", 1);
}

static void a_procedure_reports_one_line_and_its_exit_code(void **state)
{
	const char *const arguments[] = {"--state", trial_folder.path, NULL};
	static const struct {
		const struct service_def *def;
		bool has_result_fd;
		int exit_code;
		const char *out;
		const char *result;
	} rows[] = {
		{&good, false, 0, "{\"done\":1, \"rest\":0}\n", ""},
		{&good, true, 0, "", "{\"done\":1, \"rest\":0}\n"},
		{&bad, false, 1, "", ""},
		{&bad, true, 1, "", "nobody answers\n"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char text[TRIAL_OUTPUT_BYTES];
		pid_t pid = trial_start_with(
			rows[i].def, rows[i].has_result_fd ? open_result : NULL,
			arguments);

		assert_int_equal(trial_exit_code(pid), rows[i].exit_code);
		temp_read(&trial_folder, "out", text, sizeof(text));
		assert_string_equal(text, rows[i].out);
		temp_read(&trial_folder, "result", text, sizeof(text));
		assert_string_equal(text, rows[i].result);
		(void)temp_write(&trial_folder, "result", "", 0, 0600);
		if (rows[i].exit_code != 0)
			trial_has("err", "nobody answers");
	}
}

static void a_procedure_hears_sigterm(void **state)
{
	const char *const arguments[] = {"--state", trial_folder.path, NULL};
	pid_t pid = trial_start_with(&longer, NULL, arguments);

	(void)state;
	trial_wait_for_call();
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(trial_exit_code(pid), 0);
	trial_has("out", "stopped early\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TRIAL(a_lasting_error_is_logged_once),
		TRIAL(what_was_not_tried_is_no_success),
		TRIAL(a_broken_store_ends_the_process),
		TRIAL(draining_has_an_end),
		TRIAL(memory_is_never_dumped_and_files_are_ours),
		TRIAL(a_procedure_reports_one_line_and_its_exit_code),
		TRIAL(a_procedure_hears_sigterm),
	};

	/* Before the first store: its connections choose their VFS then. */
	fault_vfs_install();
	trial_forget_environment();
	return cmocka_run_group_tests_name("service work", tests, NULL, NULL);
}
