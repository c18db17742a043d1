/* SPDX-License-Identifier: MIT
 *
 * What the texts of the configuration may be. Several of them end up in
 * nginx's own configuration, so their alphabets leave no way out of a word.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "app/config/config_private.h"
#include "app/zones.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "codec/mail/mail_message.h"
#include "codec/time/cron.h"
#include "codec/time/timestamp.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

enum {
	WORD_BYTES = 64 /* of one address; longer is no address */
};

static bool only(const char *text, const char *alphabet)
{
	return text[strspn(text, alphabet)] == '\0';
}

bool config_name_is_good(const char *name)
{
	return name[0] >= 'a' && name[0] <= 'z' &&
	       strlen(name) < CONFIG_NAME_BYTES && only(name, LOWER DIGITS "-");
}

static bool is_address(const char *text)
{
	struct in6_addr address;

	return inet_pton(AF_INET, text, &address) == 1 ||
	       inet_pton(AF_INET6, text, &address) == 1;
}

/* The first `length` bytes of text as a word of their own. */
static bool take_word(const char *text, size_t length, char word[WORD_BYTES])
{
	if (length >= WORD_BYTES)
		return false;
	memcpy(word, text, length);
	word[length] = '\0';
	return true;
}

/* ADDRESS or ADDRESS/BITS */
static bool is_network(char *word)
{
	char *slash = strchr(word, '/');
	int64_t bits;

	if (slash == NULL)
		return is_address(word);
	*slash = '\0';
	return is_address(word) &&
	       text_to_i64(slash + 1, 0, strchr(word, ':') ? 128 : 32, &bits,
			   NULL) == 0;
}

int config_check_networks(const char *text, struct err *e)
{
	char word[WORD_BYTES];
	const char *p = text + strspn(text, " ");

	while (*p != '\0') {
		size_t length = strcspn(p, " ");

		if (!take_word(p, length, word) || !is_network(word))
			return err_set(e, ERR_INVALID,
				       "'%.*s' is no network: networks such as "
				       "10.0.0.0/8 or ::1, separated by spaces",
				       (int)MIN_OF(length, 40), p);
		p += length;
		p += strspn(p, " ");
	}
	return 0;
}

int config_check_address(const char *text, struct err *e)
{
	if (is_address(text))
		return 0;
	return err_set(e, ERR_INVALID,
		       "'%.40s' is no IP address such as 127.0.0.1 or ::1",
		       text);
}

int config_check_host(const char *text, struct err *e)
{
	if (text[0] != '\0' && only(text, LOWER UPPER DIGITS ".-_* "))
		return 0;
	return err_set(e, ERR_INVALID,
		       "'%.40s' is no list of host names, separated by spaces",
		       text);
}

/* nginx looks closer. */
int config_check_upstream(const char *text, struct err *e)
{
	if (only(text, LOWER UPPER DIGITS ".-:[] "))
		return 0;
	return err_set(e, ERR_INVALID,
		       "'%.40s' is no list of HOST or HOST:PORT, separated by "
		       "spaces",
		       text);
}

int config_check_path(const char *text, struct err *e)
{
	if (text[0] == '\0' ||
	    (text[0] == '/' && only(text, LOWER UPPER DIGITS "/._+@-")))
		return 0;
	return err_set(e, ERR_INVALID,
		       "'%.60s' is no absolute path of letters, digits and "
		       "/ . _ + @ -",
		       text);
}

static bool is_loopback(const char *host)
{
	struct in_addr v4;

	if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
		return true;
	return inet_pton(AF_INET, host, &v4) == 1 &&
	       (ntohl(v4.s_addr) >> 24) == 127;
}

/* Bytes of the host at the start of an authority, brackets included. */
static size_t host_bytes(const char *authority)
{
	if (authority[0] == '[')
		return strcspn(authority, "]") + 1;
	return strcspn(authority, ":/?#");
}

static bool is_port(const char *text)
{
	char word[WORD_BYTES];
	int64_t port;

	return take_word(text, strcspn(text, "/?#"), word) &&
	       text_to_i64(word, 1, 65535, &port, NULL) == 0;
}

static bool is_host(const char *host)
{
	return host[0] != '\0' && (only(host, LOWER UPPER DIGITS ".-_") ||
				   (host[0] == '[' && strchr(host, ':') &&
				    only(host, "[]:." DIGITS "abcdefABCDEF")));
}

/* http:// or https://, host, maybe port and path. No user:password@, because
 * the configuration holds no secrets. */
