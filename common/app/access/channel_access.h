/* SPDX-License-Identifier: MIT
 *
 * channel_access.h - how we prove ourselves to a marketplace.
 *
 * By `channel.auth`: "client-token" is the secret NAME-client-token, sent as
 * Client-Token; "bearer" is NAME-push-token, sent as Authorization; "oauth" is
 * NAME-client-id and NAME-client-secret, changed for a token (RFC 6749 4.4,
 * client credentials), sent as Authorization. Here are the secrets, the request
 * and its answer; who calls, and when, is the caller's business. Nothing of it
 * is ever logged.
 */
#ifndef APP_CHANNEL_ACCESS_H
#define APP_CHANNEL_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/config/config.h"
#include "app/secret.h"
#include "base/buf.h"

struct err;
struct state_dir;

enum {
	ACCESS_TOKEN_BYTES = 4096,
	ACCESS_HEADER_BYTES = ACCESS_TOKEN_BYTES + 32,
	ACCESS_BODY_BYTES_MAX = 8 * SECRET_BYTES_MAX
};

struct channel_credentials { /* a token; or an id and a secret */
	char first[SECRET_BYTES_MAX], second[SECRET_BYTES_MAX];
};

bool access_uses_oauth(const struct config_channel *config);

/* The secrets of the channel of that name. 0; ERR_INVALID when token_url is
 * missing; or as secret_load(). */
int access_load(const struct state_dir *dir, const char *channel,
		const struct config_channel *config,
		struct channel_credentials *ret_credentials, struct err *e);

/* Headers; "" when there is nothing to show: for oauth, not yet. */
void access_header(const struct config_channel *config,
		   const struct channel_credentials *credentials,
		   char ret_header[ACCESS_HEADER_BYTES]);
void access_bearer_header(const char *token,
			  char ret_header[ACCESS_HEADER_BYTES]);

/* Body of the request for a token; holds the secret: for access_wipe(). */
void access_put_token_request(struct buf *out,
			      const struct channel_credentials *credentials);
/* The answer to it: a token and its life in seconds (1 .. a day; 300 when it
 * does not say). 0 or ERR_INVALID. */
int access_read_token(const char *body, size_t bytes,
		      char ret_token[ACCESS_TOKEN_BYTES], int64_t *ret_life_s,
		      struct err *e);
void access_wipe(struct buf *b); /* for CLEANUP() */

#endif
