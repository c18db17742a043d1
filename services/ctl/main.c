/* SPDX-License-Identifier: MIT
 *
 * ordergatectl - administration from the shell. The table is the program.
 */
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/bot/bot.h"
#include "app/locale.h"
#include "app/reason.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "base/text.h"
#include "ctl.h"
#include "import.h"
#include "store/engine/db.h"
#include "store/engine/migrate.h"
#include "store/engine/writer.h"

#define DEFAULT_CONFIG "/etc/ordergate/ordergate.conf"
#define QUEUE_ACTION(q, word, help)                           \
	{                                                     \
		"queue " q " " word, "ID... | filters", help, \
			ctl_queue_operate, true, NULL         \
	}
#define QUEUE_COMMANDS(q)                                                    \
	{"queue " q " list",                                                 \
	 "[filters] [--limit N] [--json]",                                   \
	 "messages, newest first",                                           \
	 ctl_queue_list,                                                     \
	 true,                                                               \
	 q},                                                                 \
		{"queue " q " show",                                         \
		 "ID [--json]",                                              \
		 "one message, whole, with every attempt",                   \
		 ctl_queue_show,                                             \
		 true,                                                       \
		 q},                                                         \
		QUEUE_ACTION(q, "retry", "failed messages are tried again"), \
		QUEUE_ACTION(q, "skip", "messages are given up (skipped)"),  \
		QUEUE_ACTION(q, "release", "held messages are due now"),     \
		QUEUE_ACTION(q, "resend", "copies of messages that are over")

