/* SPDX-License-Identifier: MIT
 *
 * config.h - ordergate.conf as typed values.
 *
 * One file in libconfuse syntax: `section { key = value }`, comments with #, //
 * and slash-star. Every option is a row of the table in config_table.c
 * (section, key, type, default, limits, help); that table is what reads,
 * checks, prints and documents it. A configuration is read whole, checked
 * whole, and never changed afterwards: a reload makes a new one.
 *
 * Sections may be given in parts: keys merge, the last one wins. Of a job's
 * `every`, `at` and `cron`, the one that comes last replaces the others.
 * Durations are "500ms", "10s", "5m", "1h", "30d", or a bare number, which
 * counts the unit in the key's name (_ms, _minutes, _days), else seconds.
 * There is no include() and no ${ENVIRONMENT}: what is in force can be read in
 * one place, whoever starts the process. http:// URLs lead to loopback only; an
 * empty URL means that this way is not configured.
 */
#ifndef APP_CONFIG_H
#define APP_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"

struct err;

enum {
	CONFIG_TEXT_BYTES = 512,
	CONFIG_NAME_BYTES = 32,
	CONFIG_JOBS_MAX = 32,
	CONFIG_RULES_MAX = 64,
	CONFIG_FILE_BYTES_MAX = 256 * 1024,
	CONFIG_WINDOWS_MAX = 16,
	CONFIG_FORMATS_MAX = 8
};

enum config_misfire { /* what a late scheduler does with missed slots */
	MISFIRE_SKIP = 1,
	MISFIRE_ONCE,
	MISFIRE_ALL
};

struct config_store {
	char url[CONFIG_TEXT_BYTES]; /* "sqlite:ordergate.db" */
	int64_t wal_checkpoint_pages;
};

struct config_http {
	int64_t port;                   /* of nginx */
	char listen[CONFIG_TEXT_BYTES]; /* address nginx binds */
	char server_name[CONFIG_TEXT_BYTES];
	char trusted_networks[CONFIG_TEXT_BYTES]; /* CIDRs, space separated */
	char hook_networks[CONFIG_TEXT_BYTES];    /* "": everyone */
	int64_t request_body_bytes;
	int64_t requests_per_second; /* per client address; 0: no limit */
	int64_t plain_port;          /* plain HTTP on 127.0.0.1; 0: none */
	char tls_certificate[CONFIG_TEXT_BYTES]; /* "": self-made in tls/ */
	char tls_key[CONFIG_TEXT_BYTES];
	int64_t redirect_port; /* plain HTTP to HTTPS; 0: none */
	int64_t hsts_ms;       /* 0: not said */
	char proxy_networks[CONFIG_TEXT_BYTES]; /* CIDRs; "": none */
	char hook_client_ca[CONFIG_TEXT_BYTES]; /* "": no certificate asked */
	char acme_folder[CONFIG_TEXT_BYTES];    /* "": none */
	char upstream[CONFIG_TEXT_BYTES];       /* "": the pools of this one */
	char upstream_ca[CONFIG_TEXT_BYTES];
	/* What an edge shows to them, and who may have signed it; "": none. */
	char upstream_certificate[CONFIG_TEXT_BYTES];
	char upstream_key[CONFIG_TEXT_BYTES];
	char edge_ca[CONFIG_TEXT_BYTES];
};

struct config_pool {
	int64_t hook, assembly, erp, processor, notifier; /* processes */
};

struct config_channel { /* channel kuper { ... } */
	char name[CONFIG_NAME_BYTES];
	char notifications_url[CONFIG_TEXT_BYTES];
	char auth[CONFIG_NAME_BYTES]; /* "client-token", "oauth" */
	char token_url[CONFIG_TEXT_BYTES];
	char shipments_url[CONFIG_TEXT_BYTES];
	int64_t rate_per_second; /* requests to the marketplace */
	int64_t parallel;        /* requests under way at once */
	int64_t timeout_ms;      /* of one request; <= 8000 */
	bool send_accepted;      /* order.accepted on arrival */
	bool send_assembled;     /* the optional order.assembled */
	bool not_found_is_auth;  /* 404 means a wrong token */
	int64_t quick_attempts;
	int64_t probe_ms; /* between probes of an open breaker */
	/* What the marketplace is to the seller: "sale", "agent",
	 * "commission"; and who it is on documents ("": the public). */
	char scheme[CONFIG_NAME_BYTES];
	char buyer_name[CONFIG_TEXT_BYTES], buyer_address[CONFIG_TEXT_BYTES];
	char buyer_inn[CONFIG_NAME_BYTES], buyer_kpp[CONFIG_NAME_BYTES];
};

