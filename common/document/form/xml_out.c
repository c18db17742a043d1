/* SPDX-License-Identifier: MIT */
#include "document/form/xml_out.h"

#include <libxml/xmlwriter.h>
#include <stdlib.h>

#include "base/err.h"
#include "codec/decimal.h"
#include "document/form/clean_text.h"

enum {
	TEXT_BYTES_MAX = 64 * 1024
};

struct xml_out {
	xmlTextWriterPtr writer; /* owns the output buffer */
	struct buf *out;         /* borrowed */
	struct buf clean;
	bool failed;
};

/* libxml2's own cast drops the const. */
static const xmlChar *chars(const char *text)
{
	return (const xmlChar *)text;
}

static int take(void *context, const char *data, int bytes)
{
	struct xml_out *x = context;

	buf_add(x->out, data, (size_t)bytes);
	return bytes;
}

static void check(struct xml_out *x, int rc)
{
	if (rc < 0)
		x->failed = true;
}

int xml_out_new(struct buf *out, const char *encoding, struct xml_out **ret_out,
		struct err *e)
{
	CLEANUP(xml_out_freep) struct xml_out *x = calloc(1, sizeof(*x));
	xmlOutputBufferPtr sink;

	if (x == NULL)
		return err_set(e, ERR_NOMEM, "xml: out of memory");
	x->out = out;
	x->clean = BUF_MAX(TEXT_BYTES_MAX);
	/* The declaration sets the encoder: one that is set here would be
	 * forgotten by that, not freed. */
	sink = xmlOutputBufferCreateIO(take, NULL, x, NULL);
	if (sink != NULL)
		x->writer = xmlNewTextWriter(sink);
	if (x->writer == NULL)
		return err_set(e, ERR_NOMEM, "xml: out of memory");
	(void)xmlTextWriterSetIndent(x->writer, 1);
	(void)xmlTextWriterSetIndentString(x->writer, chars(""));
	check(x, xmlTextWriterStartDocument(x->writer, "1.0", encoding, NULL));
	if (x->failed)
		return err_set(e, ERR_INVALID, "xml: cannot begin in %s",
			       encoding);
	*ret_out = TAKE(x);
	return 0;
}

void xml_out_free(struct xml_out *x)
{
	if (x == NULL)
		return;
	if (x->writer != NULL)
		xmlFreeTextWriter(x->writer);
	buf_clear(&x->clean);
	free(x);
}

/* Borrowed until the next call. */
static const xmlChar *clean(struct xml_out *x, const char *text)
{
	const char *good = clean_text(&x->clean, text);

	if (buf_finish(&x->clean, NULL) < 0)
		x->failed = true;
	return chars(good);
}

void xml_open(struct xml_out *x, const char *name)
{
	check(x, xmlTextWriterStartElement(x->writer, chars(name)));
}

void xml_close(struct xml_out *x)
{
	check(x, xmlTextWriterEndElement(x->writer));
}

void xml_attribute(struct xml_out *x, const char *name, const char *value)
{
	check(x, xmlTextWriterWriteAttribute(x->writer, chars(name),
					     clean(x, value)));
}

void xml_attribute_i64(struct xml_out *x, const char *name, int64_t value)
{
	char text[DECIMAL_TEXT_BYTES];

	xml_attribute(x, name, decimal_format(value, 0, text));
}

void xml_attribute_money(struct xml_out *x, const char *name, int64_t minor)
{
	char text[DECIMAL_TEXT_BYTES];

	xml_attribute(x, name, decimal_format(minor, MONEY_DIGITS, text));
}

void xml_leaf(struct xml_out *x, const char *name, const char *text)
{
	check(x, xmlTextWriterWriteElement(x->writer, chars(name),
					   clean(x, text)));
}

void xml_leaf_money(struct xml_out *x, const char *name, int64_t minor)
{
	char text[DECIMAL_TEXT_BYTES];

	xml_leaf(x, name, decimal_format(minor, MONEY_DIGITS, text));
}

int xml_flush(struct xml_out *x, struct err *e)
{
	check(x, xmlTextWriterFlush(x->writer));
	if (x->failed)
		return err_set(e, ERR_INVALID, "xml: cannot write");
	return buf_finish(x->out, e);
}

int xml_finish(struct xml_out *x, struct err *e)
{
	check(x, xmlTextWriterEndDocument(x->writer));
	return xml_flush(x, e);
}
