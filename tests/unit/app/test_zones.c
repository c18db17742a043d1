/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/zones.h"
#include "base/err.h"
#include "temp_folder.h"

static void zones_of_this_machine_have_their_offsets(void **state)
{
	static const struct {
		const char *name;
		int64_t wall_ms; /* 2026-07-01 or 2026-01-01, 12:00 UTC */
		int offset_s;
	} rows[] = {
		{"Europe/Moscow", 1782907200000, 3 * 3600},
		{"Asia/Omsk", 1782907200000, 6 * 3600},
		{"Europe/Berlin", 1782907200000, 2 * 3600},
		{"Europe/Berlin", 1767268800000, 3600},
		{"Etc/GMT+5", 1782907200000, -5 * 3600},
		{"UTC", 1782907200000, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct zone *zone = NULL;
		struct err e = {0};

		if (zones_get(rows[i].name, &zone, &e) != 0)
			fail_msg("row %zu: %s", i, e.text);
		if (zone_offset_s(zone, rows[i].wall_ms) != rows[i].offset_s)
			fail_msg("row %zu %s: %d", i, rows[i].name,
				 zone_offset_s(zone, rows[i].wall_ms));
	}
}

static void a_zone_is_read_once(void **state)
{
	const struct zone *first = NULL;
	const struct zone *again = NULL;

	(void)state;
	assert_int_equal(zones_get("Europe/Moscow", &first, NULL), 0);
	assert_int_equal(zones_get("Europe/Moscow", &again, NULL), 0);
	assert_ptr_equal(first, again);
}

static void what_is_no_zone_is_refused(void **state)
{
	static const struct {
		const char *name;
		int rc;
	} rows[] = {
		{"", ERR_INVALID},
		{"..", ERR_INVALID},
		{"../zoneinfo/UTC", ERR_INVALID},
		{"Europe/../UTC", ERR_INVALID},
		{"/etc/localtime", ERR_INVALID},
		{"Europe//Moscow", ERR_INVALID},
		{"Europe/", ERR_INVALID},
		{"Europe", ERR_INVALID},
		{"tzdata.zi", ERR_INVALID},
		{"Europe/Moscow\n", ERR_INVALID},
		{"right/UTC", ERR_INVALID},
		{"Europe/Nowhere", ERR_NOTFOUND},
		{"Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		 "aa"
		 "a",
		 ERR_INVALID},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct zone *zone = NULL;
		struct err e = {0};
		int rc = zones_get(rows[i].name, &zone, &e);

		if (rc != rows[i].rc || zone != NULL ||
		    zones_check(rows[i].name, NULL) != rows[i].rc)
			fail_msg("row %zu '%s': %s", i, rows[i].name,
				 err_name(rc));
	}
}

/* A folder with tz data of our own making. */
static void damaged_and_foreign_files_are_refused(void **state)
{
	struct temp_folder folder;
	char path[TEMP_PATH_BYTES];
	char *big = calloc(1, ZONE_FILE_BYTES_MAX + 1);
	const struct zone *zone = NULL;
	struct err e = {0};

	(void)state;
	assert_non_null(big);
	assert_int_equal(temp_folder_make(&folder), 0);
	assert_int_equal(setenv("TZDIR", folder.path, 1), 0);
	assert_int_equal(temp_write(&folder, "Text", "hello", 5, 0600), 0);
	assert_int_equal(temp_write(&folder, "Empty", "", 0, 0600), 0);
	assert_int_equal(
		temp_write(&folder, "Big", big, ZONE_FILE_BYTES_MAX + 1, 0600),
		0);
	assert_int_equal(mkfifo(temp_path(&folder, "Fifo", path), 0600), 0);
	assert_int_equal(zones_get("Text", &zone, &e), ERR_INVALID);
	assert_int_equal(zones_get("Empty", &zone, &e), ERR_INVALID);
	assert_int_equal(zones_get("Big", &zone, &e), ERR_INVALID);
	assert_int_equal(zones_get("Fifo", &zone, &e), ERR_INVALID);
	assert_int_equal(zones_get("Asia/Tomsk", &zone, &e), ERR_NOTFOUND);
	assert_non_null(strstr(e.text, "tzdata"));
	(void)unsetenv("TZDIR");
	temp_folder_remove(&folder);
	free(big);
}

static void *get_some(void *context)
{
	static const char *const names[] = {"Asia/Yekaterinburg", "Asia/Chita",
					    "Asia/Magadan", "Asia/Sakhalin"};
	const struct zone *zone;

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (zones_get(names[i], &zone, NULL) != 0)
			*(int *)context = -1;
	return NULL;
}

static void threads_share_the_zones(void **state)
{
	pthread_t threads[4];
	int rc[COUNT_OF(threads)] = {0};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, get_some, &rc[i]), 0);
	for (size_t i = 0; i < COUNT_OF(threads); i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(rc[i], 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zones_of_this_machine_have_their_offsets),
		cmocka_unit_test(a_zone_is_read_once),
		cmocka_unit_test(what_is_no_zone_is_refused),
		cmocka_unit_test(damaged_and_foreign_files_are_refused),
		cmocka_unit_test(threads_share_the_zones),
	};

	return cmocka_run_group_tests_name("zones", tests, NULL, NULL);
}
