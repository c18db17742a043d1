/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <stdio.h>
#include <string.h>

#include "app/locale.h"
#include "app/zones.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "codec/html_out.h"
#include "rules.h"
#include "store/monitor/monitor.h"
#include "store/order/stores.h"

enum {
	MINUTE_MS = 60 * 1000,
	NUMBER_BYTES = 24,
	/* Code points of one field, so that the whole stays within what
	 * Telegram takes (4096). */
	BODY_FIELD_POINTS = 200,
	LINE_FIELD_POINTS = 60,
	LINK_BYTES_MAX = 1024
};

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

static void render(struct buf *out, const char *template,
		   const struct monitor_finding *f, int64_t now_ms,
		   size_t field_points)
{
	char moment[ZONES_MOMENT_BYTES];
	char minutes[NUMBER_BYTES];
	char left[NUMBER_BYTES];
	char count[NUMBER_BYTES];
	const struct html_field fields[] = {
		{"order", f->external_id},
		{"number", f->number},
		{"store", f->store},
		{"subject", f->subject},
		{"what", name_of(f->subject)},
		{"state", name_of(f->detail)},
		{"detail", f->detail},
		{"reason", f->reason},
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
	(void)snprintf(count, sizeof(count), "%lld", (long long)f->amount);
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

void text_finding(struct buf *out, const struct rule *rule,
		  const char *severity, const struct monitor_finding *finding,
		  int64_t now_ms, const char *order_link)
{
	put_title(out, sign_of(severity), tr(rule->title));
	buf_add_char(out, '\n');
	render(out, tr(rule->body), finding, now_ms, BODY_FIELD_POINTS);
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

void text_many(struct buf *out, const struct rule *rule, const char *severity,
	       int64_t count, int64_t firing, const char *const *lines,
	       int line_count)
{
	put_count(out, sign_of(severity), rule, count);
	if (firing > count)
		buf_printf(out, tr(" (%lld in all)"), (long long)firing);
	for (int i = 0; i < line_count; i++)
		buf_printf(out, "\n%s", lines[i]);
	if (count > line_count) {
		buf_add_char(out, '\n');
		buf_printf(out, tr("and %lld more"),
			   (long long)(count - line_count));
	}
}

void text_over(struct buf *out, const struct rule *rule, const char *told)
{
	const char *body = strchr(told, '\n');

	put_title(out, SIGN_OVER, tr("Over"));
	buf_printf(out, ": %s", tr(rule->title));
	buf_add_text(out, body != NULL ? body : "");
}

void text_many_over(struct buf *out, const struct rule *rule, int64_t count)
{
	put_title(out, SIGN_OVER, tr("Over"));
	buf_printf(out, ": %s: %lld", tr(rule->title), (long long)count);
}
