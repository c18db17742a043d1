/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "net/client/http_client.h"

enum {
	STEP_MS = 1000
};

struct single {
	struct http_answer *answer;
	bool finished;
};

static void keep(const struct http_answer *answer, void *context)
{
	struct single *single = context;
	char *body = malloc(answer->body_bytes + 1);

	*single->answer = *answer;
	single->finished = true;
	if (body == NULL) {
		/* The status is what matters most: an answer cut to nothing. */
		single->answer->body = NULL;
		single->answer->body_bytes = 0;
		single->answer->body_cut = true;
		return;
	}
	memcpy(body, answer->body, answer->body_bytes + 1);
	single->answer->body = body;
}

int http_client_call(struct http_client *client,
		     const struct http_request *request,
		     struct http_answer *ret_answer, struct err *e)
{
	struct single single = {.answer = ret_answer};
	int rc;

	*ret_answer = (struct http_answer){.retry_after_ms = -1, .date_ms = -1};
	rc = http_client_start(client, request, keep, &single,
			       &ret_answer->err);
	ret_answer->rc = rc;
	/* Ends by the time-out that every call has. */
	while (rc == 0 && !single.finished)
		(void)http_client_run(client, STEP_MS, -1);
	if (ret_answer->rc < 0 && e != NULL)
		*e = ret_answer->err;
	return ret_answer->rc;
}

void http_answer_clear(struct http_answer *answer)
{
	free((void *)(uintptr_t)answer->body); /* NOLINT: made in keep() */
	*answer = (struct http_answer){.retry_after_ms = -1, .date_ms = -1};
}
