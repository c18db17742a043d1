/* SPDX-License-Identifier: MIT */
#include "codec/html_part.h"

#include <string.h>

#include "base/macros.h"
#include "codec/html_out.h"

enum {
	TAG_ENDS_BYTES = 256 /* that close what is open */
};

struct html_parts html_parts_of(const char *html)
{
	return (struct html_parts){.rest = html};
}

/* Bytes of the tag at p; a '<' without an end takes the rest. */
static size_t tag_bytes(const char *p)
{
	const char *close = strchr(p, '>');

	return close != NULL ? (size_t)(close - p) + 1 : strlen(p);
}

/* The tag at p is passed. False: it belongs in no part. */
static bool pass_tag(struct html_parts *parts, const char *p, size_t bytes)
{
	if (p[1] == '/') {
		bool is_left_out = parts->left_out > 0 || parts->depth == 0;

		parts->left_out -= parts->left_out > 0;
		parts->depth -= !is_left_out;
		return !is_left_out;
	}
	if (parts->depth == HTML_PART_DEPTH_MAX) {
		parts->left_out++;
		return false;
	}
	parts->open[parts->depth].at = p;
	parts->open[parts->depth++].bytes = bytes;
	return true;
}

/* Of the tags that the next part begins with. */
static size_t reopened_bytes(const struct html_parts *parts)
{
	size_t bytes = 0;

	for (size_t i = 0; i < parts->depth; i++)
		bytes += parts->open[i].bytes;
	return bytes;
}

/* Where the next part ends in the source: before a line feed or a space, or
 * anywhere between two code points. */
static const char *find_cut(const struct html_parts *parts, size_t max_points)
{
	const char *html = parts->rest;
	size_t reopened = reopened_bytes(parts);
	const char *end = html + strlen(html);
	const char *line = NULL;
	const char *word = NULL;
	const char *p = html;
	size_t points = 0;
	size_t line_points = 0;

	while (p < end) {
		size_t bytes =
			*p == '<' ? tag_bytes(p) : html_point_bytes(p, end);

		if (*p == '\n' && points > 0) {
			line = p;
			line_points = points;
			word = NULL; /* what is before a line is no better */
		} else if (*p == ' ' && points > 0)
			word = p;
		if (*p != '<' && points == max_points)
			break;
		if (reopened + (size_t)(p - html) + bytes >
			    HTML_PART_BYTES_MAX - TAG_ENDS_BYTES &&
		    points > 0)
			break;
		points += *p != '<';
		p += bytes;
	}
	if (p >= end)
		return end;
	if (line != NULL && (word == NULL || 2 * line_points >= points))
		return line;
	return word != NULL ? word : p;
}

static void reopen(const struct html_parts *parts, struct buf *out)
{
	for (size_t i = 0; i < parts->depth && out != NULL; i++)
		buf_add(out, parts->open[i].at, parts->open[i].bytes);
}

static void close_open(const struct html_parts *parts, struct buf *out)
{
	for (size_t i = parts->depth; i > 0 && out != NULL; i--) {
		const char *name = parts->open[i - 1].at + 1;

		buf_add_text(out, "</");
		buf_add(out, name, strcspn(name, " >"));
		buf_add_char(out, '>');
	}
}

static void copy_until(struct html_parts *parts, const char *cut,
		       struct buf *out)
{
	while (parts->rest < cut) {
		const char *p = parts->rest;
		size_t bytes =
			*p == '<' ? tag_bytes(p) : html_point_bytes(p, cut);
		bool is_kept = *p != '<' || pass_tag(parts, p, bytes);

		if (is_kept && out != NULL)
			buf_add(out, p, bytes);
		parts->rest += bytes;
	}
}

bool html_parts_next(struct html_parts *parts, size_t max_points,
		     struct buf *out)
{
	const char *cut;

	if (*parts->rest == '\0')
		return false;
	cut = find_cut(parts, max_points);
	reopen(parts, out);
	copy_until(parts, cut, out);
	close_open(parts, out);
	/* The next part begins with neither the space nor empty tags. */
	parts->rest += *parts->rest == '\n' || *parts->rest == ' ';
	while (strncmp(parts->rest, "</", 2) == 0)
		copy_until(parts, parts->rest + 1, NULL);
	return true;
}
