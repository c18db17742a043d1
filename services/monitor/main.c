/* SPDX-License-Identifier: MIT
 *
 * ordergate-monitor - finds what is wrong, and tells people once.
 */
#include <inttypes.h>

#include "app/log.h"
#include "app/service/service.h"
#include "base/clock.h"
#include "base/err.h"
#include "gauges.h"
#include "mail/escalate.h"
#include "probe.h"
#include "rules.h"
#include "store/watch/alerts.h"
#include "watch.h"
#include "windows.h"

/* The first failure counts; the rest is done all the same. */
static void keep_first(int *first, struct err *e, int rc, const struct err *why)
{
	if (rc >= 0 || *first < 0)
		return;
	*first = rc;
	*e = *why;
}

static void watch_all(struct service *s, struct watch *watch, int *first,
		      struct err *e)
{
	for (size_t i = 0; i < rule_count && !service_stopping(s); i++) {
		struct err why = {0};

		keep_first(first, e, watch_rule(watch, &rules[i], &why), &why);
	}
}

static void escalate_all(struct service *s, int64_t now_ms, struct buf *line,
			 int *first, struct err *e)
{
	struct escalate escalate = {
		.db = s->db,
		.writer = s->writer,
		.config = s->config,
		.now_ms = now_ms,
	};
	struct err why = {0};

	keep_first(first, e, escalate_run(&escalate, &why), &why);
	if (escalate.mails > 0)
		buf_printf(line, " mails=%" PRId64, escalate.mails);
}

static int run(struct service *s, struct buf *ret_line, struct err *e)
{
	struct watch watch = {
		.db = s->db,
		.writer = s->writer,
		.config = s->config,
		.now_ms = clock_wall_ms(),
	};
	struct err why = {0};
	int64_t open = 0;
	int measured = gauges_read(s, watch.now_ms, &why);
	int rc = 0;

	keep_first(&rc, e, measured, &why);
	keep_first(&rc, e,
		   windows_apply(s->writer, s->config, watch.now_ms, &why),
		   &why);
	watch_all(s, &watch, &rc, e);
	keep_first(&rc, e, alerts_firing(s->db, &open, &why), &why);
	buf_printf(ret_line,
		   "fired=%" PRId64 " repeated=%" PRId64 " resolved=%" PRId64
		   " open=%" PRId64,
		   watch.fired, watch.repeated, watch.resolved, open);
	escalate_all(s, watch.now_ms, ret_line, &rc, e);
	if (measured > 0)
		buf_printf(ret_line, " unmeasured=%d", measured);
	if (rc < 0)
		buf_printf(ret_line, "; %s", e->text);
	/* Whoever waits for the call learns of a failed pass by its absence. */
	if (rc == 0 && probe_ping(s, &why) < 0) {
		log_event(LOG_LEVEL_WARNING, "the ping did not arrive",
			  LOG_TEXT("error", why.text));
		buf_printf(ret_line, "; the ping did not arrive: %s", why.text);
	}
	return rc;
}

int main(int argc, char **argv)
{
	static const struct service_def def = {
		.name = "monitor",
		.summary = "finds what is wrong, and tells people once",
		.run = run,
	};

	return service_main(argc, argv, &def);
}
