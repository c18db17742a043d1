/* SPDX-License-Identifier: MIT
 *
 * fetch.c - whole orders, some at a time; an order is in one call at most.
 */
#include <stdlib.h>
#include <string.h>

#include "app/log.h"
#include "app/service/service.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/text.h"
#include "reconcile.h"
#include "store/engine/writer.h"
#include "store/pull/pulls.h"
#include "store/queue/inbox.h"

enum {
	ORDER_BYTES_MAX = 1024 * 1024,
	RETRY_MS = 1000, /* times the tries so far */
	IDLE_MS = 100,
	URL_BYTES_MAX = CONFIG_TEXT_BYTES + 3 * ORDER_ID_BYTES + 16
};

struct job {
	struct reconcile *reconcile;
	char external_id[ORDER_ID_BYTES];
	int64_t asked_ms; /* wall clock */
	int64_t due_ms;   /* monotonic */
	int tries;
	bool calling, over;
};

struct fetch {
	struct reconcile *reconcile;
	struct job *jobs;
	int count;
};

/* What becomes of a job, in one transaction. */
struct outcome {
	struct unit unit;
	const struct channel *channel;
	const char *external_id;
	const char *error; /* not NULL: it waits for the next run */
	struct channel_envelope envelopes[CHANNEL_TOLD_MAX];
	const char *bodies[CHANNEL_TOLD_MAX];
	int count;
};

static int run_outcome(struct unit *u, struct db *db, int64_t now_ms,
		       struct err *e)
{
	struct outcome *o = CONTAINER_OF(u, struct outcome, unit);
	int rc = 0;

	for (int i = 0; i < o->count && rc == 0; i++) {
		struct identity identity;
		struct inbox_arrival arrival = {
			.channel = o->channel->name,
			.external_id = o->envelopes[i].external_id,
			.alias = o->envelopes[i].alias,
			.event_type = o->envelopes[i].event_type,
			.body = o->bodies[i],
			.event_ms = o->envelopes[i].event_ms,
		};

		rc = inbox_add(db, &arrival, now_ms, &identity, e);
	}
	if (rc == 0)
		rc = o->error != NULL
			     ? pulls_failed(db, o->channel->name,
					    o->external_id, o->error, e)
			     : pulls_remove(db, o->channel->name,
					    o->external_id, e);
	u->bells = o->count > 0 ? BELL_PROCESSOR : 0;
	return rc;
}

/* The job is over. A store that fails ends the run; the row is still there. */
static void end_job(struct job *job, struct outcome *o)
{
	struct reconcile *r = job->reconcile;
	struct err e = {0};

	o->unit.run = run_outcome;
	o->channel = r->channel;
	o->external_id = job->external_id;
	job->over = true;
	if (writer_call(r->service->writer, &o->unit, &e) < 0) {
		log_error(&e, "order not brought in",
			  LOG_TEXT("order", job->external_id));
		r->why = e;
		r->failed++;
	}
}

static void give_up(struct job *job, const char *error)
{
	job->reconcile->failed++;
	end_job(job, &(struct outcome){.error = error});
}

static void try_again(struct job *job)
{
	if (++job->tries >= CALL_TRIES_MAX) {
		give_up(job, job->reconcile->why.text);
		return;
	}
	job->due_ms = clock_mono_ms() + (int64_t)job->tries * RETRY_MS;
}

/* A moment at which the marketplace's clock certainly did not show later than
 * when it looked at the order: events carry that clock's seconds, and what was
 * seen in the same second as an event may have missed it. */
static int64_t seen_ms(const struct job *job, const struct http_answer *answer)
{
	int64_t at_ms = job->asked_ms;

	if (answer->date_ms >= 0 && answer->duration_ms < 1000)
		at_ms = answer->date_ms;
	else if (answer->date_ms >= 0)
		at_ms = answer->date_ms - answer->duration_ms;
	return at_ms - at_ms % 1000 - 1;
}

/* The messages that change something. 0 or < 0. */
static int choose(const struct job *job,
		  const struct channel_snapshot *snapshot, struct outcome *o,
		  struct err *e)
{
	const struct reconcile *r = job->reconcile;
	int64_t now_ms = clock_wall_ms();
	bool news[CHANNEL_TOLD_MAX] = {false};
	int rc = weigh_told(r->service->db, r->channel, job->external_id,
			    snapshot, now_ms, news, e);

	for (int i = 0; i < snapshot->count && rc >= 0; i++) {
		const char *body = snapshot->told[i].body;
		const char *code;

		if (!news[i])
			continue;
		rc = r->channel->read_envelope(body, strlen(body), now_ms,
					       &o->envelopes[o->count], &code,
					       e);
		o->bodies[o->count++] = body;
	}
	return rc < 0 ? rc : 0;
}