/* clang-format off */
static const struct ctl_command commands[] = {
	{"init", "", "make the state directory, secrets and store", ctl_init, false, NULL},
	{"migrate", "", "bring the store to this program's schema", ctl_migrate, false, NULL},
	{"status", "[--json]", "processes, queues, orders, endpoints", ctl_status, true, NULL},
	{"verify", "[FILE]", "integrity of the store, or of a copy, and of the promises", ctl_verify, false, NULL},
	{"backup", "FILE", "a whole, checked copy of the store while all go on", ctl_backup, true, NULL},
	{"restore status", "[--json]", "restores, and what is held", ctl_view, true, "restore.list"},
	{"restore release", "--reason TEXT [--without-pull]", "notifications go again", ctl_restore_release, true, NULL},
	{"restore", "FILE", "make a copy the store again; starts held", ctl_restore, false, NULL},
	{"series list", "[--json]", "document series and their last numbers", ctl_view, true, "series.list"},
	{"series advance", "NAME LAST --reason TEXT", "go on after the last number that the ERP has", ctl_series_advance, true, NULL},
	{"store move", "--to URL [--anew]", "the whole store to another place or engine", ctl_store_move, false, NULL},
	{"store reopen", "", "a store that was moved away is used again", ctl_store_reopen, false, NULL},
	{"check-config", "", "check the configuration", ctl_check_config, false, NULL},
	{"tls ca", "[--folder DIR]", "an authority for the machines of an installation", ctl_tls_ca, false, NULL},
	{"tls issue", "NAME --for worker|edge [--domain DOMAIN] [--folder DIR]", "a machine's certificate and key", ctl_tls_issue, false, NULL},
	{"render-nginx", "[--check]", "write nginx's configuration after checking it", ctl_render_nginx, false, NULL},
	{"metrics", "", "numbers of all processes, as Prometheus text", ctl_metrics, false, NULL},
	QUEUE_COMMANDS("inbox"),
	QUEUE_COMMANDS("outbox"),
	QUEUE_COMMANDS("telegram"),
	QUEUE_COMMANDS("mail"),
	{"audit list", "[--limit N] [--json]", "what was done by hand, newest first", ctl_view, true, "audit.list"},
	{"audit show", "ID [--json]", "the messages that one operation met", ctl_view, true, "audit.show"},
	{"quarantine list", "[--limit N] [--json]", "bodies that could not be read", ctl_view, true, "quarantine.list"},
	{"quarantine show", "ID", "such a body as it came (stdout), and why", ctl_quarantine_show, true, NULL},
	{"quarantine replay", "ID [--body FILE] --reason TEXT", "it comes in anew, as it is or corrected", ctl_quarantine_replay, true, NULL},
	{"quarantine dismiss", "ID --reason TEXT", "nobody needs it", ctl_quarantine_dismiss, true, NULL},
	{"queue inbox correct", "ID --body FILE --reason TEXT", "a failed message gets another body; then queue inbox retry", ctl_inbox_correct, true, NULL},
	{"order show", "ID|NUMBER|EXTERNAL_ID [--at TIME] [--json]", "everything about one order", ctl_order_show, true, NULL},
	{"order list", "[--state NAME] [--store ID] [--limit N] [--json]", "orders, newest first", ctl_view, true, "order.list"},
	{"store list", "[--json]", "stores", ctl_view, true, "store.list"},
	{"store import", "FILE.csv", "make or change the stores of the file", ctl_store_import, true, NULL},
	{"catalog import", "FILE.csv", "the file becomes the whole catalogue", ctl_catalog_import, true, NULL},
	{"catalog show", "SKU [--json]", "one product", ctl_view, true, "catalog.show"},
	{"catalog status", "[--json]", "which catalogue is in use", ctl_view, true, "catalog.status"},
	{"place import", "FILE.csv", "sku,zone,store_id,shelf: where goods stand, for pick lists", ctl_place_import, true, NULL},
	{"label list", "[--json]", "layouts of the labels of scales", ctl_view, true, "label.list"},
	{"label set", "STORE|- PREFIX DIGITS weight|price DIVISOR", "digits of the article; value / DIVISOR is kg or roubles", ctl_label_set, true, NULL},
	{"label remove", "STORE|- PREFIX", "that layout is none any more", ctl_label_remove, true, NULL},
	{"job list", "[--json]", "jobs and their last runs", ctl_view, true, "job.list"},
	{"job history", "NAME [--limit N] [--json]", "runs of a job, newest first", ctl_job_history, true, "job.history"},
	{"job run", "NAME", "ask the scheduler for a run now", ctl_job_run, true, NULL},
	{"job pause", "NAME", "no runs until resumed", ctl_job_pause, true, NULL},
	{"job resume", "NAME", "runs again", ctl_job_pause, true, NULL},
	{"alert list", "[--state NAME] [--limit N] [--json]", "alerts, those that fire first", ctl_view, true, "alert.list"},
	{"alert ack", "ID...", "seen: no more repeats", ctl_alert_ack, true, NULL},
	{"alert silence", "RULE|all --for 2h [--subject S] [--store ID] [--reason TEXT]", "nobody is told for a time", ctl_alert_silence, true, NULL},
	{"alert unsilence", "ID", "a silence ends now", ctl_alert_unsilence, true, NULL},
	{"alert silences", "[--limit N] [--json]", "silences, newest first", ctl_view, true, "silence.list"},
	{"alert measures", "[--json]", "what the monitor measured last", ctl_view, true, "measure.list"},
	{"rule list", "[--json]", "rules that differ in a store", ctl_view, true, "rule.list"},
	{"rule set", "RULE STORE THRESHOLD|on|off|default", "a rule in one store", ctl_rule_set, true, NULL},
	{"report stores", "--from DAY --to DAY [--store ID]", "how the stores did, day by day, as CSV", ctl_report, true, "stores"},
	{"report pickers", "--from DAY --to DAY [--store ID]", "how the pickers did, day by day, as CSV", ctl_report, true, "pickers"},
	{"document list", "[--kind NAME] [--state NAME] [--limit N] [--json]", "documents, newest first", ctl_view, true, "document.list"},
	{"document blocked", "[--limit N] [--json]", "orders whose document waits for a repair", ctl_view, true, "document.blocked"},
	{"document repair", "ORDER [LINE=PRICE...] [--day YYYY-MM-DD] [--total SUM] --reason TEXT", "what keeps such an order from its document", ctl_document_repair, true, NULL},
	{"document batches", "[--limit N] [--json]", "runs of documents and their files", ctl_view, true, "document.batches"},
	{"document files", "BATCH [--limit N] [--json]", "files of one of them", ctl_view, true, "document.files"},
	{"mail test", "", "log in at the mail server, write to each recipient", ctl_mail_test, true, NULL},
	{"erp status", "[--json]", "how far the ERP has read", ctl_view, true, "erp.status"},
	{"erp refused", "[--limit N] [--json]", "documents that the ERP refused", ctl_view, true, "erp.refused"},
	{"erp offer", "ID --reason TEXT", "offer a refused document once more", ctl_erp_offer, true, NULL},
	{"erp push", "SEQ|now --reason TEXT", "push goes on after that entry of the feed, or with what comes from now on", ctl_erp_push, true, NULL},
	{"erp uploads", "[--limit N] [--json]", "files that the ERP sent, newest first", ctl_view, true, "erp.uploads"},
	{"telegram test", "", "check the bot's token, write to each chat", ctl_telegram_test, true, NULL},
	{"telegram webhook set", "", "have Telegram call monitor.public_url" BOT_WEBHOOK_PATH, ctl_telegram_webhook, false, NULL},
	{"telegram webhook delete", "", "have it call nobody", ctl_telegram_webhook, false, NULL},
	{"telegram webhook show", "", "whom it calls, and its last failure", ctl_telegram_webhook, false, NULL},
	{"telegram strangers", "", "people whom the bot does not know, with their ids", ctl_view, true, "telegram.strangers"},
	{"document show", "ID", "a document as JSON", ctl_document_show, true, NULL},
	{"document export", "ID FILE [--format NAME]", "a document in that form (json) into a file", ctl_document_export, true, NULL},
	{"document rebuild", "BATCH", "write the files of a batch again", ctl_document_rebuild, true, NULL},
	{"document reconcile", "FILE.csv [--from DAY --to DAY] [--partial] [--again]", "the marketplace's report against our documents", ctl_document_reconcile, true, NULL},
	{"document reports", "[--limit N] [--json]", "reports of the marketplace and what was found", ctl_view, true, "document.reports"},
	{"document return", "ORDER LINE=QUANTITY[/GRAMS]... --reason TEXT", "goods came back", ctl_document_change, true, "return"},
	{"document changed", "[--limit N] [--json]", "sold orders that the marketplace changed", ctl_view, true, "document.changed"},
	{"document leave", "ORDER --reason TEXT", "such a change needs no document", ctl_document_leave, true, NULL},
	{"document correct", "ORDER LINE=QUANTITY[/GRAMS]... --reason TEXT", "what was really handed over", ctl_document_change, true, "correction"},
};
/* clang-format on */

