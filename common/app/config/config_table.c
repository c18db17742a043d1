/* SPDX-License-Identifier: MIT
 *
 * Every option of ordergate.conf. A new one is a row here and a member in
 * config.h: it is then read, checked, printed and explained.
 */
#include <assert.h>

#include "app/config/config_private.h"
#include "base/macros.h"
#include "store/engine/db.h"

#define MEMBER(T, member)                     \
	.offset = offsetof(struct T, member), \
	.bytes = sizeof(((struct T *)NULL)->member)

#define NUMBER(T, name, lowest, highest, value, text)                 \
	{                                                             \
		.key = #name, .type = CONFIG_NUMBER, MEMBER(T, name), \
		.preset = (value), .min = (lowest), .max = (highest), \
		.help = (text)                                        \
	}
#define DURATION(T, name, member, bare, stored, lowest, highest, value, text) \
	{                                                                     \
		.key = (name), .type = CONFIG_DURATION, MEMBER(T, member),    \
		.preset = (value), .min = (lowest), .max = (highest),         \
		.bare_ms = (bare), .stored_ms = (stored), .help = (text)      \
	}
#define BOOL(T, name, value, text)                                  \
	{                                                           \
		.key = #name, .type = CONFIG_BOOL, MEMBER(T, name), \
		.preset = (value), .help = (text)                   \
	}
#define TEXT(T, name, function, value, text)                           \
	{                                                              \
		.key = #name, .type = CONFIG_TEXT, MEMBER(T, name),    \
		.preset = (value), .check = (function), .help = (text) \
	}
#define WORD(T, name, words, value, text)                             \
	{                                                             \
		.key = #name, .type = CONFIG_WORD, MEMBER(T, name),   \
		.preset = (value), .allowed = (words), .help = (text) \
	}
#define END       \
	{         \
		0 \
	}

/* In units of the member, for DURATION. */
enum {
	MS = 1,
	SECOND = 1000,
	MINUTE = 60 * SECOND,
	HOUR = 60 * MINUTE,
	DAY = 24 * HOUR
};

/* clang-format off */
static const struct config_option store[] = {
	{.key = "url", .type = CONFIG_TEXT, MEMBER(config_store, url),
	 .preset = "sqlite:ordergate.db", .check = config_check_store_url, .label = db_label,
	 .help = "\"sqlite:NAME\" below the state directory, \"sqlite:/PATH\", or \"postgresql://...\""},
	NUMBER(config_store, wal_checkpoint_pages, 100, 16000, "1000",
	       "pages (4 KiB) of write-ahead log after which a commit moves them into the file"),
	END
};

