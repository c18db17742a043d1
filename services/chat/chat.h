/* SPDX-License-Identifier: MIT
 *
 * chat.h - the bot that listens: what its parts have in common.
 *
 *	update.c   the Bot API's JSON to an update (pure)
 *	poll.c     updates by asking for them
 *	webhook.c  updates by Telegram's calls, through nginx
 *	handle.c   from a kept update to its effects, in one transaction
 *	command.c  what /commands say (reads)
 *	press.c    what a button does (writes)
 *	reply.c    the calls that follow, until they are done
 *	chat.c     the loop: token, greeting, and all of the above in turn
 *
 * Whatever comes is kept first (store/telegram/chat_updates.h) and handled
 * afterwards by the main thread. A crash at any place loses nothing and does
 * nothing twice; only a call may be made again, and those bear it.
 */
#ifndef CHAT_CHAT_H
#define CHAT_CHAT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "app/bot/answer.h"
#include "app/bot/bot.h"
#include "net/client/http_client.h"
#include "store/telegram/chat_replies.h"
#include "store/telegram/chat_updates.h"

struct buf;
struct err;
struct http_exchange;
struct service;

enum {
	CHAT_BATCH_MAX = 50, /* updates of one answer */
	CHAT_USERNAME_BYTES = 40,
	CHAT_BODY_BYTES_MAX = 64 * 1024
};

enum chat_role {
	ROLE_STRANGER,
	ROLE_VIEWER,
	ROLE_OPERATOR
};

/* What the event thread of a webhook needs; it copies it under the lock. */
struct chat_access {
	int64_t bot_id;                 /* 0: nobody may call */
	char secret[DIGEST_TEXT_BYTES]; /* of BOT_WEBHOOK_HEADER */
	char second[DIGEST_TEXT_BYTES]; /* "" : there is one only */
};

/* Something that is tried again and again until it works. */
struct chat_try {
	bool under_way;
	int64_t at_ms; /* monotonic: not before */
	int failures;  /* in a row; the first one is logged */
};

struct chat {
	struct service *service;
	struct http_client *client;
	struct bot bot; /* id 0: there is no token */
	struct secret callback;
	char username[CHAT_USERNAME_BYTES]; /* "" : not known yet */
	bool refused;    /* this token, this address: wait for others */
	bool troubled;   /* the store says that the token is refused */
	int64_t look_ms; /* monotonic: at the token */
	int64_t tidy_ms; /* monotonic: forget old updates */

	struct chat_try greeting, poll, replies;
	int poll_limit;          /* updates in one answer */
	bool has_news;           /* updates may wait to be handled */
	struct chat_reply reply; /* under way */

	pthread_mutex_t lock;
	struct chat_access access;
};

int chat_start(struct service *s, struct err *e);
int chat_reload(struct service *s, struct err *e);
int chat_work(struct service *s, struct err *e);
void chat_stop(struct service *s);

/* Start a call; done gets chat. False: it is tried again later. */
bool chat_call(struct chat *chat, const char *method, const char *body,
	       int timeout_ms, http_done *done);
/* What an answer means for what was tried: it is set to be tried again when it
 * failed (with a pause), or at once. Notes a refused token and conflicts. */
void chat_note(struct chat *chat, struct chat_try *what, const char *name,
	       const struct telegram_answer *answer);

/* Ask for updates, when it is time to. */
void poll_step(struct chat *chat, int64_t mono_ms);

/* The route of Telegram's calls. context is struct service. */
void webhook_receive(struct http_exchange *x, void *context);

/* Handle what waits. 0, or < 0 when the store failed. */
int handle_all(struct chat *chat, struct err *e);
/* Keep what has come: one transaction. 0 or < 0. */
int handle_keep(struct chat *chat, const struct chat_update *updates, int count,
		struct err *e);

/* Make the next call that is due, when none is under way. */
int reply_step(struct chat *chat, int64_t mono_ms, struct err *e);

#endif
