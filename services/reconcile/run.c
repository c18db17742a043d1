/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "app/metrics/metrics.h"
#include "app/service/service.h"
#include "base/clock.h"
#include "base/macros.h"
#include "reconcile.h"
#include "store/pull/pulls.h"
#include "store/queue/endpoints.h"

enum {
	RUN_DEFAULT_MS = 60000,
	RUN_MIN_MS = 1000,
	JOB_MARGIN_MS = 10000 /* of its time-out: for the longest call */
};

static int64_t run_ms(const struct config *config)
{
	const struct config_job *job = config_job(config, "reconcile");
	int64_t timeout_ms = job != NULL ? job->timeout_ms : RUN_DEFAULT_MS;

	return MAX_OF(timeout_ms - JOB_MARGIN_MS, (int64_t)RUN_MIN_MS);
}

static void show(const struct reconcile *r, int64_t waiting)
{
	const struct {
		enum metric_kind kind;
		const char *name;
		int64_t value;
	} rows[] = {
		{METRIC_COUNTER, "ordergate_reconcile_listed_total", r->listed},
		{METRIC_COUNTER, "ordergate_reconcile_found_total", r->found},
		{METRIC_COUNTER, "ordergate_reconcile_brought_total",
		 r->brought},
		{METRIC_COUNTER, "ordergate_reconcile_failed_total", r->failed},
		{METRIC_GAUGE, "ordergate_reconcile_waiting", waiting},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct metric *m = metric_get(rows[i].kind, rows[i].name, "");

		if (rows[i].kind == METRIC_GAUGE)
			metric_set(m, rows[i].value);
		else
			metric_add(m, rows[i].value);
	}
}

static void write_line(const struct reconcile *r, struct buf *line)
{
	int64_t waiting = 0;

	(void)pulls_count(r->service->db, r->channel->name, &waiting, NULL);
	buf_printf(line,
		   "listed=%" PRId64 " found=%" PRId64 " brought=%" PRId64
		   " messages=%" PRId64 " same=%" PRId64 " gone=%" PRId64
		   " failed=%" PRId64 " waiting=%" PRId64,
		   r->listed, r->found, r->brought, r->messages, r->same,
		   r->gone, r->failed, waiting);
	if (r->unreadable > 0)
		buf_printf(line, " unreadable=%" PRId64, r->unreadable);
	if (r->unfinished)
		buf_add_text(line, " unfinished=1");
	show(r, waiting);
}

void reconcile_progress(const struct reconcile *r)
{
	service_progress(r->service,
			 "listed=%" PRId64 " found=%" PRId64 " brought=%" PRId64
			 " failed=%" PRId64 " so far",
			 r->listed, r->found, r->brought, r->failed);
}

/* A marketplace that is known to be away is no failed run: its breaker has told
 * people already. */
static int fail_unless_known(struct reconcile *r, int rc, struct buf *line,
			     struct err *e)
{
	struct endpoint_row endpoint = {0};

	if (rc != ERR_REMOTE ||
	    endpoints_get(r->service->db, r->channel->name, &endpoint, NULL) <
		    0 ||
	    endpoint.state == ENDPOINT_CLOSED) {
		buf_printf(line, "; %s", e->text);
		return rc;
	}
	buf_printf(line, "; %s is away and its breaker is %s: %s",
		   r->channel->name, endpoint_state_name(endpoint.state),
		   e->text);
	return 0;
}

static int run_channel(struct reconcile *r, struct buf *line, struct err *e)
{
	struct http_client_options options = {
		.user_agent = "Ordergate/" ORDERGATE_VERSION,
		.parallel_max = (int)r->config->parallel,
	};
	int rc = http_client_new(&options, &r->client, e);

	if (rc == 0)
		rc = call_prepare(r, e);
	if (rc == 0)
		rc = list_changes(r, e);
	/* What was found earlier may be there also when listing fails. */
	if (rc == 0 || (rc == ERR_REMOTE && call_may_go_on(r))) {
		int fetched = fetch_waiting(r, rc == 0 ? e : NULL);

		rc = rc == 0 ? fetched : rc;
	}
	write_line(r, line);
	if (rc == 0 && r->failed > 0)
		rc = err_set(e, ERR_REMOTE, "%s", r->why.text);
	return rc < 0 ? fail_unless_known(r, rc, line, e) : 0;
}

int reconcile_run(struct service *s, struct buf *ret_line, struct err *e)
{
	struct reconcile r = {
		.service = s,
		.channel = channel_find(s->config->kuper.name),
		.config = &s->config->kuper,
		.end_ms = clock_mono_ms() + run_ms(s->config),
	};
	int rc;

	if (r.channel == NULL)
		return err_set(e, ERR_INVALID, "unknown channel");
	if (r.config->shipments_url[0] == '\0') {
		buf_printf(ret_line,
			   "channel %s: shipments_url is empty: nothing to "
			   "compare with",
			   r.channel->name);
		return 0;
	}
	rc = run_channel(&r, ret_line, e);
	http_client_free(r.client);
	explicit_bzero(r.authorisation, sizeof(r.authorisation));
	return rc;
}
