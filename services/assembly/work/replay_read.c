/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "work/replay_private.h"

static const char *read_names(struct entry *entry, const struct json *value,
			      const struct api_method **ret_method)
{
	const char *id = json_text(json_get(value, "requestId"));
	const struct api_method *method;

	(void)text_copy(entry->method, sizeof(entry->method),
			json_get_text(value, "method"));
	(void)text_copy(entry->device_time, sizeof(entry->device_time),
			json_get_text(value, "deviceTime"));
	if (id == NULL || id[0] == '\0' ||
	    !text_copy(entry->call.request_id, sizeof(entry->call.request_id),
		       id))
		return "requestId is missing or too long";
	method = api_method_find(entry->method);
	if (method == NULL || method->handle != change_handle)
		return "method is none that can be replayed";
	if (json_kind(json_get(value, "requestData")) != JSON_OBJECT)
		return "requestData must be an object";
	*ret_method = method;
	return NULL;
}

/* The last version that the handheld saw: what the entry says, else the one
 * that it would have sent. */
static int read_base(struct entry *entry, const struct json *value)
{
	const struct json *data = json_get(value, "requestData");
	int rc = json_get_decimal(value, "baseVersion", 0, &entry->base_version,
				  NULL);

	return rc != 0 ? rc
		       : json_get_decimal(data, "version", 0,
					  &entry->base_version, NULL);
}

static void read_entry(struct replay *replay, struct entry *entry,
		       const struct json *value)
{
	struct arg_source source = {
		.data = json_get(value, "requestData"),
		.picker_id = json_get(replay->owner->data, "pickerId"),
		.version = json_get(value, "baseVersion"),
	};
	const struct api_method *method = NULL;

	call_init(&entry->call, replay->owner->assembly, NULL,
		  replay_entry_done);
	entry->call.replay = replay;
	entry->unreadable = read_names(entry, value, &method);
	if (entry->unreadable == NULL && read_base(entry, value) < 0)
		entry->unreadable = "baseVersion must be a number";
	if (entry->unreadable != NULL)
		return;
	entry->call.method = method;
	entry->call.outcome = CALL_APPLIED;
	if (!call_read_args(&entry->call, &source))
		entry->call.outcome = CALL_REFUSED;
}

/* One text for the journal as a whole, so that a repeat of it is known. */
static void hash_journal(struct replay *replay)
{
	CLEANUP(buf_clear) struct buf all = BUF_MAX(API_BODY_BYTES_MAX);

	buf_add_text(&all, replay->owner->args.picker_id);
	for (size_t i = 0; i < replay->count; i++)
		buf_printf(&all, "\n%s %s %s",
			   replay->entries[i].call.request_id,
			   replay->entries[i].method,
			   replay->entries[i].call.body_hash);
	digest_sha256(buf_text(&all), all.used_bytes, replay->owner->body_hash);
}

struct replay *replay_read(struct api_call *owner, const struct json *actions)
{
	struct replay *replay = calloc(1, sizeof(*replay));
	size_t count = json_count(actions);

	if (replay == NULL)
		return NULL;
	replay->owner = owner;
	replay->began_ms = clock_mono_ms();
	replay->verdicts = BUF_MAX(API_ANSWER_BYTES_MAX);
	replay->out = json_out_to(&replay->verdicts);
	replay->entries = calloc(count + 1, sizeof(*replay->entries));
	if (replay->entries == NULL) {
		replay_free(replay);
		return NULL;
	}
	json_array(&replay->out, NULL);
	for (const struct json *v = json_first(actions); v != NULL;
	     v = json_next(v))
		read_entry(replay, &replay->entries[replay->count++], v);
	hash_journal(replay);
	return replay;
}
