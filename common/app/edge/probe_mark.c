/* SPDX-License-Identifier: MIT */
#include "app/edge/probe_mark.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum {
	SIGNED_BYTES = 96,
	NUMBER_BYTES = 20
};

static void sign(const struct secret *key, const char *what, int64_t at_ms,
		 const char *nonce, char ret_text[DIGEST_TEXT_BYTES])
{
	char text[SIGNED_BYTES];

	(void)snprintf(text, sizeof(text), "%s %" PRId64 " %s", what, at_ms,
		       nonce);
	digest_hmac_sha256(key->first, text, strlen(text), ret_text);
}

void probe_mark_make(const struct secret *key, int64_t now_ms,
		     struct probe_mark *ret_mark)
{
	char proof[DIGEST_TEXT_BYTES];

	id_make_secret(ret_mark->nonce);
	sign(key, "probe", now_ms, ret_mark->nonce, proof);
	(void)snprintf(ret_mark->text, sizeof(ret_mark->text),
		       "v1 %" PRId64 " %s %s", now_ms, ret_mark->nonce, proof);
}

void probe_mark_answer(const struct secret *key, const char *nonce,
		       char ret_text[DIGEST_TEXT_BYTES])
{
	sign(key, "answer", 0, nonce, ret_text);
}

/* The next word of *text, without a copy of what is too long. */
static bool take_word(const char **text, char *word, size_t bytes)
{
	size_t length = strcspn(*text, " ");

	if (length == 0 || length >= bytes)
		return false;
	memcpy(word, *text, length);
	word[length] = '\0';
	*text += length;
	*text += **text == ' ';
	return true;
}

static bool was_seen(const struct probe_marks *marks, const char *nonce)
{
	for (int i = 0; i < PROBE_MARK_SEEN_MAX; i++)
		if (strcmp(marks->seen[i].nonce, nonce) == 0)
			return true;
	return false;
}

/* A place for one more: never that of one that could come again. */
static bool remember(struct probe_marks *marks, const char *nonce,
		     int64_t now_ms)
{
	int place = marks->next;
	int64_t at_ms = marks->seen[place].at_ms;

	if (at_ms != 0 && at_ms <= now_ms &&
	    now_ms - at_ms <= 2 * (int64_t)PROBE_MARK_LIFE_MS)
		return false;
	marks->seen[place].at_ms = now_ms;
	(void)text_copy(marks->seen[place].nonce, SECRET_TEXT_BYTES, nonce);
	marks->next = (place + 1) % PROBE_MARK_SEEN_MAX;
	return true;
}

bool probe_mark_accept(struct probe_marks *marks, const struct secret *key,
		       const char *text, int64_t now_ms, int64_t mono_ms,
		       char ret_nonce[SECRET_TEXT_BYTES])
{
	char version[4];
	char moment[NUMBER_BYTES];
	char given[DIGEST_TEXT_BYTES];
	char proof[DIGEST_TEXT_BYTES];
	/* On the wall clock as it goes at present: it may have been set. */
	int64_t began_ms = now_ms - (mono_ms - marks->began_ms);
	int64_t at_ms;

	if (key->first[0] == '\0' ||
	    !take_word(&text, version, sizeof(version)) ||
	    !take_word(&text, moment, sizeof(moment)) ||
	    !take_word(&text, ret_nonce, SECRET_TEXT_BYTES) ||
	    !take_word(&text, given, sizeof(given)) || *text != '\0' ||
	    strcmp(version, "v1") != 0 ||
	    text_to_i64(moment, 0, INT64_MAX / 2, &at_ms, NULL) < 0)
		return false;
	sign(key, "probe", at_ms, ret_nonce, proof);
	if (!text_equal_constant_time(given, proof))
		return false;
	if (at_ms < now_ms - PROBE_MARK_LIFE_MS ||
	    at_ms > now_ms + PROBE_MARK_LIFE_MS || at_ms < began_ms)
		return false;
	return !was_seen(marks, ret_nonce) &&
	       remember(marks, ret_nonce, now_ms);
}
