/* SPDX-License-Identifier: MIT
 *
 * text.h - messages about findings, in the language of app/locale.h.
 */
#ifndef MONITOR_TEXT_H
#define MONITOR_TEXT_H

#include <stdint.h>

#include "base/buf.h"

struct monitor_finding;
struct rule;

enum {
	TEXT_BYTES_MAX = 16 * 1024
};

/* The message about one finding. order_link is telegram.order_link; "": none.
 */
void text_finding(struct buf *out, const struct rule *rule,
		  const char *severity, const struct monitor_finding *finding,
		  int64_t now_ms, const char *order_link);

/* Its line in a message about many. */
void text_line(struct buf *out, const struct rule *rule,
	       const struct monitor_finding *finding, int64_t now_ms);

/* The message about `count` new findings, after which `firing` alerts of the
 * rule go on in the chat; `lines` are those of the worst of the new ones. */
void text_many(struct buf *out, const struct rule *rule, const char *severity,
	       int64_t count, int64_t firing, const char *const *lines,
	       int line_count);

/* The message that an alert is over: how things are with its subject now
 * (monitor_end.now) and how long it lasted. */
void text_over(struct buf *out, const struct rule *rule,
	       const struct monitor_finding *now, int64_t lasted_ms,
	       const char *order_link);

/* Its line in a message about many. */
void text_over_line(struct buf *out, const struct rule *rule,
		    const struct monitor_finding *now);

/* The message that `count` alerts are over; `lines` are those of the first. */
void text_many_over(struct buf *out, const struct rule *rule, int64_t count,
		    int64_t longest_ms, const char *const *lines,
		    int line_count);

#endif