static void log_brought(const struct job *job, const struct outcome *o)
{
	for (int i = 0; i < o->count; i++)
		log_event(LOG_LEVEL_INFO, "read back what no webhook told",
			  LOG_TEXT("channel", job->reconcile->channel->name),
			  LOG_TEXT("order", job->external_id),
			  LOG_TEXT("event", o->envelopes[i].event_type));
}

static void take_over(struct job *job, const struct http_answer *answer)
{
	CLEANUP(channel_snapshot_clear) struct channel_snapshot snapshot = {0};
	struct reconcile *r = job->reconcile;
	struct outcome o = {0};
	struct err e = {0};
	int rc = weigh_known(r->service->db, r->channel, job->external_id, &e);

	if (rc >= 0)
		rc = r->channel->read_shipment(
			answer->body, answer->body_bytes, job->external_id,
			rc > 0, seen_ms(job, answer), &snapshot, &e);
	if (rc == 0)
		rc = choose(job, &snapshot, &o, &e);
	if (rc < 0) {
		(void)call_spoiled(r, &e);
		try_again(job);
		return;
	}
	end_job(job, &o);
	r->brought += o.count > 0;
	r->same += o.count == 0;
	r->messages += o.count;
	log_brought(job, &o);
}

static void on_answer(const struct http_answer *answer, void *context)
{
	struct job *job = context;
	struct reconcile *r = job->reconcile;

	job->calling = false;
	switch (call_judge(r, answer)) {
	case CALL_OK:
		take_over(job, answer);
		break;
	case CALL_GONE:
		r->gone++;
		end_job(job, &(struct outcome){0});
		break;
	case CALL_REFUSED:
	case CALL_DENIED:
		give_up(job, r->why.text);
		break;
	case CALL_AGAIN:
		try_again(job);
		break;
	}
}

static void start(struct job *job)
{
	CLEANUP(buf_clear) struct buf url = BUF_MAX(URL_BYTES_MAX);
	struct reconcile *r = job->reconcile;
	int rc;

	buf_add_text(&url, r->config->shipments_url);
	if (url.used_bytes > 0 && url.data[url.used_bytes - 1] != '/')
		buf_add_char(&url, '/');
	buf_add_url(&url, job->external_id);
	job->asked_ms = clock_wall_ms();
	rc = buf_finish(&url, &r->why);
	if (rc == 0)
		rc = call_start(r, buf_text(&url), ORDER_BYTES_MAX, on_answer,
				job, &r->why);
	job->calling = rc == 0;
	if (rc < 0 && rc != ERR_BUSY)
		try_again(job);
}

/* Start what may start; how many jobs are not over. */
static int start_due(struct fetch *fetch)
{
	struct reconcile *r = fetch->reconcile;
	int open = 0;

	for (int i = 0; i < fetch->count; i++) {
		struct job *job = &fetch->jobs[i];

		if (!job->over && !job->calling && call_wait_ms(r) == 0 &&
		    job->due_ms <= clock_mono_ms() &&
		    http_client_running(r->client) < r->config->parallel)
			start(job);
		open += !job->over;
	}
	return open;
}

static void run_all(struct fetch *fetch)
{
	struct reconcile *r = fetch->reconcile;

	while (call_may_go_on(r) && start_due(fetch) > 0) {
		reconcile_progress(r);
		call_run(r, MIN_OF(MAX_OF(call_wait_ms(r), (int64_t)1),
				   (int64_t)IDLE_MS));
	}
	/* What is under way ends by its time-out. */
	while (http_client_running(r->client) > 0) {
		(void)service_stopping(r->service);
		call_run(r, IDLE_MS);
	}
}

int fetch_waiting(struct reconcile *r, struct err *e)
{
	CLEANUP_FREE struct pull_waiting *waiting =
		calloc(PULL_WAITING_MAX, sizeof(*waiting));
	CLEANUP_FREE struct job *jobs = calloc(PULL_WAITING_MAX, sizeof(*jobs));
	struct fetch fetch = {.reconcile = r, .jobs = jobs};

	if (waiting == NULL || jobs == NULL)
		return err_set(e, ERR_NOMEM, "orders: out of memory");
	fetch.count = pulls_waiting(r->service->db, r->channel->name, waiting,
				    PULL_WAITING_MAX, e);
	if (fetch.count < 0)
		return fetch.count;
	for (int i = 0; i < fetch.count; i++) {
		jobs[i].reconcile = r;
		(void)text_copy(jobs[i].external_id, ORDER_ID_BYTES,
				waiting[i].external_id);
	}
	run_all(&fetch);
	return 0;
}