static void print_help(void)
{
	(void)printf("Usage: ordergatectl [--config FILE] [--state DIR] "
		     "COMMAND ...\n\n");
	for (size_t i = 0; i < COUNT_OF(commands); i++) {
		const struct ctl_command *c = &commands[i];
		int width = printf("  %s %s", c->words, c->args);

		(void)printf("%*s%s\n", MAX_OF(44 - width, 2), "", c->help);
	}
	(void)printf("\n  --config FILE  configuration (" DEFAULT_CONFIG
		     " if it exists)\n"
		     "  --state DIR    state directory (./var, else "
		     "/var/lib/ordergate)\n"
		     "\nFilters: --state N --hold WORD --outcome WORD "
		     "--type EVENT --order ID|NUMBER|EXTERNAL_ID\n"
		     "  --endpoint NAME --chat ID --error TEXT --older-than 2h "
		     "--newer-than 2h\n"
		     "With ids, operations on messages act at once. With "
		     "filters they need --reason TEXT and show\n"
		     "  what they would do; --yes does it, --dry-run never "
		     "does.\n"
		     "\nExit codes: 0 done, 1 failed, 2 wrong arguments, "
		     "3 not found.\n");
}

int ctl_fail(const struct ctl *ctl, int code, const char *format, ...)
{
	va_list args;

	(void)fprintf(stderr, "ordergatectl: ");
	if (ctl->command != NULL)
		(void)fprintf(stderr, "%s: ", ctl->command);
	va_start(args, format);
	(void)vfprintf(stderr, tr(format), args);
	va_end(args);
	(void)fprintf(stderr, "\n");
	return code;
}