struct config_telegram {
	char base_url[CONFIG_TEXT_BYTES];
	char admin_chat[CONFIG_NAME_BYTES * 2]; /* "": nobody is told */
	/* By severity, for what no store's or rule's chat gets; "": admin_chat.
	 * A chat may name a topic: "-1001234:56". */
	char info_chat[CONFIG_NAME_BYTES * 2];
	char warning_chat[CONFIG_NAME_BYTES * 2];
	char critical_chat[CONFIG_NAME_BYTES * 2];
	int64_t messages_per_second; /* to all chats together */
	int64_t chat_messages_per_minute;
	int64_t timeout_ms;
	int64_t expire_minutes; /* unsent messages older than this are dropped
				   with outcome obsolete; 0: never */
	int64_t expire_info_minutes, expire_warning_minutes;
	int64_t coalesce_over; /* waiting messages of a chat before the lesser
				  ones become one; 0: never */
	char quiet_hours[CONFIG_NAME_BYTES];   /* "22:00-08:00"; "": none */
	char time_zone[CONFIG_NAME_BYTES * 2]; /* of quiet_hours */
	char order_link[CONFIG_TEXT_BYTES];    /* with {number}; "": no link */
	char updates[CONFIG_NAME_BYTES];       /* "off", "poll", "webhook" */
	/* Ids of Telegram users, separated by spaces (config_has_user()). */
	char operators[CONFIG_TEXT_BYTES], viewers[CONFIG_TEXT_BYTES];
};

struct config_mail {
	char server[CONFIG_TEXT_BYTES]; /* host; "": no mail is made */
	int64_t port;
	char security[CONFIG_NAME_BYTES]; /* "starttls", "tls", "none" */
	char user[CONFIG_TEXT_BYTES];     /* secret mail-password; "": none */
	char ca_file[CONFIG_TEXT_BYTES];  /* "": the system's */
	char from[CONFIG_TEXT_BYTES];
	char to[CONFIG_TEXT_BYTES]; /* addresses, separated by spaces */
	int64_t timeout_ms;
	/* Critical alerts that Telegram has not delivered for so long; 0: not.
	 */
	int64_t telegram_minutes;
	/* Alerts that nobody has acknowledged for so long; 0: not. */
	int64_t critical_minutes, warning_minutes, info_minutes;
	int64_t interval_minutes; /* between two mails of a kind */
	int64_t expire_minutes;
};

struct config_monitor {
	char public_url[CONFIG_TEXT_BYTES]; /* for the self-probe; "": none */
	char ping_url[CONFIG_TEXT_BYTES];   /* called after each good pass */
	int64_t slow_ms;                    /* a self-probe that takes longer */
};

struct config_scheduler {
	int64_t lease_ms; /* the active one that is not heard of for so long is
			     replaced; one whose process is dead, at once */
	int64_t alarm_after_ms; /* of a store that cannot be written */
};

struct config_job { /* job NAME { ... } */
	char name[CONFIG_NAME_BYTES];
	bool enabled;
	int64_t every_ms; /* grid; 0 when `at` or `cron` is used */
	char at[CONFIG_NAME_BYTES * 4];   /* "HH:MM HH:MM" or ":MM" */
	char cron[CONFIG_NAME_BYTES * 4]; /* five fields (codec/time/cron.h) */
	char time_zone[CONFIG_NAME_BYTES * 2];
	int64_t timeout_ms;
	enum config_misfire misfire;
	int64_t jitter_ms; /* slots are started later by up to this */
	int64_t retries;   /* of a run that failed, before its next slot */
	int64_t retry_ms;  /* pause before the first; doubled each time */
};

struct config_rule { /* rule NAME { ... }: monitoring */
	char name[CONFIG_NAME_BYTES];
	bool enabled;
	char severity[CONFIG_NAME_BYTES]; /* "info", "warning", "critical" */
	int64_t threshold;                /* unit by rule */
	int64_t hysteresis;               /* in the unit of threshold */
	int64_t for_ms, repeat_ms;
	int64_t keep_ms;                 /* it must be over for so long */
	int64_t allowance_ms, window_ms; /* meaning by rule */
	int64_t minimum;                 /* fewer of them prove nothing */
	bool mail;           /* false: its alerts never go by mail */
	int64_t escalate_ms; /* unacknowledged for so long; 0: by severity */
	char chat[CONFIG_NAME_BYTES *
		  2]; /* "": the store's or the severity's */
};

struct config_window { /* window NAME { ... }: planned work, nobody is told */
	char name[CONFIG_NAME_BYTES];
	bool enabled;
	char days[CONFIG_NAME_BYTES]; /* "sat sun"; "": every day */
	char at[CONFIG_NAME_BYTES];   /* "HH:MM" in time_zone */
	int64_t length_ms;
	char time_zone[CONFIG_NAME_BYTES * 2];
	char rule[CONFIG_NAME_BYTES];      /* "": every rule */
	char store[CONFIG_NAME_BYTES * 2]; /* "": every store, and what is of
					      none */
};

