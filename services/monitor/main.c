/* SPDX-License-Identifier: MIT
 *
 * ordergate-monitor - finds what is wrong, and tells people once.
 */
#include <inttypes.h>

#include "app/service/service.h"
#include "base/clock.h"
#include "base/err.h"
#include "rules.h"
#include "store/watch/alerts.h"
#include "watch.h"

/* All rules, also when one of them fails. */
static int watch_all(struct service *s, struct watch *watch, struct err *e)
{
	int first = 0;

	for (size_t i = 0; i < rule_count && !service_stopping(s); i++) {
		struct err why = {0};
		int rc = watch_rule(watch, &rules[i], &why);

		if (rc < 0 && first == 0) {
			first = rc;
			*e = why;
		}
	}
	return first;
}

static int run(struct service *s, struct buf *ret_line, struct err *e)
{
	struct watch watch = {
		.db = s->db,
		.writer = s->writer,
		.config = s->config,
		.now_ms = clock_wall_ms(),
	};
	int64_t open = 0;
	int rc = watch_all(s, &watch, e);

	if (rc == 0)
		rc = alerts_firing(s->db, &open, e);
	buf_printf(ret_line,
		   "fired=%" PRId64 " repeated=%" PRId64 " resolved=%" PRId64
		   " open=%" PRId64,
		   watch.fired, watch.repeated, watch.resolved, open);
	if (rc < 0)
		buf_printf(ret_line, "; %s", e->text);
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
