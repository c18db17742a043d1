/* SPDX-License-Identifier: MIT
 *
 * ordergate-hook - takes marketplaces' notifications into the inbox.
 */
#include <stdlib.h>

#include "app/service/service.h"
#include "base/clock.h"
#include "base/err.h"
#include "give_way.h"
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

static void replace(struct hook_secret *held, struct secret *next)
{
	free(held->before);
	held->before = atomic_exchange(&held->now, next);
}

static int load(struct service *s, const char *name, struct hook_secret *held,
		struct err *e)
{
	struct secret *secret = calloc(1, sizeof(*secret));
	int rc;

	if (secret == NULL)
		return err_set(e, ERR_NOMEM, "%s: out of memory", name);
	rc = secret_load(&s->dir, name, secret, e);
	if (rc == 0)
		replace(held, secret);
	else
		free(secret);
	return rc;
}

static int load_secrets(struct service *s, struct err *e)
{
	struct hook *hook = s->context;
	int rc = load(s, "hook-token", &hook->token, e);

	/* Notifications are taken without it; the monitor says that its probe
	 * is not answered. */
	if (rc == 0)
		(void)load(s, "probe-key", &hook->probe_key, NULL);
	return rc;
}

static void stop(struct service *s)
{
	struct hook *hook = s->context;

	for (int i = 0; i < 2; i++) { /* the one of now, and of before */
		replace(&hook->token, NULL);
		replace(&hook->probe_key, NULL);
	}
}

static int start(struct service *s, struct err *e)
{
	static struct hook hook;

	hook.writer = s->writer;
	hook.probes.began_ms = clock_mono_ms();
	s->context = &hook;
	return load_secrets(s, e);
}

enum {
	LOOK_EVERY_MS = 100
};

static int work(struct service *s, struct err *e)
{
	static struct give_way give_way;

	(void)e;
	give_way_look(&give_way, s);
	s->wait_ms = LOOK_EVERY_MS;
	return 0;
}

int main(int argc, char **argv)
{
	static const struct service_def def = {
		.name = "hook",
		.summary = "takes marketplaces' notifications into the inbox",
		.many = true,
		.routes = routes,
		.work = work,
		.start = start,
		.reload = load_secrets,
		.stop = stop,
	};

	return service_main(argc, argv, &def);
}
