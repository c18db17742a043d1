/* SPDX-License-Identifier: MIT
 *
 * jobs.c - asking the scheduler.
 */
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "ctl.h"
#include "store/engine/writer.h"
#include "store/watch/jobs.h"

struct ask {
	struct unit unit;
	const char *job;
	char who[JOB_ASKER_BYTES];
	bool pause, only_request;
};

static int run_ask(struct unit *u, struct db *db, int64_t now_ms, struct err *e)
{
	struct ask *ask = CONTAINER_OF(u, struct ask, unit);

	(void)now_ms;
	return ask->only_request ? jobs_request(db, ask->job, ask->who, e)
				 : jobs_pause(db, ask->job, ask->pause, e);
}

static int ask(struct ctl *ctl, struct ask *a)
{
	int rc;

	a->unit.run = run_ask;
	a->job = ctl_next(ctl);
	if (a->job == NULL)
		return ctl_fail(ctl, CTL_USAGE, "which job?");
	rc = ctl_know_job(ctl, a->job);
	if (rc != CTL_DONE)
		return rc;
	rc = ctl_write(ctl, &a->unit);
	return rc < 0 ? ctl_error(ctl, rc) : CTL_DONE;
}

/* Also of one that the configuration has no more. */
int ctl_job_history(struct ctl *ctl)
{
	int code =
		ctl->arg_count > 0 ? ctl_know_job(ctl, ctl->args[0]) : CTL_DONE;

	return code == CTL_DONE ? ctl_view(ctl) : code;
}

int ctl_job_run(struct ctl *ctl)
{
	struct ask a = {.only_request = true};

	ctl_actor(a.who, sizeof(a.who));
	return ask(ctl, &a);
}

int ctl_job_pause(struct ctl *ctl)
{
	struct ask a = {.pause = strstr(ctl->command, "pause") != NULL};

	return ask(ctl, &a);
}
