/* SPDX-License-Identifier: MIT
 *
 * zone_rule.h - the rule that continues a time zone past its table: the POSIX
 * TZ string of a TZif footer (RFC 8536 3.3), "CET-1CEST,M3.5.0,M10.5.0/3".
 * Used by zone.c only. Pure and thread-safe.
 */
#ifndef CODEC_ZONE_RULE_H
#define CODEC_ZONE_RULE_H

#include <stdbool.h>
#include <stdint.h>

struct err;

enum zone_day_kind {
	ZONE_DAY_OF_MONTH, /* Mm.w.d: d-th weekday of week w in month m */
	ZONE_DAY_NO_LEAP,  /* Jn: 1..365, 29 February is never counted */
	ZONE_DAY_FROM_ZERO /* n: 0..365, 29 February counts */
};

struct zone_day {
	enum zone_day_kind kind;
	int month;   /* 1..12 */
	int week;    /* 1..5, 5 is the last */
	int weekday; /* 0 Sunday .. 6 */
	int day;
	int time_s; /* local, -167..167 hours */
};

struct zone_rule {
	int standard_s; /* seconds east of UTC */
	int summer_s;
	bool has_summer;
	struct zone_day summer_starts;
	struct zone_day summer_ends;
};

/* An offset and the moment (UTC seconds) before which it holds. */
struct zone_span {
	int offset_s;
	int64_t until_s; /* INT64_MAX: for ever */
};

/* ERR_INVALID when text is not such a rule. */
int zone_rule_parse(const char *text, struct zone_rule *ret_rule,
		    struct err *e);

/* What the rule says for a moment. */
struct zone_span zone_rule_span(const struct zone_rule *rule, int64_t at_s);

#endif
