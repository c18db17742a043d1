/* SPDX-License-Identifier: MIT
 *
 * kuper.h - Kuper (formerly СберМаркет), model "merchant assembles, SM
 * delivers". Protocol: Orders API, webhooks and notifications version 3.
 *
 * kuper_in.c reads webhooks, kuper_out.c writes notifications, kuper_reply.c
 * knows what answers mean, kuper_pull.c reads orders back.
 */
#ifndef CHANNEL_KUPER_H
#define CHANNEL_KUPER_H

#include "channel/channel.h"

extern const struct channel channel_kuper;

int kuper_read_envelope(const char *body, size_t bytes, int64_t received_ms,
			struct channel_envelope *ret_envelope,
			const char **ret_code, struct err *e);
int kuper_parse_event(const char *body, size_t bytes, int64_t received_ms,
		      struct order_event *ret_event, struct err *e);

/* Terms and lines of a payload, into an event that is the caller's to clear,
 * also after an error. */
struct json;
int kuper_read_content(const struct json *payload, struct order_event *event,
		       struct err *e);

int kuper_render_notice(enum notice notice, const struct order *order,
			struct buf *out, struct err *e);

enum channel_verdict kuper_classify(enum notice notice,
				    const struct channel_reply *reply);
struct channel_reconcile kuper_reconcile(enum notice notice);
void kuper_read_state(const char *body, size_t bytes,
		      char ret_state[ORDER_SHORT_BYTES]);
enum channel_arrival kuper_arrival(enum notice notice, const char *state);
bool kuper_allows(enum notice notice, int integration_type);

void kuper_put_list_query(int64_t updated_from_ms, int page_size,
			  const char *page_token, struct buf *out);
int kuper_read_page(const char *body, size_t bytes,
		    struct channel_page *ret_page, struct err *e);
int kuper_read_shipment(const char *body, size_t bytes, const char *external_id,
			bool known, int64_t seen_ms,
			struct channel_snapshot *ret_snapshot, struct err *e);

#endif
