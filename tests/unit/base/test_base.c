/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/id.h"
#include "base/text.h"

/* --- err --- */

static void every_code_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int code = -1; code >= ERR_MIN_; code--) {
		assert_string_not_equal(err_name(code), "unknown");
		for (int other = code - 1; other >= ERR_MIN_; other--)
			assert_string_not_equal(err_name(code),
						err_name(other));
	}
	assert_string_equal(err_name(0), "ok");
	assert_string_equal(err_name(INT_MAX), "ok");
	assert_string_equal(err_name(ERR_MIN_ - 1), "unknown");
	assert_string_equal(err_name(INT_MIN), "unknown");
}

static void setting_an_error_keeps_errno_and_takes_null(void **state)
{
	(void)state;
	struct err e = {0};

	errno = ENOSPC;
	assert_int_equal(err_set(&e, ERR_BUSY, "queue %d", 7), ERR_BUSY);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(e.code, ERR_BUSY);
	assert_string_equal(e.text, "queue 7");
	assert_int_equal(err_errno(&e, ERR_IO, "write"), ERR_IO);
	assert_int_equal(errno, ENOSPC);
	assert_string_equal(e.text, "write: No space left on device");
	assert_int_equal(err_wrap(&e, ERR_IO, "line %d", 3), ERR_IO);
	assert_string_equal(e.text, "line 3: write: No space left on device");
	assert_int_equal(err_set(NULL, ERR_IO, "x"), ERR_IO);
	assert_int_equal(err_errno(NULL, ERR_IO, "x"), ERR_IO);
	assert_int_equal(err_wrap(NULL, ERR_IO, "x"), ERR_IO);
}

static void long_texts_are_cut_and_keep_their_beginning(void **state)
{
	(void)state;
	struct err e = {0};
	char big[2 * ERR_TEXT_MAX];

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	(void)err_set(&e, ERR_IO, "a%s", big);
	assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
	(void)err_wrap(&e, ERR_IO, "first");
	assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
	assert_memory_equal(e.text, "first: axx", 10);
	(void)err_wrap(&e, ERR_IO, "%s", big);
	assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
	(void)err_errno(&e, ERR_IO, "%s", big);
	assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
}

static void foreign_input_cannot_break_the_line(void **state)
{
	(void)state;
	struct err e = {0};

	(void)err_set(&e, ERR_INVALID, "'%s' is bad", "a\nb\r\x1b[2J\x7f");
	assert_string_equal(e.text, "'a b  [2J ' is bad");
	(void)err_wrap(&e, ERR_INVALID, "x\ny");
	assert_string_equal(e.text, "x y: 'a b  [2J ' is bad");
	errno = 0;
	(void)err_errno(&e, ERR_INVALID, "\t%s", "Ж");
	assert_string_equal(e.text, " Ж: Success");
}

static void what_is_no_utf8_or_was_cut_becomes_spaces(void **state)
{
	(void)state;
	struct err e = {0};
	char big[ERR_TEXT_MAX + 2] = "";

	(void)err_set(&e, ERR_INVALID, "a\xFF\xD0z\xED\xA0\x80");
	assert_string_equal(e.text, "a  z   ");
	for (size_t i = 0; i + 2 < sizeof(big); i += 2)
		memcpy(big + i, "Ж", 3);
	(void)err_set(&e, ERR_INVALID, "%s", big);
	assert_true(text_is_utf8(e.text, strlen(e.text)));
	assert_string_equal(e.text + ERR_TEXT_MAX - 4, "Ж ");
	(void)err_wrap(&e, ERR_INVALID, "x");
	assert_true(text_is_utf8(e.text, strlen(e.text)));
}

/* --- buf --- */

