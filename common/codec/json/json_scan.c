/* SPDX-License-Identifier: MIT */
#include "codec/json/json_scan.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "codec/json/json_keys.h"
#include "codec/json/json_token.h"

/* What the text must go on with. */
enum step {
	STEP_VALUE = 1, /* a value */
	STEP_AFTER,     /* whatever may follow a value where we are */
	STEP_DONE       /* the document is complete */
};

struct frame { /* an open object or array */
	bool is_object;
	uint32_t wanted;   /* picks whose path leads through it */
	size_t path_bytes; /* of their paths, up to here */
	struct json_key_set keys;
};

struct scan {
	struct json_cursor cursor;
	struct json_string token; /* the string read last */
	const char *start;
	struct json_pick *picks;
	/* About the value that comes next. */
	uint32_t hits;     /* picks that want it */
	uint32_t wanted;   /* picks that want something inside it */
	size_t path_bytes; /* of the paths of `wanted` */
	size_t depth;
	struct frame frames[JSON_DEPTH_MAX];
	struct json_keys keys;
	char unescaped_key[JSON_PICK_BYTES_MAX];
};

static int refuse_at(const struct scan *s, const char *at, const char *why,
		     struct err *e)
{
	return err_set(e, ERR_INVALID, "JSON at byte %td: %s", at - s->start,
		       why);
}

static int refuse(const struct scan *s, const char *why, struct err *e)
{
	return refuse_at(s, s->cursor.at, why, e);
}

static int refuse_token(const struct scan *s, struct err *e)
{
	return refuse(s, s->cursor.why, e);
}

static void skip_space(struct json_cursor *c)
{
	while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' ||
				  *c->at == '\r' || *c->at == '\t'))
		c->at++;
}

/* Step over white space; the next character, or NUL at the end (a NUL of the
 * text fits nowhere either). */
static inline char next_char(struct scan *s)
{
	struct json_cursor *c = &s->cursor;

	if (c->at<c->end && * c->at> ' ')
		return *c->at;
	skip_space(c);
	if (c->at < c->end)
		return *c->at;
	return '\0';
}

/* --- picks --- */

static struct json_pick *next_pick(struct scan *s, uint32_t *set)
{
	struct json_pick *pick = &s->picks[__builtin_ctz(*set)];

	*set &= *set - 1;
	return pick;
}

/* Which picks of `frame` go on with this key. */
static void follow_key(struct scan *s, const struct frame *frame,
		       const struct json_string *name)
{
	uint32_t candidates = frame->wanted;
	const char *key = name->start;
	size_t bytes = name->bytes;

	s->hits = 0;
	s->wanted = 0;
	if (candidates == 0)
		return;
	if (name->escaped) {
		if (!json_unescape(name, s->unescaped_key,
				   sizeof(s->unescaped_key)))
			return;
		key = s->unescaped_key;
		bytes = strlen(key);
	}
	s->path_bytes = frame->path_bytes + bytes + 1;
	if (memchr(key, '.', bytes) != NULL)
		return; /* or it would look like two keys of a path */
	while (candidates != 0) {
		uint32_t bit = candidates & -candidates;
		const char *path =
			next_pick(s, &candidates)->path + frame->path_bytes;

		if (strncmp(path, key, bytes) != 0)
			continue;
		if (path[bytes] == '\0')
			s->hits |= bit;
		else if (path[bytes] == '.')
			s->wanted |= bit;
	}
}

static int fill_picks(struct scan *s, enum json_kind kind,
		      const struct json_string *text, struct err *e)
{
	while (s->hits != 0) {
		struct json_pick *pick = next_pick(s, &s->hits);

		pick->kind = kind;
		if (!json_unescape(text, pick->text, sizeof(pick->text)))
			return refuse_at(s, text->start,
					 "value is too long for its field", e);
	}
	return STEP_AFTER;
}

