/* SPDX-License-Identifier: MIT
 *
 * form_json.c - documents as JSON (docs/formats/invoice.md). A single one is
 * the body as it is kept; a batch is an object with all of them.
 */
#include "document/form/form.h"

static int begin(struct form_run *run, struct err *e)
{
	(void)e;
	if (run->options->batch_id != 0)
		buf_printf(run->out,
			   "{\"format\":\"ordergate-documents\",\"version\":1,"
			   "\"batch\":%lld,\"documents\":[",
			   (long long)run->options->batch_id);
	return 0;
}

static int add(struct form_run *run, const struct invoice *invoice,
	       const char *body, struct err *e)
{
	(void)invoice;
	(void)e;
	if (run->options->batch_id != 0)
		buf_add_text(run->out, run->count > 0 ? ",\n" : "\n");
	buf_add_text(run->out, body);
	return 0;
}

static int end(struct form_run *run, struct err *e)
{
	(void)e;
	buf_add_text(run->out, run->options->batch_id != 0 ? "\n]}\n" : "\n");
	return 0;
}

const struct form form_json = {
	.name = "json",
	.extension = "json",
	.begin = begin,
	.add = add,
	.end = end,
};
