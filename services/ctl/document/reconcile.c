/* SPDX-License-Identifier: MIT
 *
 * reconcile.c - a report of the marketplace held against our documents, by
 * hand: what the job `settlement` does with the files in import/reports/.
 */
#include <stdio.h>
#include <string.h>

#include "app/locale.h"
#include "base/clock.h"
#include "base/text.h"
#include "ctl.h"
#include "document/settlement/settle_files.h"
#include "store/engine/writer.h"

enum {
	ACTOR_BYTES = 64
};

static void tell_bad(int64_t line, const char *why, void *context)
{
	(void)fprintf(stderr, "%s:%lld: %s\n", *(const char *const *)context,
		      (long long)line, why);
}

static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* CTL_DONE, or what is wrong with the arguments. */
static int read_options(struct ctl *ctl, struct settle *s)
{
	s->from = ctl_option(ctl, "--from", "");
	s->to = ctl_option(ctl, "--to", "");
	s->is_partial = ctl_flag(ctl, "--partial") || s->is_partial;
	s->again = ctl_flag(ctl, "--again");
	s->path = ctl_next(ctl);
	if (s->path == NULL || ctl->arg_count > 0)
		return ctl_fail(ctl, CTL_USAGE, "which file? one at a time");
	if ((s->from[0] == '\0') != (s->to[0] == '\0') ||
	    (s->from[0] != '\0' &&
	     (!market_is_date(s->from) || !market_is_date(s->to) ||
	      strcmp(s->from, s->to) > 0)))
		return ctl_fail(ctl, CTL_USAGE,
				"--from and --to are days such as 2026-01-31, "
				"both or none");
	s->name = file_name(s->path);
	s->context = &s->path;
	return CTL_DONE;
}

static void print_result(const struct settle *s, int rc)
{
	const struct market_report *r = &s->report;

	if (rc == 0)
		(void)printf(tr("this file is known: report %s\n"), r->name);
	else
		(void)printf(tr("report %s\n"), r->name);
	(void)printf(tr("orders: %lld, missing here: %lld, not in the report: "
			"%lld, different: %lld, twice in the report: %lld\n"),
		     (long long)r->orders,
		     (long long)r->counts[FINDING_MISSING],
		     (long long)r->counts[FINDING_EXTRA],
		     (long long)r->counts[FINDING_DIFFERENT],
		     (long long)r->counts[FINDING_DUPLICATE]);
}

int ctl_document_reconcile(struct ctl *ctl)
{
	char actor[ACTOR_BYTES];
	struct settle settle;
	int code;
	int rc;

	settle_set(&settle, ctl->config, clock_wall_ms());
	code = read_options(ctl, &settle);
	if (code != CTL_DONE)
		return code;
	ctl_actor(actor, sizeof(actor));
	settle.actor = actor;
	settle.bad = tell_bad;
	settle.folder = ctl->dir.export;
	settle.db = ctl->db;
	settle.writer = ctl_writer(ctl);
	if (settle.writer == NULL)
		return CTL_FAILED;
	rc = settle_file(&settle, &ctl->err);
	if (rc >= 0) {
		int written = settle_write_files(
			ctl->db, settle.writer, ctl->dir.export,
			ctl->config->invoicing.csv_decimal_comma, &ctl->err);

		print_result(&settle, rc);
		rc = written;
	}
	writer_stop(settle.writer);
	return rc < 0 ? ctl_error(ctl, rc) : CTL_DONE;
}
