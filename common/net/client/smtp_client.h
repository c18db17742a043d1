/* SPDX-License-Identifier: MIT
 *
 * smtp_client.h - one mail to one recipient by SMTP (RFC 5321, libcurl).
 *
 * The connection is made for the mail and closed after it: nothing is sent
 * again by libcurl on its own. The server's certificate is verified; with
 * SMTP_STARTTLS a server that does not offer it gets neither the password nor
 * the mail. Dots at the beginning of a line are doubled by libcurl.
 */
#ifndef NET_SMTP_CLIENT_H
#define NET_SMTP_CLIENT_H

#include <stddef.h>
#include <stdint.h>

struct err;

enum smtp_security {
	SMTP_STARTTLS,
	SMTP_TLS,  /* from the first byte: port 465 */
	SMTP_PLAIN /* refused beyond loopback, and never with a password */
};

struct smtp_server {
	const char *host;
	int port;
	enum smtp_security security;
	const char *user, *password; /* "": without logging in */
	const char *ca_file;         /* NULL: the system's */
	int timeout_ms;              /* the whole call */
};

struct smtp_mail {
	const char *from, *to; /* bare addresses: local@domain */
	const char *message;   /* RFC 5322, lines end with CRLF */
	size_t message_bytes;
};

enum {
	SMTP_ANSWER_BYTES = 200
};

struct smtp_answer {
	int status; /* the server's last answer, 0: none */
	char text[SMTP_ANSWER_BYTES];
	int64_t duration_ms;
};

/* What became of it:
 *  0              the server has taken it
 *  ERR_REMOTE     certainly not taken: no connection, no TLS, it broke off
 *                 before the end of the mail; repeat later
 *  ERR_BUSY       a 4xx answer: repeat later
 *  ERR_DENIED     the login was refused, or TLS or login is not offered
 *  ERR_STATE      a 5xx answer: this mail will never be taken
 *  ERR_UNCERTAIN  the whole mail left and no answer to it came
 *  ERR_INVALID    refused here (address, host, plain beyond loopback)
 *  ERR_NOMEM
 * Texts of errors hold no password. Blocks; thread-safe. */
int smtp_send(const struct smtp_server *server, const struct smtp_mail *mail,
	      struct smtp_answer *ret_answer, struct err *e);

#endif
