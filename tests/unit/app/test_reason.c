/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <string.h>

#include "app/locale.h"
#include "app/reason.h"
#include "base/cleanup.h"

static void reasons_are_told_in_the_language_of_people(void **state)
{
	(void)state;
	static const struct {
		const char *reason, *want;
	} rows[] = {
		{"unknown event type", "неизвестный тип события"},
		{"line 3 (A (1)) has no price", "строка 3 (A (1)) без цены"},
		{"line 3 (A) has no VAT rate: import it with the catalogue, or "
		 "set invoicing.default_vat",
		 "строка 3 (A) без ставки НДС: загрузите её с каталогом или "
		 "задайте invoicing.default_vat"},
		{"document 4 of batch 2 has no pdf: line 1 (s) has no price",
		 "у документа 4 из пакета 2 нет файла pdf: строка 1 (s) без "
		 "цены"},
		{"JSON at byte 7: ':' expected", "JSON, байт 7: ожидалось «:»"},
		{"position 12: qty: out of range",
		 "позиция 12: qty: вне допустимых пределов"},
		{"the answer was lost; not repeated: HTTP 503 {\"a\": 1}",
		 "ответ потерян; не повторяется: HTTP 503 {\"a\": 1}"},
		{"403 Forbidden: bot was blocked by the user",
		 "403 пользователь заблокировал бота"},
		{"exit code 1: exit code", "код завершения 1: exit code"},
		{"token: HTTP 401", "токен: HTTP 401"},
		{"no <contract>", "no <contract>"},
		{"unknown event types", "unknown event types"},
		{"line ", "line "},
		{": ", ": "},
		{"", ""},
	};

	locale_open("ru");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(buf_clear) struct buf out = BUF_MAX(1000);

		reason_put(&out, rows[i].reason);
		if (strcmp(buf_text(&out), rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].reason, buf_text(&out));
	}
}

static void in_english_they_stay_as_they_are(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"line 3 (A) has no price",
		"JSON at byte 7: ',' or '}' expected",
		"a: b: c: d: e: f: g",
		"{why} {line}",
	};

	locale_open("en");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(buf_clear) struct buf out = BUF_MAX(1000);

		reason_put(&out, rows[i]);
		assert_string_equal(buf_text(&out), rows[i]);
	}
	locale_open("ru");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reasons_are_told_in_the_language_of_people),
		cmocka_unit_test(in_english_they_stay_as_they_are),
	};

	return cmocka_run_group_tests_name("reason", tests, NULL, NULL);
}
