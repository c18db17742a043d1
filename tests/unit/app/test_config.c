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

static const void *find_part(const struct config *config,
			     const struct config_section *section,
			     const char *title)
{
	const char *part = (const char *)config + section->offset;

	for (int i = 0; i < section->entries_max; i++) {
		if (strcmp(part, title) == 0)
			return part;
		part += section->entry_bytes;
	}
	return section->entries_max == 0 ? part : NULL;
}

/* The value of "section.key" or "section.title.key" as it is printed. */
static void value_of(const struct config *config, const char *name,
		     char value[CONFIG_VALUE_BYTES])
{
	CLEANUP(buf_clear) struct buf out = BUF_MAX(CONFIG_VALUE_BYTES - 1);
	char copy[128];
	char *title;
	char *key;
	const struct config_section *section;

	(void)snprintf(copy, sizeof(copy), "%s", name);
	title = strchr(copy, '.');
	if (title == NULL) {
		fail_msg("%s is no name", name);
		return;
	}
	*title++ = '\0';
	key = strrchr(title, '.');
	if (key == NULL)
		key = title;
	else
		*key++ = '\0';
	section = config_section_of(copy);
	config_value_print(config_option_of(section, key),
			   find_part(config, section, title), &out);
	(void)snprintf(value, CONFIG_VALUE_BYTES, "%s", buf_text(&out));
}

struct want {
	const char *text; /* of the file */
	const char *name;
	const char *value; /* as printed */
};

static void check_values(const struct want *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		CLEANUP(config_freep) struct config *config = NULL;
		char value[CONFIG_VALUE_BYTES];
		struct err e = {0};
		int rc = load(rows[i].text, &config, &e);

		if (rc != 0)
			fail_msg("row %zu: %s", i, e.text);
		value_of(config, rows[i].name, value);
		if (strcmp(value, rows[i].value) != 0)
			fail_msg("row %zu: %s is %s, not %s", i, rows[i].name,
				 value, rows[i].value);
	}
}

static void an_empty_file_gives_the_promised_defaults(void **state)
{
	static const struct want rows[] = {
		{"", "store.url", "\"sqlite:ordergate.db\""},
		{"", "http.port", "8443"},
		{"", "http.listen", "\"127.0.0.1\""},
		{"", "http.trusted_networks", "\"127.0.0.0/8 ::1\""},
		{"", "http.hook_networks", "\"\""},
		{"", "http.request_body_bytes", "1048576"},
		{"", "http.requests_per_second", "100"},
		{"", "pool.hook", "4"},
		{"", "pool.assembly", "4"},
		{"", "pool.erp", "1"},
		{"", "pool.processor", "1"},
		{"", "erp.upload_bytes", "536870912"},
		{"", "pool.notifier", "1"},
		{"", "channel.kuper.notifications_url", "\"\""},
		{"", "channel.kuper.auth", "\"client-token\""},
		{"", "channel.kuper.rate_per_second", "20"},
		{"", "channel.kuper.probe_ms", "10s"},
		{"", "channel.kuper.timeout_ms", "8s"},
		{"", "telegram.base_url", "\"https://api.telegram.org\""},
		{"", "telegram.admin_chat", "\"\""},
		{"", "job.telegram.every", "10s"},
		{"", "job.telegram.misfire", "\"once\""},
		{"", "job.monitor.every", "1m"},
		{"", "job.mail.every", "30s"},
		{"", "mail.security", "\"starttls\""},
		{"", "mail.telegram_minutes", "10m"},
		{"", "rule.order-late.mail", "true"},
		{"", "rule.mail-failing.mail", "false"},
		{"", "job.monitor.misfire", "\"once\""},
		{"", "job.invoicing.every", "1h"},
		{"", "job.invoicing.misfire", "\"all\""},
		{"", "job.housekeeping.at", "\"03:30\""},
		{"", "job.backup.at", "\"02:30\""},
		{"", "job.backup.misfire", "\"once\""},
		{"", "job.backup.time_zone", "\"Europe/Moscow\""},
		{"", "rule.order-late.enabled", "true"},
		{"", "rule.order-late.severity", "\"critical\""},
		{"", "rule.order-late.for", "0s"},
		{"", "rule.store-unknown.severity", "\"info\""},
		{"", "invoicing.default_vat", "\"\""},
		{"", "invoicing.formats",
		 "{\"json\", \"csv\", \"commerceml\"}"},
		{"", "log.level", "\"info\""},
		{"", "log.locale", "\"ru\""},
	};
	CLEANUP(config_freep) struct config *config = NULL;

	(void)state;
	check_values(rows, COUNT_OF(rows));
	assert_int_equal(config_load(NULL, false, &config, NULL), 0);
	assert_int_equal(config->job_count, 8);
	assert_int_equal(config->rule_count, 41);
	assert_null(config_job(config, "nonesuch"));
	assert_non_null(config_rule(config, "breaker-open"));
}

