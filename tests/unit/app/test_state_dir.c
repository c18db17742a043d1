/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/state_dir.h"
#include "base/err.h"
#include "temp_folder.h"

static int setup(void **state)
{
	static struct temp_folder folder;

	(void)unsetenv("RUNTIME_DIRECTORY");
	*state = &folder;
	return temp_folder_make(&folder);
}

static int teardown(void **state)
{
	temp_folder_remove(*state);
	return 0;
}

static mode_t mode_of(const char *path)
{
	struct stat about;

	return stat(path, &about) == 0 ? about.st_mode & 07777 : 0;
}

static void what_is_missing_is_made_with_its_mode(void **state)
{
	char root[TEMP_PATH_BYTES];
	struct state_dir dir;
	struct err e = {0};

	(void)temp_path(*state, "var", root);
	(void)umask(0027);
	for (int i = 0; i < 2; i++) {
		if (state_dir_open(root, true, &dir, &e) != 0)
			fail_msg("%s", e.text);
		assert_string_equal(dir.root, root);
		assert_int_equal(mode_of(root), 0750);
		assert_int_equal(mode_of(dir.run), 0750);
		assert_int_equal(mode_of(dir.secrets), 0700);
		assert_int_equal(mode_of(dir.export), 0750);
		assert_int_equal(mode_of(dir.backup), 0750);
		assert_int_equal(mode_of(dir.log), 0750);
		assert_int_equal(mode_of(dir.tls), 0750);
	}
	assert_string_equal(dir.tls + strlen(root), "/tls");
}

static void an_absent_folder_is_reported_with_what_to_do(void **state)
{
	char root[TEMP_PATH_BYTES];
	struct state_dir dir;
	struct err e = {0};

	(void)temp_path(*state, "absent", root);
	assert_int_equal(state_dir_open(root, false, &dir, &e), ERR_NOTFOUND);
	assert_non_null(strstr(e.text, "absent is not there"));
	assert_non_null(strstr(e.text, "ordergatectl"));
	assert_int_equal(access(root, F_OK), -1);
	(void)temp_path(*state, "no/var", root);
	assert_int_equal(state_dir_open(root, true, &dir, &e), ERR_IO);
}

static void a_file_in_its_place_is_refused(void **state)
{
	char root[TEMP_PATH_BYTES];
	struct state_dir dir;
	struct err e = {0};

	assert_int_equal(temp_write(*state, "file", "x", 1, 0600), 0);
	(void)temp_path(*state, "file", root);
	assert_int_equal(state_dir_open(root, true, &dir, &e), ERR_IO);
	assert_non_null(strstr(e.text, "is not a directory"));
}

static void a_folder_that_is_not_writable_is_refused(void **state)
{
	struct temp_folder *folder = *state;
	uid_t me = geteuid();
	struct state_dir dir;
	struct err e = {0};
	int rc;

	assert_int_equal(chmod(folder->path, 0555), 0);
	/* root may write everywhere: be somebody else meanwhile */
	if (me == 0)
		assert_int_equal(seteuid(65534), 0);
	rc = state_dir_open(folder->path, false, &dir, &e);
	if (me == 0)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(folder->path, 0700), 0);
	assert_int_equal(rc, ERR_IO);
	assert_non_null(strstr(e.text, "is not writable by user"));
}

static void run_is_made_even_when_nothing_else_is(void **state)
{
	struct temp_folder *folder = *state;
	struct state_dir dir;

	assert_int_equal(state_dir_open(folder->path, false, &dir, NULL), 0);
	assert_int_equal(access(dir.run, W_OK), 0);
	assert_int_equal(access(dir.export, F_OK), -1);
}

static void systemd_chooses_the_run_directory(void **state)
{
	struct temp_folder *folder = *state;
	char run[TEMP_PATH_BYTES];
	char list[2 * TEMP_PATH_BYTES];
	struct state_dir dir;

	(void)temp_path(folder, "elsewhere", run);
	(void)snprintf(list, sizeof(list), "%s:/run/other", run);
	assert_int_equal(setenv("RUNTIME_DIRECTORY", list, 1), 0);
	assert_int_equal(state_dir_open(folder->path, false, &dir, NULL), 0);
	assert_string_equal(dir.run, run);
	assert_int_equal(setenv("RUNTIME_DIRECTORY", "relative", 1), 0);
	assert_int_equal(state_dir_open(folder->path, false, &dir, NULL), 0);
	(void)unsetenv("RUNTIME_DIRECTORY");
	assert_string_equal(dir.run + strlen(dir.root), "/run");
}

