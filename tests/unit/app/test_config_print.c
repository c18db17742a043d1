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

static int load(const char *text, struct config **ret, struct err *e)
{
	char path[TEMP_PATH_BYTES];

	assert_int_equal(
		temp_write(&folder, "c.conf", text, strlen(text), 0600), 0);
	return config_load(temp_path(&folder, "c.conf", path), true, ret, e);
}

/* Print, load what was printed, and compare all bytes. */
static void check_round_trip(const struct config *config)
{
	CLEANUP(config_freep) struct config *again = NULL;
	CLEANUP_FREE char *text = NULL;
	struct err e = {0};
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	assert_non_null(out);
	config_print(config, out);
	(void)fclose(out);
	if (load(text, &again, &e) != 0)
		fail_msg("%s in:\n%s", e.text, text);
	/* Both began as zeros, padding and ends of texts included. */
	if (memcmp(config, again, sizeof(*config)) != 0)
		fail_msg("not the same after:\n%s", text);
}

static void what_is_printed_loads_as_the_same_configuration(void **state)
{
	static const char *const texts[] = {
		"",
		"store { url = \"sqlite:/a/b.db\" wal_checkpoint_pages = 100 }"
		"http { port = 1 listen = \"::\" server_name = \"a.b *.c\" "
		"trusted_networks = \"\" hook_networks = \"10.0.0.0/8\" "
		"request_body_bytes = 2048 requests_per_second = 0 "
		"tls_certificate = \"/c\" tls_key = \"/k\" }"
		"pool { hook = 0 assembly = 1 processor = 2 notifier = 3 }"
		"channel kuper { notifications_url = \"https://a/b?c=d&e\" "
		"auth = oauth token_url = \"https://t\" shipments_url = "
		"\"http://[::1]:9/s\" rate_per_second = 1 parallel = 2 "
		"timeout_ms = 101 send_accepted = false send_assembled = true "
		"not_found_is_auth = true quick_attempts = 1 probe_ms = 999 }",
		"telegram { base_url = \"\" admin_chat = \"@x\" "
		"messages_per_second = 1 chat_messages_per_minute = 2 "
		"timeout_ms = 7s expire_minutes = 0 }"
		"job telegram { enabled = false at = \"00:00\" time_zone = "
		"\"Asia/Omsk\" timeout = 61s misfire = all }"
		"job x-1 { every = 1001ms misfire = skip }"
		"rule order-late { enabled = no severity = info threshold = 5 "
		"for = 61s repeat = 1ms }",
		"invoicing { series = \"ОГ\" seller_name = "
		"'\\\\ \" # // /* ${X} $ {} \\' \\x' seller_inn = 7701234567 "
		"seller_kpp = \"7701AB001\" default_vat = 10 formats = {html} }"
		"retention { archive_after_minutes = 0 archive_days = 1 "
		"history_days = 2 personal_days = 3 backups = 4 }"
		"log { level = debug locale = en }",
		/* A shorter value leaves nothing of a longer one behind. */
		"log { level = warning } log { level = info }",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		CLEANUP(config_freep) struct config *config = NULL;
		struct err e = {0};

		if (load(texts[i], &config, &e) != 0)
			fail_msg("row %zu: %s", i, e.text);
		check_round_trip(config);
	}
}

static void what_is_printed_has_no_password(void **state)
{
	CLEANUP(config_freep) struct config *config = NULL;
	CLEANUP_FREE char *text = NULL;
	struct err e = {0};
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	(void)state;
	assert_non_null(out);
	if (load("store { url = \"postgresql://u:pass@h/d?sslmode=x\" }",
		 &config, &e) != 0)
		fail_msg("%s", e.text);
	config_print(config, out);
	(void)fclose(out);
	assert_non_null(strstr(text, "\turl = \"postgresql://u@h/d\"\n"));
	assert_null(strstr(text, "pass@"));
}

/* Presets are applied without their check; see config_merge.c. */
static void every_preset_passes_its_own_check(void **state)
{
	(void)state;
	for (const struct config_section *s = config_sections; s->name; s++)
		for (const struct config_option *o = s->options; o->key; o++) {
			struct err e = {0};

			if (o->check != NULL && o->preset != NULL &&
			    o->check(o->preset, &e) < 0)
				fail_msg("%s.%s: %s", s->name, o->key, e.text);
			assert_non_null(o->help);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_is_printed_loads_as_the_same_configuration),
		cmocka_unit_test(what_is_printed_has_no_password),
		cmocka_unit_test(every_preset_passes_its_own_check),
	};

	return cmocka_run_group_tests_name("config_print", tests, setup,
					   teardown);
}
