/* SPDX-License-Identifier: MIT */
#include "health.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "app/instance.h"
#include "app/service/service.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "codec/json/json_out.h"
#include "console.h"
#include "net/server/http_server.h"
#include "store/engine/db.h"
#include "store/engine/migrate.h"
#include "store/repair/restore.h"
#include "store/watch/jobs.h"
#include "store/watch/leases.h"

enum {
	ANSWER_BYTES_MAX = 4096,
	REASON_BYTES = 96,
	JOBS_MAX = 6,
	NOTES_MAX = JOBS_MAX + 3,
	/* As rule job-late: longer than a run and its next slot. */
	JOB_GRACE_MS = 5 * 60 * 1000
};

struct notes {
	char texts[NOTES_MAX][REASON_BYTES];
	int count;
};

struct findings {
	int64_t now_ms; /* wall clock */
	int schema_version;
	struct notes reasons;  /* orders cannot be taken as they should be */
	struct notes warnings; /* they can, but somebody has to look */
};

static const struct {
	const char *service;
	size_t count; /* where struct config_pool holds the number */
} pools[] = {
	{"hook", offsetof(struct config_pool, hook)},
	{"assembly", offsetof(struct config_pool, assembly)},
	{"erp", offsetof(struct config_pool, erp)},
	{"processor", offsetof(struct config_pool, processor)},
	{"notifier", offsetof(struct config_pool, notifier)},
};

static_assert(COUNT_OF(pools) + 4 <= NOTES_MAX, "a reason for each");

__attribute__((format(printf, 2, 3))) static void note(struct notes *notes,
						       const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(notes->texts[notes->count++], REASON_BYTES, format,
			args);
	va_end(args);
}

/* A connection that failed is opened anew at the next question. */
static void ask_store(struct console *console, struct findings *found)
{
	if (console->db == NULL &&
	    db_open(console->store_path, DB_SERVE, &console->db, NULL) < 0) {
		note(&found->reasons, "the store cannot be opened");
		return;
	}
	if (migrate_version_of(console->db, &found->schema_version, NULL) < 0) {
		note(&found->reasons, "the store does not answer");
		db_close(console->db);
		console->db = NULL;
	}
}

/* Since when the lease is as it is now. The wall clock helps at the first look
 * only: it may be set at any time. */
static int64_t lease_age_ms(struct console *console, int64_t until_ms,
			    int64_t lease_ms, int64_t wall_ms)
{
	int64_t now_ms = clock_mono_ms();
	int64_t taken_ms = until_ms - lease_ms;

	if (console->lease_since_ms == 0)
		console->lease_since_ms =
			now_ms - MAX_OF(wall_ms - taken_ms, (int64_t)0);
	else if (until_ms != console->lease_until_ms)
		console->lease_since_ms = now_ms;
	console->lease_until_ms = until_ms;
	return now_ms - console->lease_since_ms;
}

/* Others may hold the store, too: the scheduler is on one of the machines. */
static bool is_shared(const struct console *console)
{
	return (db_caps(console->store_path) & DB_CAP_FILE) == 0;
}

/* Whoever can read need not be able to write: a full disk, a lock that is never
 * given back. The scheduler writes its lease again and again; of a store of
 * several machines that may be silent while this one takes orders. */
static void look_at_writing(struct console *console, int64_t lease_ms,
			    struct findings *found)
{
	int64_t until_ms = 0;
	int64_t age_ms;

	if (console->db == NULL ||
	    leases_until(console->db, JOBS_LEASE, &until_ms, NULL) < 0 ||
	    until_ms == 0)
		return;
	age_ms = lease_age_ms(console, until_ms, lease_ms, found->now_ms);
	if (age_ms > 2 * lease_ms && is_shared(console))
		note(&found->warnings, "no scheduler is active since %lld s",
		     (long long)age_ms / 1000);
	else if (age_ms > 2 * lease_ms)
		note(&found->reasons,
		     "the store cannot be written: nothing since %lld s",
		     (long long)age_ms / 1000);
}

static int64_t count_running(const struct console *console, const char *service,
			     int64_t wanted)
{
	int64_t running = 0;

	for (int64_t i = 1; i <= wanted; i++)
		running +=
			instance_is_running(console->dir.run, service, (int)i);
	return running;
}

static void look_at_pools(struct console *console, struct findings *found)
{
	struct config_pool pool;

	(void)pthread_mutex_lock(&console->lock);
	pool = console->pool;
	(void)pthread_mutex_unlock(&console->lock);
	for (size_t i = 0; i < COUNT_OF(pools); i++) {
		const char *service = pools[i].service;
		int64_t wanted;
		int64_t running;

		memcpy(&wanted, (const char *)&pool + pools[i].count,
		       sizeof(wanted));
		running = count_running(console, service, wanted);
		if (running < wanted)
			note(&found->reasons, "%s: %d of %d run", service,
			     (int)running, (int)wanted);
	}
	if (!is_shared(console) &&
	    !instance_is_running(console->dir.run, "scheduler", 1))
		note(&found->reasons, "the scheduler does not run");
}

static int note_job(const struct job_health *job, void *context)
{
	struct findings *found = context;

	if (job->expected_ms + JOB_GRACE_MS >= found->now_ms ||
	    found->warnings.count == JOBS_MAX)
		return 0;
	if (job->last_ok_ms == 0)
		note(&found->warnings, "job %s: no good run yet", job->name);
	else
		note(&found->warnings,
		     "job %s: its last good run ended %lld s ago", job->name,
		     (long long)(found->now_ms - job->last_ok_ms) / 1000);
	return 0;
}

/* Nothing here keeps an order from being taken: whoever takes an address out of
 * service by what we answer must not do so because Telegram is down. */
static void look_at_work(const struct console *console, struct findings *found)
{
	if (console->db == NULL)
		return;
	if (jobs_health(console->db, note_job, found, NULL) < 0)
		note(&found->warnings, "the jobs cannot be read");
	if (restore_is_held(console->db, NULL) > 0)
		note(&found->warnings, "held after a restore: nothing is sent");
}

static void put_notes(struct json_out *out, const char *name,
		      const struct notes *notes)
{
	if (notes->count == 0)
		return;
	json_array(out, name);
	for (int i = 0; i < notes->count; i++)
		json_put_text(out, NULL, notes->texts[i]);
	json_end(out);
}

static int write_answer(const struct findings *found, struct buf *body)
{
	struct json_out out = json_out_to(body);

	json_object(&out, NULL);
	json_put_text(&out, "status",
		      found->reasons.count == 0 ? "ok" : "failing");
	json_put_text(&out, "version", ORDERGATE_VERSION);
	json_put_i64(&out, "schema", found->schema_version);
	put_notes(&out, "reasons", &found->reasons);
	put_notes(&out, "warnings", &found->warnings);
	json_end(&out);
	return json_out_finish(&out, NULL);
}

void health_show(struct http_exchange *x, void *context)
{
	struct service *s = context;
	struct console *console = s->context;
	CLEANUP(buf_clear) struct buf body = BUF_MAX(ANSWER_BYTES_MAX);
	struct findings found = {.now_ms = clock_wall_ms()};

	ask_store(console, &found);
	look_at_writing(console, s->config->scheduler.lease_ms, &found);
	look_at_pools(console, &found);
	look_at_work(console, &found);
	if (write_answer(&found, &body) < 0) {
		http_reply_error(x, 500, "internal", "out of memory");
		return;
	}
	http_reply_header(x, "Cache-Control", "no-store");
	http_reply(x, found.reasons.count == 0 ? 200 : 503, "application/json",
		   buf_text(&body), body.used_bytes);
}
