/* SPDX-License-Identifier: MIT */
#include "channel/reply.h"

#include "base/err.h"
#include "base/macros.h"

/* Failures of the call itself. */
static const struct {
	int rc;
	enum channel_verdict verdict;
} call_rows[] = {
	{ERR_UNCERTAIN, REPLY_RECONCILE},
	{ERR_REMOTE, REPLY_RETRY},
	{ERR_NOMEM, REPLY_RETRY},
	/* Our address of the service is wrong: no message is to blame. */
	{ERR_INVALID, REPLY_RETRY},
};

enum channel_verdict reply_verdict(const struct reply_row *rows,
				   const struct channel_reply *reply)
{
	for (size_t i = 0; i < COUNT_OF(call_rows); i++)
		if (reply->rc == call_rows[i].rc)
			return call_rows[i].verdict;
	if (reply->rc < 0)
		return REPLY_RETRY;
	for (; rows->from != 0; rows++)
		if (reply->status >= rows->from && reply->status <= rows->to)
			return reply->earlier_unknown ? rows->repeated
						      : rows->verdict;
	return REPLY_RETRY;
}
