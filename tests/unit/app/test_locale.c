/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/locale.h"

/* The catalogue of the build is ../share/locale, seen from this program. */
static void texts_follow_the_language_that_was_chosen(void **state)
{
	(void)state;
	assert_string_equal(tr("translation works"), "translation works");
	locale_open("ru");
	assert_string_equal(tr("translation works"), "перевод работает");
	assert_string_equal(tr("a text nobody translated"),
			    "a text nobody translated");
	assert_string_equal(tr(""), "");
	locale_open("en");
	assert_string_equal(tr("translation works"), "translation works");
	locale_open("ru");
	assert_string_equal(tr("translation works"), "перевод работает");
}

static void numbers_choose_the_form_of_a_text(void **state)
{
	static const struct {
		unsigned long n;
		const char *want;
	} rows[] = {
		{1, "1 заказ"},     {2, "2 заказа"},  {5, "5 заказов"},
		{11, "11 заказов"}, {21, "21 заказ"}, {104, "104 заказа"},
	};
	char text[64];

	(void)state;
	locale_open("ru");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		(void)snprintf(text, sizeof(text),
			       tr_n("%lu order", "%lu orders", rows[i].n),
			       rows[i].n);
		assert_string_equal(text, rows[i].want);
	}
	locale_open("en");
	assert_string_equal(tr_n("%lu order", "%lu orders", 1), "%lu order");
	assert_string_equal(tr_n("%lu order", "%lu orders", 2), "%lu orders");
}

/* They stand in errors of ours, which are English; and a machine may have the
 * library's catalogues. */
static void words_of_the_library_are_english(void **state)
{
	(void)state;
	locale_open("ru");
	assert_string_equal(strerrordesc_np(ENOENT),
			    "No such file or directory");
	assert_string_equal(strerror(ENOENT), "No such file or directory");
}

static void only_messages_have_a_locale(void **state)
{
	char text[32];

	(void)state;
	locale_open("ru");
	assert_string_equal(localeconv()->decimal_point, ".");
	(void)snprintf(text, sizeof(text), "%.1f", 1.5);
	assert_string_equal(text, "1.5");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_follow_the_language_that_was_chosen),
		cmocka_unit_test(numbers_choose_the_form_of_a_text),
		cmocka_unit_test(words_of_the_library_are_english),
		cmocka_unit_test(only_messages_have_a_locale),
	};

	/* As on a machine that has nothing but C.UTF-8, or an operator with
	 * another language. */
	(void)setenv("LC_ALL", "C", 1);
	(void)setenv("LANGUAGE", "de", 1);
	(void)unsetenv("ORDERGATE_LOCALE_DIR");
	return cmocka_run_group_tests_name("locale", tests, NULL, NULL);
}