static const struct config_option http[] = {
	NUMBER(config_http, port, 1, 65535, "8443", "port that nginx listens on"),
	TEXT(config_http, listen, config_check_address, "127.0.0.1",
	     "address that nginx binds; \"0.0.0.0\" for all of IPv4, \"::\" for all"),
	TEXT(config_http, server_name, config_check_host, "localhost",
	     "host names of the certificate, separated by spaces"),
	TEXT(config_http, trusted_networks, config_check_networks, "127.0.0.0/8 ::1",
	     "who may read /metrics: networks (CIDR), separated by spaces"),
	TEXT(config_http, hook_networks, config_check_networks, "",
	     "who may call the hook; empty: everyone"),
	NUMBER(config_http, request_body_bytes, 1024, 8388608, "1048576",
	       "longest body of a request; a longer one gets 413"),
	NUMBER(config_http, requests_per_second, 0, 100000, "100",
	       "per client address; 0 lifts this and the connection limits"),
	NUMBER(config_http, plain_port, 0, 65535, "0",
	       "also plain HTTP on 127.0.0.1, for a proxy or a benchmark there; 0: none"),
	TEXT(config_http, tls_certificate, config_check_path, "",
	     "PEM file with the chain; empty: self-made in tls/"),
	TEXT(config_http, tls_key, config_check_path, "", "PEM file with its key"),
	NUMBER(config_http, redirect_port, 0, 65535, "0",
	       "also plain HTTP that only sends to HTTPS and answers ACME, usually 80; 0: none"),
	DURATION(config_http, "hsts", hsts_ms, SECOND, MS, 0, 730LL * DAY, "0",
	     "for how long browsers shall ask by HTTPS only; 0: not said"),
	TEXT(config_http, proxy_networks, config_check_networks, "",
	     "balancers before us, whose X-Forwarded-For is believed; empty: none"),
	TEXT(config_http, hook_client_ca, config_check_path, "",
	     "PEM file: the hook asks for a certificate of this authority; empty: no"),
	TEXT(config_http, acme_folder, config_check_path, "",
	     "where an ACME client puts its answers (certbot --webroot); empty: nowhere"),
	TEXT(config_http, upstream, config_check_upstream, "",
	     "machines that everything is passed to by HTTPS: HOST or HOST:PORT, separated by spaces; empty: the pools of this one"),
	TEXT(config_http, upstream_ca, config_check_path, "/etc/ssl/certs/ca-certificates.crt",
	     "PEM file: who may have signed the certificate of upstream, or that certificate"),
	TEXT(config_http, upstream_certificate, config_check_path, "",
	     "PEM file that an edge shows to upstream, when edge_ca is set there; empty: none"),
	TEXT(config_http, upstream_key, config_check_path, "", "PEM file with its key"),
	TEXT(config_http, edge_ca, config_check_path, "",
	     "PEM file: only an edge with a certificate of this authority is answered; empty: everyone"),
	END
};

static const struct config_option pool[] = {
	NUMBER(config_pool, hook, 0, 64, "4", "processes; 0 when they live on another machine"),
	NUMBER(config_pool, assembly, 0, 64, "4", "processes"),
	NUMBER(config_pool, erp, 0, 16, "1", "processes"),
	NUMBER(config_pool, processor, 0, 16, "1", "processes"),
	NUMBER(config_pool, notifier, 0, 16, "1", "processes"),
	END
};

/* How whoever gets messages of the outbox is treated. */
#define RECEIVER(T, rate, whom)                                                \
	NUMBER(T, rate_per_second, 1, 100000, rate, "requests to " whom),      \
	NUMBER(T, parallel, 1, 64, "8",                                        \
	       "requests under way at once; those of one order never are"),    \
	DURATION(T, "timeout_ms", timeout_ms, MS, MS, 100, 8000, "8000",       \
		 "the whole of one request"),                                  \
	NUMBER(T, quick_attempts, 1, 10, "3",                                  \
	       "attempts before a message waits behind the breaker"),          \
	DURATION(T, "probe_ms", probe_ms, MS, MS, 100, 15000, "10s",           \
		 "between probes of an open breaker")

static const struct config_option channel[] = {
	TEXT(config_channel, notifications_url, config_check_url, "",
	     "where our notifications go; empty: they wait"),
	WORD(config_channel, auth, "client-token oauth", "client-token",
	     "how we prove ourselves: kuper-client-token, or kuper-client-id and -secret"),
	TEXT(config_channel, token_url, config_check_url, "", "where oauth tokens come from"),
	TEXT(config_channel, shipments_url, config_check_url, "",
	     "orders are listed there, and read at <shipments_url>/<id> and /state; empty: never"),
	RECEIVER(config_channel, "20", "the marketplace"),
	BOOL(config_channel, send_accepted, "true", "send order.accepted on arrival"),
	BOOL(config_channel, send_assembled, "false", "send the optional order.assembled"),
	BOOL(config_channel, not_found_is_auth, "false",
	     "the marketplace answers 404 to a wrong token: hold instead of failing"),
	WORD(config_channel, scheme, "sale agent commission", "sale",
	     "the marketplace buys or mediates, is the seller's agent, or sells the seller's goods in its own name"),
	TEXT(config_channel, buyer_name, NULL, "", "as it stands on documents; empty: the public"),
	TEXT(config_channel, buyer_inn, config_check_inn, "", "10 or 12 digits"),
	TEXT(config_channel, buyer_kpp, config_check_kpp, "", "9 characters"),
	TEXT(config_channel, buyer_address, NULL, "", "as it stands on documents"),
	END
};

