/* SPDX-License-Identifier: MIT
 *
 * command.h - what people may write to the bot, as a table.
 */
#ifndef CHAT_COMMAND_H
#define CHAT_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "chat.h"

struct config;
struct db;

enum {
	COMMAND_WORD_BYTES = 64,
	COMMAND_ANSWER_BYTES_MAX = 64 * 1024,
	COMMAND_LATE_MAX = 100 /* orders named by /late */
};

struct command {
	/* asked */
	struct db *db; /* reader */
	const struct config *config;
	enum chat_role role;
	int64_t now_ms;
	char words[3][COMMAND_WORD_BYTES]; /* after the command's name */
	/* answered */
	struct buf *out; /* HTML; empty: nothing is said */
	bool silences;   /* rule (in words[0]; "": all) until then */
	int64_t until_ms;
};

/* The name of a command, without '/' and the bot's name; "" when it is for
 * another bot, or no command. words get what follows. Pure. */
void command_split(const char *text, const char *username,
		   char ret_name[COMMAND_WORD_BYTES],
		   char ret_words[3][COMMAND_WORD_BYTES]);

/* Answer it. 1; 0: there is no such command; < 0: the store failed. */
int command_run(struct command *command, const char *name, struct err *e);
/* What this person may do. */
void command_help(struct buf *out, enum chat_role role);
/* The body of setMyCommands. */
void command_menu(struct buf *out);

#endif