static void a_buffer_grows_up_to_its_maximum_and_not_past_it(void **state)
{
	(void)state;
	CLEANUP(buf_clear) struct buf b = BUF_MAX(1000);
	struct err e = {0};

	assert_string_equal(buf_text(&b), "");
	assert_int_equal(buf_finish(&b, &e), 0);
	for (int i = 0; i < 1000; i++)
		buf_add_char(&b, (char)('a' + i % 26));
	assert_int_equal(buf_finish(&b, &e), 0);
	assert_int_equal(b.used_bytes, 1000);
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(buf_text(&b)[i], 'a' + (char)(i % 26));
	assert_int_equal(buf_text(&b)[1000], '\0');

	buf_add(&b, "", 0);
	assert_int_equal(buf_finish(&b, &e), 0);
	buf_add_char(&b, 'x');
	assert_int_equal(buf_finish(&b, &e), ERR_NOMEM);
	assert_int_equal(e.code, ERR_NOMEM);
	assert_int_equal(b.used_bytes, 1000);
}

static void a_failed_buffer_stays_failed_until_reset(void **state)
{
	(void)state;
	CLEANUP(buf_clear) struct buf b = BUF_MAX(4);

	buf_add_text(&b, "12345");
	buf_add_text(&b, "1");
	assert_string_equal(buf_text(&b), "");
	assert_int_equal(buf_finish(&b, NULL), ERR_NOMEM);
	buf_reset(&b);
	buf_add_text(&b, "1234");
	assert_int_equal(buf_finish(&b, NULL), 0);
	assert_string_equal(buf_text(&b), "1234");
	buf_printf(&b, "%s", "");
	assert_int_equal(buf_finish(&b, NULL), 0);
	buf_printf(&b, "%d", 5);
	assert_int_equal(buf_finish(&b, NULL), ERR_NOMEM);
	assert_null(buf_take(&b));
	assert_int_equal(buf_finish(&b, NULL), 0);
	assert_int_equal(b.max_bytes, 4);
}

static void what_is_taken_belongs_to_the_caller(void **state)
{
	(void)state;
	CLEANUP(buf_clear) struct buf b = BUF_MAX(100);
	CLEANUP_FREE char *text = NULL;
	CLEANUP_FREE char *empty = buf_take(&b);

	assert_non_null(empty);
	assert_string_equal(empty, "");
	buf_add_i64(&b, 0);
	buf_add_i64(&b, -10);
	buf_add_i64(&b, INT64_MAX);
	assert_string_equal(buf_text(&b), "0-109223372036854775807");
	buf_reset(&b);
	buf_add_i64(&b, INT64_MIN);
	buf_printf(&b, " %s %d", "and", 7);
	text = buf_take(&b);
	assert_string_equal(text, "-9223372036854775808 and 7");
	assert_int_equal(b.used_bytes, 0);
	buf_add_text(&b, "new");
	assert_string_equal(buf_text(&b), "new");
	assert_string_equal(text, "-9223372036854775808 and 7");
}

/* --- text --- */

