/* SPDX-License-Identifier: MIT
 *
 * form.h - the forms that a document is handed over in. A form is a row of the
 * table in form.c and a file here.
 *
 * Forms are pure: documents and options in, bytes out. The same documents and
 * options give the same bytes, today and in a year: no form looks at the clock,
 * the configuration or the order.
 */
#ifndef DOCUMENT_FORM_H
#define DOCUMENT_FORM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "domain/invoice/invoice.h"

struct err;

enum {
	FORM_NAME_BYTES = 16,
	FORM_OPTION_BYTES = 16,
	FORM_SIGNER_BYTES = 128,
	FORM_FILE_BYTES = 200 /* name of a file */
};

/* Kept with the batch of documents, so that a file can be made again. */
struct form_options {
	int64_t batch_id;   /* 0: a document by itself */
	int64_t made_ms;    /* of the batch */
	bool decimal_comma; /* CSV, for spreadsheets that want it */
	/* УПД: "5.03", or "5.02" for the validation of tests, which knows no
	 * rate of 22 %; "UTF-8" or "windows-1251"; "Surname Name Patronymic" */
	char upd_version[FORM_OPTION_BYTES];
	char upd_encoding[FORM_OPTION_BYTES];
	char signer[FORM_SIGNER_BYTES];
};

struct form_run;

struct form {
	const char *name; /* in invoicing.formats */
	const char *extension;
	bool is_single; /* one file per document, else one per batch */
	/* NULL: nothing to do. */
	int (*begin)(struct form_run *run, struct err *e);
	int (*add)(struct form_run *run, const struct invoice *invoice,
		   const char *body, struct err *e);
	int (*end)(struct form_run *run, struct err *e);
	void (*clear)(struct form_run *run);
	/* NULL: every kind has this form. */
	bool (*suits)(const struct invoice *invoice);
	/* Of a single document; NULL: sale-OG-000041.EXTENSION. */
	void (*file_name)(const struct invoice *invoice,
			  const struct form_options *options,
			  char ret_name[FORM_FILE_BYTES]);
};

/* NULL: there is no such form. */
const struct form *form_find(const char *name);

/* One file under way. The caller empties *out between calls as it likes. */
struct form_run {
	const struct form *form;
	const struct form_options *options; /* borrowed */
	struct buf *out;                    /* borrowed */
	int64_t count;                      /* documents so far */
	void *own;                          /* the form's */
};
int form_begin(struct form_run *run, const struct form *form,
	       const struct form_options *options, struct buf *out,
	       struct err *e);
/* body is the document's JSON as it is kept. */
int form_add(struct form_run *run, const struct invoice *invoice,
	     const char *body, struct err *e);
int form_end(struct form_run *run, struct err *e);
void form_clear(struct form_run *run); /* for CLEANUP */

bool form_suits(const struct form *form, const struct invoice *invoice);
/* documents-000007.EXTENSION */
void form_batch_file(const struct form *form,
		     const struct form_options *options,
		     char ret_name[FORM_FILE_BYTES]);
void form_single_file(const struct form *form, const struct invoice *invoice,
		      const struct form_options *options,
		      char ret_name[FORM_FILE_BYTES]);

extern const struct form form_json, form_csv, form_commerceml, form_upd,
	form_html, form_pdf;

/* What several forms say alike. */

/* Russian title: "Реализация", "Возврат", "Корректировка"; of a commission
 * "Отчёт о продаже комиссионного товара". */
const char *form_title(const struct invoice *invoice);
/* What the two parties are to each other. */
struct form_roles {
	const char *seller, *buyer;
};
struct form_roles form_roles(const struct invoice *invoice);
/* Of a later document: what its lines came to before, and come to now. */
void form_change(const struct invoice *invoice, int64_t *ret_before_minor,
		 int64_t *ret_after_minor);
/* "22%", "без НДС" */
const char *form_rate(int vat_percent, char text[16]);
/* "31.12.2025" of "2025-12-31" */
const char *form_date(const char *date, char text[16]);
/* Kilograms of a weighed line, else pieces; in thousandths. */
bool form_is_weighed(const struct invoice_line *line);
int64_t form_quantity_milli(const struct invoice_line *line,
			    const struct invoice_amounts *amounts);
/* Price of one such unit with `digits` digits, with the tax or without; of a
 * later document what it was before. 0 when there is none of it. */
int64_t form_unit_price(const struct invoice_line *line, bool with_tax,
			int digits);

#endif
