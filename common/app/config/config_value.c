/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "app/config/config_private.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"

/* Largest first: durations are printed in the largest exact unit. */
static const struct {
	const char *suffix;
	int64_t ms;
} units[] = {
	{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};

static void *member(const struct config_option *option, void *target)
{
	return (char *)target + option->offset;
}

static const void *member_const(const struct config_option *option,
				const void *target)
{
	return (const char *)target + option->offset;
}

static int64_t read_i64(const struct config_option *option, const void *target)
{
	int64_t value;

	memcpy(&value, member_const(option, target), sizeof(value));
	return value;
}

/* "'99999' is not allowed: a whole number from 1 to 65535" */
static int refuse(const struct config_option *option, const char *text,
		  struct err *e)
{
	struct buf about = BUF_MAX(ERR_TEXT_MAX);

	config_value_describe(option, &about);
	(void)err_set(e, ERR_INVALID, "'%.*s' is not allowed: %s",
		      (int)text_utf8_prefix(text, 40), text, buf_text(&about));
	buf_clear(&about);
	return ERR_INVALID;
}

/* Numbers. */

static int set_number(const struct config_option *option, void *target,
		      const char *text, struct err *e)
{
	int64_t value;

	if (text_to_i64(text, option->min, option->max, &value, NULL) < 0)
		return refuse(option, text, e);
	memcpy(member(option, target), &value, sizeof(value));
	return 0;
}

static void print_number(const struct config_option *option, const void *target,
			 struct buf *out)
{
	buf_add_i64(out, read_i64(option, target));
}

static void describe_number(const struct config_option *option, struct buf *out)
{
	buf_printf(out, "a whole number from %" PRId64 " to %" PRId64,
		   option->min, option->max);
}

/* Durations. */

static int set_duration(const struct config_option *option, void *target,
			const char *text, struct err *e)
{
	int64_t value;

	if (text_to_duration_ms(text, option->bare_ms, &value, NULL) < 0)
		return refuse(option, text, e);
	if (value % option->stored_ms != 0)
		return refuse(option, text, e);
	value /= option->stored_ms;
	if (value < option->min || value > option->max)
		return refuse(option, text, e);
	memcpy(member(option, target), &value, sizeof(value));
	return 0;
}

static void add_duration(struct buf *out, int64_t ms)
{
	size_t i = 0;

	if (ms == 0) {
		buf_add_text(out, "0s");
		return;
	}
	while (ms % units[i].ms != 0)
		i++; /* ends at 1 ms */
	buf_add_i64(out, ms / units[i].ms);
	buf_add_text(out, units[i].suffix);
}

static void print_duration(const struct config_option *option,
			   const void *target, struct buf *out)
{
	add_duration(out, read_i64(option, target) * option->stored_ms);
}

static void describe_duration(const struct config_option *option,
			      struct buf *out)
{
	buf_add_text(out, "a time from ");
	add_duration(out, option->min * option->stored_ms);
	buf_add_text(out, " to ");
	add_duration(out, option->max * option->stored_ms);
	buf_add_text(out, " in ms, s, m, h or d (a bare number counts ");
	add_duration(out, option->bare_ms);
	buf_add_text(out, ")");
}

/* Yes and no: the words that libconfuse knows. */

static int set_bool(const struct config_option *option, void *target,
		    const char *text, struct err *e)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {
		{"true", true}, {"false", false}, {"yes", true},
		{"no", false},  {"on", true},     {"off", false},
	};

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (strcmp(words[i].word, text) == 0) {
			memcpy(member(option, target), &words[i].value,
			       sizeof(words[i].value));
			return 0;
		}
	return refuse(option, text, e);
}

static void print_bool(const struct config_option *option, const void *target,
		       struct buf *out)
{
	bool value;

	memcpy(&value, member_const(option, target), sizeof(value));
	buf_add_text(out, value ? "true" : "false");
}

static void describe_bool(const struct config_option *option, struct buf *out)
{
	(void)option;
	buf_add_text(out, "true or false");
}

/* Texts. */

/* The rest of the member is zero, so that equal values are equal bytes. */
static void store_text(char *field, size_t bytes, const char *text)
{
	memset(field, 0, bytes);
	(void)text_copy(field, bytes, text);
}

static bool has_control(const char *text)
{
	for (; *text != '\0'; text++)
		if (iscntrl((unsigned char)*text))
			return true;
	return false;
}

static int set_text(const struct config_option *option, void *target,
		    const char *text, struct err *e)
{
	if (strlen(text) >= option->bytes)
		return err_set(e, ERR_INVALID,
			       "the text is longer than %zu bytes",
			       option->bytes - 1);
	if (has_control(text) || !text_is_utf8(text, strlen(text)))
		return err_set(e, ERR_INVALID,
			       "the text must be UTF-8 in one line");
	if (option->check != NULL && option->check(text, e) < 0)
		return ERR_INVALID;
	store_text(member(option, target), option->bytes, text);
	return 0;
}

static void print_text(const struct config_option *option, const void *target,
		       struct buf *out)
{
	const char *text = member_const(option, target);
	char label[CONFIG_TEXT_BYTES];