static void a_path_that_is_too_long_is_refused(void **state)
{
	char root[TEMP_PATH_BYTES];
	char name[181];
	struct state_dir dir;
	struct err e = {0};

	memset(name, 'd', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	(void)temp_path(*state, name, root);
	assert_int_equal(state_dir_open(root, true, &dir, &e), ERR_IO);
	assert_non_null(strstr(e.text, "longer than"));
}

static void the_store_is_a_file_below_root_or_an_absolute_path(void **state)
{
	static const struct {
		const char *url;
		const char *want; /* NULL: refused */
	} rows[] = {
		{"sqlite:ordergate.db", "/s/ordergate.db"},
		{"sqlite:/data/x.db", "/data/x.db"},
		{"sqlite:", NULL},
		{"sqlite:..", NULL},
		{"sqlite:../x", NULL},
		{"sqlite:a/b", NULL},
		{"postgresql://h/d", "postgresql://h/d"},
		{"ordergate.db", NULL},
		{"", NULL},
	};
	struct state_dir dir = {.root = "/s"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char path[STATE_STORE_BYTES] = "";
		int rc = state_dir_store_path(&dir, rows[i].url, path, NULL);

		if (rc != (rows[i].want != NULL ? 0 : ERR_INVALID) ||
		    (rc == 0 && strcmp(path, rows[i].want) != 0))
			fail_msg("row %zu '%s': %s '%s'", i, rows[i].url,
				 err_name(rc), path);
	}
}

static void a_servers_password_is_in_a_secret(void **state)
{
	char root[TEMP_PATH_BYTES];
	char path[STATE_STORE_BYTES];
	static const char want[] = "postgresql://h/d?passfile=%2F";
	struct state_dir dir = {0};
	struct err e;
	FILE *file;

	(void)temp_path(*state, "with space", root);
	assert_int_equal(state_dir_open(root, true, &dir, &e), 0);
	assert_int_equal(
		state_dir_store_path(&dir, "postgresql://h/d", path, &e), 0);
	assert_string_equal(path, "postgresql://h/d");

	(void)snprintf(path, sizeof(path), "%s/store-passfile", dir.secrets);
	file = fopen(path, "we");
	assert_non_null(file);
	(void)fclose(file);
	assert_int_equal(
		state_dir_store_path(&dir, "postgresql://h/d", path, &e), 0);
	assert_non_null(
		strstr(path, "%2Fwith%20space%2Fsecrets%2Fstore-passfile"));
	assert_memory_equal(path, want, strlen(want));
	assert_int_equal(
		state_dir_store_path(&dir, "postgresql://h/d?sslmode=require",
				     path, &e),
		0);
	assert_non_null(strstr(path, "?sslmode=require&passfile=%2F"));
	assert_int_equal(state_dir_store_path(&dir,
					      "postgresql://h/d?passfile=/f",
					      path, &e),
			 0);
	assert_string_equal(path, "postgresql://h/d?passfile=/f");
}

#define FOLDER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOLDER_TEST(what_is_missing_is_made_with_its_mode),
		FOLDER_TEST(an_absent_folder_is_reported_with_what_to_do),
		FOLDER_TEST(a_file_in_its_place_is_refused),
		FOLDER_TEST(a_folder_that_is_not_writable_is_refused),
		FOLDER_TEST(run_is_made_even_when_nothing_else_is),
		FOLDER_TEST(systemd_chooses_the_run_directory),
		FOLDER_TEST(a_path_that_is_too_long_is_refused),
		FOLDER_TEST(the_store_is_a_file_below_root_or_an_absolute_path),
		FOLDER_TEST(a_servers_password_is_in_a_secret),
	};

	return cmocka_run_group_tests_name("state_dir", tests, NULL, NULL);
}