static const struct config_option telegram[] = {
	TEXT(config_telegram, base_url, config_check_url, "https://api.telegram.org",
	     "the Bot API, or a proxy of it"),
	TEXT(config_telegram, admin_chat, config_check_chat, "",
	     "chat id or @channel of the administrator, \"-100123:45\" with a topic; empty: nobody is told"),
	TEXT(config_telegram, info_chat, config_check_chat, "",
	     "where infos go that belong to no store; empty: admin_chat"),
	TEXT(config_telegram, warning_chat, config_check_chat, "",
	     "where warnings go that belong to no store; empty: admin_chat"),
	TEXT(config_telegram, critical_chat, config_check_chat, "",
	     "where critical alerts go that belong to no store; empty: admin_chat"),
	NUMBER(config_telegram, messages_per_second, 1, 30, "25", "to all chats together"),
	NUMBER(config_telegram, chat_messages_per_minute, 1, 60, "20", "to one chat"),
	DURATION(config_telegram, "timeout_ms", timeout_ms, MS, MS, 100, 8000, "8000",
		 "the whole of one request"),
	DURATION(config_telegram, "expire_minutes", expire_minutes, MINUTE, MINUTE, 0, 43200, "1440",
		 "unsent messages older than this are dropped as obsolete; 0: never"),
	DURATION(config_telegram, "expire_warning_minutes", expire_warning_minutes, MINUTE, MINUTE,
		 0, 43200, "1440", "the same for warnings"),
	DURATION(config_telegram, "expire_info_minutes", expire_info_minutes, MINUTE, MINUTE,
		 0, 43200, "360", "the same for infos"),
	NUMBER(config_telegram, coalesce_over, 0, 1000, "12",
	       "so many waiting messages of a chat stay as they are; the rest becomes one. 0: never"),
	TEXT(config_telegram, quiet_hours, config_check_hours, "",
	     "\"22:00-08:00\": all but critical messages make no sound; empty: never"),
	TEXT(config_telegram, time_zone, config_check_zone, "Europe/Moscow", "IANA name, for quiet_hours and times of chats that belong to no store"),
	TEXT(config_telegram, order_link, config_check_link, "",
	     "page of an order, {number} in it is replaced; empty: no link"),
	WORD(config_telegram, updates, "off poll webhook", "off",
	     "how ordergate-chat hears of buttons and commands: not at all, by asking Telegram, or by its calls through nginx"),
	TEXT(config_telegram, operators, config_check_users, "",
	     "Telegram ids of people who may acknowledge, silence and ask, separated by spaces"),
	TEXT(config_telegram, viewers, config_check_users, "",
	     "ids of people who may only ask: /status, /late, /order"),
	END
};

