/* SPDX-License-Identifier: MIT */
#include "codec/html_out.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */
#define ELLIPSIS "\xE2\x80\xA6"    /* U+2026 */

static const struct {
	char plain;
	const char *entity;
} entities[] = {
	{'&', "&amp;"},
	{'<', "&lt;"},
	{'>', "&gt;"},
	{'"', "&quot;"},
};

static const char *entity_of(char c)
{
	for (size_t i = 0; i < COUNT_OF(entities); i++)
		if (entities[i].plain == c)
			return entities[i].entity;
	return NULL;
}

/* Append the code point at p, cleaned; its bytes. */
static size_t put_point(struct buf *b, const char *p, const char *end)
{
	size_t bytes = text_utf8_sequence(p, end);

	if (text_character(p, end) == 0) {
		buf_add_text(b, REPLACEMENT);
		return MAX_OF(bytes, (size_t)1);
	}
	if ((unsigned char)*p < ' ' && *p != '\n')
		buf_add_char(b, ' ');
	else
		buf_add(b, p, bytes);
	return bytes;
}

void html_put(struct buf *b, const char *text, size_t max_points)
{
	const char *end = text + strlen(text);
	size_t points = 0;

	for (const char *p = text; p < end; points++) {
		const char *entity = entity_of(*p);

		if (points == max_points) {
			buf_add_text(b, ELLIPSIS);
			return;
		}
		if (entity == NULL) {
			p += put_point(b, p, end);
			continue;
		}
		buf_add_text(b, entity);
		p++;
	}
}

/* Past the tags at p. */
static const char *skip_tags(const char *p, const char *end)
{
	while (*p == '<') {
		const char *close = strchr(p, '>');

		p = close != NULL ? close + 1 : end;
	}
	return p;
}

/* The character that the entity at p stands for, and its bytes; 0: none. */
static char decode(const char *p, size_t *ret_bytes)
{
	for (size_t i = 0; i < COUNT_OF(entities); i++) {
		*ret_bytes = strlen(entities[i].entity);
		if (strncmp(p, entities[i].entity, *ret_bytes) == 0)
			return entities[i].plain;
	}
	return '\0';
}

size_t html_point_bytes(const char *p, const char *end)
{
	size_t bytes = 0;

	if (decode(p, &bytes) != '\0')
		return bytes;
	return MAX_OF(text_utf8_sequence(p, end), (size_t)1);
}

/* b may be NULL: then it only counts. */
static size_t walk(struct buf *b, const char *html, size_t max_points)
{
	const char *end = html + strlen(html);
	const char *p = skip_tags(html, end);
	size_t points = 0;

	while (p < end) {
		size_t bytes = 0;
		char plain = decode(p, &bytes);

		if (points == max_points) {
			buf_add_text(b, ELLIPSIS);
			return points;
		}
		if (plain == '\0' && b != NULL)
			bytes = put_point(b, p, end);
		else if (plain == '\0')
			bytes = MAX_OF(text_utf8_sequence(p, end), (size_t)1);
		else if (b != NULL)
			buf_add_char(b, plain);
		p = skip_tags(p + bytes, end);
		points++;
	}
	return points;
}

void html_put_plain(struct buf *b, const char *html, size_t max_points)
{
	(void)walk(b, html, max_points);
}

size_t html_points(const char *html)
{
	return walk(NULL, html, SIZE_MAX);
}

static const struct html_field *find_field(const struct html_field *fields,
					   const char *name, size_t bytes)
{
	for (; fields->name != NULL; fields++)
		if (strlen(fields->name) == bytes &&
		    memcmp(fields->name, name, bytes) == 0)
			return fields;
	return NULL;
}

/* A stretch of a template, and what has come of it. */
struct rendering {
	struct buf *out; /* NULL: it only counts */
	const struct html_field *fields;
	size_t field_points;
	int seen, filled; /* its fields, and those that are not empty */
	int plain;        /* bytes around them */
};

/* The field that begins at open; NULL: none. And where the text goes on. */
static const struct html_field *field_at(const struct rendering *r,
					 const char *open, const char *end,
					 const char **ret_next)
{
	const char *close = memchr(open, '}', (size_t)(end - open));
	const struct html_field *field = NULL;

	if (*open == '{' && close != NULL)
		field = find_field(r->fields, open + 1,
				   (size_t)(close - open - 1));
	*ret_next = field != NULL ? close + 1 : open + 1;
	return field;
}

static void render_plain(struct rendering *r, const char *text, const char *end)
{
	while (text < end) {
		const char *next;
		const struct html_field *field = field_at(r, text, end, &next);

		if (field != NULL) {
			r->seen++;
			r->filled += field->value[0] != '\0';
		} else {
			r->plain++;
		}
		if (r->out != NULL && field != NULL)
			html_put(r->out, field->value, r->field_points);
		else if (r->out != NULL)
			buf_add_char(r->out, *text);
		text = next;
	}
}

/* A part is said when none of its fields is empty. */
static void render_part(struct rendering *r, const char *text, const char *end)
{
	struct rendering part = {.fields = r->fields};

	render_plain(&part, text, end);
	if (part.filled == part.seen)
		render_plain(r, text, end);
}

static void render_line(struct rendering *r, const char *text, const char *end)
{
	while (text < end) {
		const char *open = memchr(text, '[', (size_t)(end - text));
		const char *close =
			open == NULL ? NULL
				     : memchr(open, ']', (size_t)(end - open));

		if (close == NULL) {
			render_plain(r, text, end);
			return;
		}
		render_plain(r, text, open);
		render_part(r, open + 1, close);
		text = close + 1;
	}
}

static bool says_nothing(const struct html_field *fields, const char *line,
			 const char *end)
{
	struct rendering r = {.fields = fields};

	render_line(&r, line, end);
	return r.filled == 0 && (r.seen > 0 || (r.plain == 0 && line < end));
}

void html_render(struct buf *b, const char *text,
		 const struct html_field *fields, size_t field_points)
{
	struct rendering r = {
		.out = b, .fields = fields, .field_points = field_points};
	bool is_first = true;

	for (const char *line = text, *end;; line = end + 1) {
		end = line + strcspn(line, "\n");
		if (!says_nothing(fields, line, end)) {
			if (!is_first)
				buf_add_char(b, '\n');
			is_first = false;
			render_line(&r, line, end);
		}
		if (*end == '\0')
			return;
	}
}
