/* SPDX-License-Identifier: MIT */
#include "domain/settlement/settlement.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "codec/decimal.h"
#include "codec/json/json_out.h"

enum {
	FINDING_BYTES_MAX = 8 * 1024
};

static const char *const kind_names[FINDING_KIND_MAX_] = {[FINDING_NONE] = "",
#define X(symbol, name) [symbol] = (name),
							  FINDING_KINDS(X)
#undef X
};

const char *finding_kind_name(enum finding_kind kind)
{
	return kind_names[kind];
}

void settlement_begin(struct settlement *s,
		      const struct settlement_limits *limits)
{
	*s = (struct settlement){.limits = *limits,
				 .findings =
					 BUF_MAX(SETTLEMENT_BODY_BYTES_MAX)};
}

void settlement_clear(struct settlement *s)
{
	buf_clear(&s->findings);
}

int64_t settlement_differences(const struct settlement *s)
{
	int64_t sum = 0;

	for (int i = FINDING_NONE + 1; i < FINDING_KIND_MAX_; i++)
		sum += s->counts[i];
	return sum;
}

struct finding {
	enum finding_kind kind;
	const char *why, *detail;
	const char *external_id, *date;
	int64_t line; /* of the file; 0: none */
	const struct market_entry *report;
	const struct settlement_ours *ours;
};

static void put_report(struct json_out *out, const struct market_entry *report)
{
	if (report == NULL)
		return;
	json_object(out, "report");
	json_put_money(out, "amount", report->amount_minor);
	if (report->has_vat)
		json_put_money(out, "vat", report->vat_minor);
	if (report->is_cancelled)
		json_put_bool(out, "cancelled", true);
	json_end(out);
}

static void put_ours(struct json_out *out, const struct settlement_ours *ours)
{
	if (ours == NULL || !ours->has_sale)
		return;
	json_object(out, "ours");
	json_put_money(out, "amount", ours->amount_minor);
	json_put_money(out, "vat", ours->vat_minor);
	json_end(out);
}

static int add(struct settlement *s, const struct finding *f, struct err *e)
{
	CLEANUP(buf_clear) struct buf text = BUF_MAX(FINDING_BYTES_MAX);
	struct json_out out = json_out_to(&text);
	int rc;

	s->counts[f->kind]++;
	if (s->listed == SETTLEMENT_LISTED_MAX)
		return 0;
	json_object(&out, NULL);
	json_put_text(&out, "kind", finding_kind_name(f->kind));
	json_put_text(&out, "why", f->why);
	if (f->detail != NULL && f->detail[0] != '\0')
		json_put_text(&out, "detail", f->detail);
	if (f->line > 0)
		json_put_i64(&out, "line", f->line);
	json_put_text(&out, "order", f->external_id);
	if (f->ours != NULL && f->ours->number[0] != '\0')
		json_put_text(&out, "number", f->ours->number);
	if (f->date != NULL && f->date[0] != '\0')
		json_put_text(&out, "date", f->date);
	put_report(&out, f->report);
	put_ours(&out, f->ours);
	json_end(&out);
	rc = json_out_finish(&out, e);
	if (rc < 0)
		return rc;
	if (s->listed++ > 0)
		buf_add_text(&s->findings, ",\n");
	buf_add(&s->findings, text.data, text.used_bytes);
	return buf_finish(&s->findings, e);
}

/* Why there is no document: what a person looks at first. */
static const char *why_missing(const struct settlement_ours *ours,
			       const char **ret_detail)
{
	*ret_detail = "";
	if (!ours->is_known)
		return "unknown-order";
	if (strcmp(ours->invoice_state, "blocked") == 0) {
		*ret_detail = ours->invoice_reason;
		return "blocked";
	}
	*ret_detail = ours->state;
	if (strcmp(ours->invoice_state, "empty") == 0)
		return "nothing-handed-over";
	return strcmp(ours->state, "delivered") == 0 ? "not-yet-made"
						     : "not-delivered";
}

static bool is_far(int64_t a, int64_t b, int64_t limit)
{
	int64_t far = 0;

	return __builtin_sub_overflow(a, b, &far) || llabs(far) > limit;
}

