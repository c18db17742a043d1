/* SPDX-License-Identifier: MIT
 *
 * digest.h - many waiting messages of one chat become one, so that a storm does
 * not take hours at the 20 messages a minute that a group takes.
 *
 * Only messages that nobody has tried to send; those of one severity, beyond
 * the first few. Their rows leave for the archive as obsolete, with the id of
 * the message that stands for them; alerts told by them are told by it.
 */
#ifndef STORE_TELEGRAM_DIGEST_H
#define STORE_TELEGRAM_DIGEST_H

#include <stdint.h>

#include "base/buf.h"

struct db;
struct err;

enum {
	DIGEST_CHAT_BYTES = 64,
	DIGEST_SEVERITY_BYTES = 16,
	DIGEST_MESSAGES_MAX = 400 /* in one */
};

struct digest {
	int64_t head_id;
	char chat[DIGEST_CHAT_BYTES], severity[DIGEST_SEVERITY_BYTES];
	int64_t first_seq, last_seq; /* of what becomes one */
	int64_t count;
};

/* A chat and severity with more than `over` + 1 waiting messages: 1 and which
 * of them are to become one; 0: there is none. Reader. */
int digest_find(struct db *db, int64_t over, struct digest *ret_digest,
		struct err *e);

/* Texts of these messages, oldest first; calls each() until it returns < 0.
 * Number of rows, or < 0. Reader. */
typedef int digest_visit(const char *text, void *context);
int digest_texts(struct db *db, const struct digest *digest, int limit,
		 digest_visit *each, void *context, struct err *e);

/* Put one message with this text in their place. Inside a write transaction.
 * 0; ERR_STATE when they are not the same any more: nothing may be kept. */
int digest_apply(struct db *db, const struct digest *digest, const char *text,
		 int64_t now_ms, struct err *e);

#endif