static void values_are_read_in_all_their_spellings(void **state)
{
	static const struct want rows[] = {
		{"http { port = 1 }", "http.port", "1"},
		{"http { port = \"65535\" }", "http.port", "65535"},
		{"http {\r\n port = 7\r\n}\r\n", "http.port", "7"},
		{"job monitor { every = 500s }", "job.monitor.every", "500s"},
		{"job monitor { every = 5000ms }", "job.monitor.every", "5s"},
		{"job monitor { every = 90 }", "job.monitor.every", "90s"},
		{"job monitor { every = 7d }", "job.monitor.every", "7d"},
		{"channel kuper { probe_ms = 250 }", "channel.kuper.probe_ms",
		 "250ms"},
		{"channel kuper { probe_ms = 15s }", "channel.kuper.probe_ms",
		 "15s"},
		{"telegram { expire_minutes = 90 }", "telegram.expire_minutes",
		 "90m"},
		{"telegram { expire_minutes = 2h }", "telegram.expire_minutes",
		 "2h"},
		{"retention { archive_days = 30 }", "retention.archive_days",
		 "30d"},
		{"rule order-late { for = 0 }", "rule.order-late.for", "0s"},
		{"rule order-late { enabled = off }", "rule.order-late.enabled",
		 "false"},
		{"rule order-late { enabled = yes }", "rule.order-late.enabled",
		 "true"},
		{"invoicing { seller_name = \"ООО \\\"Ромашка\\\"\" }",
		 "invoicing.seller_name", "\"ООО \\\"Ромашка\\\"\""},
		{"invoicing { seller_name = 'a # b // c ${HOME}' }",
		 "invoicing.seller_name", "\"a # b // c \\${HOME}\""},
		{"invoicing { seller_name = \"\\${HOME}\" }",
		 "invoicing.seller_name", "\"\\${HOME}\""},
		{"invoicing { formats = {html, \"csv\"} }", "invoicing.formats",
		 "{\"html\", \"csv\"}"},
		{"invoicing { formats = csv }", "invoicing.formats",
		 "{\"csv\"}"},
		{"invoicing { default_vat = none }", "invoicing.default_vat",
		 "\"none\""},
		{"telegram { base_url = \"http://127.0.0.1:8081/x\" }",
		 "telegram.base_url", "\"http://127.0.0.1:8081/x\""},
		{"telegram { base_url = http://[::1]:1/ }", "telegram.base_url",
		 "\"http://[::1]:1/\""},
		{"telegram { base_url = \"\" }", "telegram.base_url", "\"\""},
		{"telegram { admin_chat = -100123 }", "telegram.admin_chat",
		 "\"-100123\""},
		{"job another { every = 5m }", "job.another.timeout", "1m"},
		{"store { url = \"postgresql://db/og\" }", "store.url",
		 "\"postgresql://db/og\""},
		{"http { /* a\n b */ port = 9 # c\n // d\n}", "http.port", "9"},
	};

	(void)state;
	check_values(rows, COUNT_OF(rows));
}

static void parts_of_a_section_merge_and_the_last_one_wins(void **state)
{
	static const char text[] = "http { port = 1 listen = \"::1\" }\n"
				   "job monitor { every = 5s }\n"
				   "job telegram { every = 7s }\n"
				   "http { port = 2 }\n"
				   "job monitor { timeout = 9s }\n"
				   "channel kuper { rate_per_second = 30 }\n"
				   "channel kuper { parallel = 3 }\n"
				   "invoicing { formats = {json, csv} }\n"
				   "invoicing { formats = {html} }\n"
				   "http { port = 3 port = 4 }\n";
	static const struct want rows[] = {
		{text, "http.port", "4"},
		{text, "http.listen", "\"::1\""},
		{text, "http.requests_per_second", "100"},
		{text, "job.monitor.every", "5s"},
		{text, "job.monitor.timeout", "9s"},
		{text, "job.monitor.misfire", "\"once\""},
		{text, "job.telegram.every", "7s"},
		{text, "channel.kuper.rate_per_second", "30"},
		{text, "channel.kuper.parallel", "3"},
		{text, "invoicing.formats", "{\"html\"}"},
	};

	(void)state;
	check_values(rows, COUNT_OF(rows));
}

static void every_and_at_take_each_others_place(void **state)
{
	CLEANUP(config_freep) struct config *config = NULL;

	(void)state;
	assert_int_equal(load("job backup { every = 6h }\n"
			      "job monitor { at = \"23:59\" }",
			      &config, NULL),
			 0);
	assert_int_equal(config_job(config, "backup")->every_ms, 6 * 3600000);
	assert_string_equal(config_job(config, "backup")->at, "");
	assert_int_equal(config_job(config, "monitor")->every_ms, 0);
	assert_string_equal(config_job(config, "monitor")->at, "23:59");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_file_gives_the_promised_defaults),
		cmocka_unit_test(values_are_read_in_all_their_spellings),
		cmocka_unit_test(
			parts_of_a_section_merge_and_the_last_one_wins),
		cmocka_unit_test(every_and_at_take_each_others_place),
	};

	return cmocka_run_group_tests_name("config", tests, setup, teardown);
}
