/* SPDX-License-Identifier: MIT */
#include "net/client/http_clock.h"

#include "net/client/http_client.h"

enum {
	DATE_PRECISION_MS = 1000
};

bool http_clock_ahead(const struct http_answer *answer, int64_t wall_ms,
		      int64_t *ret_ms)
{
	int64_t began_ms = wall_ms - answer->duration_ms;
	int64_t last_ms = answer->date_ms + DATE_PRECISION_MS - 1;

	*ret_ms = 0;
	if (answer->rc < 0 || answer->date_ms < 0)
		return false;
	if (began_ms > last_ms)
		*ret_ms = began_ms - last_ms;
	else if (wall_ms < answer->date_ms)
		*ret_ms = wall_ms - answer->date_ms;
	return true;
}
