/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <dirent.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/secret.h"
#include "app/state_dir.h"
#include "base/err.h"
#include "base/id.h"
#include "temp_folder.h"

static struct temp_folder folder;
static struct state_dir dir;

static int setup(void **state)
{
	(void)state;
	(void)unsetenv("CREDENTIALS_DIRECTORY");
	if (temp_folder_make(&folder) < 0)
		return -1;
	return state_dir_open(folder.path, true, &dir, NULL);
}

static int teardown(void **state)
{
	(void)state;
	temp_folder_remove(&folder);
	return 0;
}

static void put(const char *text, mode_t mode)
{
	assert_int_equal(temp_write(&folder, "secrets/hook-token", text,
				    strlen(text), mode),
			 0);
}

static void a_file_holds_one_line_or_two(void **state)
{
	static const struct {
		const char *text;
		const char *first; /* NULL: refused */
		const char *second;
	} rows[] = {
		{"abc", "abc", ""},
		{"abc\n", "abc", ""},
		{"abc\r\n", "abc", ""},
		{"abc\ndef", "abc", "def"},
		{"abc\r\ndef\r\n", "abc", "def"},
		{"abc\n\n", NULL, NULL},
		{"abc\ndef\nghi", NULL, NULL},
		{"", NULL, NULL},
		{"\n", NULL, NULL},
		{"\nabc", NULL, NULL},
		{"a b", NULL, NULL},
		{"abc ", NULL, NULL},
		{" abc", NULL, NULL},
		{"a\tb", NULL, NULL},
		{"a\x01", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct secret secret = {.first = "untouched"};
		struct err e = {0};
		int rc;

		put(rows[i].text, 0600);
		rc = secret_load(&dir, "hook-token", &secret, &e);
		if (rc != (rows[i].first != NULL ? 0 : ERR_INVALID))
			fail_msg("row %zu: %s %s", i, err_name(rc), e.text);
		if (rc < 0) {
			assert_string_equal(secret.first, "untouched");
			continue;
		}
		assert_string_equal(secret.first, rows[i].first);
		assert_string_equal(secret.second, rows[i].second);
	}
}

static void the_text_of_an_error_never_holds_the_secret(void **state)
{
	static const char *const texts[] = {"topsecret x", "topsecret\n\n",
					    "topsecret\na\nb"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct secret secret;
		struct err e = {0};

		put(texts[i], 0600);
		assert_int_equal(secret_load(&dir, "hook-token", &secret, &e),
				 ERR_INVALID);
		assert_null(strstr(e.text, "topsecret"));
		assert_non_null(strstr(e.text, "hook-token"));
	}
}

static void lengths_are_limited(void **state)
{
	char text[SECRET_BYTES_MAX + 2];
	struct secret secret;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[SECRET_BYTES_MAX - 1] = '\0';
	put(text, 0600);
	assert_int_equal(secret_load(&dir, "hook-token", &secret, NULL), 0);
	assert_int_equal(strlen(secret.first), SECRET_BYTES_MAX - 1);
	text[SECRET_BYTES_MAX - 1] = 'x';
	text[SECRET_BYTES_MAX] = '\0';
	put(text, 0600);
	assert_int_equal(secret_load(&dir, "hook-token", &secret, NULL),
			 ERR_INVALID);
}

static void a_file_open_to_everyone_is_refused(void **state)
{
	struct secret secret;
	struct err e = {0};

	(void)state;
	put("abc", 0640);
	assert_int_equal(secret_load(&dir, "hook-token", &secret, &e), 0);
	put("abc", 0644);
	assert_int_equal(secret_load(&dir, "hook-token", &secret, &e),
			 ERR_INVALID);
	assert_non_null(strstr(e.text, "chmod 600"));
}

static void only_names_of_secrets_are_looked_for(void **state)
{
	static const char *const names[] = {
		"../ordergate.db", "", ".", "..", "a/b", ".hidden"};
	struct secret secret;
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (secret_load(&dir, names[i], &secret, &e) != ERR_INVALID)
			fail_msg("row %zu '%s'", i, names[i]);
	assert_int_equal(secret_load(&dir, "telegram-token", &secret, &e),
			 ERR_NOTFOUND);
	assert_non_null(strstr(e.text, "write it to"));
}

static void systemds_credentials_win(void **state)
{
	char path[TEMP_PATH_BYTES];
	struct secret secret;

	(void)state;
	put("from-state", 0600);
	assert_int_equal(mkdir(temp_path(&folder, "creds", path), 0700), 0);
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", path, 1), 0);
	assert_int_equal(secret_load(&dir, "hook-token", &secret, NULL), 0);
	assert_string_equal(secret.first, "from-state");
	assert_int_equal(temp_write(&folder, "creds/hook-token", "from-systemd",
				    12, 0400),
			 0);
	assert_int_equal(secret_load(&dir, "hook-token", &secret, NULL), 0);
	assert_string_equal(secret.first, "from-systemd");
	/* What systemd gives is not missing here. */
	(void)temp_path(&folder, "secrets/hook-token", path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(secret_make_missing(&dir, NULL), 0);
	assert_int_equal(access(path, F_OK), -1);
	(void)unsetenv("CREDENTIALS_DIRECTORY");
}

static int count_files(const char *path)
{
	DIR *files = opendir(path);
	const struct dirent *entry;
	int n = 0;

	assert_non_null(files);
	while ((entry = readdir(files)) != NULL)
		n += strcmp(entry->d_name, ".") != 0 &&
		     strcmp(entry->d_name, "..") != 0;
	(void)closedir(files);
	return n;
}

static void an_empty_line_of_systemd_stands_for_none(void **state)
{
	char path[sizeof(folder.path) + 8];
	struct secret secret;

	(void)state;
	assert_int_equal(
		temp_write(&folder, "run/telegram-token", "\n", 1, 0600), 0);
	(void)snprintf(path, sizeof(path), "%s/run", folder.path);
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", path, 1), 0);
	assert_int_equal(secret_load(&dir, "telegram-token", &secret, NULL),
			 ERR_NOTFOUND);
	assert_int_equal(
		temp_write(&folder, "secrets/telegram-token", "abc", 3, 0600),
		0);
	assert_int_equal(secret_load(&dir, "telegram-token", &secret, NULL), 0);
	assert_string_equal(secret.first, "abc");
	(void)unsetenv("CREDENTIALS_DIRECTORY");
}

static void ours_are_made_once_and_kept(void **state)
{
	static const char *const names[] = {
		"hook-token", "assembly-token", "console-admin-password",
		"erp-token",  "probe-key",      "telegram-callback"};
	struct secret first[COUNT_OF(names)];
	struct secret again;
	struct err e = {0};
	char path[TEMP_PATH_BYTES];
	struct stat about;

	(void)state;
	put("chosen-by-us", 0600);
	for (int round = 0; round < 2; round++)
		if (secret_make_missing(&dir, &e) != 0)
			fail_msg("%s", e.text);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		assert_int_equal(secret_load(&dir, names[i], &first[i], &e), 0);
		(void)snprintf(path, sizeof(path), "%s/secrets/%s", folder.path,
			       names[i]);
		assert_int_equal(stat(path, &about), 0);
		assert_int_equal(about.st_mode & 0777, 0600);
	}
	assert_string_equal(first[0].first, "chosen-by-us");
	assert_int_equal(strlen(first[1].first), SECRET_TEXT_BYTES - 1);
	assert_string_not_equal(first[1].first, first[2].first);
	assert_int_equal(secret_make_missing(&dir, &e), 0);
	assert_int_equal(secret_load(&dir, "erp-token", &again, &e), 0);
	assert_string_equal(again.first, first[3].first);
	/* Nothing is left aside. */
	assert_int_equal(count_files(dir.secrets), COUNT_OF(names));
}

static void *make(void *context)
{
	*(int *)context = secret_make_missing(&dir, NULL);
	return NULL;
}

static void two_who_make_them_at_once_agree(void **state)
{
	pthread_t threads[4];
	int rc[COUNT_OF(threads)];
	struct secret secret;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, make, &rc[i]), 0);
	for (size_t i = 0; i < COUNT_OF(threads); i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(rc[i], 0);
	}
	assert_int_equal(secret_load(&dir, "hook-token", &secret, NULL), 0);
	assert_int_equal(count_files(dir.secrets), 6);
}

