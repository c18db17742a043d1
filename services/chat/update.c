/* SPDX-License-Identifier: MIT */
#include "update.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"

enum {
	SECOND_MS = 1000
};

/* Identifiers have up to 52 significant bits. */
#define ID_MAX (INT64_C(1) << 53)

/* A whole number within [min, max], of a JSON number or a text of digits. */
static bool read_id(const struct json *object, const char *key, int64_t min,
		    int64_t *ret_id)
{
	const char *text = json_text(json_get(object, key));

	return text != NULL &&
	       text_to_i64(text, min, ID_MAX, ret_id, NULL) == 0;
}

static void put_clean(char *target, size_t bytes, const char *text)
{
	(void)text_copy(target, bytes, text);
	for (char *p = target; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7F)
			*p = ' ';
}

/* True when this is a person. */
static bool read_user(const struct json *from, struct chat_update *u)
{
	char name[CHAT_NAME_BYTES];
	const char *last = json_get_text(from, "last_name");
	size_t used;

	if (!read_id(from, "id", 1, &u->user_id) ||
	    json_get_bool(from, "is_bot", false))
		return false;
	(void)text_copy(name, sizeof(name), json_get_text(from, "first_name"));
	used = strlen(name);
	if (last[0] != '\0' && used + 1 < sizeof(name)) {
		name[used++] = ' ';
		(void)text_copy(name + used, sizeof(name) - used, last);
	}
	put_clean(u->user_name, sizeof(u->user_name), name);
	return true;
}

/* Where a message is: its chat, its topic, its number there. */
static bool read_place(const struct json *message, struct chat_update *u)
{
	const struct json *chat = json_get(message, "chat");
	int64_t id;
	int64_t topic;
	int length;

	if (!read_id(chat, "id", -ID_MAX, &id) || id == 0)
		return false;
	length = snprintf(u->chat, sizeof(u->chat), "%" PRId64, id);
	if (json_get_bool(message, "is_topic_message", false) &&
	    read_id(message, "message_thread_id", 1, &topic))
		(void)snprintf(u->chat + length,
			       sizeof(u->chat) - (size_t)length, ":%" PRId64,
			       topic);
	if (!read_id(message, "message_id", 1, &u->message))
		u->message = 0;
	u->is_private = strcmp(json_get_text(chat, "type"), "private") == 0;
	return true;
}

/* The message may be gone, and data may be anything: whoever reads it knows. */
static bool read_button(const struct json *query, struct chat_update *u)
{
	const char *data = json_get_text(query, "data");

	if (!read_user(json_get(query, "from"), u) ||
	    json_get_text(query, "id")[0] == '\0' ||
	    !text_copy(u->query, sizeof(u->query),
		       json_get_text(query, "id")) ||
	    strlen(data) >= sizeof(u->text))
		return false;
	put_clean(u->text, sizeof(u->text), data);
	if (!read_place(json_get(query, "message"), u))
		u->chat[0] = '\0';
	return true;
}

static bool read_message(const struct json *message, struct chat_update *u)
{
	const char *text = json_get_text(message, "text");
	int64_t date_s;

	if (!read_user(json_get(message, "from"), u) || !read_place(message, u))
		return false;
	/* What people say to each other in a group is none of our business. */
	if (text[0] == '\0' || (text[0] != '/' && !u->is_private))
		return false;
	put_clean(u->text, sizeof(u->text), text);
	if (read_id(message, "date", 1, &date_s))
		u->said_ms = date_s * SECOND_MS;
	return true;
}

static const struct {
	const char *key;
	enum chat_update_kind kind;
	bool (*read)(const struct json *value, struct chat_update *u);
} kinds[] = {
	{"callback_query", CHAT_BUTTON, read_button},
	{"message", CHAT_COMMAND, read_message},
};

bool update_read(const struct json *value, int64_t bot,
		 struct chat_update *ret_update)
{
	struct chat_update u = {.bot = bot};
	int64_t id;

	if (json_kind(value) != JSON_OBJECT ||
	    !read_id(value, "update_id", 1, &id))
		return false;
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		const struct json *part = json_get(value, kinds[i].key);

		if (json_kind(part) != JSON_OBJECT)
			continue;
		if (kinds[i].read(part, &u))
			u.kind = kinds[i].kind;
		break;
	}
	if (u.kind == CHAT_OTHER)
		u = (struct chat_update){.bot = bot};
	u.id = id;
	*ret_update = u;
	return true;
}
