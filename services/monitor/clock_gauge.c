/* SPDX-License-Identifier: MIT */
#include "clock_gauge.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/timex.h>

#include "app/locale.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"

int clock_gauge_read(struct clock_state *ret_state, struct err *e)
{
	struct timex kernel = {0};
	int rc = adjtimex(&kernel);

	if (rc < 0)
		return err_errno(e, ERR_IO, "adjtimex");
	*ret_state = (struct clock_state){
		.is_kept =
			rc != TIME_ERROR && (kernel.status & STA_UNSYNC) == 0,
		.offset_ms = kernel.offset /
			     ((kernel.status & STA_NANO) != 0 ? 1000000 : 1000),
		.error_ms = kernel.esterror / 1000,
		.bound_ms = kernel.maxerror / 1000,
	};
	return 0;
}

static bool is_seen_best(const struct clock_state *state, int64_t off_ms)
{
	return state->is_seen && llabs(state->ahead_ms) == off_ms &&
	       off_ms != 0;
}

int64_t clock_gauge_off_ms(const struct clock_state *state, char *ret_detail,
			   size_t bytes)
{
	long long off_ms = -1;

	if (state->is_kept)
		off_ms = MAX_OF(llabs(state->offset_ms), state->error_ms);
	if (state->is_seen)
		off_ms = MAX_OF(llabs(state->ahead_ms), off_ms);
	if (off_ms < 0)
		(void)text_copy(ret_detail, bytes,
				tr("unknown: no time service sets the clock"));
	else if (is_seen_best(state, off_ms))
		(void)snprintf(ret_detail, bytes,
			       state->ahead_ms > 0
				       ? tr("%lld ms ahead of Telegram's")
				       : tr("%lld ms behind Telegram's"),
			       off_ms);
	else if (state->is_kept)
		(void)snprintf(ret_detail, bytes,
			       tr("%lld ms by the time service"), off_ms);
	else
		(void)text_copy(ret_detail, bytes,
				tr("no time service sets the clock; by "
				   "Telegram's answers it is right to a "
				   "second"));
	return off_ms;
}