static void both_lines_are_accepted_and_nothing_else(void **state)
{
	static const struct secret two = {.first = "abc", .second = "def"};
	static const struct secret one = {.first = "abc"};
	static const struct secret none = {.first = ""};
	static const struct {
		const struct secret *secret;
		const char *given;
		bool want;
	} rows[] = {
		{&two, "abc", true},   {&two, "def", true},
		{&two, "abcd", false}, {&two, "ab", false},
		{&two, "", false},     {&two, NULL, false},
		{&one, "abc", true},   {&one, "", false},
		{&one, "def", false},  {&none, "", false},
		{&none, "abc", false}, {&none, NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (secret_matches(rows[i].secret, rows[i].given) !=
		    rows[i].want)
			fail_msg("row %zu", i);
}

#define FOLDER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOLDER_TEST(a_file_holds_one_line_or_two),
		FOLDER_TEST(the_text_of_an_error_never_holds_the_secret),
		FOLDER_TEST(lengths_are_limited),
		FOLDER_TEST(a_file_open_to_everyone_is_refused),
		FOLDER_TEST(only_names_of_secrets_are_looked_for),
		FOLDER_TEST(systemds_credentials_win),
		FOLDER_TEST(an_empty_line_of_systemd_stands_for_none),
		FOLDER_TEST(ours_are_made_once_and_kept),
		FOLDER_TEST(two_who_make_them_at_once_agree),
		FOLDER_TEST(both_lines_are_accepted_and_nothing_else),
	};

	return cmocka_run_group_tests_name("secret", tests, NULL, NULL);
}
