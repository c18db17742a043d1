/* SPDX-License-Identifier: MIT */
#include "answer/pick_list.h"

#include <stdio.h>
#include <string.h>

#include "app/locale.h"
#include "base/err.h"
#include "base/macros.h"
#include "codec/barcode/barcode_svg.h"
#include "codec/decimal.h"
#include "codec/html_out.h"
#include "codec/time/timestamp.h"

enum {
	POINTS_MAX = 512,
	MOMENT_BYTES = 32
};

/* Black on white, no fill that costs toner, nothing that is cut at the edge. A
 * row is never torn apart, and its table's head is on every page. */
static const char style[] =
	"@page{size:A4;margin:12mm 12mm 16mm;@bottom-right{font-size:9pt;"
	"content:counter(page) \" / \" counter(pages)}}"
	"*{box-sizing:border-box}"
	"body{font:11pt/1.3 \"DejaVu Sans\",\"Liberation "
	"Sans\",Arial,sans-serif;"
	"color:#000;background:#fff;margin:0 auto;max-width:186mm}"
	"header{display:flex;justify-content:space-between;gap:8mm;"
	"border-bottom:2px solid #000;padding-bottom:3mm}"
	"h1{font-size:20pt;margin:0 0 1mm;white-space:nowrap}"
	"h2{font-size:12pt;margin:5mm 0 1mm;break-after:avoid}"
	"dl{display:grid;grid-template-columns:auto 1fr;gap:0 4mm;margin:0}"
	"dt{color:#333}dd{margin:0;font-weight:bold}"
	".code{text-align:center;font-family:monospace;flex:none}"
	".code svg{display:block;width:62mm;height:16mm}"
	".note{border:1px solid #000;padding:2mm 3mm;margin:3mm 0}"
	"table{width:100%;border-collapse:collapse}"
	"th,td{border:1px solid #666;padding:1.2mm 1.5mm;text-align:left;"
	"vertical-align:top;overflow-wrap:anywhere}"
	"th{font-size:9pt;font-weight:normal;color:#333;"
	"border-bottom:1.5px solid #000}"
	"thead{display:table-header-group}tr{break-inside:avoid}"
	".n{text-align:right;white-space:nowrap}"
	".q{font-size:14pt;font-weight:bold}"
	".box{width:8mm}.box i{display:block;width:5mm;height:5mm;"
	"border:1.5px solid #000}"
	".blank{width:24mm}.s{font-size:9pt;color:#333}"
	".gone{text-decoration:line-through}"
	"footer{display:flex;gap:10mm;margin-top:8mm;break-inside:avoid}"
	"footer div{flex:1;border-top:1px solid #000;padding-top:1mm;"
	"font-size:9pt;color:#333;margin-top:8mm}"
	"@media screen{body{padding:8mm}}";

static const char *moment(const struct pick_list *list, int64_t wall_ms,
			  char text[MOMENT_BYTES])
{
	struct civil c =
		timestamp_civil(wall_ms, zone_offset_s(list->zone, wall_ms));

	(void)snprintf(text, MOMENT_BYTES, "%02d.%02d.%04d %02d:%02d", c.day,
		       c.month, c.year, c.hour, c.minute);
	return text;
}

static void put_element(struct buf *html, const char *open, const char *text,
			const char *close)
{
	buf_add_text(html, open);
	html_put(html, text, POINTS_MAX);
	buf_add_text(html, close);
}

static void put_fact(struct buf *html, const char *name, const char *value)
{
	if (value[0] == '\0')
		return;
	put_element(html, "<dt>", name, "</dt>");
	put_element(html, "<dd>", value, "</dd>");
}

static void put_time(struct buf *html, const struct pick_list *list,
		     const char *name, int64_t wall_ms)
{
	char text[MOMENT_BYTES];

	put_fact(html, name, wall_ms != 0 ? moment(list, wall_ms, text) : "");
}

static bool is_canceled(const struct pick_list *list)
{
	return list->order->state == ORDER_CANCELED;
}

