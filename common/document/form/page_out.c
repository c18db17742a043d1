/* SPDX-License-Identifier: MIT */
#include "document/form/page_out.h"

#include <cairo-pdf.h>
#include <pango/pangocairo.h>

#include "base/err.h"
#include "codec/time/timestamp.h"
#include "document/form/clean_text.h"

#define FONT "DejaVu Sans"
#define POINTS(tenths_of_mm) ((double)(tenths_of_mm)*72.0 / 254.0)
enum {
	TENTHS_OF_POINT = 10,
	TEXT_BYTES_MAX = 4096
};

struct page_out {
	cairo_surface_t *surface;
	cairo_t *cairo;
	PangoLayout *layout;
	PangoFontDescription *font;
	struct buf *out;
	struct buf clean; /* clean_text() */
};

static cairo_status_t take(void *context, const unsigned char *data,
			   unsigned bytes)
{
	struct page_out *page = context;

	buf_add(page->out, data, bytes);
	return CAIRO_STATUS_SUCCESS;
}

int page_out_new(struct buf *out, const char *title, int64_t made_ms,
		 struct page_out **ret_page, struct err *e)
{
	CLEANUP(page_out_freep)
	struct page_out *page = calloc(1, sizeof(*page));
	char made[TIMESTAMP_TEXT_BYTES];

	if (page == NULL)
		return err_set(e, ERR_NOMEM, "pdf: out of memory");
	page->out = out;
	page->clean = BUF_MAX(TEXT_BYTES_MAX);
	page->surface = cairo_pdf_surface_create_for_stream(
		take, page, POINTS(PAGE_WIDTH), POINTS(PAGE_HEIGHT));
	(void)timestamp_format(made_ms / 1000 * 1000, 0, made);
	cairo_pdf_surface_set_metadata(page->surface, CAIRO_PDF_METADATA_TITLE,
				       clean_text(&page->clean, title));
	cairo_pdf_surface_set_metadata(page->surface,
				       CAIRO_PDF_METADATA_CREATE_DATE, made);
	page->cairo = cairo_create(page->surface);
	page->layout = pango_cairo_create_layout(page->cairo);
	page->font = pango_font_description_from_string(FONT);
	if (page->layout == NULL || page->font == NULL ||
	    cairo_status(page->cairo) != CAIRO_STATUS_SUCCESS)
		return err_set(
			e, ERR_NOMEM, "pdf: %s",
			cairo_status_to_string(cairo_status(page->cairo)));
	pango_layout_set_wrap(page->layout, PANGO_WRAP_WORD_CHAR);
	*ret_page = TAKE(page);
	return 0;
}

void page_out_free(struct page_out *page)
{
	if (page == NULL)
		return;
	if (page->font != NULL)
		pango_font_description_free(page->font);
	if (page->layout != NULL)
		g_object_unref(page->layout);
	cairo_destroy(page->cairo);
	cairo_surface_destroy(page->surface);
	buf_clear(&page->clean);
	free(page);
}

int page_text_height(struct page_out *page, const struct page_text *place,
		     const char *text)
{
	int height = 0;

	pango_font_description_set_size(page->font, place->size * PANGO_SCALE /
							    TENTHS_OF_POINT);
	pango_font_description_set_weight(page->font,
					  place->bold ? PANGO_WEIGHT_BOLD
						      : PANGO_WEIGHT_NORMAL);
	pango_layout_set_font_description(page->layout, page->font);
	pango_layout_set_width(page->layout,
			       (int)(POINTS(place->width) * PANGO_SCALE));
	pango_layout_set_alignment(page->layout, place->right
							 ? PANGO_ALIGN_RIGHT
							 : PANGO_ALIGN_LEFT);
	pango_layout_set_text(page->layout, clean_text(&page->clean, text), -1);
	pango_layout_get_size(page->layout, NULL, &height);
	return (int)((double)height / PANGO_SCALE * 254.0 / 72.0) + 1;
}

int page_text(struct page_out *page, const struct page_text *place,
	      const char *text)
{
	int height = page_text_height(page, place, text);

	cairo_move_to(page->cairo, POINTS(place->x), POINTS(place->y));
	pango_cairo_show_layout(page->cairo, page->layout);
	return height;
}

void page_line(struct page_out *page, int x1, int y1, int x2, int y2)
{
	cairo_set_line_width(page->cairo, 0.5);
	cairo_move_to(page->cairo, POINTS(x1), POINTS(y1));
	cairo_line_to(page->cairo, POINTS(x2), POINTS(y2));
	cairo_stroke(page->cairo);
}

void page_shade(struct page_out *page, int x, int y, int width, int height)
{
	cairo_save(page->cairo);
	cairo_set_source_rgb(page->cairo, 0.945, 0.945, 0.945);
	cairo_rectangle(page->cairo, POINTS(x), POINTS(y), POINTS(width),
			POINTS(height));
	cairo_fill(page->cairo);
	cairo_restore(page->cairo);
}

void page_next(struct page_out *page)
{
	cairo_show_page(page->cairo);
}

int page_finish(struct page_out *page, struct err *e)
{
	cairo_status_t status;

	cairo_show_page(page->cairo);
	status = cairo_status(page->cairo);
	cairo_surface_finish(page->surface);
	if (status == CAIRO_STATUS_SUCCESS)
		status = cairo_surface_status(page->surface);
	if (status != CAIRO_STATUS_SUCCESS)
		return err_set(e,
			       status == CAIRO_STATUS_NO_MEMORY ? ERR_NOMEM
								: ERR_INVALID,
			       "pdf: %s", cairo_status_to_string(status));
	return buf_finish(page->out, e);
}
