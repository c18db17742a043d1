/* SPDX-License-Identifier: MIT
 *
 * restore.c - copies of the store: made, and made the store again.
 *
 * A restore works on a copy beside the store and puts it in place at the end,
 * so that one that is interrupted has changed nothing; the store that was there
 * is kept under another name.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/instance.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/text.h"
#include "codec/time/timestamp.h"
#include "ctl.h"
#include "store/engine/backup.h"
#include "store/engine/db.h"
#include "store/engine/migrate.h"
#include "store/engine/writer.h"
#include "store/repair/audit.h"
#include "store/repair/restore.h"
#include "store/repair/verify.h"

enum {
	PATH_BYTES = STATE_STORE_BYTES + 64,
	ACTOR_BYTES = 64
};

int ctl_backup(struct ctl *ctl)
{
	const char *file = ctl_next(ctl);
	struct db *copy = NULL;
	int64_t bytes = 0;
	int bad = 0;
	int rc;

	if (file == NULL)
		return ctl_fail(ctl, CTL_USAGE, "to which file?");
	rc = backup_make(ctl->store_path, file, &bytes, &ctl->err);
	if (rc == 0)
		rc = db_open(file, DB_READ, &copy, &ctl->err);
	if (rc < 0)
		return ctl_error(ctl, rc);
	rc = verify_all(copy, &bad, &ctl->err);
	db_close(copy);
	if (rc < 0)
		return ctl_error(ctl, rc);
	ctl_say("%s: %" PRId64 " bytes, whole\n", file, bytes);
	if (bad > 0)
		ctl_note("ordergatectl: backup: %d promises are broken in "
			 "it: see ordergatectl verify\n",
			 bad);
	return CTL_DONE;
}

/* "notifier-2.lock" of a process that lives. */
static bool is_alive(const char *run_dir, const char *file)
{
	char service[ACTOR_BYTES];
	char *dash;

	(void)text_copy(service, sizeof(service), file);
	dash = strrchr(service, '-');
	if (dash == NULL || strstr(dash, ".lock") == NULL)
		return false;
	*dash = '\0';
	return instance_is_running(run_dir, service,
				   (int)strtol(dash + 1, NULL, 10));
}

int ctl_refuse_alive(struct ctl *ctl)
{
	DIR *folder = opendir(ctl->dir.run);
	struct dirent *entry;
	int code = CTL_DONE;

	if (folder == NULL)
		return CTL_DONE;
	while (code == CTL_DONE &&
	       (entry = readdir(folder)) != NULL) /* NOLINT: one thread */
		if (is_alive(ctl->dir.run, entry->d_name))
			code = ctl_fail(ctl, CTL_FAILED,
					"%.40s: its process runs; stop the "
					"appliance first",
					entry->d_name);
	(void)closedir(folder);
	return code;
}

/* The epoch of the store that is there now; 0 when it cannot be read. */
static int64_t present_epoch(const struct ctl *ctl)
{
	struct db *db = NULL;
	int64_t epoch = 0;

	if (db_open(ctl->store_path, DB_READ, &db, NULL) == 0)
		(void)restore_epoch(db, &epoch, NULL);
	db_close(db);
	return epoch;
}

static int mark(const char *path, const char *file, int64_t epoch_at_least,
		struct restore *ret_restore, struct err *e)
{
	CLEANUP_DB struct db *db = NULL;
	int rc = db_open(path, DB_WRITE, &db, e);

	if (rc == 0)
		rc = db_begin_write(db, e);
	if (rc == 0)
		rc = restore_mark(db, file, epoch_at_least, clock_wall_ms(),
				  ret_restore, e);
	if (rc < 0) {
		db_rollback(db);
		return rc;
	}
	rc = db_commit(db, e);
	/* One file again, so that it can be put in place by one rename. */
	return rc < 0 ? rc : db_script(db, "PRAGMA journal_mode=DELETE", e);
}

static void remove_beside(const char *path)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", "-journal",
					       ".lock"};
	char name[PATH_BYTES];

	for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
		(void)snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		(void)unlink(name);
	}
}

/* The store that is there gets another name, its log first: a new file must
 * never meet an old log. */