static const struct config_option mail[] = {
	TEXT(config_mail, server, config_check_mail_host, "",
	     "host that takes our mail (SMTP); empty: alerts go to Telegram only"),
	NUMBER(config_mail, port, 1, 65535, "587", "usually 587 with starttls, 465 with tls"),
	WORD(config_mail, security, "starttls tls none", "starttls",
	     "none: only to this machine, and without a password"),
	TEXT(config_mail, user, NULL, "", "who logs in, with the secret mail-password; empty: nobody does"),
	TEXT(config_mail, ca_file, config_check_path, "",
	     "PEM file with whoever signed the server's certificate; empty: the system's"),
	TEXT(config_mail, from, config_check_addresses, "", "address that our mail comes from"),
	TEXT(config_mail, to, config_check_addresses, "", "who gets it: addresses, separated by spaces"),
	DURATION(config_mail, "timeout_ms", timeout_ms, MS, MS, 100, 60000, "20s", "the whole of one mail"),
	DURATION(config_mail, "telegram_minutes", telegram_minutes, MINUTE, MINUTE, 0, 1440, "10",
		 "critical alerts go by mail when Telegram has failed for so long; 0: they do not"),
	DURATION(config_mail, "critical_minutes", critical_minutes, MINUTE, MINUTE, 0, 10080, "30",
		 "critical alerts that nobody has acknowledged go by mail after so long; 0: they do not"),
	DURATION(config_mail, "warning_minutes", warning_minutes, MINUTE, MINUTE, 0, 10080, "0",
		 "the same for warnings"),
	DURATION(config_mail, "info_minutes", info_minutes, MINUTE, MINUTE, 0, 10080, "0",
		 "the same for infos"),
	DURATION(config_mail, "interval_minutes", interval_minutes, MINUTE, MINUTE, 0, 1440, "5",
		 "pause between two mails for the same cause: what comes meanwhile is in the next one"),
	DURATION(config_mail, "expire_minutes", expire_minutes, MINUTE, MINUTE, 10, 43200, "1440",
		 "unsent mail older than this is dropped as obsolete"),
	END
};

static const struct config_option scheduler[] = {
	DURATION(config_scheduler, "lease_ms", lease_ms, MS, MS, 2000, 60000, "15s",
		 "an active scheduler that is not heard of for so long is replaced by one that stands by"),
	DURATION(config_scheduler, "alarm_after", alarm_after_ms, SECOND, MS, SECOND, HOUR, "1m",
		 "people are told at once, by Telegram and mail, when the store could not be written for so long"),
	END
};

static const struct config_option job[] = {
	BOOL(config_job, enabled, "true", "false: never started by the scheduler"),
	{ .key = "every", .type = CONFIG_DURATION, MEMBER(config_job, every_ms),
	  .min = SECOND, .max = 31LL * DAY, .bare_ms = SECOND, .stored_ms = MS,
	  .excludes = "at cron", .help = "grid of its slots; or use at or cron" },
	{ .key = "at", .type = CONFIG_TEXT, MEMBER(config_job, at),
	  .check = config_check_times, .excludes = "every cron",
	  .help = "daily at \"HH:MM\" (one or more) in time_zone, or \":MM\" of every hour" },
	{ .key = "cron", .type = CONFIG_TEXT, MEMBER(config_job, cron),
	  .check = config_check_cron, .excludes = "every at",
	  .help = "\"MINUTE HOUR DAY MONTH WEEKDAY\" in time_zone" },
	TEXT(config_job, time_zone, config_check_zone, "Europe/Moscow", "IANA name, for at and cron"),
	DURATION(config_job, "timeout", timeout_ms, SECOND, MS, SECOND, DAY, "60s",
		 "a run that takes longer is stopped"),
	{ .key = "misfire", .type = CONFIG_CHOICE, MEMBER(config_job, misfire),
	  .preset = "once", .allowed = "skip once all",
	  .help = "what a late scheduler does with missed slots: none, the newest, each of them" },
	DURATION(config_job, "jitter", jitter_ms, SECOND, MS, 0, HOUR, "0",
		 "its starts are put off by up to this, always by the same time"),
	NUMBER(config_job, retries, 0, 10, "0", "of a run that failed"),
	DURATION(config_job, "retry", retry_ms, SECOND, MS, SECOND, 6LL * HOUR, "1m",
		 "pause before the first of them; twice as long before each next one"),
	END
};