int config_check_url(const char *text, struct err *e)
{
	static const char allowed[] = LOWER UPPER DIGITS "-._~:/?#[]%&=+,!@";
	char host[CONFIG_TEXT_BYTES];
	bool plain = strncmp(text, "http://", 7) == 0;
	const char *authority;
	size_t length;

	if (text[0] == '\0')
		return 0;
	if ((!plain && strncmp(text, "https://", 8) != 0) ||
	    !only(text, allowed) || strlen(text) >= sizeof(host))
		return err_set(e, ERR_INVALID,
			       "not a URL such as https://host/path without "
			       "user and password");
	authority = text + (plain ? 7 : 8);
	length = MIN_OF(host_bytes(authority), strlen(authority));
	memcpy(host, authority, length);
	host[length] = '\0';
	if (!is_host(host) || strchr("/?#:", authority[length]) == NULL ||
	    (authority[length] == ':' && !is_port(authority + length + 1)))
		return err_set(e, ERR_INVALID,
			       "'%.40s' is no host and port of a URL",
			       authority);
	if (plain && !is_loopback(host))
		return err_set(e, ERR_INVALID,
			       "http:// is allowed to loopback only: "
			       "use https://%.60s",
			       host);
	return 0;
}

static bool is_store_file(const char *path)
{
	return path[0] != '\0' && path[0] != '.' && strchr(path, '?') == NULL &&
	       (path[0] == '/' || strchr(path, '/') == NULL);
}

int config_check_store_url(const char *text, struct err *e)
{
	if (strncmp(text, "postgresql://", 13) == 0 ||
	    (strncmp(text, "sqlite:", 7) == 0 && is_store_file(text + 7)))
		return 0;
	return err_set(e, ERR_INVALID,
		       "neither \"sqlite:NAME\", \"sqlite:/PATH\" nor "
		       "\"postgresql://...\"");
}

static bool is_time_of_day(const char *text, size_t length)
{
	return length == 5 && strspn(text, DIGITS) == 2 && text[2] == ':' &&
	       strspn(text + 3, DIGITS) >= 2 && strncmp(text, "24", 2) < 0 &&
	       text[3] < '6';
}

int config_check_time_of_day(const char *text, struct err *e)
{
	if (text[0] == '\0' || is_time_of_day(text, strlen(text)))
		return 0;
	return err_set(e, ERR_INVALID,
		       "'%.40s' is no time of day from \"00:00\" to \"23:59\"",
		       text);
}

/* "HH:MM HH:MM", or ":MM": at that minute of every hour. */
int config_check_times(const char *text, struct err *e)
{
	const char *p = text;

	if (strlen(text) == 3 && text[0] == ':' && text[1] < '6' &&
	    strspn(text + 1, DIGITS) == 2)
		return 0;
	while (*p != '\0') {
		size_t length = strcspn(p, " ");

		if (!is_time_of_day(p, length))
			return err_set(e, ERR_INVALID,
				       "'%.40s' is no time of day from "
				       "\"00:00\" to \"23:59\", no list of "
				       "them, and no minute such as \":15\"",
				       text);
		p += length;
		p += strspn(p, " ");
	}
	return 0;
}

int config_check_cron(const char *text, struct err *e)
{
	struct cron cron;

	return text[0] == '\0' ? 0 : cron_parse(text, &cron, e);
}

int config_check_days(const char *text, struct err *e)
{
	static const char days[] = "mon tue wed thu fri sat sun";
	const char *p = text;

	while (*p != '\0') {
		char day[WORD_BYTES];
		size_t length = strcspn(p, " ");

		if (length != 3 || !take_word(p, length, day) ||
		    strstr(days, day) == NULL)
			return err_set(e, ERR_INVALID,
				       "'%.40s' is no list of days: %s", text,
				       days);
		p += length;
		p += strspn(p, " ");
	}
	return 0;
}

/* "HH:MM-HH:MM" */
int config_check_hours(const char *text, struct err *e)
{
	if (text[0] == '\0' || (strlen(text) == 11 && is_time_of_day(text, 5) &&
				text[5] == '-' && is_time_of_day(text + 6, 5)))
		return 0;
	return err_set(e, ERR_INVALID, "'%.40s' is not as \"22:00-08:00\"",
		       text);
}

/* A URL; {number} in it becomes an order's number. */
int config_check_link(const char *text, struct err *e)
{
	char url[CONFIG_TEXT_BYTES];
	const char *field = strstr(text, "{number}");

	if (field == NULL)
		return config_check_url(text, e);
	(void)snprintf(url, sizeof(url), "%.*s1%s", (int)(field - text), text,
		       field + strlen("{number}"));
	return config_check_url(url, e);
}

