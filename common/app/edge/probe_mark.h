/* SPDX-License-Identifier: MIT
 *
 * probe_mark.h - how a probe of ours proves that it is ours (secret probe-key),
 * and how the answer proves that it came from this installation.
 *
 * The request's header is `v1 <wall ms> <nonce> <HMAC-SHA-256 of the rest>`. It
 * is good for PROBE_MARK_LIFE_MS around its time, and once in each process that
 * takes it. A probe is never an order: a request with this header is taken for
 * nothing else.
 */
#ifndef APP_PROBE_MARK_H
#define APP_PROBE_MARK_H

#include <stdbool.h>
#include <stdint.h>

#include "app/secret.h"
#include "base/id.h"
#include "codec/digest.h"

#define PROBE_MARK_HEADER "Ordergate-Probe"

enum {
	PROBE_MARK_BYTES = 192,
	PROBE_MARK_LIFE_MS = 60 * 1000,
	PROBE_MARK_SEEN_MAX = 64 /* probes within their life */
};

struct probe_mark {
	char text[PROBE_MARK_BYTES]; /* of the header */
	char nonce[SECRET_TEXT_BYTES];
};

/* Make one. */
void probe_mark_make(const struct secret *key, int64_t now_ms,
		     struct probe_mark *ret_mark);
/* What the answer to it must hold. */
void probe_mark_answer(const struct secret *key, const char *nonce,
		       char ret_text[DIGEST_TEXT_BYTES]);

/* What was accepted, of one process; zeroed at its start but for began_ms. */
struct probe_marks {
	int64_t began_ms; /* monotonic: older ones may have been seen before */
	struct {
		int64_t at_ms;
		char nonce[SECRET_TEXT_BYTES];
	} seen[PROBE_MARK_SEEN_MAX];
	int next;
};
/* True once for a good one, with its nonce. One thread. */
bool probe_mark_accept(struct probe_marks *marks, const struct secret *key,
		       const char *text, int64_t now_ms, int64_t mono_ms,
		       char ret_nonce[SECRET_TEXT_BYTES]);

#endif
