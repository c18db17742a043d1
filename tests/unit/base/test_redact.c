/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "base/redact.h"

static void what_must_not_be_kept_is_blanked(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"", ""},
		{"{\"code\":\"invalid_state\"}",
		 "{\"code\":\"invalid_state\"}"},
		{"HTTP 422, line 3 of 17", "HTTP 422, line 3 of 17"},
		{"order 12345678901 unknown", "order *** unknown"},
		{"call +7 (912) 345-67-89 now", "call *** now"},
		{"call 8 912 345 67 89.", "call ***."},
		{"8-912-345-67-89", "***"},
		{"+79123456789", "***"},
		{"12 and 34", "12 and 34"},
		{"mail ivan.petrov@example.org, please", "mail ***, please"},
		{"@nobody at all", "@nobody at all"},
		{"token eyJhbGciOiJIUzI1NiIsInR5cCI6", "token ***"},
		{"Bearer abcdefghij0123456789", "Bearer ***"},
		{"abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnopqrstuvwxyz"},
		{"0b7a8f0e-6d5c-4b3a-9f8e-7d6c5b4a3f2e", "***"},
		{"line\nbreak\tand\x7f", "line break and "},
		{"\xD0\xB7\xD0\xB0\xD0\xBA\xD0\xB0\xD0\xB7 \xFF\xD0",
		 "\xD0\xB7\xD0\xB0\xD0\xBA\xD0\xB0\xD0\xB7   "},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(buf_clear) struct buf out = BUF_MAX(1000);

		redact_put(&out, rows[i].in, strlen(rows[i].in));
		if (strcmp(buf_text(&out), rows[i].out) != 0)
			fail_msg("'%s' became '%s'", rows[i].in,
				 buf_text(&out));
	}
}

static void nothing_is_read_behind_the_end(void **state)
{
	static const char text[] = "abc 1234567890@x";

	(void)state;
	for (size_t bytes = 0; bytes < sizeof(text); bytes++) {
		CLEANUP(buf_clear) struct buf out = BUF_MAX(1000);

		redact_put(&out, text, bytes);
		assert_true(out.used_bytes <= bytes + 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_must_not_be_kept_is_blanked),
		cmocka_unit_test(nothing_is_read_behind_the_end),
	};

	return cmocka_run_group_tests_name("redact", tests, NULL, NULL);
}
