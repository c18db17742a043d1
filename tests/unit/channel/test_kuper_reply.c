/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "channel/kuper.h"

static const char *const verdict_names[] = {
	[REPLY_DONE] = "done",     [REPLY_CONFIRM] = "confirm",
	[REPLY_RETRY] = "retry",   [REPLY_THROTTLE] = "throttle",
	[REPLY_AUTH] = "auth",     [REPLY_RECONCILE] = "reconcile",
	[REPLY_REJECT] = "reject",
};

struct answer {
	const char *name;
	int rc, status;
	const char *body;
	enum channel_verdict first, repeated;
};

#define INVALID_STATE                                             \
	"{\"errors\": [{\"type\": \"invalid_state\", \"field\": " \
	"\"type\", \"message\": \"...\"}], \"code\": 422}"

static const struct answer answers[] = {
	{"processed", 0, 200, "", REPLY_DONE, REPLY_DONE},
	{"processed, with JSON", 0, 200, " {}", REPLY_DONE, REPLY_DONE},
	{"processed before", 0, 202, "", REPLY_DONE, REPLY_DONE},
	{"a proxy's page", 0, 200, "<html>", REPLY_RECONCILE, REPLY_RECONCILE},
	{"wrong data, or a repeat", 0, 422, INVALID_STATE, REPLY_REJECT,
	 REPLY_RECONCILE},
	{"a conflict", 0, 409, "", REPLY_REJECT, REPLY_RECONCILE},
	{"not for this store", 0, 405, "", REPLY_REJECT, REPLY_REJECT},
	{"bad request", 0, 400, "", REPLY_REJECT, REPLY_REJECT},
	{"not found", 0, 404, "", REPLY_REJECT, REPLY_REJECT},
	{"too large", 0, 413, "", REPLY_REJECT, REPLY_REJECT},
	{"no token", 0, 401, "", REPLY_AUTH, REPLY_AUTH},
	{"wrong token", 0, 403, "", REPLY_AUTH, REPLY_AUTH},
	{"too slow for them", 0, 408, "", REPLY_RETRY, REPLY_RETRY},
	{"too early", 0, 425, "", REPLY_RETRY, REPLY_RETRY},
	{"too many", 0, 429, "", REPLY_THROTTLE, REPLY_THROTTLE},
	{"their fault", 0, 500, "", REPLY_RETRY, REPLY_RETRY},
	{"bad gateway", 0, 502, "<html>", REPLY_RECONCILE, REPLY_RECONCILE},
	{"maintenance", 0, 503, "", REPLY_RETRY, REPLY_RETRY},
	{"gateway time-out", 0, 504, "", REPLY_RECONCILE, REPLY_RECONCILE},
	{"no answer for a delivery network", 0, 524, "", REPLY_RECONCILE,
	 REPLY_RECONCILE},
	{"moved", 0, 301, "", REPLY_RETRY, REPLY_RETRY},
	{"nonsense", 0, 999, "", REPLY_RETRY, REPLY_RETRY},
	{"no connection", ERR_REMOTE, 0, "", REPLY_RETRY, REPLY_RETRY},
	{"the answer was lost", ERR_UNCERTAIN, 0, "", REPLY_RECONCILE,
	 REPLY_RECONCILE},
	{"no memory here", ERR_NOMEM, 0, "", REPLY_RETRY, REPLY_RETRY},
	{"our URL is wrong", ERR_INVALID, 0, "", REPLY_RETRY, REPLY_RETRY},
	{"an error nobody thought of", ERR_IO, 0, "", REPLY_RETRY, REPLY_RETRY},
};

static void expect(const struct answer *a, enum notice notice, bool repeated)
{
	struct channel_reply reply = {
		.rc = a->rc,
		.status = a->status,
		.body = a->body,
		.retry_after_ms = -1,
		.earlier_unknown = repeated,
	};
	enum channel_verdict expected = repeated ? a->repeated : a->first;
	enum channel_verdict verdict = kuper_classify(notice, &reply);
	bool confirmed = notice == NOTICE_READY || notice == NOTICE_CANCELED;

	if (expected == REPLY_DONE && confirmed)
		expected = REPLY_CONFIRM;
	if (verdict != expected)
		fail_msg("%s, %s, repeated %d: %s, expected %s", a->name,
			 notice_name(notice), repeated, verdict_names[verdict],
			 verdict_names[expected]);
}

