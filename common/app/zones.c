/* SPDX-License-Identifier: MIT */
#include "app/zones.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/small_file.h"
#include "base/err.h"
#include "base/text.h"
#include "codec/time/timestamp.h"

static struct {
	pthread_mutex_t lock;
	struct {
		char name[ZONES_NAME_BYTES];
		struct zone *zone;
	} entries[ZONES_MAX];
	int count;
} cache = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Words of letters, digits, '_', '+', '-' between single slashes: without '.'
 * there is no way out of the folder. */
static bool is_name(const char *name)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz"
				       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "0123456789_+-/";
	size_t length = strlen(name);

	return length > 0 && length < ZONES_NAME_BYTES &&
	       strspn(name, alphabet) == length && name[0] != '/' &&
	       name[length - 1] != '/' && strstr(name, "//") == NULL;
}

static int load(const char *name, struct zone **ret_zone, struct err *e)
{
	CLEANUP(buf_clear) struct buf data = BUF_MAX(ZONE_FILE_BYTES_MAX);
	const char *dir = getenv("TZDIR"); /* NOLINT */
	char path[512];
	int rc;

	if (!is_name(name))
		return err_set(e, ERR_INVALID,
			       "'%.40s' is no time zone name such as "
			       "Europe/Moscow",
			       name);
	if (snprintf(path, sizeof(path), "%s/%s",
		     dir != NULL && dir[0] == '/' ? dir : "/usr/share/zoneinfo",
		     name) >= (int)sizeof(path))
		return err_set(e, ERR_INVALID, "TZDIR is too long");
	rc = small_file_read(path, &data, NULL, e);
	if (rc == ERR_NOTFOUND || rc == ERR_INVALID)
		return err_set(e, rc,
			       "'%s' is no time zone of this machine "
			       "(is the package tzdata installed?)",
			       name);
	if (rc < 0)
		return rc;
	rc = zone_parse(buf_text(&data), data.used_bytes, ret_zone, e);
	return rc < 0 ? err_wrap(e, rc, "time zone %s", name) : 0;
}

static int get_locked(const char *name, const struct zone **ret_zone,
		      struct err *e)
{
	struct zone *zone = NULL;
	int rc;

	for (int i = 0; i < cache.count; i++)
		if (strcmp(cache.entries[i].name, name) == 0) {
			*ret_zone = cache.entries[i].zone;
			return 0;
		}
	if (cache.count == ZONES_MAX)
		return err_set(e, ERR_BUSY, "more than %d time zones",
			       ZONES_MAX);
	rc = load(name, &zone, e);
	if (rc < 0)
		return rc;
	(void)text_copy(cache.entries[cache.count].name, ZONES_NAME_BYTES,
			name);
	cache.entries[cache.count++].zone = zone;
	*ret_zone = zone;
	return 0;
}

int zones_get(const char *name, const struct zone **ret_zone, struct err *e)
{
	int rc;

	(void)pthread_mutex_lock(&cache.lock);
	rc = get_locked(name, ret_zone, e);
	(void)pthread_mutex_unlock(&cache.lock);
	return rc;
}

int zones_check(const char *name, struct err *e)
{
	CLEANUP(zone_freep) struct zone *zone = NULL;

	return load(name, &zone, e);
}

void zones_moment(int64_t wall_ms, const char *name,
		  char ret_text[ZONES_MOMENT_BYTES])
{
	const struct zone *zone = NULL;
	struct civil c;

	if (zones_get(name, &zone, NULL) < 0)
		name = "UTC";
	c = timestamp_civil(wall_ms, zone_offset_s(zone, wall_ms));
	(void)snprintf(ret_text, ZONES_MOMENT_BYTES,
		       "%02d.%02d.%04d %02d:%02d (%s)", c.day, c.month, c.year,
		       c.hour, c.minute, name);
}
