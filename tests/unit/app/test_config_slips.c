/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "app/config/config.h"
#include "base/err.h"
#include "base/macros.h"
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

static int load(const char *text, struct config **ret, struct err *e)
{
	char path[TEMP_PATH_BYTES];

	assert_int_equal(
		temp_write(&folder, "c.conf", text, strlen(text), 0600), 0);
	return config_load(temp_path(&folder, "c.conf", path), true, ret, e);
}

static void what_contradicts_itself_is_refused(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"job telegram {\n every = 10s\n cron = \"* * * * *\" }",
		 ":3: job.telegram.cron: not together with every"},
		{"job backup { at = \"02:00\" every = 1h }",
		 ":1: job.backup.every: not together with at"},
		{"window w { at = \"02:00\" length = 3h rule = \"nope\" }",
		 ":1: window.w.rule: there is no such rule, only: order-late"},
		{"invoicing { series = \"\" }",
		 ":1: invoicing.series: is empty"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(config_freep) struct config *config = NULL;
		struct err e = {0};

		if (load(rows[i].text, &config, &e) != ERR_INVALID ||
		    strstr(e.text, rows[i].want) == NULL)
			fail_msg("%s: %s", rows[i].text, e.text);
	}
}

static void a_later_part_may_name_another_timetable(void **state)
{
	CLEANUP(config_freep) struct config *config = NULL;

	(void)state;
	assert_int_equal(load("job backup { every = 6h }\n"
			      "job backup { at = \"23:59\" }\n"
			      "window w { at = \"02:00\" length = 3h"
			      " rule = order-late }",
			      &config, NULL),
			 0);
	assert_int_equal(config_job(config, "backup")->every_ms, 0);
	assert_string_equal(config_job(config, "backup")->at, "23:59");
}

static void what_is_allowed_is_not_cut_in_a_word(void **state)
{
	static const char *const texts[] = {"http { prot = 1 }",
					    "rule order-latte {}"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		CLEANUP(config_freep) struct config *config = NULL;
		CLEANUP(config_freep) struct config *whole = NULL;
		struct err e = {0};
		char *last;
		size_t bytes;

		assert_int_equal(load(texts[i], &config, &e), ERR_INVALID);
		bytes = strlen(e.text);
		assert_true(bytes > 200);
		assert_string_equal(e.text + bytes - 4, " ...");
		e.text[bytes - 4] = '\0';
		last = strrchr(e.text, ' ') + 1;
		/* The last word is one that is allowed. */
		if (i == 0) {
			char text[128];

			(void)snprintf(text, sizeof(text), "http { %s = }",
				       last);
			assert_int_equal(load(text, &whole, &e), ERR_INVALID);
			assert_null(strstr(e.text, "no such key"));
		} else {
			assert_int_equal(load("", &whole, NULL), 0);
			assert_non_null(config_rule(whole, last));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_contradicts_itself_is_refused),
		cmocka_unit_test(a_later_part_may_name_another_timetable),
		cmocka_unit_test(what_is_allowed_is_not_cut_in_a_word),
	};

	return cmocka_run_group_tests_name("config_slips", tests, setup,
					   teardown);
}
