/* SPDX-License-Identifier: MIT */
#include "codec/html_out.h"

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

void html_render(struct buf *b, const char *text,
		 const struct html_field *fields, size_t field_points)
{
	while (*text != '\0') {
		size_t plain = strcspn(text, "{");
		const char *open = text + plain;
		const char *close = *open == '{' ? strchr(open, '}') : NULL;
		const struct html_field *field = NULL;

		buf_add(b, text, plain);
		if (close != NULL)
			field = find_field(fields, open + 1,
					   (size_t)(close - open - 1));
		if (field != NULL) {
			html_put(b, field->value, field_points);
			text = close + 1;
		} else if (*open == '{') {
			buf_add_char(b, '{');
			text = open + 1;
		} else {
			text = open;
		}
	}
}
