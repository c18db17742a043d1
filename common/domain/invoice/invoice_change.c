/* SPDX-License-Identifier: MIT
 *
 * invoice_change.c - corrections and returns of what was sold.
 *
 * The tax of what remains is computed anew, and the difference is what is left
 * over: so before = after + difference holds to the kopeck, and a line that is
 * given back in parts ends at zero.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "codec/decimal.h"
#include "domain/invoice/invoice_private.h"
#include "domain/invoice/vat.h"

static struct invoice_line *line_of(const struct invoice *invoice, int line_no)
{
	for (size_t i = 0; i < invoice->line_count; i++)
		if (invoice->lines[i].line_no == line_no)
			return &invoice->lines[i];
	return NULL;
}

static struct invoice_amounts minus(const struct invoice_amounts *a,
				    const struct invoice_amounts *b)
{
	return (struct invoice_amounts){
		.qty_milli = a->qty_milli - b->qty_milli,
		.weight_g = a->weight_g < 0 ? -1 : a->weight_g - b->weight_g,
		.amount_minor = a->amount_minor - b->amount_minor,
		.vat_minor = a->vat_minor - b->vat_minor,
	};
}

static int sum_up(struct invoice *invoice, struct err *e)
{
	int rc = 0;

	invoice->total_minor = 0;
	invoice->vat_minor = 0;
	invoice->discount_minor = 0;
	for (size_t i = 0; i < invoice->line_count && rc == 0; i++)
		rc = invoice_count(invoice, &invoice->lines[i], e);
	return rc;
}

int invoice_apply(struct invoice *state, const struct invoice *later,
		  struct err *e)
{
	for (size_t i = 0; i < later->line_count; i++) {
		const struct invoice_line *change = &later->lines[i];
		struct invoice_line *line = line_of(state, change->line_no);

		if (line == NULL)
			return err_set(e, ERR_INVALID,
				       "the sale has no line %d",
				       change->line_no);
		line->is = change->after;
	}
	return sum_up(state, e);
}

/* Of a quantity without a weight of its own: as much of the weight as of the
 * quantity. */
static int fill_weight(const struct invoice_amounts *before,
		       struct invoice_amounts *part, struct err *e)
{
	if (before->weight_g < 0) {
		part->weight_g = -1;
		return 0;
	}
	if (part->weight_g >= 0)
		return 0;
	return decimal_mul_div(before->weight_g, part->qty_milli,
			       before->qty_milli, &part->weight_g, e);
}

/* The amount goes with the weight, where there is one. */
static int fill_amount(const struct invoice_line *line,
		       struct invoice_amounts *after, struct err *e)
{
	const struct invoice_amounts *before = &line->is;
	bool by_weight = before->weight_g > 0;
	int rc = decimal_mul_div(before->amount_minor,
				 by_weight ? after->weight_g : after->qty_milli,
				 by_weight ? before->weight_g
					   : before->qty_milli,
				 &after->amount_minor, e);

	after->vat_minor =
		vat_included_minor(after->amount_minor, line->vat_percent);
	return rc;
}

static int after_return(const struct invoice_line *line,
			const struct invoice_change *change,
			struct invoice_amounts *ret_after, struct err *e)
{
	struct invoice_amounts back = {.qty_milli = change->qty_milli,
				       .weight_g = change->weight_g};
	int rc;

	if (change->qty_milli <= 0 || change->qty_milli > line->is.qty_milli)
		return err_set(e, ERR_INVALID,
			       "line %d: from 0.001 to %lld.%03lld can be "
			       "returned",
			       line->line_no,
			       (long long)line->is.qty_milli / 1000,
			       (long long)line->is.qty_milli % 1000);
	rc = fill_weight(&line->is, &back, e);
	if (rc == 0 && back.weight_g > line->is.weight_g)
		rc = err_set(e, ERR_INVALID, "line %d: only %lld g are sold",
			     line->line_no, (long long)line->is.weight_g);
	if (rc < 0)
		return rc;
	*ret_after = minus(&line->is, &back);
	/* Whoever gives back every piece gives back every gram. */
	if (ret_after->qty_milli == 0 && ret_after->weight_g > 0)
		ret_after->weight_g = 0;
	return fill_amount(line, ret_after, e);
}