static void every_answer_has_one_meaning(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(answers); i++)
		for (int n = NOTICE_NONE + 1; n < NOTICE_MAX_; n++) {
			expect(&answers[i], (enum notice)n, false);
			expect(&answers[i], (enum notice)n, true);
		}
}

static void every_status_that_exists_has_a_meaning(void **state)
{
	(void)state;
	for (int status = 0; status < 700; status++) {
		struct channel_reply reply = {.status = status, .body = ""};
		enum channel_verdict v = kuper_classify(NOTICE_READY, &reply);

		if (v < REPLY_DONE || v > REPLY_REJECT)
			fail_msg("%d: %d", status, v);
		/* Nothing but a 2xx may ever count as taken. */
		if ((v == REPLY_DONE || v == REPLY_CONFIRM) !=
		    (status / 100 == 2))
			fail_msg("%d: %s", status, verdict_names[v]);
	}
}

/* Letters: Yes, No, Undecided, Obsolete; in the order of NOTICES. */
static void a_state_tells_what_has_arrived(void **state)
{
	static const struct {
		const char *state, *arrivals;
	} rows[] = {
		{"pending", "NNNNN"},       {"ready", "NNNNN"},
		{"accepted", "YNNNN"},      {"collecting", "OYUNN"},
		{"assembled", "OYYNN"},     {"ready_to_ship", "OYOYN"},
		{"shipping", "OYOYN"},      {"shipped", "OYOYN"},
		{"canceled", "OOOOY"},      {"something new", "UUUUU"},
		{"Ready_To_Ship", "UUUUU"},
	};
	static const char letters[] = {
		[ARRIVAL_YES] = 'Y',
		[ARRIVAL_NO] = 'N',
		[ARRIVAL_UNDECIDED] = 'U',
		[ARRIVAL_OBSOLETE] = 'O',
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		for (int n = NOTICE_NONE + 1; n < NOTICE_MAX_; n++) {
			char letter = letters[kuper_arrival((enum notice)n,
							    rows[i].state)];

			if (letter != rows[i].arrivals[n - 1])
				fail_msg("%s in %s: %c",
					 notice_name((enum notice)n),
					 rows[i].state, letter);
		}
}

static void a_state_is_read_or_empty(void **state)
{
	static const struct {
		const char *body, *state;
	} rows[] = {
		{"{\"status\":\"success\",\"data\":{\"state\":"
		 "\"ready_to_ship\",\"paymentState\":\"paid\"}}",
		 "ready_to_ship"},
		{"{\"data\":{\"state\":\"\"}}", ""},
		{"{\"data\":{\"state\":null}}", ""},
		{"{\"data\":{\"state\":5}}", ""},
		{"{\"data\":{}}", ""},
		{"{\"state\":\"ready\"}", ""},
		{"{\"data\":{\"state\":\"ready\",\"state\":\"shipped\"}}", ""},
		{"{\"data\":{\"state\":\"ready", ""},
		{"[]", ""},
		{"", ""},
		{"<html>", ""},
		{"{\"data\":{\"state\":\"0123456789012345678901234567890123"
		 "456789012345678901234567890123456789\"}}",
		 ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char text[ORDER_SHORT_BYTES] = "before";

		kuper_read_state(rows[i].body, strlen(rows[i].body), text);
		if (strcmp(text, rows[i].state) != 0)
			fail_msg("%s: %s", rows[i].body, text);
	}
}

static void every_notice_can_be_reconciled_within_a_lease(void **state)
{
	(void)state;
	for (int n = NOTICE_NONE + 1; n < NOTICE_MAX_; n++) {
		struct channel_reconcile r = kuper_reconcile((enum notice)n);

		if (r.reads < 1 || r.settle_ms < 1000 ||
		    r.reads * r.settle_ms > 15000)
			fail_msg("%s", notice_name((enum notice)n));
	}
	assert_false(kuper_reconcile(NOTICE_ASSEMBLED).repeat_when_undecided);
	/* It takes effect 2 to 3 s after its answer. */
	assert_int_equal(kuper_reconcile(NOTICE_READY).reads, 2);
	assert_true(kuper_reconcile(NOTICE_READY).settle_ms > 3000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_answer_has_one_meaning),
		cmocka_unit_test(every_status_that_exists_has_a_meaning),
		cmocka_unit_test(a_state_tells_what_has_arrived),
		cmocka_unit_test(a_state_is_read_or_empty),
		cmocka_unit_test(every_notice_can_be_reconciled_within_a_lease),
	};
	return cmocka_run_group_tests_name("kuper_reply", tests, NULL, NULL);
}
