/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "channel/erp.h"

static const struct answer {
	const char *name;
	int rc, status;
	const char *body;
	enum channel_verdict verdict;
} answers[] = {
	{"taken", 0, 200, "", REPLY_DONE},
	{"taken, with a word", 0, 201, "OK", REPLY_DONE},
	{"taken, the verdict comes later", 0, 202, "{}", REPLY_DONE},
	{"a login page", 0, 200, " \n<html>", REPLY_RECONCILE},
	{"moved", 0, 302, "", REPLY_RETRY},
	{"it cannot read it", 0, 400, "", REPLY_REJECT},
	{"no token", 0, 401, "", REPLY_AUTH},
	{"wrong token", 0, 403, "", REPLY_AUTH},
	{"wrong address", 0, 404, "", REPLY_AUTH},
	{"that address takes no POST", 0, 405, "", REPLY_AUTH},
	{"too slow for it", 0, 408, "", REPLY_RETRY},
	{"out of sequence", 0, 409, "", REPLY_REJECT},
	{"it will not book it", 0, 422, "", REPLY_REJECT},
	{"too early", 0, 425, "", REPLY_RETRY},
	{"too fast", 0, 429, "", REPLY_THROTTLE},
	{"its fault", 0, 500, "", REPLY_RETRY},
	{"its proxy's fault", 0, 502, "<html>", REPLY_RETRY},
	{"its disk is full", 0, 507, "", REPLY_RETRY},
	{"no connection", ERR_REMOTE, 0, "", REPLY_RETRY},
	{"the answer was lost", ERR_UNCERTAIN, 0, "", REPLY_RECONCILE},
};

static void an_answer_means_the_same_the_second_time(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(answers); i++) {
		const struct answer *row = &answers[i];
		struct channel_reply reply = {.rc = row->rc,
					      .status = row->status,
					      .body = row->body,
					      .retry_after_ms = -1};

		for (int again = 0; again < 2; again++) {
			reply.earlier_unknown = again != 0;
			if (channel_erp.classify(NOTICE_NONE, &reply) !=
			    row->verdict)
				fail_msg("%s", row->name);
		}
	}
}

static void what_is_uncertain_is_sent_again(void **state)
{
	struct channel_reconcile how = channel_erp.reconcile(NOTICE_NONE);

	(void)state;
	assert_true(how.repeat_when_undecided);
	assert_int_equal(how.settle_ms, 0);
	assert_true(channel_erp.allows(NOTICE_NONE, 0));
}

static void numbers_are_read_from_a_message(void **state)
{
	static const struct {
		const char *body;
		int64_t entry, document;
	} rows[] = {
		{"{\"seq\":7,\"id\":3,\"document\":{\"id\":9}}", 7, 3},
		{"{\"seq\":1795348800000000}", 1795348800000000, 0},
		{"{\"seq\":\"7\",\"id\":null}", 0, 0},
		{"", 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int64_t entry = -1;
		int64_t document = -1;

		erp_read_numbers(rows[i].body, strlen(rows[i].body), &entry,
				 &document);
		assert_int_equal(entry, rows[i].entry);
		assert_int_equal(document, rows[i].document);
	}
}

static void a_reason_is_in_the_words_of_the_erp(void **state)
{
	static const struct {
		const char *body, *reason;
	} rows[] = {
		{"{\"reason\":\"no contract\",\"message\":\"x\"}",
		 "no contract"},
		{"{\"error\":{\"code\":7,\"message\":\"no store\"}}",
		 "no store"},
		{"{\"error\":\"closed\"}", "closed"},
		{"{\"reason\":7,\"message\":\"said here\"}", "said here"},
		{"[\"no contract\"]", ""},
		{"<html>", ""},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char reason[ERP_REASON_BYTES] = "?";

		erp_read_reason(rows[i].body, strlen(rows[i].body), reason);
		assert_string_equal(reason, rows[i].reason);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_means_the_same_the_second_time),
		cmocka_unit_test(what_is_uncertain_is_sent_again),
		cmocka_unit_test(numbers_are_read_from_a_message),
		cmocka_unit_test(a_reason_is_in_the_words_of_the_erp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
