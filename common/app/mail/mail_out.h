/* SPDX-License-Identifier: MIT
 *
 * mail_out.h - mail through the server of section `mail` of ordergate.conf.
 */
#ifndef APP_MAIL_OUT_H
#define APP_MAIL_OUT_H

#include <stdint.h>

#include "app/secret.h"
#include "net/client/smtp_client.h"

struct config_mail;
struct err;
struct state_dir;

struct mail_out {
	const struct config_mail *config; /* borrowed */
	struct secret password;
	struct smtp_server server;
};

/* Reads the secret mail-password when mail.user is set. 0, or as secret_load().
 */
int mail_out_open(const struct config_mail *config, const struct state_dir *dir,
		  struct mail_out *ret_out, struct err *e);
void mail_out_close(struct mail_out *out); /* wipes the password */

struct mail_text {
	const char *to;
	const char *id; /* of the mail: its Message-ID is <id@domain of from> */
	const char *subject, *text;
	size_t subject_bytes;
	int64_t date_ms;
	int attempt;
};
/* Blocks. As smtp_send(), or as mail_message_write(). */
int mail_out_send(const struct mail_out *out, const struct mail_text *mail,
		  struct smtp_answer *ret_answer, struct err *e);

/* To each recipient of mail.to, as one mail: `to` and `id` are set here. Calls
 * told() after each; why is NULL when the server took it. How many it took. */
typedef void mail_out_told(const char *to, const struct smtp_answer *answer,
			   const char *why, void *context);
int mail_out_send_all(const struct mail_out *out, struct mail_text *mail,
		      mail_out_told *told, void *context);

#endif