static void put_facts(struct buf *html, const struct pick_list *list)
{
	const struct order *order = list->order;
	char revision[DECIMAL_TEXT_BYTES];

	buf_add_text(html, "<dl>");
	put_fact(html, tr("Revision"),
		 decimal_format(order->version, 0, revision));
	put_fact(html, tr("Marketplace's number"), order->external_id);
	put_fact(html, tr("Store"), list->store_name);
	put_time(html, list, tr("Ready by"), order->terms.deadline_ms);
	put_time(html, list, tr("Delivery from"), order->terms.slot_from_ms);
	put_time(html, list, tr("Delivery until"), order->terms.slot_to_ms);
	put_fact(html, tr("Picker"), order->picker_id);
	put_time(html, list, tr("Printed"), list->printed_ms);
	buf_add_text(html, "</dl>");
}

static int put_head(struct buf *html, const struct pick_list *list,
		    struct err *e)
{
	const struct order *order = list->order;
	int rc;

	buf_add_text(html, "<header><div>");
	put_element(html, "<h1>",
		    is_canceled(list) ? tr("Back to the shelves")
				      : tr("Pick list"),
		    " ");
	put_element(html, "", order->number, "</h1>");
	put_facts(html, list);
	buf_add_text(html, "</div><div class=\"code\">");
	rc = barcode_svg(html, order->number, e);
	put_element(html, "", order->number, "</div></header>");
	return rc;
}

/* What people read of the words of marketplaces and of contract.md. */
struct word {
	const char *name, *text;
};

static const struct word policies[] = {
	{"call_or_replace", "Replace what is missing; call if in doubt"},
	{"call_or_cancel", "Call before replacing anything"},
	{"replace", "Replace what is missing"},
	{"cancel", "Replace nothing"},
	{NULL, NULL},
};

static const struct word reasons[] = {
	{"not_found", "not found"},
	{"expired", "past its date"},
	{"damaged", "damaged"},
	{"customer_refused", "refused by the customer"},
	{"other", "another reason"},
	{NULL, NULL},
};

/* An unknown word stays as it is. */
static const char *word_text(const struct word *words, const char *name)
{
	for (const struct word *w = words; w->name != NULL; w++)
		if (strcmp(w->name, name) == 0)
			return tr(w->text);
	return name;
}

static void put_notes(struct buf *html, const struct pick_list *list)
{
	const struct order_terms *terms = &list->order->terms;

	if (is_canceled(list))
		put_element(html, "<p class=\"note\"><b>",
			    tr("The order is cancelled."), "</b></p>");
	if (terms->comment[0] != '\0' && !is_canceled(list))
		put_element(html, "<p class=\"note\"><b>", terms->comment,
			    "</b></p>");
	if (terms->replacement_policy[0] != '\0' && !is_canceled(list))
		put_element(html, "<p class=\"note\">",
			    word_text(policies, terms->replacement_policy),
			    "</p>");
}

static void put_table_head(struct buf *html, const char *zone)
{
	static const struct {
		const char *css, *text;
	} columns[] = {
		{"box", ""},     {"", "Goods"},          {"n", "Wanted"},
		{"n", "Picked"}, {"blank", "Weight, g"}, {"blank", "Remark"},
	};

	put_element(html, "<section><h2>",
		    zone[0] != '\0' ? zone : tr("Other goods"), "</h2>");
	buf_add_text(html, "<table><thead><tr>");
	for (size_t i = 0; i < COUNT_OF(columns); i++) {
		buf_printf(html, "<th scope=\"col\" class=\"%s\">",
			   columns[i].css);
		if (columns[i].text[0] != '\0')
			html_put(html, tr(columns[i].text), POINTS_MAX);
		buf_add_text(html, "</th>");
	}
	buf_add_text(html, "</tr></thead><tbody>");
}

static void put_goods(struct buf *html, const struct pick_item *item)
{
	const struct order_line *line = item->line;
	char number[DECIMAL_TEXT_BYTES];

	buf_printf(html, "<td%s>",
		   line->state == LINE_REMOVED ? " class=\"gone\"" : "");
	put_element(html, "<b>", line->name[0] != '\0' ? line->name : line->sku,
		    "</b>");
	put_element(html, "<div class=\"s\">",
		    decimal_format(line->line_no, 0, number), " · ");
	html_put(html, line->sku, POINTS_MAX);
	if (item->barcode[0] != '\0')
		put_element(html, " · ", item->barcode, "");
	if (item->shelf[0] != '\0')
		put_element(html, " · <b>", item->shelf, "</b>");
	buf_add_text(html, "</div></td>");
}

