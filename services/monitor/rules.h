/* SPDX-License-Identifier: MIT
 *
 * rules.h - what the monitor watches, as a table.
 *
 * A new rule is a row here, its query in common/store/monitor/, its default in
 * the configuration's built-in part (config_table.c), and its texts in po/.
 */
#ifndef MONITOR_RULES_H
#define MONITOR_RULES_H

#include <stdbool.h>
#include <stddef.h>

struct monitor_query;

/* Texts are templates (codec/html_out.h) with the fields of text.c; they are
 * keys for tr(). */
struct rule {
	const char *name; /* in the configuration */
	const struct monitor_query *query;
	bool in_minutes;   /* the threshold; else it is a number of things */
	const char *title; /* first line of the message */
	const char *body;  /* further lines */
	const char *line;  /* in a message about many */
	const char *over;  /* how it ended: of monitor_end.now */
};

/* In order: a rule that inhibits another comes before it. */
extern const struct rule rules[];
extern const size_t rule_count;

#endif