static const struct config_option rule[] = {
	BOOL(config_rule, enabled, "true", "false: not watched"),
	WORD(config_rule, severity, "info warning critical", "warning", "of its alerts"),
	NUMBER(config_rule, threshold, 0, 1000000000, "1", "unit by rule, see above"),
	DURATION(config_rule, "for", for_ms, SECOND, MS, 0, 7LL * DAY, "0",
		 "how long it must hold before the alert"),
	DURATION(config_rule, "repeat", repeat_ms, SECOND, MS, 0, 30LL * DAY, "4h",
		 "reminder while it lasts; 0: told once"),
	NUMBER(config_rule, hysteresis, 0, 1000000000, "0",
	       "it ends so far on the good side of threshold (same unit)"),
	DURATION(config_rule, "keep", keep_ms, SECOND, MS, 0, 7LL * DAY, "0",
		 "how long it must be over before people are told so"),
	DURATION(config_rule, "allowance", allowance_ms, SECOND, MS, 0, 7LL * DAY, "0",
		 "order-not-taken: it counts from so long before the deadline; assembly-long: added for each line"),
	DURATION(config_rule, "window", window_ms, SECOND, MS, MINUTE, 31LL * DAY, "1d",
		 "of shares and of order-not-paid: how far they look back"),
	NUMBER(config_rule, minimum, 1, 1000000, "20",
	       "of shares and of hook-silent: fewer orders, lines or messages prove nothing"),
	BOOL(config_rule, mail, "true", "false: its alerts never go by mail"),
	DURATION(config_rule, "escalate", escalate_ms, SECOND, MS, 0, 7LL * DAY, "0",
		 "its alerts go by mail when nobody has acknowledged them for so long; 0: as mail says for their severity"),
	TEXT(config_rule, chat, config_check_chat, "",
	     "where its alerts go; empty: to the store's chat, else by severity"),
	END
};

static const struct config_option window[] = {
	BOOL(config_window, enabled, "true", "false: not in force"),
	TEXT(config_window, days, config_check_days, "", "\"sat sun\"; empty: every day"),
	TEXT(config_window, at, config_check_time_of_day, "", "when it begins, \"HH:MM\" in time_zone"),
	DURATION(config_window, "length", length_ms, SECOND, MS, 0, DAY, "0", "how long it lasts"),
	TEXT(config_window, time_zone, config_check_zone, "Europe/Moscow", "IANA name"),
	TEXT(config_window, rule, NULL, "", "the rule that is silent; empty: all of them"),
	TEXT(config_window, store, NULL, "", "the store that it is silent about; empty: everything"),
	END
};

static const struct config_option monitor[] = {
	TEXT(config_monitor, public_url, config_check_url, "",
	     "our address as the marketplace sees it: <public_url>/healthz is tried from here with a signed request; empty: not"),
	DURATION(config_monitor, "slow_ms", slow_ms, MS, MS, 10, 5000, "2s",
		 "a self-probe that is answered later counts as failed"),
	TEXT(config_monitor, ping_url, config_check_url, "",
	     "called after each good pass, so that somebody outside notices when there are none; empty: not"),
	END
};

static const struct config_option assembly[] = {
	NUMBER(config_assembly, replacement_dearer_percent, 0, 1000, "10",
	       "so much more than the original a replacement may cost without the customer's consent"),
	END
};

static const struct config_option invoicing[] = {
	TEXT(config_invoicing, series, config_check_series, "OG",
	     "in front of document numbers; {year} and {store} in it make series of their own"),
	TEXT(config_invoicing, seller_name, NULL, "", "as it stands on documents"),
	TEXT(config_invoicing, seller_inn, config_check_inn, "", "10 or 12 digits"),
	TEXT(config_invoicing, seller_kpp, config_check_kpp, "", "9 characters"),
	{ .key = "default_vat", .type = CONFIG_WORD, MEMBER(config_invoicing, default_vat),
	  .preset = "", .allowed = "22 20 10 7 5 0 none", .may_be_empty = true,
	  .help = "VAT of lines without a catalogue entry; empty: the invoice is blocked" },
	{ .key = "formats", .type = CONFIG_WORDS, MEMBER(config_invoicing, formats),
	  .preset = "json csv commerceml", .allowed = "json csv commerceml upd html pdf",
	  .help = "files made of the documents of a run; of each one: upd (sales only), html, pdf" },
	TEXT(config_invoicing, seller_address, NULL, "", "as it stands on documents"),
	TEXT(config_invoicing, signer, NULL, "", "who signs the upd: surname, name, patronymic"),
	BOOL(config_invoicing, csv_decimal_comma, "false", "12,50 instead of 12.50 in csv"),
	WORD(config_invoicing, upd_version, "5.03 5.02", "5.03", "5.02 only to validate with its schema"),
	WORD(config_invoicing, upd_encoding, "UTF-8 windows-1251", "UTF-8", "of the upd"),
	NUMBER(config_invoicing, total_tolerance_minor, -1, 1000000000, "100",
	       "kopecks that positions may be off the marketplace's total, else the invoice is blocked; -1: any"),
	TEXT(config_invoicing, closed_until, config_check_date, "",
	     "last day whose books are closed, \"YYYY-MM-DD\""),
	WORD(config_invoicing, closed_documents, "today original", "today",
	     "the day that documents of closed days bear; the VAT is always that of the delivery"),
	WORD(config_invoicing, after_delivery, "correct alert", "alert",
	     "when the marketplace takes goods off an order that is sold: make the return, or tell people"),
	END
};