struct config_invoicing {
	char series[CONFIG_NAME_BYTES];
	char seller_name[CONFIG_TEXT_BYTES];
	char seller_inn[CONFIG_NAME_BYTES], seller_kpp[CONFIG_NAME_BYTES];
	char default_vat[CONFIG_NAME_BYTES]; /* "22", "10", "0", "none", "" */
	char formats[CONFIG_FORMATS_MAX][CONFIG_NAME_BYTES]; /* ends with "" */
	char seller_address[CONFIG_TEXT_BYTES];
	char signer[CONFIG_TEXT_BYTES]; /* "Surname Name Patronymic" */
	bool csv_decimal_comma;
	char upd_version[CONFIG_NAME_BYTES], upd_encoding[CONFIG_NAME_BYTES];
	int64_t total_tolerance_minor;        /* positions against the total */
	char closed_until[CONFIG_NAME_BYTES]; /* "YYYY-MM-DD"; "": never */
	/* Documents of days up to then bear: "today", "original" */
	char closed_documents[CONFIG_NAME_BYTES];
	char after_delivery[CONFIG_NAME_BYTES]; /* "correct", "alert" */
};

struct config_assembly {
	int64_t replacement_dearer_percent;
};

struct config_settlement {
	char series[CONFIG_NAME_BYTES]; /* of documents of kind report */
	/* Names of columns and words of the status, '|' between them. */
	char order[CONFIG_TEXT_BYTES], amount[CONFIG_TEXT_BYTES];
	char vat[CONFIG_TEXT_BYTES], status[CONFIG_TEXT_BYTES];
	char date[CONFIG_TEXT_BYTES];
	char delivered[CONFIG_TEXT_BYTES], cancelled[CONFIG_TEXT_BYTES];
	int64_t tolerance_minor, vat_tolerance_minor;
	bool partial; /* reports do not claim to be whole */
};

struct config_erp {
	int64_t upload_bytes;             /* longest file that it sends */
	char push_url[CONFIG_TEXT_BYTES]; /* "": it pulls */
	char ca_file[CONFIG_TEXT_BYTES];  /* "": the system's */
	/* As of a channel. */
	int64_t rate_per_second, parallel, timeout_ms, quick_attempts, probe_ms;
};

struct config_retention {
	int64_t archive_after_minutes; /* done rows leave the hot tables */
	int64_t archive_days, history_days, personal_days, backups;
	int64_t feed_days; /* entries of orders that were overtaken */
};

struct config_log {
	char level[CONFIG_NAME_BYTES]; /* "debug", "info", "warning", "error" */
	char locale[CONFIG_NAME_BYTES]; /* operator-facing texts: "ru", "en" */
	char ctl_locale[CONFIG_NAME_BYTES]; /* what ordergatectl says */
	char access[CONFIG_NAME_BYTES]; /* nginx's lines: "file", "journal" */
};

struct config {
	struct config_store store;
	struct config_http http;
	struct config_pool pool;
	struct config_channel kuper;
	struct config_telegram telegram;
	struct config_scheduler scheduler;
	struct config_job jobs[CONFIG_JOBS_MAX]; /* the defaults are in here */
	int job_count;
	struct config_rule rules[CONFIG_RULES_MAX];
	int rule_count;
	struct config_window windows[CONFIG_WINDOWS_MAX];
	int window_count;
	struct config_monitor monitor;
	struct config_mail mail;
	struct config_assembly assembly;
	struct config_invoicing invoicing;
	struct config_settlement settlement;
	struct config_erp erp;
	struct config_retention retention;
	struct config_log log;
};

/* Read and check; one thread at a time (libconfuse). A NULL path, or a default
 * path that does not exist, gives the defaults. *ret_config is the caller's
 * (config_free()). Returns 0; ERR_INVALID "FILE:LINE: section.key: reason";
 * ERR_NOTFOUND; ERR_IO. */
int config_load(const char *path, bool must_exist, struct config **ret_config,
		struct err *e);
void config_free(struct config *config);
CLEANUP_DEFINE(struct config *, config_free)

/* Effective values in the syntax of the file, with their help as comments. */
void config_print(const struct config *config, FILE *out);

/* The job or rule of that name, NULL when there is none. */
const struct config_job *config_job(const struct config *config,
				    const char *name);
const struct config_rule *config_rule(const struct config *config,
				      const char *name);

/* True when the list of ids (telegram.operators) has this one. */
bool config_has_user(const char *ids, int64_t id);

#endif