static inline int keep_picks(struct scan *s, enum json_kind kind,
			     const struct json_string *text, struct err *e)
{
	return s->hits == 0 ? STEP_AFTER : fill_picks(s, kind, text, e);
}

/* --- values: each begins at the cursor and returns the next step --- */

static int take_string(struct scan *s, struct err *e)
{
	if (!json_token_string(&s->cursor, &s->token))
		return refuse_token(s, e);
	return keep_picks(s, JSON_STRING, &s->token, e);
}

static int take_number(struct scan *s, struct err *e)
{
	struct json_string text = {.start = s->cursor.at};

	if (!json_token_number(&s->cursor))
		return refuse_token(s, e);
	text.bytes = (size_t)(s->cursor.at - text.start);
	return keep_picks(s, JSON_NUMBER, &text, e);
}

static int take_word(struct scan *s, struct err *e)
{
	static const struct {
		const char *word;
		size_t bytes;
		enum json_kind kind;
	} words[] = {
		{"true", 4, JSON_BOOL},
		{"false", 5, JSON_BOOL},
		{"null", 4, JSON_NULL},
	};
	const char *at = s->cursor.at;
	size_t row = *at == 't' ? 0 : *at == 'f' ? 1 : 2;
	size_t bytes = words[row].bytes;
	bool bare = words[row].kind == JSON_NULL;

	if ((size_t)(s->cursor.end - at) < bytes ||
	    memcmp(at, words[row].word, bytes) != 0)
		return refuse(s, "value expected", e);
	s->cursor.at += bytes;
	return keep_picks(s, words[row].kind,
			  &(struct json_string){at, bare ? 0 : bytes, false},
			  e);
}

/* Go into the container at the cursor. */
static int open_frame(struct scan *s, enum json_kind kind, struct err *e)
{
	static const struct json_string none = {.start = ""};
	bool is_object = kind == JSON_OBJECT;
	int rc;

	if (s->depth == JSON_DEPTH_MAX)
		return refuse(s, "nested too deeply", e);
	rc = keep_picks(s, kind, &none, e);
	if (rc < 0)
		return rc;
	s->frames[s->depth++] = (struct frame){
		.is_object = is_object,
		.wanted = s->wanted,
		.path_bytes = s->path_bytes,
		.keys = json_keys_begin(&s->keys),
	};
	s->wanted = 0; /* in an array nothing is wanted, and no key says so */
	s->cursor.at++;
	return 0;
}

static int close_frame(struct scan *s, struct err *e)
{
	const struct frame *frame = &s->frames[--s->depth];
	const char *twice;

	s->cursor.at++;
	if (frame->is_object) {
		twice = json_keys_end(&s->keys, &frame->keys);
		if (twice != NULL)
			return refuse_at(s, twice, "key stands twice", e);
	}
	return STEP_AFTER;
}

static int take_key(struct scan *s, struct err *e)
{
	struct frame *frame = &s->frames[s->depth - 1];
	int rc;

	if (next_char(s) != '"')
		return refuse(s, "key expected", e);
	if (!json_token_string(&s->cursor, &s->token))
		return refuse_token(s, e);
	rc = json_keys_add(&s->keys, &frame->keys, &s->token, e);
	if (rc == ERR_DUPLICATE)
		return refuse_at(s, s->token.start, "key stands twice", e);
	if (rc < 0)
		return rc;
	if (next_char(s) != ':')
		return refuse(s, "':' expected", e);
	s->cursor.at++;
	follow_key(s, frame, &s->token);
	return STEP_VALUE;
}

static int take_object(struct scan *s, struct err *e)
{
	int rc = open_frame(s, JSON_OBJECT, e);

	if (rc < 0)
		return rc;
	return next_char(s) == '}' ? close_frame(s, e) : take_key(s, e);
}

static int take_array(struct scan *s, struct err *e)
{
	int rc = open_frame(s, JSON_ARRAY, e);

	if (rc < 0)
		return rc;
	return next_char(s) == ']' ? close_frame(s, e) : STEP_VALUE;
}

