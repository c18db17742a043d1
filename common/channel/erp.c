/* SPDX-License-Identifier: MIT */
#include "channel/erp.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"
#include "channel/reply.h"
#include "codec/json/json_scan.h"

static const struct reply_row status_rows[] = {
	{200, 299, REPLY_DONE, REPLY_DONE},
	{401, 401, REPLY_AUTH, REPLY_AUTH},
	{403, 403, REPLY_AUTH, REPLY_AUTH},
	/* There is no such address, or it takes no POST: no message is to
	 * blame, and each of them would be refused. */
	{404, 405, REPLY_AUTH, REPLY_AUTH},
	{408, 408, REPLY_RETRY, REPLY_RETRY},
	{425, 425, REPLY_RETRY, REPLY_RETRY},
	{429, 429, REPLY_THROTTLE, REPLY_THROTTLE},
	{400, 499, REPLY_REJECT, REPLY_REJECT},
	{0, 0, 0, 0},
};

/* A page with a 2xx is a login or a proxy's, and nobody has taken anything. */
static bool is_page(const char *body)
{
	return body[strspn(body, " \t\r\n")] == '<';
}

static enum channel_verdict classify(enum notice notice,
				     const struct channel_reply *reply)
{
	enum channel_verdict verdict = reply_verdict(status_rows, reply);

	(void)notice;
	return verdict == REPLY_DONE && is_page(reply->body) ? REPLY_RECONCILE
							     : verdict;
}

static struct channel_reconcile reconcile(enum notice notice)
{
	(void)notice;
	return (struct channel_reconcile){.reads = 1,
					  .repeat_when_undecided = true};
}

static bool allows(enum notice notice, int integration_type)
{
	(void)notice;
	(void)integration_type;
	return true;
}

const struct channel channel_erp = {
	.name = "erp",
	.independent = true,
	.pushed = true,
	.classify = classify,
	.reconcile = reconcile,
	.allows = allows,
};

static int64_t number_of(const struct json_pick *pick)
{
	return pick->kind == JSON_NUMBER ? strtoll(pick->text, NULL, 10) : 0;
}

void erp_read_numbers(const char *body, size_t bytes, int64_t *ret_entry,
		      int64_t *ret_document)
{
	struct json_pick picks[] = {{.path = "seq"}, {.path = "id"}};

	(void)json_scan(body, bytes, picks, COUNT_OF(picks), NULL, NULL);
	*ret_entry = number_of(&picks[0]);
	*ret_document = number_of(&picks[1]);
}

void erp_read_reason(const char *body, size_t bytes,
		     char ret_reason[ERP_REASON_BYTES])
{
	struct json_pick picks[] = {{.path = "reason"},
				    {.path = "error.message"},
				    {.path = "message"},
				    {.path = "error"}};

	ret_reason[0] = '\0';
	if (json_scan(body, bytes, picks, COUNT_OF(picks), NULL, NULL) < 0)
		return;
	for (size_t i = 0; i < COUNT_OF(picks) && ret_reason[0] == '\0'; i++)
		if (picks[i].kind == JSON_STRING)
			(void)text_copy(ret_reason, ERP_REASON_BYTES,
					picks[i].text);
}