int config_check_date(const char *text, struct err *e)
{
	char moment[CONFIG_NAME_BYTES];
	int64_t at_ms;

	(void)snprintf(moment, sizeof(moment), "%.10sT00:00:00Z", text);
	if (text[0] == '\0' || (strlen(text) == 10 &&
				timestamp_parse(moment, 0, &at_ms, NULL) == 0))
		return 0;
	return err_set(e, ERR_INVALID, "'%.40s' is no day as \"2026-01-31\"",
		       text);
}

int config_check_zone(const char *text, struct err *e)
{
	return zones_check(text, e);
}

int config_check_chat(const char *text, struct err *e)
{
	char chat[WORD_BYTES];
	const char *topic = strchr(text, ':');
	size_t length = topic != NULL ? (size_t)(topic - text) : strlen(text);
	const char *id = chat;

	if (text[0] == '\0')
		return 0;
	if (take_word(text, length, chat) &&
	    (topic == NULL || (topic[1] != '\0' && only(topic + 1, DIGITS)))) {
		id += chat[0] == '-' ? 1 : 0;
		if ((id[0] != '\0' && only(id, DIGITS)) ||
		    (chat[0] == '@' && chat[1] != '\0' &&
		     only(chat + 1, LOWER UPPER DIGITS "_")))
			return 0;
	}
	return err_set(e, ERR_INVALID,
		       "'%.40s' is neither the number of a chat nor @channel, "
		       "with or without :TOPIC",
		       text);
}

int config_check_mail_host(const char *text, struct err *e)
{
	if (only(text, LOWER UPPER DIGITS ".-:"))
		return 0;
	return err_set(e, ERR_INVALID, "'%.40s' is no name of a host", text);
}

int config_check_addresses(const char *text, struct err *e)
{
	char address[MAIL_ADDRESS_BYTES];
	const char *p = text + strspn(text, " ");

	while (*p != '\0') {
		size_t length = strcspn(p, " ");

		if (length >= sizeof(address))
			return err_set(e, ERR_INVALID,
				       "'%.40s' is too long for an address", p);
		memcpy(address, p, length);
		address[length] = '\0';
		if (!mail_address_is_good(address))
			return err_set(e, ERR_INVALID,
				       "'%.60s' is no address of mail "
				       "(name@host)",
				       address);
		p += length;
		p += strspn(p, " ");
	}
	return 0;
}

/* The id at p: true and where the next one begins. */
static bool take_user(const char **p, int64_t *ret_id)
{
	char word[WORD_BYTES];
	size_t length = strcspn(*p, " ");

	if (!take_word(*p, length, word) ||
	    text_to_i64(word, 1, INT64_MAX, ret_id, NULL) < 0)
		return false;
	*p += length;
	*p += strspn(*p, " ");
	return true;
}

int config_check_users(const char *text, struct err *e)
{
	const char *p = text + strspn(text, " ");
	int64_t id;

	while (*p != '\0')
		if (!take_user(&p, &id))
			return err_set(e, ERR_INVALID,
				       "'%.20s' is no Telegram id: numbers, "
				       "separated by spaces",
				       p);
	return 0;
}

bool config_has_user(const char *ids, int64_t id)
{
	const char *p = ids + strspn(ids, " ");
	int64_t one;

	while (*p != '\0' && take_user(&p, &one))
		if (one == id)
			return true;
	return false;
}

int config_check_series(const char *text, struct err *e)
{
	if (text[0] == '\0')
		return err_set(e, ERR_INVALID,
			       "is empty: numbers of documents need a series");
	if (strpbrk(text, " \"'<>&/\\;,") == NULL)
		return 0;
	return err_set(e, ERR_INVALID,
		       "'%.40s' holds one of space \" ' < > & / \\ ; ,", text);
}

int config_check_inn(const char *text, struct err *e)
{
	size_t length = strlen(text);

	if ((length == 0 || length == 10 || length == 12) && only(text, DIGITS))
		return 0;
	return err_set(e, ERR_INVALID, "'%.40s' is not 10 or 12 digits", text);
}

/* NNNNPPXXX: tax office, reason (may hold letters), number. */
int config_check_kpp(const char *text, struct err *e)
{
	size_t length = strlen(text);

	if (length == 0 ||
	    (length == 9 && strspn(text, DIGITS) >= 4 &&
	     strspn(text + 4, DIGITS UPPER) == 5 && only(text + 6, DIGITS)))
		return 0;
	return err_set(e, ERR_INVALID,
		       "'%.40s' is not 9 digits (the 5th and 6th may be "
		       "letters)",
		       text);
}
