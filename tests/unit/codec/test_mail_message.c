/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "codec/mail/mail_message.h"

static const struct mail_message plain = {
	.from = "ordergate@shop.test",
	.to = "admin@shop.test",
	.from_name = "Ordergate",
	.subject = "Hello",
	.text = "one\ntwo\n",
	.message_id = "0190-aa@shop.test",
	.date_ms = 1795348800000, /* 2026-11-22T12:00:00Z, a Sunday */
	.attempt = 1,
};

static void a_mail_has_what_rfc_5322_asks_for(void **state)
{
	CLEANUP(buf_clear) struct buf b = BUF_MAX(4096);

	(void)state;
	assert_int_equal(mail_message_write(&plain, &b, NULL), 0);
	assert_string_equal(buf_text(&b),
			    "Date: Sun, 22 Nov 2026 12:00:00 +0000\r\n"
			    "From: Ordergate\r\n <ordergate@shop.test>\r\n"
			    "To: <admin@shop.test>\r\n"
			    "Subject: Hello\r\n"
			    "Message-ID: <0190-aa@shop.test>\r\n"
			    "Auto-Submitted: auto-generated\r\n"
			    "MIME-Version: 1.0\r\n"
			    "Content-Type: text/plain; charset=UTF-8\r\n"
			    "Content-Transfer-Encoding: base64\r\n\r\n"
			    "b25lDQp0d28NCg==\r\n");
}

static void a_repeat_differs_only_in_its_number(void **state)
{
	CLEANUP(buf_clear) struct buf b = BUF_MAX(4096);
	struct mail_message repeat = plain;

	(void)state;
	repeat.attempt = 3;
	assert_int_equal(mail_message_write(&repeat, &b, NULL), 0);
	assert_non_null(strstr(buf_text(&b), "Message-ID: <0190-aa@shop.test>"
					     "\r\n"));
	assert_non_null(strstr(buf_text(&b), "X-Ordergate-Attempt: 3\r\n"));
}

/* No line is longer than allowed, none is bare, and the headers are ours. */
static void check_form(const char *name, const char *mail)
{
	int headers = 0;
	bool in_body = false;

	for (const char *line = mail; *line != '\0';) {
		const char *end = strstr(line, "\r\n");

		if (end == NULL) {
			fail_msg("%s: a line without its end", name);
			return;
		}
		if (end - line > 76 ||
		    memchr(line, '\n', (size_t)(end - line)) != NULL ||
		    memchr(line, '\r', (size_t)(end - line)) != NULL)
			fail_msg("%s: a bad line: %.80s", name, line);
		in_body = in_body || end == line;
		headers += !in_body && line[0] != ' ';
		line = end + 2;
	}
	if (headers != 9)
		fail_msg("%s: %d headers", name, headers);
}

static void nothing_in_a_subject_can_add_a_header(void **state)
{
	static char longest[4096];
	static const struct {
		const char *name, *subject, *want;
	} rows[] = {
		{"CRLF", "a\r\nBcc: x@y",
		 "Subject: =?UTF-8?B?YSAgQmNjOiB4QHk=?="},
		{"LF", "a\nb", "Subject: a b\r\n"},
		{"a tab and DEL", "a\tb\x7f", "Subject: a b \r\n"},
		{"what looks encoded",
		 "=?x?=", "Subject: =?UTF-8?B?PT94Pz0=?="},
		{"Russian", "\xD0\x97\xD0\xB0",
		 "Subject: =?UTF-8?B?0JfQsA==?="},
		{"not UTF-8", "\xff", "Subject: =?UTF-8?B?77+9?="},
		{"nothing", "", "Subject: \r\n"},
		{"a long one", longest, "=?UTF-8?B?"},
	};

	(void)state;
	for (size_t i = 0; i + 2 < sizeof(longest); i += 2) {
		longest[i] = '\xD0';
		longest[i + 1] = '\x97';
	}
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(buf_clear) struct buf b = BUF_MAX(16384);
		struct mail_message mail = plain;

		mail.subject = rows[i].subject;
		assert_int_equal(mail_message_write(&mail, &b, NULL), 0);
		check_form(rows[i].name, buf_text(&b));
		if (strstr(buf_text(&b), rows[i].want) == NULL)
			fail_msg("%s: %s", rows[i].name, buf_text(&b));
	}
}

static void the_text_may_be_anything(void **state)
{
	static const char *const texts[] = {
		"",          ".",
		"\r\n.\r\n", "a\n.\nQUIT\n",
		"\xff\xfe",  "From here\nBcc: x",
		"\x01\x02",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		CLEANUP(buf_clear) struct buf b = BUF_MAX(16384);
		struct mail_message mail = plain;

		mail.text = texts[i];
		assert_int_equal(mail_message_write(&mail, &b, NULL), 0);
		check_form(texts[i], buf_text(&b));
		assert_null(strstr(buf_text(&b), "\r\n."));
	}
}

static void addresses_are_checked(void **state)
{
	static const struct {
		const char *address;
		bool good;
	} rows[] = {
		{"a@b", true},    {"first.last+tag@mail.example.ru", true},
		{"a", false},     {"@b", false},
		{"a@", false},    {"a@b>", false},
		{"<a@b>", false}, {"a b@c", false},
		{"a@b c", false}, {"a@b\r\nRCPT TO:<x@y>", false},
		{"a\n@b", false}, {"\"a\"@b", false},
		{".a@b", false},  {"a..b@c", false},
		{"a@.b", false},  {"a@-b", false},
		{"a@b@c", false}, {"\xD0\x97@b", false},
		{"", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(buf_clear) struct buf b = BUF_MAX(4096);
		struct mail_message mail = plain;

		mail.to = rows[i].address;
		if (mail_address_is_good(rows[i].address) != rows[i].good ||
		    (mail_message_write(&mail, &b, NULL) == 0) != rows[i].good)
			fail_msg("'%s'", rows[i].address);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mail_has_what_rfc_5322_asks_for),
		cmocka_unit_test(a_repeat_differs_only_in_its_number),
		cmocka_unit_test(nothing_in_a_subject_can_add_a_header),
		cmocka_unit_test(the_text_may_be_anything),
		cmocka_unit_test(addresses_are_checked),
	};
	return cmocka_run_group_tests_name("mail_message", tests, NULL, NULL);
}
