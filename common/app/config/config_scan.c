/* SPDX-License-Identifier: MIT
 *
 * libconfuse 3.3 is lenient in ways that would hide an operator's mistake:
 *  - it counts the lines of comments twice or three times, so that every later
 *    error names a wrong line: comments are blanked here;
 *  - it replaces ${NAME} by the environment, where secrets are, and which
 *    differs between systemd and a shell: refused ('...' and \$ are literal);
 *  - it takes "section|key" as a path, ignores stray '*' and unknown bytes,
 *    accepts a file that ends inside a section, and after an unterminated text
 *    starts the next file inside that text;
 *  - `key += {...}` would add to an empty list, not to our default.
 */
#include <string.h>

#include "app/config/config_private.h"
#include "base/err.h"
#include "base/text.h"

struct scan {
	char *p;
	const char *end;
	int line;
	int depth;
	int open_line; /* of the outermost '{' that is open */
	struct err *e;
};

static int refuse(const struct scan *s, const char *why)
{
	return err_set(s->e, ERR_INVALID, "%s", why);
}

/* Step over one byte, counting lines. */
static void step(struct scan *s)
{
	if (*s->p++ == '\n')
		s->line++;
}

static bool at(const struct scan *s, const char *text)
{
	size_t bytes = strlen(text);

	return (size_t)(s->end - s->p) >= bytes &&
	       memcmp(s->p, text, bytes) == 0;
}

static void blank_line_comment(struct scan *s)
{
	while (s->p < s->end && *s->p != '\n')
		*s->p++ = ' ';
}

static int blank_block_comment(struct scan *s)
{
	int line = s->line;

	for (int seen = 0; s->p < s->end; seen++) {
		/* Not the '*' of the opening itself: that one cannot close. */
		if (seen >= 2 && at(s, "*/")) {
			memset(s->p, ' ', 2);
			s->p += 2;
			return 0;
		}
		if (*s->p != '\n')
			*s->p = ' ';
		step(s);
	}
	s->line = line;
	return refuse(s, "this comment has no end: */ is missing");
}

static int skip_text(struct scan *s)
{
	char quote = *s->p;
	int line = s->line;

	for (s->p++; s->p < s->end; step(s)) {
		if (*s->p == quote) {
			s->p++;
			return 0;
		}
		if (*s->p == '\\' && s->p + 1 < s->end)
			step(s);
		else if (quote == '"' && at(s, "${"))
			return refuse(s, "${...} is not replaced here; write "
					 "the value, or \\${ for the signs");
	}
	s->line = line;
	return refuse(s, "this text has no end: the closing quote is missing");
}

static int brace(struct scan *s)
{
	if (*s->p == '{' && s->depth++ == 0)
		s->open_line = s->line;
	if (*s->p == '}' && --s->depth < 0)
		return refuse(s, "this } closes nothing");
	s->p++;
	return 0;
}

/* A word without quotes, where '/' does not start a comment. */
static int skip_word(struct scan *s)
{
	static const char ends[] = " #\"'\t\n\r={}()+,*";

	do {
		if (at(s, "${"))
			return refuse(s, "${...} is not replaced here; write "
					 "the value");
		if (*s->p == '|')
			return refuse(s, "unexpected '|' outside quotes");
		s->p++;
	} while (s->p < s->end && strchr(ends, *s->p) == NULL);
	return 0;
}

static int token(struct scan *s)
{
	if (*s->p == '#' || at(s, "//")) {
		blank_line_comment(s);
		return 0;
	}
	if (at(s, "/*"))
		return blank_block_comment(s);
	if (*s->p == '"' || *s->p == '\'')
		return skip_text(s);
	if (*s->p == '{' || *s->p == '}')
		return brace(s);
	if (*s->p == '*')
		return refuse(s, "unexpected '*' outside quotes");
	if (*s->p == '(' || *s->p == ')')
		return refuse(s, "functions such as include() do not exist "
				 "here: there is one file");
	if (*s->p == '+')
		return refuse(s, "unexpected '+' outside quotes; a list is "
				 "written whole: key = {\"a\", \"b\"}");
	if (strchr(" \t\r\n=,", *s->p) != NULL) {
		step(s);
		return 0;
	}
	return skip_word(s);
}

/* Bytes that no line of the file may hold. */
static int check_bytes(struct scan *s, const char *text, size_t bytes)
{
	if (!text_is_utf8(text, bytes)) {
		s->line = 1;
		return refuse(s, "the file is not UTF-8");
	}
	for (size_t i = 0; i < bytes; i++) {
		if (text[i] == '\n')
			s->line++;
		else if ((unsigned char)text[i] < ' ' && text[i] != '\t' &&
			 text[i] != '\r')
			return refuse(s, "a control character");
	}
	s->line = 1;
	return 0;
}

int config_scan(char *text, size_t bytes, int *ret_line, struct err *e)
{
	struct scan s = {.p = text, .end = text + bytes, .line = 1, .e = e};
	int rc = check_bytes(&s, text, bytes);

	while (rc == 0 && s.p < s.end)
		rc = token(&s);
	if (rc == 0 && s.depth > 0) {
		s.line = s.open_line;
		rc = refuse(&s, "this section has no end: } is missing");
	}
	*ret_line = s.line;
	return rc;
}
