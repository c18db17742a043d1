/* SPDX-License-Identifier: MIT
 *
 * ctl.h - ordergatectl: one row per command, the parts they share.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/config/config.h"
#include "app/state_dir.h"
#include "base/err.h"

struct db;
struct query;
struct unit;
struct writer;

enum { /* contract.md */
	CTL_DONE = 0,
	CTL_FAILED = 1,
	CTL_USAGE = 2,
	CTL_NOTFOUND = 3
};

struct ctl {
	struct config *config;
	struct state_dir dir;
	char store_path[STATE_STORE_BYTES];
	struct db *db; /* reader; NULL for commands that need none */
	bool json;
	const char *command; /* "queue inbox retry" */
	const char *view;    /* of the command's row */
	char **args;         /* what follows the command, ends with NULL */
	int arg_count;
	int64_t limit; /* rows that a list shows at most; 0: all */
	struct err err;
};

struct ctl_command {
	const char *words; /* "queue inbox list" */
	const char *args;  /* for --help: "[--state N] [--order ID]" */
	const char *help;
	int (*run)(struct ctl *ctl); /* an exit code, after saying why */
	bool needs_store;
	const char *view; /* run == ctl_view: what it shows */
};

/* Print the rows of a view, as a table or (--json) an array of objects. The
 * parameters come from options named in order, "" when absent. */
int ctl_view(struct ctl *ctl);
int ctl_print_view(struct ctl *ctl, const char *view, const char *const *params,
		   size_t count);
/* The rows of a view for each of these parameters, as one table. */
int ctl_print_each(struct ctl *ctl, const char *view, const char *const *params,
		   size_t count);
/* One object with the rows of a view as its columns, and those of further views
 * as arrays in it; a table and titled tables for people. CTL_NOTFOUND when the
 * view has no row. */
struct ctl_section;
int ctl_print_whole(struct ctl *ctl, const char *view,
		    const struct ctl_section *sections,
		    const char *const *params, size_t count);
/* Columns of tab-separated lines as wide as their widest cell; the last one is
 * left as it is. */
void ctl_print_aligned(const char *text);
/* Many views as one JSON object, or as titled tables. */
struct ctl_section {
	const char *title, *view;
};
int ctl_print_sections(struct ctl *ctl, const struct ctl_section *sections,
		       const char *const *params, size_t count);

/* "--name VALUE" taken out of the arguments; `missing` when it is not there. */
const char *ctl_option(struct ctl *ctl, const char *name, const char *missing);
/* --limit, 100 when it is not there, for a view; NULL after saying what is
 * wrong with it. */
const char *ctl_limit(struct ctl *ctl);
/* Nobody of this machine may have the store open. */
int ctl_refuse_alive(struct ctl *ctl);
/* The next argument, or NULL. */
const char *ctl_next(struct ctl *ctl);
/* One line on stderr: what failed and what to do. Returns the exit code. */
int ctl_fail(const struct ctl *ctl, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* What was done, to stdout; in the language of log.ctl_locale, as all texts of
 * ctl_fail(). What is a name stays: commands, columns, states, keys. */
void ctl_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same to stderr: how far it is, what is worth a look. */
void ctl_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A text that goes to people, in their language (log.locale). */
const char *ctl_for_people(const struct ctl *ctl, const char *text);
/* The same for an error of the libraries. */
int ctl_error(const struct ctl *ctl, int rc);

/* "--name" taken out of the arguments. */
bool ctl_flag(struct ctl *ctl, const char *name);
/* The next argument as an order: an id, a number or the marketplace's id. An
 * exit code. */
int ctl_find_order(struct ctl *ctl, int64_t *ret_id);
/* CTL_DONE when there is such a one; else an exit code, after saying so. */
int ctl_know_store(struct ctl *ctl, const char *id);
int ctl_know_series(struct ctl *ctl, const char *name);
int ctl_know_job(struct ctl *ctl, const char *name);
/* Who asks: the user's name. */
void ctl_actor(char *target, size_t bytes);

/* A writer of our own; NULL after saying why. Ended by writer_stop(). */
struct writer *ctl_writer(struct ctl *ctl);
/* One unit on one. */
int ctl_write(struct ctl *ctl, struct unit *u);

int ctl_init(struct ctl *ctl);
int ctl_migrate(struct ctl *ctl);
int ctl_check_config(struct ctl *ctl);
int ctl_tls_ca(struct ctl *ctl);
int ctl_tls_issue(struct ctl *ctl);
int ctl_status(struct ctl *ctl);
int ctl_verify(struct ctl *ctl);
int ctl_metrics(struct ctl *ctl);
int ctl_render_nginx(struct ctl *ctl);
int ctl_order_show(struct ctl *ctl);
int ctl_queue_list(struct ctl *ctl);
int ctl_queue_show(struct ctl *ctl);
int ctl_order_show_at(struct ctl *ctl, const char *id, const char *at);
int ctl_queue_operate(struct ctl *ctl);
int ctl_quarantine_show(struct ctl *ctl);
int ctl_quarantine_replay(struct ctl *ctl);
int ctl_quarantine_dismiss(struct ctl *ctl);
int ctl_inbox_correct(struct ctl *ctl);
int ctl_backup(struct ctl *ctl);
int ctl_restore(struct ctl *ctl);
int ctl_store_move(struct ctl *ctl);
int ctl_store_reopen(struct ctl *ctl);
int ctl_restore_release(struct ctl *ctl);
int ctl_series_advance(struct ctl *ctl);
int ctl_job_history(struct ctl *ctl);
int ctl_job_run(struct ctl *ctl);
int ctl_job_pause(struct ctl *ctl);
int ctl_label_set(struct ctl *ctl);
int ctl_label_remove(struct ctl *ctl);
int ctl_alert_ack(struct ctl *ctl);
int ctl_alert_silence(struct ctl *ctl);
int ctl_alert_unsilence(struct ctl *ctl);
int ctl_rule_set(struct ctl *ctl);
int ctl_telegram_test(struct ctl *ctl);
int ctl_mail_test(struct ctl *ctl);
int ctl_telegram_webhook(struct ctl *ctl);
int ctl_document_show(struct ctl *ctl);
int ctl_document_export(struct ctl *ctl);
int ctl_document_rebuild(struct ctl *ctl);
int ctl_document_change(struct ctl *ctl);
int ctl_document_leave(struct ctl *ctl);
int ctl_document_repair(struct ctl *ctl);
int ctl_document_reconcile(struct ctl *ctl);
int ctl_erp_offer(struct ctl *ctl);
int ctl_erp_push(struct ctl *ctl);
int ctl_report(struct ctl *ctl);

#endif
