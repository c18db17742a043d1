/* SPDX-License-Identifier: MIT
 *
 * report_form.h - a document of kind `report` in the forms that it is handed
 * over in: JSON as it is kept, a CSV row and an HTML row per finding. Pure.
 */
#ifndef DOCUMENT_REPORT_FORM_H
#define DOCUMENT_REPORT_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct err;

struct report_form {
	const char *name; /* and extension */
	/* 0; ERR_INVALID: the body is no report; ERR_NOMEM. */
	int (*render)(const char *body, size_t bytes, bool decimal_comma,
		      struct buf *out, struct err *e);
};
/* Ends with a NULL name. */
extern const struct report_form report_forms[];
/* NULL: a report has no such form. */
const struct report_form *report_form_find(const char *name);

/* Whether the document is a report. */
bool report_form_is_report(const char *body);

#endif
