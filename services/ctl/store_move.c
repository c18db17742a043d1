/* SPDX-License-Identifier: MIT
 *
 * store_move.c - the store goes to another place and engine.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "ctl.h"
#include "store/move/move.h"

enum {
	TELL_EVERY_MS = 2000
};

static void tell(const struct move_progress *p, void *context)
{
	int64_t *told_ms = context;
	int64_t now_ms = clock_wall_ms();

	if (!p->done && now_ms - *told_ms < TELL_EVERY_MS)
		return;
	*told_ms = now_ms;
	if (p->checking)
		ctl_note("checked %s: %" PRId64 " rows%s\n", p->table, p->rows,
			 p->done ? "" : " ...");
	else
		ctl_note("copied %s: %" PRId64 " rows%s\n", p->table, p->rows,
			 p->done ? "" : " ...");
}

int ctl_store_move(struct ctl *ctl)
{
	const char *url = ctl_option(ctl, "--to", NULL);
	char to[STATE_STORE_BYTES];
	int64_t told_ms = 0;
	struct move_options options = {.from = ctl->store_path,
				       .to = to,
				       .anew = ctl_flag(ctl, "--anew"),
				       .tell = tell,
				       .context = &told_ms};
	struct move_result result;
	int code;
	int rc;

	if (url == NULL || ctl->arg_count > 0)
		return ctl_fail(ctl, CTL_USAGE, "--to URL, please");
	rc = state_dir_store_path(&ctl->dir, url, to, &ctl->err);
	if (rc < 0)
		return ctl_error(ctl, rc);
	code = ctl_refuse_alive(ctl); /* those of other machines have leases */
	if (code != CTL_DONE)
		return code;
	rc = move_store(&options, &result, &ctl->err);
	if (rc < 0)
		return ctl_error(ctl, rc);
	if (result.repaired > 0)
		ctl_note("ordergatectl: store move: %" PRId64
			 " texts were not UTF-8 and have U+FFFD for what "
			 "was not\n",
			 result.repaired);
	ctl_say("%" PRId64 " rows of %d tables are there and the same; "
		"the old store is closed\n"
		"set store.url to the new one, then start the services\n",
		result.rows, result.tables);
	return CTL_DONE;
}

int ctl_store_reopen(struct ctl *ctl)
{
	int rc = move_reopen(ctl->store_path, &ctl->err);

	if (rc < 0)
		return ctl_error(ctl, rc);
	ctl_say("the store is open again; what it was moved to must "
		"not be used\n");
	return CTL_DONE;
}
