/* SPDX-License-Identifier: MIT */
#include "store/engine/patience.h"

#include <stddef.h>

static _Thread_local struct {
	void (*tell)(void *context);
	void *context;
} patience;

void patience_open(void (*tell)(void *context), void *context)
{
	patience.tell = tell;
	patience.context = context;
}

void patience_tell(void)
{
	if (patience.tell != NULL)
		patience.tell(patience.context);
}
