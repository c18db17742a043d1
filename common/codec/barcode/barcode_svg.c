/* SPDX-License-Identifier: MIT */
#include "codec/barcode/barcode_svg.h"

#include <stdbool.h>
#include <string.h>
#include <zint.h>

#include "base/cleanup.h"
#include "base/err.h"

enum {
	TEXT_BYTES_MAX = 64,
	/* Modules without bars on both sides (ISO/IEC 15417, 4.2) */
	QUIET_MODULES = 10,
	HEIGHT_MODULES = 40,
	/* zint draws a module as two units at scale 1. */
	UNITS_PER_MODULE = 2
};

static void symbol_free(struct zint_symbol *symbol)
{
	if (symbol != NULL)
		ZBarcode_Delete(symbol);
}
CLEANUP_DEFINE(struct zint_symbol *, symbol_free)

static long modules_of(float units)
{
	return (long)(units / UNITS_PER_MODULE + 0.5F);
}

static void put_bars(struct buf *html, const struct zint_vector *vector)
{
	for (const struct zint_vector_rect *bar = vector->rectangles;
	     bar != NULL; bar = bar->next)
		buf_printf(html, "M%ld 0h%ldv%dh-%ldz",
			   modules_of(bar->x) + QUIET_MODULES,
			   modules_of(bar->width), HEIGHT_MODULES,
			   modules_of(bar->width));
}

/* zint would make something of any byte. */
static bool is_printable(const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return bytes > 0 && bytes <= TEXT_BYTES_MAX;
}

int barcode_svg(struct buf *html, const char *text, struct err *e)
{
	CLEANUP(symbol_freep)
	struct zint_symbol *symbol = ZBarcode_Create();
	size_t bytes = strlen(text);

	if (symbol == NULL)
		return err_set(e, ERR_NOMEM, "barcode: out of memory");
	symbol->symbology = BARCODE_CODE128;
	symbol->show_hrt = 0;
	if (!is_printable(text, bytes) ||
	    ZBarcode_Encode_and_Buffer_Vector(symbol,
					      (const unsigned char *)text,
					      (int)bytes, 0) >= ZINT_ERROR)
		return err_set(e, ERR_INVALID, "barcode: cannot be encoded");
	buf_printf(html,
		   "<svg xmlns=\"http://www.w3.org/2000/svg\" "
		   "viewBox=\"0 0 %ld %d\" preserveAspectRatio=\"none\" "
		   "role=\"img\"><path d=\"",
		   modules_of(symbol->vector->width) + 2L * QUIET_MODULES,
		   HEIGHT_MODULES);
	put_bars(html, symbol->vector);
	buf_add_text(html, "\"/></svg>");
	return buf_finish(html, e);
}
