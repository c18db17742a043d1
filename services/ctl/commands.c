/* SPDX-License-Identifier: MIT
 *
 * commands.c - commands that do more than show a view.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "app/edge/edge.h"
#include "app/instance.h"
#include "app/metrics/metrics.h"
#include "app/secret.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/text.h"
#include "ctl.h"
#include "store/engine/backup.h"
#include "store/engine/db.h"
#include "store/engine/migrate.h"
#include "store/repair/verify.h"
#include "store/watch/views.h"

enum {
	METRICS_BYTES_MAX = 16 * 1024 * 1024
};

static void say_migration(int version, const char *name, void *context)
{
	(void)context;
	ctl_say("schema %d: %s\n", version, name);
}

/* The version of a file that is there and is not empty; 0: none. */
static int find_version(struct ctl *ctl, int *ret_version)
{
	CLEANUP_DB struct db *db = NULL;
	struct stat about;
	int rc;

	*ret_version = 0;
	if ((db_caps(ctl->store_path) & DB_CAP_FILE) == 0)
		return 0;
	if (stat(ctl->store_path, &about) < 0 || about.st_size == 0)
		return 0;
	rc = db_open(ctl->store_path, DB_READ, &db, &ctl->err);
	return rc < 0 ? rc : migrate_version_of(db, ret_version, &ctl->err);
}

/* Before an upgrade: what goes wrong later is undone by `restore`, with the
 * program of before. */
static int backup_first(struct ctl *ctl)
{
	char target[STATE_PATH_BYTES + 64];
	int64_t bytes;
	int version;
	int rc = find_version(ctl, &version);

	if (rc < 0 || version == 0 || version >= migrate_version_built())
		return rc;
	(void)snprintf(target, sizeof(target),
		       "%s/before-schema-%d-from-%d-%lld.db", ctl->dir.backup,
		       migrate_version_built(), version,
		       (long long)(clock_wall_ms() / 1000));
	rc = backup_make(ctl->store_path, target, &bytes, &ctl->err);
	if (rc == 0)
		ctl_say("backup of schema %d: %s (%lld bytes)\n", version,
			target, (long long)bytes);
	return rc;
}

static int migrate(struct ctl *ctl, int create)
{
	char label[STATE_STORE_BYTES];
	int rc = backup_first(ctl);

	if (rc < 0)
		return ctl_error(ctl, rc);
	rc = migrate_run(ctl->store_path, create, say_migration, NULL,
			 &ctl->err);

	if (rc < 0)
		return ctl_fail(ctl, CTL_FAILED, "%s", ctl->err.text);
	db_label(ctl->store_path, label, sizeof(label));
	if (rc == 0)
		ctl_say("%s has schema %d already\n", label,
			migrate_version_built());
	else
		ctl_say("%s has schema %d\n", label, migrate_version_built());
	return CTL_DONE;
}

int ctl_init(struct ctl *ctl)
{
	int rc = secret_make_missing(&ctl->dir, &ctl->err);

	if (rc < 0)
		return ctl_fail(ctl, CTL_FAILED, "%s", ctl->err.text);
	return migrate(ctl, 1);
}

int ctl_migrate(struct ctl *ctl)
{
	return migrate(ctl, 0);
}

int ctl_render_nginx(struct ctl *ctl)
{
	char path[EDGE_PATH_BYTES];
	int rc = edge_make_certificate(ctl->config, &ctl->dir, clock_wall_ms(),
				       &ctl->err);

	if (rc >= 0)
		rc = edge_write_checked(ctl->config, &ctl->dir, &ctl->err);
	if (rc < 0)
		return ctl_error(ctl, rc);
	edge_file(&ctl->dir, path);
	(void)printf("%s\n", path);
	return CTL_DONE;
}

/* The pools of the configuration and whether each process lives; of a store
 * that machines share, it knows of all of them. */