static void secrets_are_equal_only_to_themselves(void **state)
{
	(void)state;
	static const struct {
		const char *given, *secret;
		bool want;
	} rows[] = {
		{"abc", "abc", true},     {"abc", "abd", false},
		{"ab", "abc", false},     {"abcd", "abc", false},
		{"abcabc", "abc", false}, {"", "", false},
		{"", "abc", false},       {"abc", "", false},
		{"aaaa", "aa", false},    {"\xff", "\x7f", false},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (text_equal_constant_time(rows[i].given, rows[i].secret) !=
		    rows[i].want)
			fail_msg("row %zu: '%s' '%s'", i, rows[i].given,
				 rows[i].secret);
}

static void utf8_is_what_rfc_3629_says(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool want;
	} rows[] = {
		{"", true},
		{"plain", true},
		{"Заказ \xE2\x82\xBD \xF0\x9F\x98\x80", true},
		{"\x7F", true},
		{"\x80", false},
		{"\xBF", false},
		{"\xC0\x80", false},
		{"\xC1\xBF", false},
		{"\xC2\x80", true},
		{"\xC2", false},
		{"\xC2\x41", false},
		{"\xDF\xBF", true},
		{"\xE0\x9F\xBF", false},
		{"\xE0\xA0\x80", true},
		{"\xE1\x80", false},
		{"\xE1\x80\x41", false},
		{"\xED\x9F\xBF", true},
		{"\xED\xA0\x80", false},
		{"\xEE\x80\x80", true},
		{"\xEF\xBF\xBF", true},
		{"\xF0\x8F\xBF\xBF", false},
		{"\xF0\x90\x80\x80", true},
		{"\xF0\x90\x80", false},
		{"\xF0\x90\x80\xC0", false},
		{"\xF4\x8F\xBF\xBF", true},
		{"\xF4\x90\x80\x80", false},
		{"\xF5\x80\x80\x80", false},
		{"\xFF", false},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (text_is_utf8(rows[i].text, strlen(rows[i].text)) !=
		    rows[i].want)
			fail_msg("row %zu", i);
	assert_true(text_is_utf8("a\0b", 3));
	assert_false(text_is_utf8("\xD0\x96", 1)); /* cut by the end */
}

static void cutting_keeps_code_points_whole(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t max_bytes;
		size_t want;
	} rows[] = {
		{"", 0, 0},
		{"abc", 0, 0},
		{"abc", 2, 2},
		{"abc", 3, 3},
		{"abc", 9, 3},
		{"aЖb", 1, 1},
		{"aЖb", 2, 1},
		{"aЖb", 3, 3},
		{"aЖb", 4, 4},
		{"Ж", 1, 0},
		{"\xE2\x82\xBD", 2, 0},
		{"x\xF0\x9F\x98\x80", 4, 1},
		{"x\xF0\x9F\x98\x80", 5, 5},
	};
	char target[4];

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (text_utf8_prefix(rows[i].text, rows[i].max_bytes) !=
		    rows[i].want)
			fail_msg("row %zu '%s'", i, rows[i].text);
	assert_false(text_copy(target, sizeof(target), "aбвг"));
	assert_string_equal(target, "aб");
	assert_true(text_copy(target, sizeof(target), "abc"));
	assert_string_equal(target, "abc");
	assert_false(text_copy(target, 1, "a"));
	assert_string_equal(target, "");
	assert_true(text_copy(target, 1, ""));
}

static void whole_numbers_are_read_strictly(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t min, max;
		int want_rc;
		int64_t want;
	} rows[] = {
		{"0", 0, 9, 0, 0},
		{"-0", 0, 9, 0, 0},
		{"007", 0, 9, 0, 7},
		{"10", 0, 9, ERR_INVALID, 0},
		{"-1", 0, 9, ERR_INVALID, 0},
		{"-5", -5, 9, 0, -5},
		{"9223372036854775807", INT64_MIN, INT64_MAX, 0, INT64_MAX},
		{"-9223372036854775808", INT64_MIN, INT64_MAX, 0, INT64_MIN},
		{"9223372036854775808", INT64_MIN, INT64_MAX, ERR_INVALID, 0},
		{"-9223372036854775809", INT64_MIN, INT64_MAX, ERR_INVALID, 0},
		{"", 0, 9, ERR_INVALID, 0},
		{"-", -9, 9, ERR_INVALID, 0},
		{"+1", 0, 9, ERR_INVALID, 0},
		{" 1", 0, 9, ERR_INVALID, 0},
		{"1 ", 0, 9, ERR_INVALID, 0},
		{"1x", 0, 9, ERR_INVALID, 0},
		{"0x1", 0, 9, ERR_INVALID, 0},
		{"1.0", 0, 9, ERR_INVALID, 0},
		{"--1", -9, 9, ERR_INVALID, 0},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int64_t got = 42;
		int rc = text_to_i64(rows[i].text, rows[i].min, rows[i].max,
				     &got, NULL);

		if (rc != rows[i].want_rc ||
		    got != (rc == 0 ? rows[i].want : 42))
			fail_msg("row %zu '%s': %s, %lld", i, rows[i].text,
				 err_name(rc), (long long)got);
	}
}

static void trimming_takes_white_space_off_both_ends(void **state)
{
	(void)state;
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"", ""},         {" \t\r\n", ""}, {"a", "a"},
		{" a b ", "a b"}, {"\n a\t", "a"}, {" Ж ", "Ж"},
	};
	char text[16];

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		(void)text_copy(text, sizeof(text), rows[i].text);
		assert_string_equal(text_trim(text), rows[i].want);
	}
}

