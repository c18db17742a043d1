/* SPDX-License-Identifier: MIT
 *
 * ordergate-console - /healthz and /metrics, for who watches from outside.
 */
#include <pthread.h>

#include "app/metrics/metrics.h"
#include "app/service/service.h"
#include "base/buf.h"
#include "base/clock.h"
#include "console.h"
#include "health.h"
#include "net/server/http_server.h"
#include "store/engine/db.h"

enum {
	METRICS_BYTES_MAX = 4 * 1024 * 1024
};

static void show_metrics(struct http_exchange *x, void *context)
{
	const struct console *console = ((struct service *)context)->context;
	CLEANUP(buf_clear) struct buf body = BUF_MAX(METRICS_BYTES_MAX);

	if (metrics_export(console->dir.run, &body, NULL) < 0) {
		http_reply_error(x, 500, "internal",
				 "the metrics cannot be read");
		return;
	}
	http_reply(x, 200, "text/plain; version=0.0.4", buf_text(&body),
		   body.used_bytes);
}

static const struct http_route routes[] = {
	{"GET", "/healthz", health_show, 0, 0},
	{"GET", "/metrics", show_metrics, 0, 0},
	{NULL, NULL, NULL, 0, 0},
};

static int reload(struct service *s, struct err *e)
{
	struct console *console = s->context;

	(void)e;
	(void)pthread_mutex_lock(&console->lock);
	console->pool = s->config->pool;
	(void)pthread_mutex_unlock(&console->lock);
	return 0;
}

static int start(struct service *s, struct err *e)
{
	static struct console console = {.lock = PTHREAD_MUTEX_INITIALIZER};

	console.dir = s->dir;
	console.pool = s->config->pool;
	s->context = &console;
	return state_dir_store_path(&s->dir, s->config->store.url,
				    console.store_path, e);
}

static void stop(struct service *s)
{
	struct console *console = s->context;

	db_close(console->db);
}

int main(int argc, char **argv)
{
	static const struct service_def def = {
		.name = "console",
		.summary =
			"/healthz and /metrics, for who watches from outside",
		.routes = routes,
		.start = start,
		.reload = reload,
		.stop = stop,
	};

	return service_main(argc, argv, &def);
}