/* What a value is, by its first character. */
static const struct value_start {
	int (*take)(struct scan *s, struct err *e);
	enum json_kind kind;
} value_starts[128] = {
	['"'] = {take_string, JSON_STRING}, ['{'] = {take_object, JSON_OBJECT},
	['['] = {take_array, JSON_ARRAY},   ['t'] = {take_word, JSON_BOOL},
	['f'] = {take_word, JSON_BOOL},     ['n'] = {take_word, JSON_NULL},
	['-'] = {take_number, JSON_NUMBER}, ['0'] = {take_number, JSON_NUMBER},
	['1'] = {take_number, JSON_NUMBER}, ['2'] = {take_number, JSON_NUMBER},
	['3'] = {take_number, JSON_NUMBER}, ['4'] = {take_number, JSON_NUMBER},
	['5'] = {take_number, JSON_NUMBER}, ['6'] = {take_number, JSON_NUMBER},
	['7'] = {take_number, JSON_NUMBER}, ['8'] = {take_number, JSON_NUMBER},
	['9'] = {take_number, JSON_NUMBER},
};

/* The row of the value that comes next; without `take` when none does. */
static const struct value_start *value_start(struct scan *s)
{
	unsigned char c = (unsigned char)next_char(s);

	return &value_starts[c < 128 ? c : 0];
}

static int take_value(struct scan *s, struct err *e)
{
	const struct value_start *start = value_start(s);

	if (start->take == NULL)
		return refuse(s, "value expected", e);
	return start->take(s, e);
}

static int after_value(struct scan *s, struct err *e)
{
	bool is_object;
	char c;

	if (s->depth == 0)
		return STEP_DONE;
	is_object = s->frames[s->depth - 1].is_object;
	c = next_char(s);
	if (c == (is_object ? '}' : ']'))
		return close_frame(s, e);
	if (c != ',')
		return refuse(s,
			      is_object ? "',' or '}' expected"
					: "',' or ']' expected",
			      e);
	s->cursor.at++;
	return is_object ? take_key(s, e) : STEP_VALUE;
}

static int scan_document(struct scan *s, enum json_kind *ret_root,
			 struct err *e)
{
	enum json_kind root = value_start(s)->kind;
	int step = STEP_VALUE;

	while (step > 0 && step != STEP_DONE)
		step = step == STEP_VALUE ? take_value(s, e)
					  : after_value(s, e);
	if (step < 0)
		return step;
	if (next_char(s) != '\0' || s->cursor.at != s->cursor.end)
		return refuse(s, "text after the document", e);
	if (ret_root != NULL)
		*ret_root = root;
	return 0;
}

static void forget_picks(struct json_pick *picks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		picks[i].kind = JSON_NONE;
		picks[i].text[0] = '\0';
	}
}

static void clear_scan(struct scan *s)
{
	json_keys_clear(&s->keys);
}

int json_scan(const char *data, size_t bytes, struct json_pick *picks,
	      size_t count, enum json_kind *ret_root, struct err *e)
{
	CLEANUP(clear_scan) struct scan s;
	int rc;

	json_keys_init(&s.keys);
	assert(count <= JSON_PICKS_MAX);
	forget_picks(picks, count);
	if (bytes == 0)
		return err_set(e, ERR_INVALID, "JSON is empty");
	if (bytes > JSON_BYTES_MAX)
		return err_set(e, ERR_INVALID, "JSON is longer than %d bytes",
			       JSON_BYTES_MAX);
	s.cursor = (struct json_cursor){.at = data, .end = data + bytes};
	s.start = data;
	s.picks = picks;
	s.hits = 0; /* the root itself is no pick */
	s.wanted = (uint32_t)((UINT64_C(1) << count) - 1);
	s.path_bytes = 0;
	s.depth = 0;
	rc = scan_document(&s, ret_root, e);
	if (rc < 0)
		forget_picks(picks, count);
	return rc;
}