/* --- clock --- */

static void clocks_run_unless_they_are_faked(void **state)
{
	(void)state;
	int64_t before_us = clock_mono_us();
	time_t now = time(NULL);
	int64_t wall_ms = clock_wall_ms();

	assert_in_range(wall_ms / 1000, now, now + 5);
	assert_true(clock_mono_us() >= before_us);
	clock_fake(1000, 77);
	assert_int_equal(clock_wall_ms(), 1000);
	assert_int_equal(clock_mono_ms(), 77);
	assert_int_equal(clock_mono_us(), 77000);
	clock_fake(0, 78);
	assert_int_equal(clock_wall_ms(), 0);
	assert_int_equal(clock_mono_ms(), 78);
	clock_fake(-1, 0);
	assert_true(clock_wall_ms() >= wall_ms);
	assert_true(clock_mono_us() >= before_us);
}

/* --- id --- */

static void an_id_is_a_uuid_of_version_7_that_holds_its_time(void **state)
{
	(void)state;
	static const char shape[] = "019526d2-9d3b-7xxx-vxxx-xxxxxxxxxxxx";
	char id[ID_TEXT_BYTES];

	for (int round = 0; round < 1000; round++) {
		id_make(0x019526D29D3B, id);
		assert_int_equal(strlen(id), ID_TEXT_BYTES - 1);
		for (size_t i = 0; shape[i] != '\0'; i++) {
			bool good =
				shape[i] == 'x'
					? strspn(id + i, "0123456789abcdef") > 0
				: shape[i] == 'v'
					? strchr("89ab", id[i]) != NULL
					: id[i] == shape[i];

			if (!good)
				fail_msg("character %zu of %s", i, id);
		}
	}
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void ids_differ_and_sort_by_time(void **state)
{
	(void)state;
	static char ids[5000][ID_TEXT_BYTES];
	char early[ID_TEXT_BYTES];

	id_make(1000, early);
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		id_make(1001, ids[i]);
		assert_true(strcmp(early, ids[i]) < 0);
	}
	qsort(ids, COUNT_OF(ids), sizeof(ids[0]), compare_ids);
	for (size_t i = 1; i < COUNT_OF(ids); i++)
		assert_string_not_equal(ids[i - 1], ids[i]);
}

/* Both sides of a fork() must not go on with the same random numbers. */
static void a_forked_child_makes_other_ids_than_its_parent(void **state)
{
	(void)state;
	char mine[ID_TEXT_BYTES];
	char theirs[ID_TEXT_BYTES] = "";
	int ends[2];
	int status;
	pid_t child;

	id_make(1, mine); /* the pool is full now */
	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	id_make(1, mine);
	if (child == 0)
		_exit(write(ends[1], mine, sizeof(mine)) == sizeof(mine) ? 0
									 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(read(ends[0], theirs, sizeof(theirs)), sizeof(theirs));
	(void)close(ends[0]);
	(void)close(ends[1]);
	assert_string_not_equal(mine, theirs);
}

static void secrets_are_43_characters_of_base64url(void **state)
{
	(void)state;
	static char secrets[500][SECRET_TEXT_BYTES];
	bool used[128] = {false};
	size_t kinds = 0;

	for (size_t i = 0; i < COUNT_OF(secrets); i++) {
		id_make_secret(secrets[i]);
		assert_int_equal(strlen(secrets[i]), 43);
		for (const char *p = secrets[i]; *p != '\0'; p++)
			used[(unsigned char)*p & 0x7F] = true;
		/* 256 bits are 42 digits and two thirds: two bits stay 0. */
		assert_non_null(strchr("AEIMQUYcgkosw048", secrets[i][42]));
	}
	for (size_t i = 0; i < COUNT_OF(used); i++) {
		kinds += used[i];
		assert_int_equal(used[i],
				 i > 0 && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ"
						 "abcdefghijklmnopqrstuvwxyz"
						 "0123456789-_",
						 (int)i) != NULL);
	}
	assert_int_equal(kinds, 64);
	qsort(secrets, COUNT_OF(secrets), sizeof(secrets[0]), compare_ids);
	for (size_t i = 1; i < COUNT_OF(secrets); i++)
		assert_string_not_equal(secrets[i - 1], secrets[i]);
}

