/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "app/edge/probe_mark.h"
#include "base/macros.h"

#define NOW 1795348800000LL

static const struct secret key = {.first = "0123456789"};
static const struct secret other = {.first = "012345678"};
static const struct secret none = {.first = ""};

static void a_mark_is_good_once(void **state)
{
	struct probe_marks marks = {0};
	struct probe_mark mark;
	char nonce[SECRET_TEXT_BYTES];
	char proof[DIGEST_TEXT_BYTES];
	char again[DIGEST_TEXT_BYTES];

	(void)state;
	probe_mark_make(&key, NOW, &mark);
	assert_true(
		probe_mark_accept(&marks, &key, mark.text, NOW, NOW, nonce));
	assert_string_equal(nonce, mark.nonce);
	assert_false(
		probe_mark_accept(&marks, &key, mark.text, NOW, NOW, nonce));
	probe_mark_answer(&key, nonce, proof);
	probe_mark_answer(&other, nonce, again);
	assert_string_not_equal(proof, again);
	assert_null(strstr(mark.text, proof));
}

static void a_mark_is_good_in_its_time_only(void **state)
{
	static const struct {
		const char *name;
		int64_t made_ms, age_ms; /* of the process */
		const struct secret *by, *checked_by;
		bool want;
	} rows[] = {
		{"now", NOW, NOW, &key, &key, true},
		{"a minute ago", NOW - 60000, NOW, &key, &key, true},
		{"longer ago", NOW - 60001, NOW, &key, &key, false},
		{"a minute ahead", NOW + 60000, NOW, &key, &key, true},
		{"further ahead", NOW + 60001, NOW, &key, &key, false},
		{"before this process", NOW - 5, 4, &key, &key, false},
		{"by somebody else", NOW, NOW, &other, &key, false},
		{"without a key here", NOW, NOW, &none, &none, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct probe_marks marks = {0};
		struct probe_mark mark;
		char nonce[SECRET_TEXT_BYTES];

		probe_mark_make(rows[i].by, rows[i].made_ms, &mark);
		if (probe_mark_accept(&marks, rows[i].checked_by, mark.text,
				      NOW, rows[i].age_ms,
				      nonce) != rows[i].want)
			fail_msg("%s", rows[i].name);
	}
}

static void a_clock_that_is_set_back_refuses_nothing(void **state)
{
	struct probe_marks marks = {.began_ms = 1000};
	struct probe_mark mark;
	char nonce[SECRET_TEXT_BYTES];

	(void)state;
	probe_mark_make(&key, NOW, &mark);
	assert_true(
		probe_mark_accept(&marks, &key, mark.text, NOW, 2000, nonce));
	probe_mark_make(&key, NOW - 3600000, &mark);
	assert_true(probe_mark_accept(&marks, &key, mark.text, NOW - 3600000,
				      3000, nonce));
}

static void whatever_is_changed_is_refused(void **state)
{
	struct probe_mark mark;
	char nonce[SECRET_TEXT_BYTES];
	static const char *const texts[] = {
		"",
		" ",
		"v1",
		"v1 1 2 3",
		"v1  x",
		"v2 1 2 3 4",
		"v1 99999999999999999999 a b",
		"v1 -1 a b",
	};

	(void)state;
	probe_mark_make(&key, NOW, &mark);
	for (size_t i = 0; i < strlen(mark.text); i++) {
		struct probe_marks marks = {0};
		char text[PROBE_MARK_BYTES];

		memcpy(text, mark.text, sizeof(text));
		text[i] = text[i] == '7' ? '8' : '7';
		assert_false(
			probe_mark_accept(&marks, &key, text, NOW, NOW, nonce));
		text[i] = '\0';
		assert_false(
			probe_mark_accept(&marks, &key, text, NOW, NOW, nonce));
	}
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct probe_marks marks = {0};

		assert_false(probe_mark_accept(&marks, &key, texts[i], NOW, NOW,
					       nonce));
	}
}

static void no_flood_makes_room_for_a_replay(void **state)
{
	struct probe_marks marks = {0};
	struct probe_mark first;
	char nonce[SECRET_TEXT_BYTES];

	(void)state;
	probe_mark_make(&key, NOW, &first);
	assert_true(
		probe_mark_accept(&marks, &key, first.text, NOW, NOW, nonce));
	for (int i = 0; i < 2 * PROBE_MARK_SEEN_MAX; i++) {
		struct probe_mark mark;

		probe_mark_make(&key, NOW, &mark);
		(void)probe_mark_accept(&marks, &key, mark.text, NOW, NOW,
					nonce);
	}
	assert_false(
		probe_mark_accept(&marks, &key, first.text, NOW, NOW, nonce));
	/* Later there is room again. */
	probe_mark_make(&key, NOW + 130000, &first);
	assert_true(probe_mark_accept(&marks, &key, first.text, NOW + 130000,
				      NOW, nonce));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mark_is_good_once),
		cmocka_unit_test(a_mark_is_good_in_its_time_only),
		cmocka_unit_test(a_clock_that_is_set_back_refuses_nothing),
		cmocka_unit_test(whatever_is_changed_is_refused),
		cmocka_unit_test(no_flood_makes_room_for_a_replay),
	};
	return cmocka_run_group_tests_name("probe_mark", tests, NULL, NULL);
}