static const struct config_option settlement[] = {
	TEXT(config_settlement, series, config_check_series, "REP", "in front of the numbers of reports"),
	TEXT(config_settlement, order, NULL,
	     "order_number|order_id|order|number|номер заказа|заказ|№ заказа|id заказа|номер отправления",
	     "column of the order, '|' between names, the best one first"),
	TEXT(config_settlement, amount, NULL,
	     "total|amount|order_total|total_amount|sum|сумма заказа|сумма с ндс|сумма|итого|стоимость",
	     "column of what was sold, VAT included"),
	TEXT(config_settlement, vat, NULL, "vat|vat_amount|ндс|сумма ндс|в том числе ндс",
	     "column of the VAT in it; may be missing"),
	TEXT(config_settlement, status, NULL, "status|state|статус|статус заказа|состояние",
	     "column of what became of the order; may be missing: delivered"),
	TEXT(config_settlement, date, NULL,
	     "delivered_at|delivery_date|date|дата доставки|дата отгрузки|дата заказа|дата",
	     "column of the day; may be missing: nothing can be found extra then"),
	TEXT(config_settlement, delivered, NULL,
	     "delivered|completed|shipped|done|returned|partially_returned|доставлен|доставлено|выполнен|завершен|возврат|частичный возврат",
	     "words of the status of what was sold; returns are less than nothing in the sum"),
	TEXT(config_settlement, cancelled, NULL, "canceled|cancelled|отменен|отмена|отменено",
	     "words of the status of what was not"),
	NUMBER(config_settlement, tolerance_minor, 0, 1000000000, "0", "kopecks that an order may differ by"),
	NUMBER(config_settlement, vat_tolerance_minor, 0, 1000000000, "10",
	       "the same of its VAT, which is rounded in many ways"),
	BOOL(config_settlement, partial, "false", "reports do not have every order of their days: nothing is extra"),
	END
};

static const struct config_option erp[] = {
	NUMBER(config_erp, upload_bytes, 1048576, 1073741824, "536870912",
	       "longest file of products or stores; a longer one gets 413"),
	TEXT(config_erp, push_url, config_check_url, "",
	     "documents and orders are sent there, with the secret erp-push-token; empty: the ERP asks for them"),
	TEXT(config_erp, ca_file, config_check_path, "",
	     "PEM file with whoever signed that server's certificate; empty: the system's"),
	RECEIVER(config_erp, "50", "it"),
	END
};

static const struct config_option retention[] = {
	DURATION(config_retention, "archive_after_minutes", archive_after_minutes, MINUTE, MINUTE,
		 0, 43200, "60", "done rows leave the hot tables"),
	DURATION(config_retention, "archive_days", archive_days, DAY, DAY, 1, 3650, "90",
		 "archived messages are kept"),
	DURATION(config_retention, "history_days", history_days, DAY, DAY, 1, 3650, "400",
		 "orders and their history are kept"),
	DURATION(config_retention, "feed_days", feed_days, DAY, DAY, 1, 3650, "30",
		 "steps of orders in the ERP's feed; the last one of each order stays with it"),
	DURATION(config_retention, "personal_days", personal_days, DAY, DAY, 1, 3650, "30",
		 "names, phones and addresses of closed orders are kept"),
	NUMBER(config_retention, backups, 1, 365, "14", "files kept in backup/"),
	END
};

