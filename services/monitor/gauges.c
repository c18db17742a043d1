/* SPDX-License-Identifier: MIT */
#include "gauges.h"

#include <dirent.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "app/edge/certificate.h"
#include "app/edge/edge.h"
#include "app/locale.h"
#include "app/log.h"
#include "app/service/service.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "clock_gauge.h"
#include "hours_gauge.h"
#include "probe.h"
#include "store/engine/db.h"
#include "store/engine/writer.h"
#include "store/monitor/measures.h"

enum {
	HOUR_MS = 3600 * 1000,
	DAY_MS = 24 * HOUR_MS,
	MIB = 1024 * 1024,
	SUBJECT_BYTES = 256,
	DETAIL_BYTES = 256,
	PATH_BYTES = 800, /* a folder of ours and the longest name */
	CLOCK_SEEN_MS = 15 * 60 * 1000, /* older answers prove nothing */
	COUNT_ROUNDS = 200 /* transactions of one pass that count messages */
};

struct reading {
	char subject[SUBJECT_BYTES], detail[DETAIL_BYTES];
	int64_t value;
};

/* 1 and the reading; 0: there is nothing to measure; < 0: it failed. */
typedef int gauge_read(struct service *s, int64_t now_ms, struct reading *r,
		       struct err *e);

/* Percent that an ordinary process may still use. */
static int read_disk(struct service *s, int64_t now_ms, struct reading *r,
		     struct err *e)
{
	struct statvfs disk;

	(void)now_ms;
	if (statvfs(s->dir.root, &disk) < 0 || disk.f_blocks == 0)
		return err_errno(e, ERR_IO, "%s", s->dir.root);
	(void)text_copy(r->subject, sizeof(r->subject), s->dir.root);
	r->value = (int64_t)(disk.f_bavail * 100 / disk.f_blocks);
	(void)snprintf(r->detail, sizeof(r->detail), "%lld MiB",
		       (long long)disk.f_bavail * (long long)disk.f_frsize /
			       MIB);
	return 1;
}

static int read_wal(struct service *s, int64_t now_ms, struct reading *r,
		    struct err *e)
{
	char store[STATE_STORE_BYTES];
	char path[STATE_STORE_BYTES + 8];
	struct stat file;
	int rc = state_dir_store_path(&s->dir, s->config->store.url, store, e);

	(void)now_ms;
	if (rc < 0)
		return rc;
	if ((db_caps(store) & DB_CAP_FILE) == 0) /* its server's business */
		return 0;
	(void)snprintf(path, sizeof(path), "%s-wal", store);
	(void)text_copy(r->subject, sizeof(r->subject), store);
	r->value = stat(path, &file) == 0 ? file.st_size / MIB : 0;
	return 1;
}

/* Hours since the newest whole backup, or since there is a store. */
static int read_backup(struct service *s, int64_t now_ms, struct reading *r,
		       struct err *e)
{
	DIR *folder = opendir(s->dir.backup);
	int64_t newest_ms = 0;
	const struct dirent *entry;
	int rc = 0;

	(void)text_copy(r->detail, sizeof(r->detail), tr("none yet"));
	while (folder != NULL &&
	       (entry = readdir(folder)) != NULL) { /* NOLINT: ours alone */
		char path[PATH_BYTES];
		struct stat file;

		(void)snprintf(path, sizeof(path), "%s/%s", s->dir.backup,
			       entry->d_name);
		if (fnmatch("ordergate-*.db", entry->d_name, 0) != 0 ||
		    stat(path, &file) < 0 ||
		    (int64_t)file.st_mtime * 1000 <= newest_ms)
			continue;
		newest_ms = (int64_t)file.st_mtime * 1000;
		(void)text_copy(r->detail, sizeof(r->detail), entry->d_name);
	}
	if (folder != NULL)
		(void)closedir(folder);
	if (newest_ms == 0)
		rc = measures_store_made(s->db, &newest_ms, e);
	if (rc < 0)
		return rc;
	(void)text_copy(r->subject, sizeof(r->subject), "backup");
	r->value = MAX_OF(now_ms - newest_ms, 0) / HOUR_MS;
	return 1;
}

/* Days that nginx's certificate is still good. */
static int read_certificate(struct service *s, int64_t now_ms,
			    struct reading *r, struct err *e)
{
	char certificate[EDGE_FILE_BYTES];
	char key[EDGE_FILE_BYTES];
	int64_t end_ms = 0;
	int rc;

	edge_certificate(s->config, &s->dir, certificate, key);
	rc = certificate_end(certificate, &end_ms, e);
	if (rc == ERR_NOTFOUND) /* nginx runs elsewhere */
		return 0;
	if (rc < 0)
		return rc;
	(void)text_copy(r->subject, sizeof(r->subject), "nginx");
	(void)text_copy(r->detail, sizeof(r->detail), certificate);
	r->value = (end_ms - now_ms) / DAY_MS;
	return 1;
}

/* 1 when no time service keeps the clock. */
static int read_clock(struct service *s, int64_t now_ms, struct reading *r,
		      struct err *e)
{
	struct clock_state state;
	int rc = clock_gauge_read(&state, e);

