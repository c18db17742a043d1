/* SPDX-License-Identifier: MIT */
#include "net/client/smtp_client.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "net/client/curl_once.h"
#include "net/server/http_request.h"

enum {
	CONNECT_TIMEOUT_MS = 5000,
	URL_BYTES = 320,
	HOST_BYTES = 254,
	ADDRESS_BYTES = 260, /* with its brackets */
	STATUS_BYE = 221,
	STATUS_DATA_GO_ON = 354
};

struct smtp_call {
	const struct smtp_mail *mail;
	struct smtp_answer *answer;
	size_t sent_bytes;
	/* libcurl has written the whole mail, and ends it. (With the size set
	 * it would not ask for the end.) */
	bool all_read;
};

CLEANUP_DEFINE(CURL *, curl_easy_cleanup)
CLEANUP_DEFINE(struct curl_slist *, curl_slist_free_all)

static size_t on_read(char *target, size_t size, size_t count, void *context)
{
	struct smtp_call *c = context;
	size_t left = c->mail->message_bytes - c->sent_bytes;
	size_t n = MIN_OF(left, size * count);

	memcpy(target, c->mail->message + c->sent_bytes, n);
	c->sent_bytes += n;
	c->all_read = n == 0;
	return n;
}

/* "250 text", "250-text": its code; 0 for anything else. */
static int status_of(const char *line)
{
	int status = 0;

	for (int i = 0; i < 3; i++) {
		if (line[i] < '0' || line[i] > '9')
			return 0;
		status = status * 10 + line[i] - '0';
	}
	return status;
}

/* Each line of the server's answers. The last one is kept for people, but for
 * that to QUIT, which says nothing about the mail. */
static size_t on_answer(char *data, size_t size, size_t count, void *context)
{
	struct smtp_call *c = context;
	char line[SMTP_ANSWER_BYTES];
	size_t n = size * count;
	size_t kept = MIN_OF(n, sizeof(line) - 1);
	int status;

	memcpy(line, data, kept);
	line[kept] = '\0';
	for (char *p = line; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || (unsigned char)*p > '~')
			*p = ' ';
	status = status_of(line);
	if (status == 0 || status == STATUS_BYE)
		return n;
	c->answer->status = status;
	(void)text_copy(c->answer->text, sizeof(c->answer->text),
			text_trim(line));
	return n;
}

static curl_socket_t on_socket(void *context, curlsocktype purpose,
			       struct curl_sockaddr *address)
{
	(void)context;
	(void)purpose;
	return socket(address->family, address->socktype | SOCK_CLOEXEC,
		      address->protocol);
}

/* A host name or an address, nothing that changes a URL. */
static bool is_host(const char *host)
{
	return host[0] != '\0' && strlen(host) < HOST_BYTES &&
	       host[strspn(host, "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:")] ==
		       '\0';
}

static int check(const struct smtp_server *server, const struct smtp_mail *mail,
		 struct err *e)
{
	const char *const addresses[] = {mail->from, mail->to};

	if (!is_host(server->host))
		return err_set(e, ERR_INVALID, "not the name of a host");
	if (server->security == SMTP_PLAIN &&
	    (!request_is_loopback(server->host) || server->user[0] != '\0'))
		return err_set(e, ERR_INVALID,
			       "without TLS mail goes to this machine only, "
			       "and without a password");
	for (size_t i = 0; i < COUNT_OF(addresses); i++)
		if (strpbrk(addresses[i], "<>\r\n \"") != NULL ||
		    strlen(addresses[i]) > ADDRESS_BYTES - 3)
			return err_set(e, ERR_INVALID,
				       "not an address of mail");
	return 0;
}

