/* SPDX-License-Identifier: MIT
 *
 * erp.h - the ERP that documents and orders are pushed to, as a receiver.
 *
 * Every message carries the number of its entry in the feed, and the receiver
 * takes a number once and answers it always alike. So what is uncertain is just
 * sent again. Its part of the contract is "webhooks" in services/erp/
 * openapi.json.
 */
#ifndef CHANNEL_ERP_H
#define CHANNEL_ERP_H

#include "channel/channel.h"

enum {
	ERP_REASON_BYTES = 256
};

/* With the sending half only; it is not in channel_table. */
extern const struct channel channel_erp;

/* The numbers that a message begins with: of its entry, and of its document; 0
 * where there is none. */
void erp_read_numbers(const char *body, size_t bytes, int64_t *ret_entry,
		      int64_t *ret_document);
/* Why the ERP refuses it, in its own words: "" when the answer has none. */
void erp_read_reason(const char *body, size_t bytes,
		     char ret_reason[ERP_REASON_BYTES]);

#endif
