/* SPDX-License-Identifier: MIT
 *
 * update.h - what the Bot API says that people did. Pure.
 *
 * Only commands, messages to the bot itself and presses of buttons are
 * something to us; of everything else no more than its number is kept.
 * Source: https://core.telegram.org/bots/api#update
 */
#ifndef CHAT_UPDATE_H
#define CHAT_UPDATE_H

#include <stdbool.h>
#include <stdint.h>

#include "codec/json/json_doc.h"
#include "store/telegram/chat_updates.h"

/* False when the value is no update that has a number: it cannot be kept. Texts
 * are cut to their fields, and control characters become spaces; what does not
 * fit in a way that would change its meaning makes the update CHAT_OTHER. */
bool update_read(const struct json *value, int64_t bot,
		 struct chat_update *ret_update);

#endif
