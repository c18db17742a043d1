/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/locale.h"
#include "app/reason.h"
#include "app/zones.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "codec/html_out.h"
#include "domain/order/order.h"
#include "rules.h"
#include "store/monitor/monitor.h"
#include "store/order/stores.h"

enum {
	MINUTE_MS = 60 * 1000,
	NUMBER_BYTES = 24,
	/* Code points of one field, so that the whole stays within what
	 * Telegram takes (4096). */
	BODY_FIELD_POINTS =
		ORDER_ID_POINTS_MAX + 64, /* with what stands before it */
	LINE_FIELD_POINTS = 60,
	LINK_BYTES_MAX = 1024
};

/* Marks a text for translation where it cannot be translated yet. */
#define N_(text) text

/* UTF-8 of a circle in the colour of the severity. */
static const struct {
	const char *severity, *sign;
} signs[] = {
	{"critical", "\xF0\x9F\x94\xB4"},
	{"warning", "\xF0\x9F\x9F\xA1"},
	{"info", "\xF0\x9F\x94\xB5"},
};
#define SIGN_OVER "\xE2\x9C\x85"

static const char *sign_of(const char *severity)
{
	for (size_t i = 0; i < COUNT_OF(signs); i++)
		if (strcmp(signs[i].severity, severity) == 0)
			return signs[i].sign;
	return signs[0].sign;
}

/* Words of ours (states, outcomes, queues) have translations, other details are
 * data. */
static const char *name_of(const char *word)
{
	return word[0] != '\0' ? tr(word) : "";
}

/* "missing=2 extra=0 ..." of report-differs; what is 0 is not said. */
static void put_parts(struct buf *out, const char *counts)
{
	static const struct {
		const char *name, *text;
	} parts[] = {
		{"missing=", N_("missing here")},
		{"extra=", N_("not in the report")},
		{"different=", N_("different")},
		{"duplicate=", N_("twice in the report")},
	};

	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		const char *at = strstr(counts, parts[i].name);
		long long count;

		if (at == NULL)
			continue;
		count = strtoll(at + strlen(parts[i].name), NULL, 10);
		if (count > 0)
			buf_printf(out, "%s%s: %lld",
				   buf_text(out)[0] != '\0' ? ", " : "",
				   tr(parts[i].text), count);
	}
}

static void render(struct buf *out, const char *template,
		   const struct monitor_finding *f, int64_t now_ms,
		   size_t field_points)
{
	char moment[ZONES_MOMENT_BYTES];
	char minutes[NUMBER_BYTES];
	char left[NUMBER_BYTES];
	char count[NUMBER_BYTES] = "";
	CLEANUP(buf_clear) struct buf parts = BUF_MAX(TEXT_BYTES_MAX);
	CLEANUP(buf_clear) struct buf reason = BUF_MAX(TEXT_BYTES_MAX);

	put_parts(&parts, f->detail);
	reason_put(&reason, f->reason);
	const struct html_field fields[] = {
		{"order", f->external_id},
		{"number", f->number},
		{"store", f->store[0] != '\0' ? f->store : f->store_id},
		{"subject", f->subject},
		{"what", name_of(f->subject)},
		{"state", name_of(f->detail)},
		{"detail", f->detail},
		{"parts", buf_text(&parts)},
		{"reason", buf_text(&reason)},
		{"time", moment},
		{"minutes", minutes},
		{"left", left},
		{"count", count},
		{NULL, NULL},
	};

	zones_moment(f->at_ms,
		     f->zone[0] != '\0' ? f->zone : STORE_TIME_ZONE_DEFAULT,
		     moment);
	(void)snprintf(minutes, sizeof(minutes), "%lld",
		       (long long)((now_ms - f->at_ms) / MINUTE_MS));
	(void)snprintf(left, sizeof(left), "%lld",
		       (long long)((f->at_ms - now_ms) / MINUTE_MS));
	if (f->amount != MONITOR_NO_AMOUNT)
		(void)snprintf(count, sizeof(count), "%lld",
			       (long long)f->amount);
	html_render(out, template, fields, field_points);
}

static void put_title(struct buf *out, const char *sign, const char *title)
{
	buf_printf(out, "%s <b>%s</b>", sign, title);
}

