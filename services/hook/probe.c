/* SPDX-License-Identifier: MIT */
#include "probe.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/macros.h"
#include "channel/channel.h"
#include "intake.h"
#include "store/engine/writer.h"
#include "store/monitor/measures.h"

struct probe { /* one on its way through the writer */
	struct unit unit;
	struct http_exchange *x;
	const char *channel;
	char proof[DIGEST_TEXT_BYTES];
};

/* Without a change there would be no COMMIT to wait for. */
static int keep(struct unit *u, struct db *db, int64_t now_ms, struct err *e)
{
	const struct probe *p = CONTAINER_OF(u, struct probe, unit);

	return measures_put(db, MEASURE_PROBE_SEEN, p->channel, now_ms, "",
			    now_ms, e);
}

static void answer(struct unit *u, int rc, const struct err *e)
{
	struct probe *p = CONTAINER_OF(u, struct probe, unit);
	char body[DIGEST_TEXT_BYTES + 48];
	int bytes;

	(void)e;
	if (rc < 0) {
		hook_reply_unavailable(p->x);
		return;
	}
	bytes = snprintf(body, sizeof(body),
			 "{\"status\":\"ok\",\"probe\":\"%s\"}", p->proof);
	http_reply(p->x, 200, "application/json", body, (size_t)bytes);
}

bool probe_is_one(const struct http_exchange *x)
{
	return http_header(x, PROBE_MARK_HEADER) != NULL;
}

bool probe_receive(struct http_exchange *x, struct hook *hook)
{
	const struct secret *key = atomic_load(&hook->probe_key.now);
	char nonce[SECRET_TEXT_BYTES];
	struct probe *p;

	if (key == NULL ||
	    !probe_mark_accept(&hook->probes, key,
			       http_header(x, PROBE_MARK_HEADER),
			       clock_wall_ms(), clock_mono_ms(), nonce))
		return false;
	p = http_exchange_alloc(x, sizeof(*p));
	if (p == NULL) {
		hook_reply_unavailable(x);
		return true;
	}
	p->x = x;
	p->channel = channel_by_hook_path(http_path(x))->name;
	probe_mark_answer(key, nonce, p->proof);
	p->unit.run = keep;
	p->unit.done = answer;
	if (writer_submit(hook->writer, &p->unit, NULL) < 0)
		hook_reply_unavailable(x);
	return true;
}
