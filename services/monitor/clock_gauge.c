/* SPDX-License-Identifier: MIT */
#include "clock_gauge.h"

#include <stdlib.h>
#include <sys/timex.h>

#include "base/err.h"
#include "base/macros.h"

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

int64_t clock_gauge_off_ms(const struct clock_state *state)
{
	int64_t off_ms = -1;

	if (state->is_kept)
		off_ms = MAX_OF(llabs(state->offset_ms), state->error_ms);
	if (state->is_seen)
		off_ms = MAX_OF(llabs(state->ahead_ms), off_ms);
	return off_ms;
}
