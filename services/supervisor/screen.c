/* SPDX-License-Identifier: MIT */
#include "screen.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "prepare.h"

enum {
	BASE_BYTES = CONFIG_TEXT_BYTES + 32
};

static const struct {
	const char *what, *path, *secret; /* NULL: needs none */
} doors[] = {
	{"hook", "/sbermarket/orders/hook/", "hook-token"},
	{"assembly API", "/sbermarket/orders/api/", "assembly-token"},
	{"ERP exchange", "/erp/v1/", "erp-token"},
	{"health", "/healthz", NULL},
	{"metrics", "/metrics", NULL},
};

/* An address that a browser on this machine can use. */
static void base_of(const struct config_http *http, char base[BASE_BYTES])
{
	const char *host = http->listen;

	if (strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0)
		host = "localhost";
	(void)snprintf(base, BASE_BYTES,
		       strchr(host, ':') != NULL ? "https://[%s]:%" PRIi64
						 : "https://%s:%" PRIi64,
		       host, http->port);
}

void screen_up(const struct installation *in, int64_t took_ms)
{
	char base[BASE_BYTES];

	base_of(&in->config->http, base);
	(void)printf("Ordergate is up after %" PRIi64 ".%" PRIi64 " s.\n",
		     took_ms / 1000, took_ms % 1000 / 100);
	for (size_t i = 0; i < COUNT_OF(doors); i++)
		(void)printf("  %-14s %s%-25s %s%s\n", doors[i].what, base,
			     doors[i].path,
			     doors[i].secret != NULL ? "secret: " : "",
			     doors[i].secret != NULL ? doors[i].secret : "");
	(void)printf("  %-14s %s\n", "secrets", in->dir.secrets);
	(void)printf("  %-14s %s/ordergate.log\n", "log", in->dir.log);
	(void)printf("Stop it with Ctrl-C.\n");
	(void)fflush(stdout);
}

void screen_not_up(const struct installation *in, const char *missing,
		   const char *health, int64_t took_ms)
{
	(void)printf("Ordergate is not up after %" PRIi64 " s. Not ready: %s. "
		     "Health: %s. See %s/ordergate.log\n",
		     took_ms / 1000, missing[0] != '\0' ? missing : "nobody",
		     health[0] != '\0' ? health : "no answer", in->dir.log);
	(void)fflush(stdout);
}
