/* SPDX-License-Identifier: MIT
 *
 * telegram_queue.h - messages to people (queue.h; one head per chat).
 *
 * Whoever has something to say adds a row in the transaction that made it true;
 * the sender works the queue every 10 seconds. Inside a write transaction.
 *
 * In a claimed queue_message, `address` is the chat to send to, `order_id` the
 * alert, `channel` the severity, `event_type` the kind, `external_id`
 * Telegram's id of the message that it answers ("" : none) and `body` the text.
 * Failed messages stay for a person; others leave for telegram_archive.
 */
#ifndef STORE_TELEGRAM_QUEUE_H
#define STORE_TELEGRAM_QUEUE_H

#include <stdint.h>

struct db;
struct err;
struct queue_message;

enum {
	TELEGRAM_BLOCKED_PAUSE_MS = 10 * 60 * 1000
};

struct telegram_message {
	const char *chat;     /* "" : dropped, nobody is configured */
	const char *kind;     /* fire, repeat, resolve, notice */
	const char *severity; /* info, warning, critical */
	const char *text;     /* HTML of Telegram's kind, valid UTF-8 */
	int64_t alert_id;     /* 0: none */
	int64_t reply_to;     /* Telegram's id of a message there; 0: none */
};

enum {
	TELEGRAM_PART_POINTS = 4000, /* of Telegram's 4096 */
	TELEGRAM_PARTS_MAX = 20
};

/* Queue one message. A text that is longer than TELEGRAM_PART_POINTS becomes
 * several, each a row of its own that says "1/3" (codec/html_part.h); only the
 * first one is about the alert and answers a message. What does not fit into
 * TELEGRAM_PARTS_MAX is left out, and the last one ends with "…". In a chat the
 * critical ones go first, then warnings, then infos; those of one severity in
 * their order. 0, or as query_next(). */
int telegram_queue_add(struct db *db, const struct telegram_message *message,
		       int64_t now_ms, struct err *e);
/* The same; *ret_id is that of the (first) message, 0 when it was dropped. */
int telegram_queue_put(struct db *db, const struct telegram_message *message,
		       int64_t now_ms, int64_t *ret_id, struct err *e);

/* What became of a message. */
enum telegram_fate {
	TELEGRAM_UNKNOWN, /* there is no such message (any more) */
	TELEGRAM_WAITS,   /* it was never tried */
	TELEGRAM_DOUBT,   /* it is under way, or may have arrived */
	TELEGRAM_ARRIVED,
	TELEGRAM_NEVER /* it failed, expired or was withdrawn */
};
/* 0 or < 0; *ret_telegram_id when it arrived. Reader or writer. */
int telegram_queue_fate(struct db *db, int64_t id, enum telegram_fate *ret_fate,
			int64_t *ret_telegram_id, struct err *e);
/* A first message about one alert, made before made_before_ms, that still waits
 * is not to be sent any more: into the archive, obsolete. 1; 0: it is another
 * one, or does not wait. Inside a write transaction. */
int telegram_queue_withdraw(struct db *db, int64_t id, int64_t made_before_ms,
			    struct err *e);

/* A claimed message has arrived: it is finished and moved to the archive. When
 * the chat has had chat_per_minute messages within a minute, its next one
 * waits. 0; ERR_STATE when the lease was lost. */
struct telegram_sent {
	const char *chat; /* that it was sent to */
	int64_t telegram_message_id;
	int64_t chat_per_minute;
	const char *note; /* how it arrived, when not as it was; NULL: as is */
};
int telegram_queue_sent(struct db *db, const struct queue_message *m,
			const struct telegram_sent *sent, int64_t now_ms,
			struct err *e);

/* A copy of a message that is over, also an archived one, to the same chat.
 * 1; 0 when there is no such message or its text was erased; < 0. */
int telegram_copy(struct db *db, int64_t message_id, int64_t now_ms,
		  int64_t *ret_copy_id, struct err *e);

/* Waiting messages that are older than made_before_ms are obsolete: into the
 * archive. Number of them, at most limit, or < 0. */
int telegram_queue_expire(struct db *db, int64_t made_before_ms, int limit,
			  struct err *e);
/* The same for those of one severity. */
int telegram_queue_expire_class(struct db *db, const char *severity,
				int64_t made_before_ms, int limit,
				struct err *e);

/* A chat takes no messages: noted once (rule chat-blocked), and its next one
 * is tried after a pause. Any message that arrives ends it. 0 or < 0. */
int telegram_queue_block(struct db *db, int64_t head_id, const char *reason,
			 int64_t now_ms, struct err *e);
/* A person has seen that it takes them again. 1; 0: it was not blocked. */
int telegram_queue_unblock(struct db *db, const char *chat, int64_t now_ms,
			   struct err *e);

/* Chats that wait for a time which a wrong clock has named may be written to
 * now: none of their messages says that Telegram asked for so long a wait. 0 or
 * < 0. */
int telegram_queue_wake(struct db *db, int64_t now_ms, struct err *e);

/* Telegram has moved a chat: all messages of this head go to the new one, also
 * later ones. */
int telegram_queue_move_chat(struct db *db, int64_t head_id, const char *chat,
			     struct err *e);

/* Messages that wait to be sent. Reader or writer. */
int telegram_queue_waiting(struct db *db, int64_t *ret_count, struct err *e);

#endif
