/* SPDX-License-Identifier: MIT */
#include "codec/json/json_copy.h"

#include <stdbool.h>
#include <string.h>

#include "base/err.h"

static void copy_scalar(struct json_out *out, const char *key,
			const struct json *value)
{
	enum json_kind kind = json_kind(value);

	if (kind == JSON_STRING)
		json_put_text(out, key, json_text(value));
	else if (kind == JSON_NUMBER || kind == JSON_BOOL)
		json_put_raw(out, key, json_text(value));
	else
		json_put_null(out, key);
}

static int copy_container(struct json_out *out, const char *key,
			  const struct json *value, struct err *e)
{
	bool is_object = json_kind(value) == JSON_OBJECT;
	int rc = 0;

	if (out->depth >= JSON_OUT_DEPTH_MAX)
		return err_set(e, ERR_INVALID, "JSON: nested too deep");
	if (is_object)
		json_object(out, key);
	else
		json_array(out, key);
	for (const struct json *member = json_first(value);
	     member != NULL && rc == 0; member = json_next(member))
		rc = json_copy(out, is_object ? json_key(member) : NULL, member,
			       e);
	json_end(out);
	return rc;
}

/* Recursion ends at JSON_OUT_DEPTH_MAX. */
int json_copy(struct json_out *out, const char *key, const struct json *value,
	      struct err *e)
{
	enum json_kind kind = json_kind(value);

	if (kind == JSON_OBJECT || kind == JSON_ARRAY)
		return copy_container(out, key, value, e);
	copy_scalar(out, key, value);
	return 0;
}