static const struct config_option log_options[] = {
	WORD(config_log, level, "debug info warning error", "info", "least important line that is written"),
	WORD(config_log, locale, "ru en", "ru", "language of texts for operators and of alerts"),
	WORD(config_log, ctl_locale, "ru en", "en", "language of what ordergatectl says"),
	WORD(config_log, access, "file journal", "file",
	     "where nginx's lines about requests go: log/access.log or the journal of systemd"),
	END
};

#define PLAIN(member, table, text) \
	{ .name = #member, .options = (table), .offset = offsetof(struct config, member), .help = (text) }

const struct config_section config_sections[] = {
	PLAIN(store, store, "where everything is kept"),
	PLAIN(http, http, "the front: nginx"),
	PLAIN(pool, pool, "how many processes of each kind"),
	{ .name = "channel", .options = channel, .offset = offsetof(struct config, kuper),
	  .entries_max = 1, .entry_bytes = sizeof(struct config_channel), .closed = true,
	  .help = "one marketplace" },
	PLAIN(telegram, telegram, "messages to people"),
	PLAIN(scheduler, scheduler, "who runs the jobs"),
	{ .name = "job", .options = job, .offset = offsetof(struct config, jobs),
	  .entries_max = CONFIG_JOBS_MAX, .entry_bytes = sizeof(struct config_job),
	  .count_offset = offsetof(struct config, job_count),
	  .help = "what the scheduler starts: ordergate-NAME" },
	{ .name = "rule", .options = rule, .offset = offsetof(struct config, rules),
	  .entries_max = CONFIG_RULES_MAX, .entry_bytes = sizeof(struct config_rule),
	  .count_offset = offsetof(struct config, rule_count), .closed = true,
	  .help = "what people are told about. Thresholds: minutes for order-*, assembly-long,"
		  " queue-backlog, notification-uncertain, hook-silent, invoice-missing, job-late, mail-failing, machine-silent,"
		  " measure-missing, erp-away; percent for *-share, found-rate, disk-low; MiB for wal-large;"
		  " hours for backup-old; days for certificate-expiry; failed runs in a row for"
		  " job-failing; else how many there must be" },
	{ .name = "window", .options = window, .offset = offsetof(struct config, windows),
	  .entries_max = CONFIG_WINDOWS_MAX, .entry_bytes = sizeof(struct config_window),
	  .count_offset = offsetof(struct config, window_count),
	  .help = "planned work: nobody is told of alerts while it lasts" },
	PLAIN(monitor, monitor, "what the monitor calls"),
	PLAIN(mail, mail, "the second way out for alerts"),
	PLAIN(assembly, assembly, "rules of the picking apps' API"),
	PLAIN(invoicing, invoicing, "documents for the ERP"),
	PLAIN(settlement, settlement, "reports of the marketplace in import/reports/, held against documents"),
	PLAIN(erp, erp, "the exchange with the ERP"),
	PLAIN(retention, retention, "how long things are kept"),
	PLAIN(log, log_options, "what is written, and in which language"),
	{ .name = NULL }
};
static_assert(COUNT_OF(config_sections) <= CONFIG_SECTIONS_MAX + 1,
	      "libconfuse's tables have room for them");
/* clang-format on */

const char config_builtin[] =
	"channel kuper {}\n"
	"job telegram { every = 10s timeout = 60s misfire = once }\n"
	"job monitor { every = 60s timeout = 60s misfire = once }\n"
	"job mail { every = 30s timeout = 2m misfire = once }\n"
	"job invoicing { every = 1h timeout = 30m misfire = all }\n"
	"job settlement { every = 10m timeout = 30m misfire = once }\n"
	"job reconcile { every = 10m timeout = 5m misfire = once }\n"
	"job housekeeping { at = 03:30 timeout = 1h misfire = once retries = 3"
	" retry = 5m }\n"
	"job backup { at = 02:30 timeout = 1h misfire = once retries = 3"
	" retry = 5m }\n"
	/* A new rule of the monitor gets its line here. */
	"rule order-late { severity = critical threshold = 0 for = 0"
	" repeat = 0 }\n"
	"rule order-not-ready { threshold = 15 repeat = 0 }\n"
	"rule assembly-long { threshold = 30 allowance = 2m repeat = 0 }\n"
	"rule order-not-taken { threshold = 15 allowance = 1h repeat = 0 }\n"
	"rule order-not-picked-up { threshold = 30 repeat = 0 }\n"
	"rule order-not-delivered { threshold = 180 repeat = 0 }\n"
	/* Not every marketplace tells of payments. */
	"rule order-not-paid { enabled = false threshold = 1440 window = 7d"
	" repeat = 0 }\n"
	"rule cancel-share { threshold = 20 hysteresis = 5 repeat = 24h }\n"
	"rule short-share { threshold = 15 hysteresis = 3 minimum = 100"
	" repeat = 24h }\n"
	"rule found-rate { threshold = 85 hysteresis = 3 minimum = 100"
	" repeat = 24h }\n"
	"rule notification-failed { severity = critical repeat = 4h }\n"
	"rule notification-uncertain { threshold = 10 repeat = 4h }\n"
	"rule inbox-quarantined { repeat = 4h }\n"
	"rule breaker-open { severity = critical for = 1m repeat = 4h }\n"
	"rule breaker-opened { window = 10m repeat = 0 }\n"
	"rule queue-backlog { severity = critical threshold = 5 keep = 2m"
	" repeat = 4h }\n"
	"rule hook-silent { severity = critical threshold = 60 minimum = 5"
	" repeat = 4h }\n"
	"rule self-probe { severity = critical for = 3m keep = 2m"
	" repeat = 4h }\n"
	"rule invoice-missing { threshold = 120 repeat = 24h }\n"
	"rule invoice-blocked { repeat = 24h }\n"
	"rule order-changed { repeat = 24h }\n"
	"rule report-differs { window = 7d repeat = 0 }\n"
	"rule report-refused { window = 7d repeat = 0 }\n"
	"rule erp-refused { repeat = 24h }\n"
	"rule erp-away { threshold = 60 for = 1m repeat = 4h }\n"
	"rule telegram-backlog { threshold = 100 for = 5m repeat = 4h }\n"
	"rule mail-failing { threshold = 15 repeat = 24h mail = false }\n"
	"rule chat-blocked { severity = critical repeat = 24h }\n"
	"rule telegram-refused { severity = critical repeat = 24h }\n"
	"rule job-failing { threshold = 3 repeat = 4h }\n"
	"rule job-late { severity = critical threshold = 5 repeat = 4h }\n"
	"rule machine-silent { severity = critical threshold = 2 for = 1m"
	" repeat = 4h }\n"
	"rule disk-low { severity = critical threshold = 10 hysteresis = 2"
	" repeat = 4h }\n"
	"rule wal-large { threshold = 256 hysteresis = 64 for = 5m"
	" repeat = 4h }\n"
	"rule backup-old { threshold = 26 repeat = 24h }\n"
	"rule certificate-expiry { threshold = 14 repeat = 24h }\n"
	"rule clock-unset { for = 1h keep = 10m repeat = 24h }\n"
	"rule clock-offset { threshold = 2000 for = 5m keep = 5m"
	" repeat = 24h }\n"
	"rule measure-missing { threshold = 15 repeat = 24h }\n"
	"rule store-unknown { severity = info repeat = 0 }\n"
	"rule product-unknown { severity = info repeat = 0 }\n";
