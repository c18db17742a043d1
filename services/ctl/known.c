/* SPDX-License-Identifier: MIT
 *
 * known.c - whether what a person names is there: a slip must not become a row
 * that nothing looks at.
 */
#include <string.h>

#include "base/clock.h"
#include "codec/time/timestamp.h"
#include "ctl.h"
#include "domain/invoice/invoice.h"
#include "store/engine/db.h"
#include "store/order/stores.h"
#include "store/watch/jobs.h"
#include "store/watch/views.h"

int ctl_know_store(struct ctl *ctl, const char *id)
{
	struct store_row store;
	int rc = stores_get(ctl->db, id, &store, &ctl->err);

	if (rc < 0)
		return ctl_error(ctl, rc);
	return rc > 0 ? CTL_DONE
		      : ctl_fail(ctl, CTL_NOTFOUND,
				 "there is no store '%.64s': see ordergatectl "
				 "store list",
				 id);
}

struct search {
	const char *name, *pattern, *date;
	bool found;
};

static int match_name(struct query *row, void *context)
{
	struct search *s = context;

	s->found |= strcmp(query_col_text(row, 0), s->name) == 0;
	return 0;
}

/* The series that this store's next document would have. */
static int match_store(struct query *row, void *context)
{
	struct search *s = context;
	char series[INVOICE_SERIES_BYTES];

	invoice_series(s->pattern, s->date, query_col_text(row, 0), series);
	s->found |= strcmp(series, s->name) == 0;
	return 0;
}

static int look(struct ctl *ctl, const char *view,
		int (*each)(struct query *row, void *context), void *context)
{
	int rc = view_run(ctl->db, view_find(view), NULL, 0, each, context,
			  &ctl->err);

	return rc < 0 ? rc : 0;
}

int ctl_know_series(struct ctl *ctl, const char *name)
{
	char date[INVOICE_DATE_BYTES];
	struct search s = {.name = name,
			   .pattern = ctl->config->invoicing.series,
			   .date = date};
	int rc;

	(void)timestamp_date(clock_wall_ms(), 0, date);
	rc = look(ctl, "series.list", match_name, &s);
	if (rc == 0 && !s.found)
		rc = look(ctl, "store.list", match_store, &s);
	if (rc < 0)
		return ctl_error(ctl, rc);
	return s.found ? CTL_DONE
		       : ctl_fail(ctl, CTL_NOTFOUND,
				  "there is no series '%.64s': see "
				  "ordergatectl series list",
				  name);
}

int ctl_know_job(struct ctl *ctl, const char *name)
{
	struct search s = {.name = name,
			   .found = config_job(ctl->config, name) != NULL};
	int rc = s.found ? 0 : look(ctl, "job.list", match_name, &s);

	if (rc < 0)
		return ctl_error(ctl, rc);
	return s.found ? CTL_DONE
		       : ctl_fail(ctl, CTL_NOTFOUND,
				  "there is no job '%.64s': see ordergatectl "
				  "job list",
				  name);
}
