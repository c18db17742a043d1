/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "domain/invoice/invoice.h"

/* Series are in the names of files, store ids are the marketplace's. */
static void put_safe(struct buf *out, const char *text)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	for (; *text != '\0'; text++)
		buf_add(out, strchr(safe, *text) != NULL ? text : "_", 1);
}

void invoice_series(const char *pattern, const char *date, const char *store_id,
		    char ret[INVOICE_SERIES_BYTES])
{
	CLEANUP(buf_clear) struct buf out = BUF_MAX(512);

	while (*pattern != '\0') {
		if (strncmp(pattern, "{year}", 6) == 0) {
			buf_add(&out, date, 4);
			pattern += 6;
		} else if (strncmp(pattern, "{store}", 7) == 0) {
			put_safe(&out, store_id);
			pattern += 7;
		} else {
			buf_add_char(&out, *pattern++);
		}
	}
	(void)text_copy(ret, INVOICE_SERIES_BYTES, buf_text(&out));
}