void ctl_say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vprintf(tr(format), args);
	va_end(args);
}

void ctl_note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vfprintf(stderr, tr(format), args);
	va_end(args);
}

/* Both languages were opened at the start. */
const char *ctl_for_people(const struct ctl *ctl, const char *text)
{
	const char *said;

	locale_open(ctl->config->log.locale);
	said = tr(text);
	locale_open(ctl->config->log.ctl_locale);
	return said;
}

int ctl_error(const struct ctl *ctl, int rc)
{
	CLEANUP(buf_clear) struct buf why = BUF_MAX(4 * (size_t)ERR_TEXT_MAX);

	reason_put(&why, ctl->err.text);
	return ctl_fail(ctl, rc == ERR_NOTFOUND ? CTL_NOTFOUND : CTL_FAILED,
			"%s", buf_text(&why));
}

const char *ctl_option(struct ctl *ctl, const char *name, const char *missing)
{
	for (int i = 0; i < ctl->arg_count; i++) {
		const char *value;

		if (strcmp(ctl->args[i], name) != 0)
			continue;
		value = i + 1 < ctl->arg_count ? ctl->args[i + 1] : missing;
		ctl->arg_count -= MIN_OF(2, ctl->arg_count - i);
		memmove(&ctl->args[i], &ctl->args[i + 2],
			sizeof(*ctl->args) * (size_t)(ctl->arg_count - i));
		return value;
	}
	return missing;
}

bool ctl_flag(struct ctl *ctl, const char *name)
{
	for (int i = 0; i < ctl->arg_count; i++) {
		if (strcmp(ctl->args[i], name) != 0)
			continue;
		ctl->arg_count--;
		memmove(&ctl->args[i], &ctl->args[i + 1],
			sizeof(*ctl->args) * (size_t)(ctl->arg_count - i));
		return true;
	}
	return false;
}

const char *ctl_next(struct ctl *ctl)
{
	if (ctl->arg_count == 0)
		return NULL;
	ctl->arg_count--;
	return *ctl->args++;
}

struct writer *ctl_writer(struct ctl *ctl)
{
	struct writer_options options = {.path = ctl->store_path,
					 .checkpoint_pages = 1000};
	struct writer *writer = NULL;
	int rc = writer_start(&options, &writer, &ctl->err);

	if (rc < 0)
		(void)ctl_error(ctl, rc);
	return rc < 0 ? NULL : writer;
}

int ctl_write(struct ctl *ctl, struct unit *u)
{
	struct writer_options options = {.path = ctl->store_path,
					 .checkpoint_pages = 1000};
	struct writer *writer = NULL;
	int rc = writer_start(&options, &writer, &ctl->err);

	if (rc == 0)
		rc = writer_call(writer, u, &ctl->err);
	writer_stop(writer);
	return rc;
}

void ctl_actor(char *target, size_t bytes)
{
	const struct passwd *user = getpwuid(getuid()); /* NOLINT: one thread */

	(void)text_copy(target, bytes,
			user != NULL ? user->pw_name : "operator");
}

/* Does the command line begin with the words? Number of words, or 0. */
static int match_words(const char *words, char **args, int count)
{
	int matched = 0;

	while (*words != '\0') {
		size_t bytes = strcspn(words, " ");

		if (matched == count || strlen(args[matched]) != bytes ||
		    strncmp(args[matched], words, bytes) != 0)
			return 0;
		matched++;
		words += bytes + (words[bytes] == ' ' ? 1 : 0);
	}
	return matched;
}

