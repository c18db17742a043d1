/* SPDX-License-Identifier: MIT */
#include "app/access/channel_access.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "codec/json/json_doc.h"

enum {
	LIFE_DEFAULT_S = 300,
	LIFE_MAX_S = 24 * 3600
};

#define BEARER "Authorization: Bearer "

/* By channel.auth: which secrets, as suffixes of the channel's name, and the
 * header that the first is shown in. */
static const struct {
	const char *auth, *first, *second, *header;
} auth_rows[] = {
	{"client-token", "client-token", NULL, "Client-Token: "},
	{"bearer", "push-token", NULL, BEARER},
	{"oauth", "client-id", "client-secret", NULL},
};

bool access_uses_oauth(const struct config_channel *config)
{
	return strcmp(config->auth, "oauth") == 0;
}

static int load_one(const struct state_dir *dir, const char *channel,
		    const char *suffix, char target[SECRET_BYTES_MAX],
		    struct err *e)
{
	struct secret secret = {0};
	char name[2 * CONFIG_NAME_BYTES];
	int rc = 0;

	if (suffix == NULL)
		return 0;
	(void)snprintf(name, sizeof(name), "%s-%s", channel, suffix);
	rc = secret_load(dir, name, &secret, e);
	if (rc == 0)
		(void)text_copy(target, SECRET_BYTES_MAX, secret.first);
	explicit_bzero(&secret, sizeof(secret));
	return rc;
}

int access_load(const struct state_dir *dir, const char *channel,
		const struct config_channel *config,
		struct channel_credentials *ret_credentials, struct err *e)
{
	for (size_t i = 0; i < COUNT_OF(auth_rows); i++) {
		int rc;

		if (strcmp(auth_rows[i].auth, config->auth) != 0)
			continue;
		rc = load_one(dir, channel, auth_rows[i].first,
			      ret_credentials->first, e);
		if (rc == 0)
			rc = load_one(dir, channel, auth_rows[i].second,
				      ret_credentials->second, e);
		if (rc == 0 && auth_rows[i].second != NULL &&
		    config->token_url[0] == '\0')
			rc = err_set(e, ERR_INVALID,
				     "channel %s: token_url is empty", channel);
		return rc;
	}
	return err_set(e, ERR_INVALID, "channel %s: unknown auth", channel);
}

static void put_header(const char *name, const char *token,
		       char ret_header[ACCESS_HEADER_BYTES])
{
	(void)snprintf(ret_header, ACCESS_HEADER_BYTES, "%s%s",
		       token[0] != '\0' ? name : "", token);
}

void access_header(const struct config_channel *config,
		   const struct channel_credentials *credentials,
		   char ret_header[ACCESS_HEADER_BYTES])
{
	ret_header[0] = '\0';
	for (size_t i = 0; i < COUNT_OF(auth_rows); i++)
		if (strcmp(auth_rows[i].auth, config->auth) == 0 &&
		    auth_rows[i].header != NULL)
			put_header(auth_rows[i].header, credentials->first,
				   ret_header);
}

void access_bearer_header(const char *token,
			  char ret_header[ACCESS_HEADER_BYTES])
{
	put_header(BEARER, token, ret_header);
}

void access_wipe(struct buf *b)
{
	if (b->data != NULL)
		explicit_bzero(b->data, b->size_bytes);
	buf_clear(b);
}

void access_put_token_request(struct buf *out,
			      const struct channel_credentials *credentials)
{
	buf_add_text(out, "grant_type=client_credentials&client_id=");
	buf_add_url(out, credentials->first);
	buf_add_text(out, "&client_secret=");
	buf_add_url(out, credentials->second);
}

int access_read_token(const char *body, size_t bytes,
		      char ret_token[ACCESS_TOKEN_BYTES], int64_t *ret_life_s,
		      struct err *e)
{
	CLEANUP_JSON struct json *doc = NULL;
	const char *token;
	int64_t life_s = 0;

	if (json_doc_parse(body, bytes, &doc, e) < 0)
		return err_set(e, ERR_INVALID, "token: no JSON in the answer");
	token = json_get_text(doc, "access_token");
	if (token[0] == '\0' || token[strcspn(token, " \t\r\n")] != '\0' ||
	    !text_copy(ret_token, ACCESS_TOKEN_BYTES, token))
		return err_set(e, ERR_INVALID, "token: none in the answer");
	if (json_get_decimal(doc, "expires_in", 0, &life_s, NULL) <= 0 ||
	    life_s < 1)
		life_s = LIFE_DEFAULT_S;
	*ret_life_s = MIN_OF(life_s, (int64_t)LIFE_MAX_S);
	return 0;
}