/* What is wrong with a row whose order has a document; NULL: nothing. */
static const char *why_different(const struct settlement *s,
				 const struct market_entry *report,
				 const struct settlement_ours *ours)
{
	if (report->is_cancelled)
		return ours->amount_minor != 0 ? "status" : NULL;
	if (is_far(report->amount_minor, ours->amount_minor,
		   s->limits.amount_minor))
		return "amount";
	if (report->has_vat &&
	    is_far(report->vat_minor, ours->vat_minor, s->limits.vat_minor))
		return "vat";
	return NULL;
}

static int count_sums(struct settlement *s, const struct market_entry *report,
		      const struct settlement_ours *ours, struct err *e)
{
	int rc = report->is_cancelled
			 ? 0
			 : decimal_add(s->report_minor, report->amount_minor,
				       &s->report_minor, e);

	return rc < 0 ? rc
		      : decimal_add(s->ours_minor, ours->amount_minor,
				    &s->ours_minor, e);
}

int settlement_row(struct settlement *s, const struct market_row *row,
		   const struct market_entry *entry,
		   const struct settlement_ours *ours, struct err *e)
{
	struct finding f = {.external_id = row->external_id,
			    .date = row->date,
			    .line = row->line,
			    .report = entry,
			    .ours = ours};
	int rc;

	s->rows++;
	if (!entry->counts && entry->is_return)
		return 0; /* its sum is in that of its order */
	if (!entry->counts) {
		f.kind = FINDING_DUPLICATE;
		f.why = "twice";
		return add(s, &f, e);
	}
	s->orders++;
	rc = count_sums(s, entry, ours, e);
	if (rc < 0)
		return rc;
	if (ours->has_sale) {
		f.kind = FINDING_DIFFERENT;
		f.why = why_different(s, entry, ours);
	} else if (!entry->is_cancelled && entry->amount_minor != 0) {
		f.kind = FINDING_MISSING;
		f.why = why_missing(ours, &f.detail);
	}
	if (f.why != NULL)
		return add(s, &f, e);
	s->matched++;
	return 0;
}

int settlement_extra(struct settlement *s, const char *external_id,
		     const char *date, const struct settlement_ours *ours,
		     struct err *e)
{
	struct finding f = {.kind = FINDING_EXTRA,
			    .why = "not-in-report",
			    .external_id = external_id,
			    .date = date,
			    .ours = ours};

	/* All of it came back: there is nothing to report. */
	return ours->amount_minor == 0 ? 0 : add(s, &f, e);
}

static void put_counts(struct json_out *out, const struct settlement *s)
{
	json_object(out, "counts");
	json_put_i64(out, "rows", s->rows);
	json_put_i64(out, "orders", s->orders);
	json_put_i64(out, "matched", s->matched);
	for (int i = FINDING_NONE + 1; i < FINDING_KIND_MAX_; i++)
		json_put_i64(out, kind_names[i], s->counts[i]);
	json_end(out);
}

int settlement_write(const struct settlement *s,
		     const struct settlement_about *about, struct buf *buf,
		     struct err *e)
{
	CLEANUP(buf_clear)
	struct buf list = BUF_MAX(SETTLEMENT_BODY_BYTES_MAX + 8);
	struct json_out out = json_out_to(buf);
	int rc;

	buf_add_char(&list, '[');
	buf_add(&list, buf_text(&s->findings), s->findings.used_bytes);
	buf_add_char(&list, ']');
	rc = buf_finish(&list, e);
	if (rc < 0)
		return rc;
	json_object(&out, NULL);
	json_put_text(&out, "kind", "report");
	json_put_text(&out, "series", about->series);
	json_put_i64(&out, "number", about->number);
	json_put_text(&out, "date", about->date);
	json_put_time(&out, "madeAt", about->made_ms);
	json_put_text(&out, "channel", about->channel);
	json_object(&out, "file");
	json_put_text(&out, "name", about->file_name);
	json_put_text(&out, "sha256", about->hash);
	json_end(&out);
	json_object(&out, "period");
	json_put_text(&out, "from", s->from);
	json_put_text(&out, "to", s->to);
	json_put_bool(&out, "partial", about->is_partial);
	json_end(&out);
	put_counts(&out, s);
	json_put_money(&out, "reportTotal", s->report_minor);
	json_put_money(&out, "ourTotal", s->ours_minor);
	json_put_raw(&out, "findings", buf_text(&list));
	json_put_i64(&out, "notListed", settlement_differences(s) - s->listed);
	json_end(&out);
	return json_out_finish(&out, e);
}