	(void)s;
	(void)now_ms;
	if (rc < 0)
		return rc;
	(void)text_copy(r->subject, sizeof(r->subject), "clock");
	r->value = !state.is_kept;
	if (state.is_kept)
		(void)snprintf(r->detail, sizeof(r->detail),
			       tr("off by at most %lld ms"),
			       (long long)state.bound_ms);
	else
		(void)text_copy(r->detail, sizeof(r->detail),
				tr("no time service sets the clock"));
	return 1;
}

/* By how many milliseconds it may be wrong, by the time service and by what
 * Telegram's answers say. */
static int read_clock_offset(struct service *s, int64_t now_ms,
			     struct reading *r, struct err *e)
{
	struct clock_state state;
	int rc = clock_gauge_read(&state, e);
	int seen = rc < 0 ? rc
			  : measures_recent(s->db, MEASURE_CLOCK_SEEN,
					    "telegram", now_ms - CLOCK_SEEN_MS,
					    &state.ahead_ms, e);

	if (seen < 0)
		return seen;
	state.is_seen = seen > 0;
	/* Also when it is not known: a row that is missing looks like a check
	 * that nobody makes. */
	r->value = clock_gauge_off_ms(&state, r->detail, sizeof(r->detail));
	(void)text_copy(r->subject, sizeof(r->subject), "clock");
	return 1;
}

/* 1 when the marketplace would not get through to us. */
static int read_probe(struct service *s, int64_t now_ms, struct reading *r,
		      struct err *e)
{
	int rc;

	(void)now_ms;
	if (s->config->monitor.public_url[0] == '\0')
		return 0;
	(void)text_copy(r->subject, sizeof(r->subject),
			s->config->monitor.public_url);
	rc = probe_self(s, r->detail, sizeof(r->detail), e);
	r->value = rc;
	return rc < 0 ? rc : 1;
}

/* Since when some store has been open (rule hook-silent). */
static int read_hours(struct service *s, int64_t now_ms, struct reading *r,
		      struct err *e)
{
	int rc = hours_gauge_read(s->db, now_ms, &r->value, e);

	(void)text_copy(r->subject, sizeof(r->subject), "stores");
	(void)text_copy(r->detail, sizeof(r->detail),
			r->value == 0   ? "all are closed"
			: r->value == 1 ? "always"
					: "milliseconds since 1970");
	return rc < 0 ? rc : 1;
}

static const struct {
	const char *name;
	gauge_read *read;
} gauges[] = {
	{"disk-low", read_disk},     {"wal-large", read_wal},
	{"backup-old", read_backup}, {"certificate-expiry", read_certificate},
	{"clock-unset", read_clock}, {"clock-offset", read_clock_offset},
	{"self-probe", read_probe},  {"stores-open", read_hours},
};

struct note {
	struct unit unit;
	struct reading readings[COUNT_OF(gauges)];
	int state[COUNT_OF(gauges)]; /* as gauge_read */
	int64_t now_ms;
};

static int run_note(struct unit *u, struct db *db, int64_t now_ms,
		    struct err *e)
{
	const struct note *note = CONTAINER_OF(u, struct note, unit);

	(void)now_ms;
	for (size_t i = 0; i < COUNT_OF(gauges); i++) {
		const struct reading *r = &note->readings[i];
		int rc = 0;

		if (note->state[i] < 0)
			continue;
		if (note->state[i] > 0)
			rc = measures_put(db, gauges[i].name, r->subject,
					  r->value, r->detail, note->now_ms, e);
		/* What it was called before is not measured any more. */
		if (rc == 0)
			rc = measures_forget(db, gauges[i].name, note->now_ms,
					     e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

struct tally {
	struct unit unit;
	int more;
};

static int run_tally(struct unit *u, struct db *db, int64_t now_ms,
		     struct err *e)
{
	struct tally *tally = CONTAINER_OF(u, struct tally, unit);

	tally->more = intake_hours_count(db, now_ms, e);
	return MIN_OF(tally->more, 0);
}

int gauges_read(struct service *s, int64_t now_ms, struct err *e)
{
	struct note note = {.unit.run = run_note, .now_ms = now_ms};
	struct tally tally = {.unit.run = run_tally, .more = 1};
	int failed = 0;
	int rc;

	for (size_t i = 0; i < COUNT_OF(gauges); i++) {
		struct err why = {0};

		note.state[i] =
			gauges[i].read(s, now_ms, &note.readings[i], &why);
		if (note.state[i] >= 0)
			continue;
		failed++;
		log_event(LOG_LEVEL_WARNING, "gauge cannot be read",
			  LOG_TEXT("gauge", gauges[i].name),
			  LOG_TEXT("error", why.text));
	}
	rc = writer_call(s->writer, &note.unit, e);
	for (int i = 0; i < COUNT_ROUNDS && rc == 0 && tally.more > 0; i++)
		rc = writer_call(s->writer, &tally.unit, e);
	return rc < 0 ? rc : failed;
}
