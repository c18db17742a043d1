/* SPDX-License-Identifier: MIT
 *
 * kuper_reply.c - what Kuper's answers and states mean for a notification.
 *
 * Sources: the service's acceptance rules (its own autotests) and the Orders
 * API schema. A repeated notification is refused with 422 although the schema
 * promises 202, so 422 proves nothing once an earlier attempt may have arrived.
 */
#include <string.h>

#include "base/macros.h"
#include "base/text.h"
#include "channel/kuper.h"
#include "channel/reply.h"
#include "codec/json/json_scan.h"

static const struct reply_row status_rows[] = {
	{200, 299, REPLY_DONE, REPLY_DONE}, /* 202: had been processed before */
	{401, 401, REPLY_AUTH, REPLY_AUTH},
	{403, 403, REPLY_AUTH, REPLY_AUTH},
	{408, 408, REPLY_RETRY, REPLY_RETRY},
	{409, 409, REPLY_REJECT, REPLY_RECONCILE},
	{422, 422, REPLY_REJECT, REPLY_RECONCILE},
	{425, 425, REPLY_RETRY, REPLY_RETRY},
	{429, 429, REPLY_THROTTLE, REPLY_THROTTLE},
	{400, 499, REPLY_REJECT, REPLY_REJECT},
	/* Of a gateway, which does not know what became of it (RFC 9110,
	 * 15.6.3 and 15.6.5; 520 and more of delivery networks). */
	{502, 502, REPLY_RECONCILE, REPLY_RECONCILE},
	{504, 504, REPLY_RECONCILE, REPLY_RECONCILE},
	{520, 530, REPLY_RECONCILE, REPLY_RECONCILE},
	{0, 0, 0, 0},
};

/* How each notification is made certain. `confirmed`: Kuper says 200 and may
 * still not do it (rows 13, 14, 17), or does it 2 to 3 s later. */
static const struct {
	bool confirmed;
	struct channel_reconcile reconcile;
} notice_rows[NOTICE_MAX_] = {
	[NOTICE_ACCEPTED] = {false, {2, 2000, true}},
	[NOTICE_IN_WORK] = {false, {2, 2000, true}},
	/* Changes no state, so it can never be told apart: not repeated. */
	[NOTICE_ASSEMBLED] = {false, {1, 2000, false}},
	[NOTICE_READY] = {true, {2, 5000, true}},
	[NOTICE_CANCELED] = {true, {2, 2000, true}},
};

/* What a state of the shipment says about each notification: Yes, No,
 * Undecided, Obsolete. A cancellation that did not make it is never obsolete:
 * it is sent, refused, and a person learns of it. */
static const struct {
	const char *state;
	char arrivals[NOTICE_MAX_]; /* in the order of NOTICES */
} state_rows[] = {
	/* clang-format off */
	/*                 accepted, in_work, assembled, ready, canceled */
	{"pending",       "NNNNN"},
	{"ready",         "NNNNN"},
	{"accepted",      "YNNNN"},
	{"collecting",    "OYUNN"},
	{"assembled",     "OYYNN"},
	{"ready_to_ship", "OYOYN"},
	{"shipping",      "OYOYN"},
	{"shipped",       "OYOYN"},
	{"canceled",      "OOOOY"},
	/* clang-format on */
};

static const enum channel_arrival arrival_letters[] = {
	['Y'] = ARRIVAL_YES,
	['N'] = ARRIVAL_NO,
	['U'] = ARRIVAL_UNDECIDED,
	['O'] = ARRIVAL_OBSOLETE,
};

/* Kuper's own answers are empty or JSON. Anything else with a 2xx comes from
 * something on the way: a login page, a proxy. */
static bool is_from_kuper(const char *body)
{
	body += strspn(body, " \t\r\n");
	return body[0] == '\0' || body[0] == '{' || body[0] == '[';
}

enum channel_verdict kuper_classify(enum notice notice,
				    const struct channel_reply *reply)
{
	enum channel_verdict verdict = reply_verdict(status_rows, reply);

	if (verdict != REPLY_DONE)
		return verdict;
	if (!is_from_kuper(reply->body))
		return REPLY_RECONCILE;
	return notice_rows[notice].confirmed ? REPLY_CONFIRM : REPLY_DONE;
}

struct channel_reconcile kuper_reconcile(enum notice notice)
{
	return notice_rows[notice].reconcile;
}

/* {"status": "success", "data": {"state": "ready_to_ship", ...}} */
void kuper_read_state(const char *body, size_t bytes,
		      char ret_state[ORDER_SHORT_BYTES])
{
	struct json_pick picks[] = {{.path = "data.state"}};

	ret_state[0] = '\0';
	if (json_scan(body, bytes, picks, COUNT_OF(picks), NULL, NULL) < 0 ||
	    picks[0].kind != JSON_STRING)
		return;
	if (!text_copy(ret_state, ORDER_SHORT_BYTES, picks[0].text))
		ret_state[0] = '\0';
}

enum channel_arrival kuper_arrival(enum notice notice, const char *state)
{
	for (size_t i = 0; i < COUNT_OF(state_rows); i++)
		if (strcmp(state_rows[i].state, state) == 0)
			return arrival_letters[(unsigned char)state_rows[i]
						       .arrivals[notice - 1]];
	return ARRIVAL_UNDECIDED; /* a state that is new to us */
}
