/* SPDX-License-Identifier: MIT
 *
 * note.c - what is said about an action: remarks to whoever acts, rows to the
 * history.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "codec/decimal.h"
#include "codec/json/json_out.h"
#include "domain/picking/picking.h"

enum {
	DETAIL_BYTES_MAX = 8192,
	REMARKS_MAX = 2 * ORDER_LINES_MAX
};

/* Room grows at every power of two. */
int picking_remark(struct order_outcome *out, int line_no, const char *field,
		   const char *code, const char *text, struct err *e)
{
	size_t count = out->remark_count;
	struct order_remark *grown = out->remarks;

	if (count >= REMARKS_MAX)
		return 0;
	if ((count & (count - 1)) == 0)
		grown = realloc(out->remarks,
				sizeof(*grown) * MAX_OF(2 * count, (size_t)1));
	if (grown == NULL)
		return err_set(e, ERR_NOMEM, "remarks: out of memory");
	out->remarks = grown;
	grown = &grown[out->remark_count++];
	*grown = (struct order_remark){
		.line_no = line_no, .field = field, .code = code};
	(void)text_copy(grown->text, sizeof(grown->text), text);
	return 0;
}

int picking_fault(struct order_outcome *out, int line_no, const char *field,
		  const char *code, const char *text, struct err *e)
{
	out->refusal = REFUSAL_VALUES;
	return picking_remark(out, line_no, field, code, text, e);
}

bool picking_has_seen(const struct order_line *line,
		      const struct order_action *action,
		      struct order_outcome *out)
{
	if (!action->replayed || line->version <= action->version)
		return true;
	for (size_t i = 0; i < action->own_version_count; i++)
		if (action->own_versions[i] == line->version)
			return true;
	out->refusal = REFUSAL_LINE;
	return false;
}

static void put_action(struct json_out *json, const struct order_action *a)
{
	if (a->type == ACTION_SCAN)
		json_put_text(json, "code", a->code);
	if (a->type == ACTION_REPLACE && a->consent[0] != '\0')
		json_put_text(json, "consent", a->consent);
	if (a->replayed)
		json_put_bool(json, "replayed", true);
	if (a->replayed && a->device_time[0] != '\0')
		json_put_text(json, "deviceTime", a->device_time);
}

/* What stood on the line before and what stands there now. */
static int note_line(struct order_outcome *out, const char *kind,
		     const struct order_action *a, const struct order_line *was,
		     const struct order_line *line, struct err *e)
{
	CLEANUP(buf_clear) struct buf detail = BUF_MAX(DETAIL_BYTES_MAX);
	struct json_out json = json_out_to(&detail);
	int rc;

	json_object(&json, NULL);
	json_put_i64(&json, "line", line->line_no);
	json_put_text(&json, "sku", line->sku);
	json_put_decimal(&json, "from", was->qty_picked_milli, QUANTITY_DIGITS);
	json_put_decimal(&json, "to", line->qty_picked_milli, QUANTITY_DIGITS);
	if (line->weight_picked_g >= 0)
		json_put_i64(&json, "weight", line->weight_picked_g);
	json_put_text(&json, "state", line_state_name(line->state));
	if (line->reason[0] != '\0')
		json_put_text(&json, "reason", line->reason);
	if (line->replaces != 0)
		json_put_i64(&json, "replaces", line->replaces);
	put_action(&json, a);
	json_end(&json);
	rc = json_out_finish(&json, e);
	return rc < 0 ? rc
		      : order_change_note(&out->change, kind, a->picker_id,
					  buf_text(&detail), e);
}

int picking_changed(struct order *order, const struct order_action *action,
		    const char *kind, const struct order_line *was,
		    struct order_line *line, struct order_outcome *out,
		    struct err *e)
{
	order->version++;
	line->version = order->version;
	out->change.changed = true;
	out->change.lines_changed = true;
	return note_line(out, kind, action, was, line, e);
}