static const struct ctl_command *find_command(struct ctl *ctl)
{
	for (size_t i = 0; i < COUNT_OF(commands); i++) {
		int n = match_words(commands[i].words, ctl->args,
				    ctl->arg_count);

		if (n == 0)
			continue;
		ctl->args += n;
		ctl->arg_count -= n;
		ctl->command = commands[i].words;
		return &commands[i];
	}
	return NULL;
}

static int open_store(struct ctl *ctl)
{
	int rc = db_open(ctl->store_path, DB_READ, &ctl->db, &ctl->err);

	if (rc == 0)
		rc = migrate_check(ctl->db, &ctl->err);
	return rc;
}

/* For a machine that is none of an installation. */
static bool needs_nothing(const struct ctl_command *command)
{
	return command->run == ctl_tls_ca || command->run == ctl_tls_issue;
}

static int run_command(struct ctl *ctl, const struct ctl_command *command,
		       const char *state_path)
{
	int rc;

	if (needs_nothing(command))
		return command->run(ctl);
	rc = state_dir_open(state_path, command->run == ctl_init, &ctl->dir,
			    &ctl->err);

	if (rc == 0)
		rc = state_dir_store_path(&ctl->dir, ctl->config->store.url,
					  ctl->store_path, &ctl->err);
	if (rc == 0 && command->needs_store)
		rc = open_store(ctl);
	if (rc < 0)
		return ctl_fail(ctl, CTL_FAILED, "%s", ctl->err.text);
	ctl->view = command->view;
	return command->run(ctl);
}

/* Options before the command are ours: `--state` after it filters a list. */
static bool take_global(struct ctl *ctl, const char *name, const char **value)
{
	if (ctl->arg_count < 2 || strcmp(ctl->args[0], name) != 0)
		return false;
	*value = ctl->args[1];
	ctl->args += 2;
	ctl->arg_count -= 2;
	return true;
}

/* Of ./up, else of the installation of this machine. */
static const char *default_state(void)
{
	static const char here[] = "./var";
	static const char installed[] = "/var/lib/ordergate";

	return access("./var/ordergate.db", F_OK) != 0 &&
			       access(installed, F_OK) == 0
		       ? installed
		       : here;
}

int main(int argc, char **argv)
{
	struct ctl ctl = {.args = argv + 1, .arg_count = argc - 1};
	const struct ctl_command *command;
	const char *config_path = NULL;
	const char *state_path = default_state();
	int code;

	(void)umask(0027); /* as all of our processes */
	for (int i = 1; i < argc; i++)
		if (!text_is_utf8(argv[i], strlen(argv[i])))
			return ctl_fail(&ctl, CTL_USAGE,
					"argument %d is not UTF-8", i);
	while (take_global(&ctl, "--config", &config_path) ||
	       take_global(&ctl, "--state", &state_path))
		;
	if (ctl_flag(&ctl, "--help") || ctl.arg_count == 0) {
		print_help();
		return argc > 1 ? CTL_DONE : CTL_USAGE;
	}
	if (ctl_flag(&ctl, "--version")) {
		(void)printf("ordergatectl " ORDERGATE_VERSION "\n");
		return CTL_DONE;
	}
	ctl.json = ctl_flag(&ctl, "--json");
	command = find_command(&ctl);
	if (command == NULL)
		return ctl_fail(&ctl, CTL_USAGE,
				"unknown command '%s': try ordergatectl --help",
				ctl.args[0]);
	if (config_load(config_path != NULL ? config_path : DEFAULT_CONFIG,
			config_path != NULL, &ctl.config, &ctl.err) < 0)
		return ctl_fail(&ctl, CTL_FAILED, "%s", ctl.err.text);
	/* Whatever is not English first: later calls may only go between that
	 * and English. */
	locale_open("ru");
	locale_open(ctl.config->log.ctl_locale);
	code = run_command(&ctl, command, state_path);
	db_close(ctl.db);
	config_free(ctl.config);
	return code;
}
