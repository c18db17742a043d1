/* SPDX-License-Identifier: MIT
 *
 * ordergate-hook - takes marketplaces' notifications into the inbox.
 */
#include <stdlib.h>

#include "app/service/service.h"
#include "base/err.h"
#include "intake.h"

/* nginx has applied the configured limit; this one is the program's own. */
#define HOOK_ROUTE(path)                                                       \
	{                                                                      \
		"POST", path, hook_receive, HTTP_BODY_BYTES_MAX, HTTP_DEFERRED \
	}

static const struct http_route routes[] = {
	HOOK_ROUTE("/sbermarket/orders/hook/"),
	HOOK_ROUTE("/sbermarket/orders/hook"),
	{NULL, NULL, NULL, 0, 0},
};

/* The event thread may be comparing with the token of before right now, so that
 * one lives until the next reload. */
static int load_token(struct service *s, struct err *e)
{
	struct hook *hook = s->context;
	struct secret *token = calloc(1, sizeof(*token));
	int rc = token != NULL
			 ? secret_load(&s->dir, "hook-token", token, e)
			 : err_set(e, ERR_NOMEM, "hook-token: out of memory");

	if (rc < 0) {
		free(token);
		return rc;
	}
	free(hook->old_token);
	hook->old_token = atomic_exchange(&hook->token, token);
	return 0;
}

static void stop(struct service *s)
{
	struct hook *hook = s->context;

	free(hook->old_token);
	free(atomic_load(&hook->token));
}

static int start(struct service *s, struct err *e)
{
	static struct hook hook;

	hook.writer = s->writer;
	s->context = &hook;
	return load_token(s, e);
}

int main(int argc, char **argv)
{
	static const struct service_def def = {
		.name = "hook",
		.summary = "takes marketplaces' notifications into the inbox",
		.many = true,
		.routes = routes,
		.start = start,
		.reload = load_token,
		.stop = stop,
	};

	return service_main(argc, argv, &def);
}