static void print_processes(const struct ctl *ctl)
{
	const struct {
		const char *service;
		int64_t count;
	} pools[] = {
		{"hook", ctl->config->pool.hook},
		{"assembly", ctl->config->pool.assembly},
		{"erp", ctl->config->pool.erp},
		{"processor", ctl->config->pool.processor},
		{"notifier", ctl->config->pool.notifier},
		{"console", 1},
		{"scheduler", 1},
	};

	(void)printf("processes\n");
	for (size_t i = 0; i < COUNT_OF(pools); i++) {
		int alive = 0;

		for (int n = 1; n <= pools[i].count; n++)
			alive += instance_is_running(ctl->dir.run,
						     pools[i].service, n);
		(void)printf("  %-10s %d of %d\n", pools[i].service, alive,
			     (int)pools[i].count);
	}
}

int ctl_status(struct ctl *ctl)
{
	static const struct ctl_section sections[] = {
		{"processes", "status.processes"},
		{"store", "status.store"},
		{"queues", "status.queues"},
		{"orders", "status.orders"},
		{"endpoints", "status.endpoints"},
		{"jobs", "job.list"},
		{NULL, NULL},
	};

	bool is_file = (db_caps_of(ctl->db) & DB_CAP_FILE) != 0;

	if (is_file && !ctl->json)
		print_processes(ctl);
	/* The first one is empty for a file. */
	return ctl_print_sections(ctl, sections + is_file, NULL, 0);
}

static int verify(struct ctl *ctl)
{
	int bad = 0;

	for (const struct verify_check *c = verify_checks; c->name != NULL;
	     c++) {
		int64_t breaches = 0;
		int rc = verify_run(ctl->db, c, &breaches, &ctl->err);

		if (rc < 0)
			return ctl_error(ctl, rc);
		(void)printf("%-4s %s", breaches == 0 ? "ok" : "BAD", c->name);
		if (breaches != 0)
			(void)printf(": %lld", (long long)breaches);
		(void)printf("\n");
		bad += breaches != 0;
	}
	return bad == 0 ? CTL_DONE
			: ctl_fail(ctl, CTL_FAILED,
				   "%d checks failed: keep a copy of the store "
				   "and look at docs/recover.md",
				   bad);
}

/* The store, or a copy of it. */
int ctl_verify(struct ctl *ctl)
{
	const char *file = ctl_next(ctl);
	int rc = db_open(file != NULL ? file : ctl->store_path, DB_READ,
			 &ctl->db, &ctl->err);

	if (rc == 0)
		rc = migrate_check(ctl->db, &ctl->err);
	return rc < 0 ? ctl_error(ctl, rc) : verify(ctl);
}

int ctl_metrics(struct ctl *ctl)
{
	struct buf text = BUF_MAX(METRICS_BYTES_MAX);
	int rc = metrics_export(ctl->dir.run, &text, &ctl->err);

	if (rc == 0)
		(void)fputs(buf_text(&text), stdout);
	buf_clear(&text);
	return rc < 0 ? ctl_error(ctl, rc) : CTL_DONE;
}

static int keep_id(struct query *row, void *context)
{
	(void)text_copy(context, 24, query_col_text(row, 0));
	return 0;
}

int ctl_order_show(struct ctl *ctl)
{
	static const struct ctl_section sections[] = {
		{"order", "order.head"},
		{"lines", "order.lines"},
		{"history", "order.history"},
		{"inbox", "order.inbox"},
		{"outbox", "order.outbox"},
		{"attempts", "order.attempts"},
		{"documents", "order.documents"},
		{NULL, NULL},
	};
	const char *at = ctl_option(ctl, "--at", NULL);
	const char *name = ctl_next(ctl);
	char id[24] = "";
	const char *params[1] = {id};
	int rc;

	if (name == NULL)
		return ctl_fail(ctl, CTL_USAGE, "which order?");
	rc = view_run(ctl->db, view_find("order.find"), &name, 1, keep_id, id,
		      &ctl->err);
	if (rc < 0)
		return ctl_error(ctl, rc);
	if (rc == 0)
		return ctl_fail(ctl, CTL_NOTFOUND,
				"there is no order '%s' (an id, a number or "
				"the marketplace's id)",
				name);
	if (at != NULL)
		return ctl_order_show_at(ctl, id, at);
	return ctl_print_sections(ctl, sections, params, 1);
}