/* number is ours: digits and '-', so it needs no escaping in a URL. */
static void put_link(struct buf *out, const char *link, const char *number)
{
	const char *field = strstr(link, "{number}");

	if (link[0] == '\0' || number[0] == '\0')
		return;
	buf_add_text(out, "\n<a href=\"");
	if (field != NULL) {
		CLEANUP(buf_clear) struct buf url = BUF_MAX(LINK_BYTES_MAX);

		buf_printf(&url, "%.*s%s%s", (int)(field - link), link, number,
			   field + strlen("{number}"));
		html_put(out, buf_text(&url), LINK_BYTES_MAX);
	} else {
		html_put(out, link, LINK_BYTES_MAX);
	}
	buf_printf(out, "\">%s</a>", tr("Open the order"));
}

/* Below the title; nothing when there is nothing to say. */
static void put_body(struct buf *out, const char *template,
		     const struct monitor_finding *f, int64_t now_ms)
{
	CLEANUP(buf_clear) struct buf body = BUF_MAX(TEXT_BYTES_MAX);

	render(&body, template, f, now_ms, BODY_FIELD_POINTS);
	if (buf_text(&body)[0] != '\0')
		buf_printf(out, "\n%s", buf_text(&body));
}

void text_finding(struct buf *out, const struct rule *rule,
		  const char *severity, const struct monitor_finding *finding,
		  int64_t now_ms, const char *order_link)
{
	put_title(out, sign_of(severity), tr(rule->title));
	put_body(out, tr(rule->body), finding, now_ms);
	put_link(out, order_link, finding->number);
}

void text_line(struct buf *out, const struct rule *rule,
	       const struct monitor_finding *finding, int64_t now_ms)
{
	render(out, tr(rule->line), finding, now_ms, LINE_FIELD_POINTS);
}

static void put_count(struct buf *out, const char *sign,
		      const struct rule *rule, int64_t count)
{
	put_title(out, sign, tr(rule->title));
	buf_printf(out, ": %lld", (long long)count);
}

static void put_lines(struct buf *out, int64_t count, const char *const *lines,
		      int line_count)
{
	for (int i = 0; i < line_count; i++)
		buf_printf(out, "\n%s", lines[i]);
	if (count > line_count) {
		buf_add_char(out, '\n');
		buf_printf(out, tr("and %lld more"),
			   (long long)(count - line_count));
	}
}

void text_many(struct buf *out, const struct rule *rule, const char *severity,
	       int64_t count, int64_t firing, const char *const *lines,
	       int line_count)
{
	put_count(out, sign_of(severity), rule, count);
	if (firing > count)
		buf_printf(out, tr(" (%lld in all)"), (long long)firing);
	put_lines(out, count, lines, line_count);
}

/* Of the two largest units that are not nothing. */
static void put_duration(struct buf *out, int64_t ms)
{
	int64_t minutes = MAX_OF(ms, 0) / MINUTE_MS;
	int64_t hours = minutes / 60;

	if (minutes < 1)
		buf_add_text(out, tr("less than a minute"));
	else if (hours < 1)
		buf_printf(out, tr("%lld min"), (long long)minutes);
	else if (hours < 24)
		buf_printf(out, tr("%lld h %lld min"), (long long)hours,
			   (long long)(minutes % 60));
	else
		buf_printf(out, tr("%lld d %lld h"), (long long)(hours / 24),
			   (long long)(hours % 24));
}

static void put_over(struct buf *out, const struct rule *rule)
{
	put_title(out, SIGN_OVER, tr("Over"));
	buf_printf(out, ": %s", tr(rule->title));
}

/* Whether its subject is an order's number. */
static bool is_about_order(const struct rule *rule)
{
	return strstr(rule->over, "{order}") != NULL;
}

void text_over(struct buf *out, const struct rule *rule,
	       const struct monitor_finding *now, int64_t lasted_ms,
	       const char *order_link)
{
	put_over(out, rule);
	put_body(out, tr(rule->over), now, now->at_ms);
	buf_printf(out, "\n%s: ", tr("It lasted"));
	put_duration(out, lasted_ms);
	if (is_about_order(rule))
		put_link(out, order_link, now->number);
}

void text_over_line(struct buf *out, const struct rule *rule,
		    const struct monitor_finding *now)
{
	const char *template = is_about_order(rule) && now->number[0] != '\0'
				       ? "{order}[: {state}]"
				       : "{subject}";

	render(out, template, now, now->at_ms, LINE_FIELD_POINTS);
}

void text_many_over(struct buf *out, const struct rule *rule, int64_t count,
		    int64_t longest_ms, const char *const *lines,
		    int line_count)
{
	put_over(out, rule);
	buf_printf(out, ": %lld\n%s: ", (long long)count,
		   tr("The longest lasted"));
	put_duration(out, longest_ms);
	put_lines(out, count, lines, line_count);
}