/* --- backoff --- */

static void waits_double_up_to_the_cap(void **state)
{
	(void)state;
	static const struct {
		int attempt;
		int64_t base_ms, cap_ms;
		int64_t want_ms; /* without the jitter */
	} rows[] = {
		{1, 1000, 60000, 1000},
		{2, 1000, 60000, 2000},
		{3, 1000, 60000, 4000},
		{6, 1000, 60000, 32000},
		{7, 1000, 60000, 60000},
		{INT_MAX, 1000, 60000, 60000},
		{1, 1000, 10, 10},
		{0, 1000, 60000, 1000},
		{-5, 1000, 60000, 1000},
		{99, 1, 7000000000000000000, 7000000000000000000},
		{INT_MAX, 0, 60000, 60000},
		{1, -4, 60000, 1},
		{1, 1000, -4, 1},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		for (uint64_t seed = 0; seed < 100; seed++) {
			int64_t got =
				backoff_ms(rows[i].attempt, rows[i].base_ms,
					   rows[i].cap_ms, seed);

			if (got < rows[i].want_ms ||
			    got - rows[i].want_ms > rows[i].want_ms / 4)
				fail_msg("row %zu, seed %llu: %lld", i,
					 (unsigned long long)seed,
					 (long long)got);
		}
}

static void jitter_spreads_neighbours(void **state)
{
	(void)state;
	int quarters[4] = {0};

	for (uint64_t seed = 1; seed <= 1000; seed++)
		quarters[(backoff_ms(1, 40000, 40000, seed) - 40000) / 2501]++;
	for (size_t i = 0; i < COUNT_OF(quarters); i++)
		assert_in_range(quarters[i], 200, 300);
}

static void text_in_a_url_is_escaped(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"", ""},
		{"H123-_.~z", "H123-_.~z"},
		{"a b/c?d&e=f%", "a%20b%2Fc%3Fd%26e%3Df%25"},
		{"\xd0\x96", "%D0%96"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(buf_clear) struct buf b = BUF_MAX(64);

		buf_add_url(&b, rows[i].text);
		assert_string_equal(buf_text(&b), rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_in_a_url_is_escaped),
		cmocka_unit_test(every_code_has_a_name_of_its_own),
		cmocka_unit_test(setting_an_error_keeps_errno_and_takes_null),
		cmocka_unit_test(long_texts_are_cut_and_keep_their_beginning),
		cmocka_unit_test(what_is_no_utf8_or_was_cut_becomes_spaces),
		cmocka_unit_test(foreign_input_cannot_break_the_line),
		cmocka_unit_test(
			a_buffer_grows_up_to_its_maximum_and_not_past_it),
		cmocka_unit_test(a_failed_buffer_stays_failed_until_reset),
		cmocka_unit_test(what_is_taken_belongs_to_the_caller),
		cmocka_unit_test(secrets_are_equal_only_to_themselves),
		cmocka_unit_test(utf8_is_what_rfc_3629_says),
		cmocka_unit_test(cutting_keeps_code_points_whole),
		cmocka_unit_test(whole_numbers_are_read_strictly),
		cmocka_unit_test(trimming_takes_white_space_off_both_ends),
		cmocka_unit_test(clocks_run_unless_they_are_faked),
		cmocka_unit_test(
			an_id_is_a_uuid_of_version_7_that_holds_its_time),
		cmocka_unit_test(ids_differ_and_sort_by_time),
		cmocka_unit_test(
			a_forked_child_makes_other_ids_than_its_parent),
		cmocka_unit_test(secrets_are_43_characters_of_base64url),
		cmocka_unit_test(waits_double_up_to_the_cap),
		cmocka_unit_test(jitter_spreads_neighbours),
	};
	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