/* A quantity that is not known yet is a blank to write in. */
static void put_quantity(struct buf *html, const char *css, int64_t milli,
			 bool is_known)
{
	char text[DECIMAL_TEXT_BYTES];

	buf_printf(html, "<td class=\"%s\">", css);
	if (is_known)
		buf_add_text(html, decimal_format_short(milli, QUANTITY_DIGITS,
							text));
	buf_add_text(html, "</td>");
}

/* Expected and weighed; between them there is room for a pen. */
static void put_weight(struct buf *html, const struct order_line *line)
{
	buf_add_text(html, "<td class=\"blank n\">");
	if (line->weight_picked_g >= 0)
		buf_add_i64(html, line->weight_picked_g);
	if (line->weight_g > 0)
		buf_printf(html, "<div class=\"s\">%s %lld</div>", tr("of"),
			   (long long)line->weight_g);
	else
		buf_add_text(html, "—");
	buf_add_text(html, "</td>");
}

static void put_remark(struct buf *html, const struct order_line *line)
{
	char number[DECIMAL_TEXT_BYTES];

	buf_add_text(html, "<td class=\"blank s\">");
	if (line->state == LINE_REMOVED)
		html_put(html, tr("removed: put back"), POINTS_MAX);
	if (line->replaced_by != 0)
		put_element(html, tr("replaced by line"), " ",
			    decimal_format(line->replaced_by, 0, number));
	if (line->replaces != 0)
		put_element(html, tr("instead of line"), " ",
			    decimal_format(line->replaces, 0, number));
	html_put(html, word_text(reasons, line->reason), POINTS_MAX);
	buf_add_text(html, "</td>");
}

static void put_item(struct buf *html, const struct pick_item *item)
{
	const struct order_line *line = item->line;

	buf_add_text(html, "<tr><td class=\"box\"><i></i></td>");
	put_goods(html, item);
	put_quantity(html, "n q", line->qty_milli, true);
	put_quantity(html, "n q", line->qty_picked_milli,
		     line->state != LINE_PENDING || line->qty_picked_milli > 0);
	put_weight(html, line);
	put_remark(html, line);
	buf_add_text(html, "</tr>");
}

static void put_items(struct buf *html, const struct pick_list *list)
{
	const char *zone = NULL;

	for (size_t i = 0; i < list->count; i++) {
		const struct pick_item *item = &list->items[i];

		if (zone == NULL || strcmp(zone, item->zone) != 0) {
			if (zone != NULL)
				buf_add_text(html,
					     "</tbody></table></section>");
			put_table_head(html, item->zone);
			zone = item->zone;
		}
		put_item(html, item);
	}
	if (zone != NULL)
		buf_add_text(html, "</tbody></table></section>");
	else
		put_element(html, "<p class=\"note\">",
			    tr("There is nothing to do."), "</p>");
}

static void put_foot(struct buf *html)
{
	buf_add_text(html, "<footer>");
	put_element(html, "<div>", tr("Bags"), "</div>");
	put_element(html, "<div>", tr("Picked by"), "</div>");
	put_element(html, "<div>", tr("Entered by"), "</div>");
	buf_add_text(html, "</footer></body></html>\n");
}

/* A sheet that was torn off still says of which order and revision it is. An
 * order's number is ours: digits and hyphens. */
static void put_style(struct buf *html, const struct pick_list *list)
{
	buf_printf(html,
		   "<style>%s@page{@bottom-left{font-size:9pt;"
		   "content:\"%s · %s %lld\"}}</style></head><body>",
		   style, list->order->number, tr("Revision"),
		   (long long)list->order->version);
}

int pick_list_html(const struct pick_list *list, struct buf *html,
		   struct err *e)
{
	int rc;

	buf_printf(html,
		   "<!DOCTYPE html><html lang=\"%s\"><head>"
		   "<meta charset=\"utf-8\">"
		   "<meta name=\"viewport\" content=\"width=device-width\">",
		   tr("en"));
	put_element(html, "<title>", list->order->number, "</title>");
	put_style(html, list);
	rc = put_head(html, list, e);
	if (rc < 0)
		return rc;
	put_notes(html, list);
	put_items(html, list);
	put_foot(html);
	return buf_finish(html, e);
}