#define SET(option, value)   \
	(rc = rc != CURLE_OK \
		      ? rc   \
		      : curl_easy_setopt(easy, CURLOPT_##option, value))

/* What is the same for every server. */
static CURLcode set_rules(CURL *easy, int timeout_ms)
{
	CURLcode rc = CURLE_OK;

	SET(PROTOCOLS_STR, "smtp,smtps");
	SET(PROXY, "");
	SET(NETRC, (long)CURL_NETRC_IGNORED);
	SET(SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(FRESH_CONNECT, 1L);
	SET(FORBID_REUSE, 1L);
	SET(NOSIGNAL, 1L);
	SET(QUICK_EXIT, 1L);
	SET(CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
	SET(TIMEOUT_MS, (long)timeout_ms);
	SET(SERVER_RESPONSE_TIMEOUT, (long)MAX_OF(timeout_ms / 1000, 1));
	return rc;
}

static CURLcode set_server(CURL *easy, const struct smtp_server *server)
{
	const char *scheme = server->security == SMTP_TLS ? "smtps" : "smtp";
	bool is_v6 = strchr(server->host, ':') != NULL;
	bool logs_in = server->user[0] != '\0';
	char url[URL_BYTES];
	CURLcode rc = set_rules(easy, server->timeout_ms);

	/* The path is the name in EHLO; "localhost" tells nobody our name. */
	(void)snprintf(url, sizeof(url), "%s://%s%s%s:%d/localhost", scheme,
		       is_v6 ? "[" : "", server->host, is_v6 ? "]" : "",
		       server->port);
	SET(URL, url);
	SET(USE_SSL, (long)(server->security == SMTP_PLAIN ? CURLUSESSL_NONE
							   : CURLUSESSL_ALL));
	if (server->ca_file != NULL)
		SET(CAINFO, server->ca_file);
	SET(USERNAME, logs_in ? server->user : NULL);
	SET(PASSWORD, logs_in ? server->password : NULL);
	return rc;
}

static CURLcode set_mail(CURL *easy, struct smtp_call *c,
			 struct curl_slist *recipient, char *error)
{
	char from[ADDRESS_BYTES];
	CURLcode rc = CURLE_OK;

	(void)snprintf(from, sizeof(from), "<%s>", c->mail->from);
	SET(MAIL_FROM, from);
	SET(MAIL_RCPT, recipient);
	SET(UPLOAD, 1L);
	SET(READFUNCTION, on_read);
	SET(READDATA, c);
	SET(HEADERFUNCTION, on_answer);
	SET(HEADERDATA, c);
	SET(WRITEFUNCTION, on_answer);
	SET(WRITEDATA, c);
	SET(OPENSOCKETFUNCTION, on_socket);
	SET(ERRORBUFFER, error);
#undef SET
	return rc;
}

/* RFC 4954 6: a login is wanted, or another kind of it. */
static bool is_about_login(int status)
{
	return status == 530 || status == 534 || status == 535 || status == 538;
}

/* By the server's last answer, and by whether it had the end of the mail. */
static int classify(const struct smtp_call *c, CURLcode code, const char *error,
		    struct err *e)
{
	int status = c->answer->status;
	const char *text = error[0] != '\0' ? error : curl_easy_strerror(code);

	if (code == CURLE_OK)
		return 0;
	if (code == CURLE_OUT_OF_MEMORY)
		return err_set(e, ERR_NOMEM, "no memory for a mail");
	if (code == CURLE_LOGIN_DENIED || code == CURLE_USE_SSL_FAILED ||
	    is_about_login(status))
		return err_set(e, ERR_DENIED, "%s: %s", text, c->answer->text);
	if (c->all_read && status == STATUS_DATA_GO_ON)
		return err_set(e, ERR_UNCERTAIN,
			       "sent, but no answer to it: %s", text);
	/* A server that refuses in its greeting refuses no mail of ours. */
	if (status >= 500 && status <= 599 &&
	    (code == CURLE_SEND_ERROR || c->all_read))
		return err_set(e, ERR_STATE, "%s: %s", text, c->answer->text);
	if (status >= 400 && status <= 499)
		return err_set(e, ERR_BUSY, "%s: %s", text, c->answer->text);
	return err_set(e, ERR_REMOTE, "%s", text);
}

static int call(const struct smtp_server *server, struct smtp_call *c,
		struct err *e)
{
	CLEANUP(curl_easy_cleanupp) CURL *easy = curl_easy_init();
	CLEANUP(curl_slist_free_allp) struct curl_slist *recipient = NULL;
	char error[CURL_ERROR_SIZE] = "";
	char to[ADDRESS_BYTES];
	CURLcode code = CURLE_OUT_OF_MEMORY;

	(void)snprintf(to, sizeof(to), "<%s>", c->mail->to);
	recipient = curl_slist_append(NULL, to);
	if (easy != NULL && recipient != NULL)
		code = set_server(easy, server);
	if (code == CURLE_OK)
		code = set_mail(easy, c, recipient, error);
	if (code == CURLE_OK)
		code = curl_easy_perform(easy);
	return classify(c, code, error, e);
}

int smtp_send(const struct smtp_server *server, const struct smtp_mail *mail,
	      struct smtp_answer *ret_answer, struct err *e)
{
	struct smtp_call c = {.mail = mail, .answer = ret_answer};
	int64_t began_ms = clock_mono_ms();
	int rc;

	*ret_answer = (struct smtp_answer){0};
	rc = check(server, mail, e);
	if (rc < 0)
		return rc;
	curl_once();
	rc = call(server, &c, e);
	ret_answer->duration_ms = clock_mono_ms() - began_ms;
	return rc;
}