	if (option->label != NULL) {
		option->label(text, label, sizeof(label));
		text = label;
	}
	buf_add_char(out, '"');
	for (; *text != '\0'; text++) {
		/* '$' begins an environment variable in libconfuse. */
		if (strchr("\"\\$", *text) != NULL)
			buf_add_char(out, '\\');
		buf_add_char(out, *text);
	}
	buf_add_char(out, '"');
}

static void describe_text(const struct config_option *option, struct buf *out)
{
	buf_printf(out, "a text of at most %zu bytes", option->bytes - 1);
}

/* Words. */

/* Place of the word among those allowed, from 1; 0 when it is none. */
static int word_place(const char *allowed, const char *word)
{
	size_t length = strlen(word);
	const char *p = allowed;

	for (int place = 1; *p != '\0'; place++) {
		size_t n = strcspn(p, " ");

		if (n == length && memcmp(p, word, n) == 0)
			return place;
		p += n;
		p += strspn(p, " ");
	}
	return 0;
}

static int set_word(const struct config_option *option, void *target,
		    const char *text, struct err *e)
{
	if (word_place(option->allowed, text) == 0 &&
	    !(option->may_be_empty && *text == '\0'))
		return refuse(option, text, e);
	store_text(member(option, target), option->bytes, text);
	return 0;
}

static void describe_words(const struct config_option *option, struct buf *out)
{
	const char *p = option->allowed;

	buf_add_text(out, option->type == CONFIG_WORDS ? "any of" : "one of");
	while (*p != '\0') {
		size_t n = strcspn(p, " ");

		buf_printf(out, " \"%.*s\"", (int)n, p);
		p += n;
		p += strspn(p, " ");
	}
	if (option->may_be_empty)
		buf_add_text(out, " \"\"");
}

static int add_word(const struct config_option *option, void *target,
		    const char *text, struct err *e)
{
	char(*list)[CONFIG_NAME_BYTES] = member(option, target);
	size_t size = option->bytes / CONFIG_NAME_BYTES;
	size_t used = 0;

	if (word_place(option->allowed, text) == 0)
		return refuse(option, text, e);
	for (; used + 1 < size && list[used][0] != '\0'; used++)
		if (strcmp(list[used], text) == 0)
			return err_set(e, ERR_INVALID, "'%s' is there twice",
				       text);
	/* The last one stays empty: it ends the list. */
	assert(used + 1 < size);
	store_text(list[used], CONFIG_NAME_BYTES, text);
	return 0;
}

static void print_words(const struct config_option *option, const void *target,
			struct buf *out)
{
	const char *word = member_const(option, target);

	buf_add_char(out, '{');
	for (int i = 0; word[0] != '\0'; i++, word += CONFIG_NAME_BYTES)
		buf_printf(out, "%s\"%s\"", i > 0 ? ", " : "", word);
	buf_add_char(out, '}');
}

/* Choices: enums whose constants are 1, 2, ... in the order of the words. */

static int set_choice(const struct config_option *option, void *target,
		      const char *text, struct err *e)
{
	int place = word_place(option->allowed, text);

	if (place == 0)
		return refuse(option, text, e);
	assert(option->bytes == sizeof(place));
	memcpy(member(option, target), &place, sizeof(place));
	return 0;
}

static void print_choice(const struct config_option *option, const void *target,
			 struct buf *out)
{
	const char *p = option->allowed;
	int place;

	memcpy(&place, member_const(option, target), sizeof(place));
	for (; place > 1; place--) {
		p += strcspn(p, " ");
		p += strspn(p, " ");
	}
	buf_printf(out, "\"%.*s\"", (int)strcspn(p, " "), p);
}

static const struct {
	int (*set)(const struct config_option *option, void *target,
		   const char *text, struct err *e);
	void (*print)(const struct config_option *option, const void *target,
		      struct buf *out);
	void (*describe)(const struct config_option *option, struct buf *out);
} types[CONFIG_TYPE_MAX_] = {
	[CONFIG_NUMBER] = {set_number, print_number, describe_number},
	[CONFIG_DURATION] = {set_duration, print_duration, describe_duration},
	[CONFIG_BOOL] = {set_bool, print_bool, describe_bool},
	[CONFIG_TEXT] = {set_text, print_text, describe_text},
	[CONFIG_WORD] = {set_word, print_text, describe_words},
	[CONFIG_WORDS] = {add_word, print_words, describe_words},
	[CONFIG_CHOICE] = {set_choice, print_choice, describe_words},
};

int config_value_set(const struct config_option *option, void *target,
		     const char *text, struct err *e)
{
	return types[option->type].set(option, target, text, e);
}

void config_value_clear(const struct config_option *option, void *target)
{
	memset(member(option, target), 0, option->bytes);
}

bool config_value_is_zero(const struct config_option *option,
			  const void *target)
{
	const unsigned char *p = member_const(option, target);

	for (size_t i = 0; i < option->bytes; i++)
		if (p[i] != 0)
			return false;
	return true;
}

void config_value_print(const struct config_option *option, const void *target,
			struct buf *out)
{
	types[option->type].print(option, target, out);
}

void config_value_describe(const struct config_option *option, struct buf *out)
{
	types[option->type].describe(option, out);
}
