/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "erp.h"
#include "openapi.h"

void openapi_show(struct http_exchange *x, void *context)
{
	if (erp_enter(x, context) != NULL)
		http_reply(x, 200, "application/json", openapi_text,
			   strlen(openapi_text));
}
