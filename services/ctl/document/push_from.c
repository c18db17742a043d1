/* SPDX-License-Identifier: MIT
 *
 * push_from.c - `erp push SEQ|now --reason TEXT`: where pushing to the ERP goes
 * on. Backwards, entries are sent again under the keys that they had.
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/text.h"
#include "codec/json/json_out.h"
#include "ctl.h"
#include "store/engine/writer.h"
#include "store/exchange/push.h"
#include "store/repair/audit.h"
#include "store/watch/jobs.h"

enum {
	FILTER_BYTES_MAX = 64
};

struct push_from {
	struct unit unit;
	char who[JOB_ASKER_BYTES];
	const char *reason;
	int64_t entry_id; /* -1: the newest; then where it goes on */
	int64_t after_id;
};

static int keep_audit(struct db *db, const struct push_from *push,
		      int64_t now_ms, struct err *e)
{
	CLEANUP(buf_clear) struct buf filter = BUF_MAX(FILTER_BYTES_MAX);
	struct json_out out = json_out_to(&filter);
	struct audit_entry entry = {.actor = push->who,
				    .action = "erp push",
				    .reason = push->reason};
	int64_t id = 0;
	int rc;

	json_object(&out, NULL);
	json_put_i64(&out, "after", push->after_id);
	json_end(&out);
	rc = json_out_finish(&out, e);
	entry.filter = buf_text(&filter);
	if (rc == 0)
		rc = audit_begin(db, &entry, now_ms, &id, e);
	return MIN_OF(rc, 0);
}

static int run_push_from(struct unit *u, struct db *db, int64_t now_ms,
			 struct err *e)
{
	struct push_from *push = CONTAINER_OF(u, struct push_from, unit);

	push->after_id = push_go_on_after(db, push->entry_id, now_ms, e);
	return push->after_id < 0 ? (int)push->after_id
				  : keep_audit(db, push, now_ms, e);
}

int ctl_erp_push(struct ctl *ctl)
{
	struct push_from push = {.unit.run = run_push_from,
				 .reason = ctl_option(ctl, "--reason", ""),
				 .entry_id = -1};
	const char *from = ctl_next(ctl);
	int rc;

	if (from == NULL || push.reason[0] == '\0')
		return ctl_fail(ctl, CTL_USAGE,
				"after which entry does it go on, and why? "
				"SEQ|now --reason TEXT");
	if (strcmp(from, "now") != 0 &&
	    text_to_i64(from, 0, INT64_MAX, &push.entry_id, &ctl->err) < 0)
		return ctl_fail(ctl, CTL_USAGE, "%s", ctl->err.text);
	ctl_actor(push.who, sizeof(push.who));
	rc = ctl_write(ctl, &push.unit);
	if (rc < 0)
		return ctl_error(ctl, rc);
	ctl_say("what comes after entry %lld is pushed\n",
		(long long)push.after_id);
	return CTL_DONE;
}