static int move_aside(struct ctl *ctl, const char *aside)
{
	static const char *const suffixes[] = {"-wal", "-shm", ""};
	char from[PATH_BYTES];
	char to[PATH_BYTES];

	for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
		(void)snprintf(from, sizeof(from), "%s%s", ctl->store_path,
			       suffixes[i]);
		(void)snprintf(to, sizeof(to), "%s%s", aside, suffixes[i]);
		if (access(from, F_OK) == 0 && rename(from, to) < 0)
			return err_errno(&ctl->err, ERR_IO, "%s", to);
	}
	return 0;
}

/* Whoever may use the store that is there may use the new one. */
static void take_over_rights(const char *path, const char *from)
{
	struct stat st;

	if (stat(from, &st) < 0) {
		(void)chmod(path, 0640);
		return;
	}
	(void)chmod(path, st.st_mode & 0777);
	if (chown(path, st.st_uid, st.st_gid) < 0)
		ctl_note("%s: its owner is not the former one\n", path);
}

static int put_in_place(struct ctl *ctl, const char *path)
{
	CLEANUP_FD int folder =
		open(ctl->dir.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (rename(path, ctl->store_path) < 0)
		return err_errno(&ctl->err, ERR_IO, "%s", ctl->store_path);
	if (folder < 0 || fsync(folder) < 0)
		return err_errno(&ctl->err, ERR_IO, "%s", ctl->dir.root);
	/* Switches the write-ahead log on. */
	return MIN_OF(migrate_run(ctl->store_path, 0, NULL, NULL, &ctl->err),
		      0);
}

/* Make the new store beside the old one. */
static int prepare(struct ctl *ctl, const char *file, const char *path,
		   struct restore *ret_restore)
{
	int64_t bytes = 0;
	int64_t epoch = present_epoch(ctl);
	int rc = backup_check(file, &ctl->err);

	remove_beside(path); /* of a run that was interrupted */
	if (rc == 0)
		rc = backup_copy(file, path, &bytes, &ctl->err);
	if (rc == 0)
		rc = migrate_run(path, 0, NULL, NULL, &ctl->err);
	if (rc >= 0)
		rc = mark(path, file, epoch, ret_restore, &ctl->err);
	return rc;
}

static void tell(const struct restore *r, const char *aside)
{
	char when[TIMESTAMP_TEXT_BYTES];

	(void)timestamp_format(r->backup_ms, 0, when);
	ctl_say("Restored. The copy knows what happened until %s%s.\n"
		"Epoch %" PRId64 " -> %" PRId64 ": new orders get numbers that "
		"were never given before.\n"
		"%" PRId64 " notifications were unsent and may have been sent "
		"since: each is asked about first.\n"
		"%" PRId64 " Telegram messages are old news and were dropped; "
		"%" PRId64 " inbox messages are applied again.\n"
		"The former store is kept as %s*.\n\n"
		"What the copy cannot know:\n"
		"- webhooks acknowledged after that moment: they are read back "
		"from the marketplace (job reconcile);\n"
		"- what pickers did after it: they see the orders as they were "
		"then;\n"
		"- notifications whose effect cannot be read back (assembled) "
		"are not repeated;\n"
		"- documents made after it: each series waits until it is "
		"advanced past what the ERP has;\n"
		"- messages already read in Telegram: an alert may be told a "
		"second time.\n\n"
		"Next: start the appliance; notifications are held.\n"
		"  ordergatectl job run reconcile\n"
		"  ordergatectl series list, then series advance NAME LAST "
		"--reason TEXT\n"
		"  ordergatectl restore status, then restore release --reason "
		"TEXT\n",
		when,
		r->backup_guessed ? " (guessed from its newest entry)" : "",
		r->old_epoch, r->epoch, r->outbox_uncertain,
		r->telegram_expired, r->inbox_returned,
		aside[0] != '\0' ? aside : "(there was none) ");
}

int ctl_restore(struct ctl *ctl)
{
	const char *file = ctl_next(ctl);
	char path[PATH_BYTES];
	char aside[PATH_BYTES] = "";
	struct restore r = {0};
	int code = ctl_refuse_alive(ctl);
	int rc;

	if (file == NULL)
		return ctl_fail(ctl, CTL_USAGE, "from which file?");
	if (code != CTL_DONE)
		return code;
	if ((db_caps(ctl->store_path) & DB_CAP_FILE) == 0)
		return ctl_fail(ctl, CTL_FAILED,
				"the store is a PostgreSQL database: restore "
				"it with its own means (docs/postgresql.md)");
	(void)snprintf(path, sizeof(path), "%s.restoring", ctl->store_path);
	rc = prepare(ctl, file, path, &r);
	if (rc < 0) {
		remove_beside(path);
		return ctl_error(ctl, rc);
	}
	if (access(ctl->store_path, F_OK) == 0)
		(void)snprintf(aside, sizeof(aside), "%s.before-%" PRId64,
			       ctl->store_path, clock_wall_ms());
	take_over_rights(path, ctl->store_path);
	if (aside[0] != '\0')
		rc = move_aside(ctl, aside);
	if (rc >= 0)
		rc = put_in_place(ctl, path);
	if (rc < 0)
		return ctl_error(ctl, rc);
	remove_beside(path);
	tell(&r, aside);
	return CTL_DONE;
}

struct decide {
	struct unit unit;
	const char *series;
	int64_t last;
	const char *reason;
	char actor[ACTOR_BYTES];
	bool without_pull;
};

static int run_release(struct unit *u, struct db *db, int64_t now_ms,
		       struct err *e)
{
	struct decide *d = CONTAINER_OF(u, struct decide, unit);
	struct audit_entry entry = {
		.actor = d->actor,
		.action = "restore release",
		.filter = d->without_pull ? "{\"withoutPull\":true}" : "{}",
		.reason = d->reason};
	int64_t audit_id = 0;
	int rc = restore_release(db, d->actor, d->reason, d->without_pull,
				 now_ms, e);

	u->bells = BELL_NOTIFIER;
	return rc < 0 ? rc : audit_begin(db, &entry, now_ms, &audit_id, e);
}

static int run_advance(struct unit *u, struct db *db, int64_t now_ms,
		       struct err *e)
{
	struct decide *d = CONTAINER_OF(u, struct decide, unit);
	char filter[160];
	struct audit_entry entry = {.actor = d->actor,
				    .action = "series advance",
				    .filter = filter,
				    .reason = d->reason};
	int64_t audit_id = 0;
	int rc = restore_advance_series(db, d->series, d->last, d->actor,
					d->reason, now_ms, e);

	(void)snprintf(filter, sizeof(filter), "{\"last\":%" PRId64 "}",
		       d->last);
	return rc < 0 ? rc : audit_begin(db, &entry, now_ms, &audit_id, e);
}

static int decide(struct ctl *ctl, struct decide *d)
{
	int rc;

	if (d->reason == NULL || d->reason[0] == '\0' ||
	    strlen(d->reason) >= AUDIT_REASON_BYTES)
		return ctl_fail(ctl, CTL_USAGE,
				"why? Add --reason TEXT for the audit log");
	ctl_actor(d->actor, sizeof(d->actor));
	rc = ctl_write(ctl, &d->unit);
	return rc < 0 ? ctl_error(ctl, rc) : CTL_DONE;
}

int ctl_restore_release(struct ctl *ctl)
{
	struct decide d = {
		.unit.run = run_release,
		.without_pull = ctl_flag(ctl, "--without-pull"),
		.reason = ctl_option(ctl, "--reason", NULL),
	};

	return decide(ctl, &d);
}

int ctl_series_advance(struct ctl *ctl)
{
	struct decide d = {
		.unit.run = run_advance,
		.reason = ctl_option(ctl, "--reason", NULL),
		.series = ctl_next(ctl),
	};
	const char *last = ctl_next(ctl);
	int code;

	if (last == NULL)
		return ctl_fail(ctl, CTL_USAGE,
				"NAME and the last number that the ERP has are "
				"needed");
	if (text_to_i64(last, 0, INT64_MAX / 2, &d.last, &ctl->err) < 0)
		return ctl_fail(ctl, CTL_USAGE, "%s", ctl->err.text);
	code = ctl_know_series(ctl, d.series);
	return code == CTL_DONE ? decide(ctl, &d) : code;
}
