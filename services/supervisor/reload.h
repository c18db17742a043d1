/* SPDX-License-Identifier: MIT
 *
 * reload.h - a new configuration, in steps that lose no request: it is read and
 * checked, services reload and pools grow; nginx lets its connections end
 * (edge.h); nginx reloads; pools shrink, since nobody asks the surplus any
 * more.
 */
#ifndef SUPERVISOR_RELOAD_H
#define SUPERVISOR_RELOAD_H

#include <stdbool.h>
#include <stdint.h>

struct crew;
struct installation;

enum reload_step {
	RELOAD_NONE,
	RELOAD_LEAVING, /* connections to nginx end */
	RELOAD_CHANGING /* nginx's old processes end */
};

struct reload {
	struct installation *in;
	struct crew *crew;
	bool is_wanted; /* set it at any time */
	enum reload_step step;
	int64_t due_ms; /* of the next step */
};

/* Take the step that is due. When this has to be called again at the latest,
 * INT64_MAX for never. */
int64_t reload_tend(struct reload *reload, int64_t now_ms);

#endif