static int after_correction(const struct invoice_line *line,
			    const struct invoice_change *change,
			    struct invoice_amounts *ret_after, struct err *e)
{
	int rc;

	*ret_after = (struct invoice_amounts){.qty_milli = change->qty_milli,
					      .weight_g = change->weight_g};
	if (change->qty_milli < 0)
		return err_set(e, ERR_INVALID, "line %d: less than nothing",
			       line->line_no);
	if (line->is.qty_milli == 0)
		return err_set(e, ERR_INVALID,
			       "line %d: nothing of it is sold any more",
			       line->line_no);
	rc = fill_weight(&line->is, ret_after, e);
	if (rc == 0 && ret_after->qty_milli == 0 && ret_after->weight_g > 0)
		rc = err_set(e, ERR_INVALID, "line %d: a weight of nothing",
			     line->line_no);
	return rc < 0 ? rc : fill_amount(line, ret_after, e);
}

typedef int decide_after(const struct invoice_line *line,
			 const struct invoice_change *change,
			 struct invoice_amounts *ret_after, struct err *e);

static int change_line(struct invoice *invoice, const struct invoice *state,
		       const struct invoice_change *change,
		       decide_after *decide, struct err *e)
{
	const struct invoice_line *line = line_of(state, change->line_no);
	struct invoice_line *to = &invoice->lines[invoice->line_count];
	int rc;

	if (line == NULL)
		return err_set(e, ERR_INVALID, "the sale has no line %d",
			       change->line_no);
	if (line_of(invoice, change->line_no) != NULL)
		return err_set(e, ERR_INVALID, "line %d is named twice",
			       change->line_no);
	*to = *line;
	to->discount_minor = 0;
	to->before = line->is;
	rc = decide(line, change, &to->after, e);
	if (rc < 0)
		return rc;
	to->is = invoice->kind == INVOICE_RETURN
			 ? minus(&to->before, &to->after)
			 : minus(&to->after, &to->before);
	if (memcmp(&to->before, &to->after, sizeof(to->before)) == 0)
		return err_set(e, ERR_INVALID, "line %d does not change",
			       change->line_no);
	invoice->line_count++;
	return 0;
}

static int make(const struct invoice *state, enum invoice_kind kind,
		const struct invoice_change *changes, size_t count,
		decide_after *decide, struct invoice *ret_invoice,
		struct err *e)
{
	CLEANUP(invoice_clear) struct invoice invoice = *state;
	int rc;

	invoice.lines = NULL;
	invoice.codes = NULL;
	invoice.line_count = 0;
	invoice.code_count = 0;
	invoice.kind = kind;
	invoice.of_number = state->number;
	(void)text_copy(invoice.of_series, sizeof(invoice.of_series),
			state->series);
	(void)text_copy(invoice.of_date, sizeof(invoice.of_date), state->date);
	if (count == 0)
		return err_set(e, ERR_INVALID, "no line is named");
	rc = invoice_reserve(&invoice, count, 0, e);
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = change_line(&invoice, state, &changes[i], decide, e);
	if (rc == 0)
		rc = sum_up(&invoice, e);
	if (rc < 0)
		return rc;
	*ret_invoice = invoice;
	invoice = (struct invoice){0};
	return 0;
}

int invoice_return(const struct invoice *state,
		   const struct invoice_change *changes, size_t count,
		   struct invoice *ret_invoice, struct err *e)
{
	return make(state, INVOICE_RETURN, changes, count, after_return,
		    ret_invoice, e);
}

int invoice_correct(const struct invoice *state,
		    const struct invoice_change *changes, size_t count,
		    struct invoice *ret_invoice, struct err *e)
{
	return make(state, INVOICE_CORRECTION, changes, count, after_correction,
		    ret_invoice, e);
}
