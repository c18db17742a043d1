/* SPDX-License-Identifier: MIT
 *
 * config_private.h - how config.c, its table, its values and its printer see
 * an option. Only these files include it.
 *
 *	config_table.c  what options there are: the file to edit for a new one
 *	config_value.c  one value: text to field, field to text
 *	config_check.c  what texts mean: URLs, networks, times of day
 *	config_scan.c   the file before libconfuse sees it
 *	config_merge.c  sections, entries, presets, rules across options
 *	config.c        libconfuse, and errors with their lines
 *	config_print.c  back to text
 */
#ifndef APP_CONFIG_PRIVATE_H
#define APP_CONFIG_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/config/config.h"
#include "base/buf.h"

struct err;

enum {
	CONFIG_SECTIONS_MAX = 24,
	CONFIG_OPTIONS_MAX = 24, /* in one section */
	CONFIG_VALUE_BYTES = CONFIG_TEXT_BYTES + 64
};

enum config_type {
	CONFIG_NUMBER = 1, /* int64_t within min..max */
	CONFIG_DURATION,   /* int64_t in stored_ms; "10s", "5m", bare number */
	CONFIG_BOOL,       /* bool */
	CONFIG_TEXT,       /* char[bytes], see check */
	CONFIG_WORD,       /* char[bytes], one of allowed */
	CONFIG_WORDS,      /* char[][CONFIG_NAME_BYTES], some of allowed */
	CONFIG_CHOICE,     /* enum: 1 for the first word of allowed */
	CONFIG_TYPE_MAX_
};

struct config_option {
	const char *key;
	size_t offset; /* in the structure of its section */
	size_t bytes;  /* of the member */
	/* As it would stand in the file; NULL: all zero. */
	const char *preset;
	int64_t min, max;    /* numbers; durations in stored_ms */
	int64_t bare_ms;     /* durations: what a bare number counts */
	int64_t stored_ms;   /* durations: what the member counts */
	const char *allowed; /* words, separated by spaces */
	int (*check)(const char *text, struct err *e); /* texts; NULL: any */
	/* Texts: as people may see them; NULL: as they are. */
	void (*label)(const char *text, char *ret_text, size_t bytes);
	const char *excludes; /* keys that this one empties: every | at */
	const char *help;
	enum config_type type;
	bool may_be_empty; /* words: "" is allowed too */
};

struct config_section {
	const char *name;
	const char *help;
	const struct config_option *options; /* ends with a NULL key */
	size_t offset;                       /* in struct config */
	/* Sections with a title are arrays; their first member is the name. */
	size_t entry_bytes;  /* of one */
	size_t count_offset; /* of the int in struct config; 0: not counted */
	int entries_max;     /* 0: no title */
	bool closed;         /* titles other than the built-in ones: refused */
};

extern const struct config_section config_sections[]; /* ends with NULLs */

/* What is there before the file is read: entries of the sections with titles,
 * in the syntax of the file. */
extern const char config_builtin[];

/* The rows of that name; libconfuse has refused all others. */
const struct config_section *config_section_of(const char *name);
const struct config_option *
config_option_of(const struct config_section *section, const char *key);

void config_set_presets(const struct config_section *section, void *target);

/* The entry of that title in a section with titles, made with its presets when
 * it is new. ERR_INVALID "section.title: ..." when it may not be. */
int config_entry(struct config *config, const struct config_section *section,
		 const char *title, bool is_builtin, void **ret_entry,
		 struct err *e);

/* What no single value can tell. ERR_INVALID "section.key: ..." with the part
 * of the configuration that is at fault. */
int config_check_together(const struct config *config, const void **ret_part,
			  struct err *e);

/* Set the option's member of `target` from `text`. ERR_INVALID with what is
 * wrong and what is allowed; the member is then untouched. CONFIG_WORDS adds
 * one word, after config_clear(). */
int config_value_set(const struct config_option *option, void *target,
		     const char *text, struct err *e);
void config_value_clear(const struct config_option *option, void *target);
bool config_value_is_zero(const struct config_option *option,
			  const void *target);
/* Append the value in the syntax of the file, quoted where it has to be. */
void config_value_print(const struct config_option *option, const void *target,
			struct buf *out);
/* "a whole number from 1 to 65535": for errors and for the printed help. */
void config_value_describe(const struct config_option *option, struct buf *out);

/* Text checks of the table: 0, or ERR_INVALID with what is allowed. "" passes
 * where leaving it out makes sense. */
int config_check_url(const char *text, struct err *e);
int config_check_store_url(const char *text, struct err *e);
int config_check_networks(const char *text, struct err *e);
int config_check_address(const char *text, struct err *e);
int config_check_host(const char *text, struct err *e);
int config_check_upstream(const char *text, struct err *e);
int config_check_path(const char *text, struct err *e);
int config_check_time_of_day(const char *text, struct err *e);
int config_check_times(const char *text, struct err *e);
int config_check_cron(const char *text, struct err *e);
int config_check_days(const char *text, struct err *e);
int config_check_hours(const char *text, struct err *e);
int config_check_link(const char *text, struct err *e);
int config_check_date(const char *text, struct err *e);
int config_check_zone(const char *text, struct err *e);
int config_check_chat(const char *text, struct err *e);
int config_check_mail_host(const char *text, struct err *e);
int config_check_addresses(const char *text, struct err *e);
int config_check_users(const char *text, struct err *e);
int config_check_series(const char *text, struct err *e);
int config_check_inn(const char *text, struct err *e);
int config_check_kpp(const char *text, struct err *e);

/* A job's or rule's name: lower-case letters, digits, '-'. */
bool config_name_is_good(const char *name);

/* Blank the comments of the file's text in place (libconfuse miscounts the
 * lines of comments) and refuse what libconfuse would misread: see
 * config_scan.c. On ERR_INVALID, *ret_line is where. */
int config_scan(char *text, size_t bytes, int *ret_line, struct err *e);

#endif
