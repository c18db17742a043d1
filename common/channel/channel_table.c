/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "channel/channel.h"
#include "channel/kuper.h"

const struct channel *const channel_table[] = {
	&channel_kuper,
	NULL,
};

const struct channel *channel_find(const char *name)
{
	for (const struct channel *const *c = channel_table; *c != NULL; c++)
		if (strcmp((*c)->name, name) == 0)
			return *c;
	return NULL;
}

/* With and without the last slash. */
static bool same_path(const char *path, const char *hook_path)
{
	size_t bytes = strlen(hook_path) - 1;

	return strncmp(path, hook_path, bytes) == 0 &&
	       (path[bytes] == '\0' || strcmp(path + bytes, "/") == 0);
}

const struct channel *channel_by_hook_path(const char *path)
{
	for (const struct channel *const *c = channel_table; *c != NULL; c++)
		if (same_path(path, (*c)->hook_path))
			return *c;
	return NULL;
}

void channel_page_clear(struct channel_page *page)
{
	for (size_t i = 0; i < page->count; i++)
		order_event_clear(&page->shipments[i].content);
	free(page->shipments);
	*page = (struct channel_page){0};
}

void channel_snapshot_clear(struct channel_snapshot *snapshot)
{
	for (int i = 0; i < snapshot->count; i++)
		free(snapshot->told[i].body);
	*snapshot = (struct channel_snapshot){0};
}
