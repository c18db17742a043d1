/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "service_trial.h"
#include "store/engine/db.h"

static int do_nothing(struct service *s, struct err *e)
{
	(void)s;
	(void)e;
	return 0;
}

static void abort_if_stopped(struct service *s)
{
	(void)s;
	abort();
}

static int refuse_to_start(struct service *s, struct err *e)
{
	(void)s;
	return err_set(e, ERR_NOTFOUND, "there is no catalogue: import one");
}

static const struct service_def unready = {.name = "processor",
					   .summary =
						   "a loop that cannot start",
					   .many = true,
					   .start = refuse_to_start,
					   .work = do_nothing,
					   .stop = abort_if_stopped};

static void what_start_refuses_is_the_only_line(void **state)
{
	char text[TRIAL_OUTPUT_BYTES];

	(void)state;
	trial_config("");
	assert_int_equal(trial_exit_code(trial_start(&unready)), 1);
	temp_read(&trial_folder, "err", text, sizeof(text));
	assert_string_equal(text, "ordergate-processor: there is no catalogue:"
				  " import one\n");
}

struct refusal {
	const char *arguments[6];
	int exit_code;
	const char *err; /* the only line begins so, and goes on with part */
	const char *part;
};

static void what_cannot_start_says_why_in_one_line(void **state)
{
	char text[TRIAL_OUTPUT_BYTES];
	char config[TEMP_PATH_BYTES];
	char empty[TEMP_PATH_BYTES];
	char absent[TEMP_PATH_BYTES];
	const struct refusal rows[] = {
		{{"--nonsense"}, 2, "ordergate-hook: unknown", "--help"},
		{{"--state"}, 2, "ordergate-hook: a value", "--help"},
		{{"extra"}, 2, "ordergate-hook: unexpected", "'extra'"},
		{{"--instance", "0"}, 2, "ordergate-hook: --instance", "'0'"},
		{{"--instance", "x"}, 2, "ordergate-hook: --instance", "'x'"},
		{{"--config", config, "--check-config"},
		 1,
		 "ordergate-hook: ",
		 "c.conf:1: http.port: '0'"},
		{{"--config", config, "--state", trial_folder.path},
		 1,
		 "ordergate-hook: ",
		 "c.conf:1: http.port: '0'"},
		{{"--config", absent, "--state", trial_folder.path},
		 1,
		 "ordergate-hook: ",
		 "absent: there is no such"},
		{{"--state", absent},
		 1,
		 "ordergate-hook: state directory ",
		 "ordergatectl"},
		{{"--state", empty}, 1, "ordergate-hook: ", "init"},
	};

	(void)state;
	trial_config("http { port = 0 }");
	(void)temp_path(&trial_folder, "c.conf", config);
	(void)temp_path(&trial_folder, "export", empty);
	(void)temp_path(&trial_folder, "absent", absent);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int code = trial_exit_code(
			trial_start_with(&trial_hook, NULL, rows[i].arguments));

		temp_read(&trial_folder, "err", text, sizeof(text));
		if (code != rows[i].exit_code ||
		    strncmp(text, rows[i].err, strlen(rows[i].err)) != 0 ||
		    strstr(text, rows[i].part) == NULL ||
		    strchr(text, '\n') != text + strlen(text) - 1)
			fail_msg("row %zu: %d %s", i, code, text);
	}
}

static void a_store_of_a_newer_version_is_refused(void **state)
{
	const char *const arguments[] = {"--state", trial_folder.path, NULL};
	struct db *db = NULL;
	char path[STATE_STORE_BYTES];
	struct err e = {0};

	(void)state;
	assert_int_equal(state_dir_store_path(&trial_dir, "sqlite:ordergate.db",
					      path, NULL),
			 0);
	assert_int_equal(db_open(path, DB_WRITE, &db, &e), 0);
	if (db_script(db,
		      "UPDATE store_meta SET version = 99999,"
		      " min_reader = 99999",
		      &e) < 0)
		fail_msg("%s", e.text);
	db_close(db);
	assert_int_equal(
		trial_exit_code(trial_start_with(&trial_hook, NULL, arguments)),
		1);
	trial_has("err", "ordergate-hook: ");
	trial_has("err", "99999");
	assert_int_equal(trial_count("err", "\n"), 1);
}

static void questions_are_answered_on_stdout(void **state)
{
	static const struct {
		const char *argument;
		const char *part;
	} rows[] = {
		{"--help", "Usage: ordergate-hook [--config FILE] [--state DIR]"
			   " [--instance N]\na hook of the tests\n"},
		{"--version", "ordergate-hook " ORDERGATE_VERSION "\n"},
		{"--check-config", "c.conf: ok\n"},
		{"--print-config", "\tport = 1234\n"},
	};
	char config[TEMP_PATH_BYTES];

	(void)state;
	trial_config("http { port = 1234 }");
	(void)temp_path(&trial_folder, "c.conf", config);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *const arguments[] = {"--config", config,
						 rows[i].argument, NULL};

		assert_int_equal(trial_exit_code(trial_start_with(
					 &trial_hook, NULL, arguments)),
				 0);
		trial_has("out", rows[i].part);
	}
	assert_int_equal(trial_count("err", "\n"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TRIAL(what_start_refuses_is_the_only_line),
		TRIAL(what_cannot_start_says_why_in_one_line),
		TRIAL(a_store_of_a_newer_version_is_refused),
		TRIAL(questions_are_answered_on_stdout),
	};

	trial_forget_environment();
	return cmocka_run_group_tests_name("service start", tests, NULL, NULL);
}
