/* SPDX-License-Identifier: MIT */
#include "app/mail/mail_out.h"

#include <stdio.h>
#include <string.h>

#include "app/config/config.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/id.h"
#include "base/macros.h"
#include "base/text.h"
#include "codec/mail/mail_message.h"

enum {
	MAIL_BYTES_MAX = 1024 * 1024
};

static enum smtp_security security_of(const char *name)
{
	static const char *const names[] = {
		[SMTP_STARTTLS] = "starttls",
		[SMTP_TLS] = "tls",
		[SMTP_PLAIN] = "none",
	};

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (strcmp(names[i], name) == 0)
			return (enum smtp_security)i;
	return SMTP_STARTTLS;
}

int mail_out_open(const struct config_mail *config, const struct state_dir *dir,
		  struct mail_out *ret_out, struct err *e)
{
	*ret_out = (struct mail_out){.config = config};
	ret_out->server = (struct smtp_server){
		.host = config->server,
		.port = (int)config->port,
		.security = security_of(config->security),
		.user = config->user,
		.password = ret_out->password.first,
		.ca_file = config->ca_file[0] != '\0' ? config->ca_file : NULL,
		.timeout_ms = (int)config->timeout_ms,
	};
	return config->user[0] == '\0' ? 0
				       : secret_load(dir, "mail-password",
						     &ret_out->password, e);
}

void mail_out_close(struct mail_out *out)
{
	explicit_bzero(&out->password, sizeof(out->password));
}

int mail_out_send(const struct mail_out *out, const struct mail_text *mail,
		  struct smtp_answer *ret_answer, struct err *e)
{
	CLEANUP(buf_clear) struct buf bytes = BUF_MAX(MAIL_BYTES_MAX);
	CLEANUP(buf_clear) struct buf subject = BUF_MAX(MAIL_BYTES_MAX);
	const char *domain = strchr(out->config->from, '@');
	char id[MAIL_ADDRESS_BYTES];
	struct mail_message message = {
		.from = out->config->from,
		.to = mail->to,
		.from_name = "Ordergate",
		.text = mail->text,
		.message_id = id,
		.date_ms = mail->date_ms,
		.attempt = mail->attempt,
	};
	struct smtp_mail letter = {.from = out->config->from, .to = mail->to};
	int rc;

	*ret_answer = (struct smtp_answer){0};
	(void)snprintf(id, sizeof(id), "%s%s", mail->id,
		       domain != NULL ? domain : "");
	buf_add(&subject, mail->subject, mail->subject_bytes);
	message.subject = buf_text(&subject);
	rc = mail_message_write(&message, &bytes, e);
	if (rc < 0)
		return rc;
	letter.message = buf_text(&bytes);
	letter.message_bytes = bytes.used_bytes;
	return smtp_send(&out->server, &letter, ret_answer, e);
}

int mail_out_send_all(const struct mail_out *out, struct mail_text *mail,
		      mail_out_told *told, void *context)
{
	char list[CONFIG_TEXT_BYTES];
	char id[ID_TEXT_BYTES];
	char *rest = NULL;
	int taken = 0;

	id_make(mail->date_ms, id);
	mail->id = id;
	(void)text_copy(list, sizeof(list), out->config->to);
	for (mail->to = strtok_r(list, " ", &rest); mail->to != NULL;
	     mail->to = strtok_r(NULL, " ", &rest)) {
		struct smtp_answer answer;
		struct err why = {0};
		int rc = mail_out_send(out, mail, &answer, &why);

		taken += rc == 0;
		told(mail->to, &answer, rc == 0 ? NULL : why.text, context);
	}
	mail->id = NULL;
	return taken;
}
