/* SPDX-License-Identifier: MIT
 *
 * letter.h - the text of a mail about alerts, in the language of app/locale.h.
 */
#ifndef MONITOR_LETTER_H
#define MONITOR_LETTER_H

#include <stdint.h>

#include "base/buf.h"
#include "store/monitor/alert_mails.h"

enum {
	LETTER_ALERTS_MAX = 50, /* written out; of the others their number */
	LETTER_BYTES_MAX = 256 * 1024
};

/* The first line of an alert's message, without its sign. */
void letter_title(struct buf *out, const char *html);

void letter_subject(struct buf *out, enum mail_stage stage, const char *title,
		    int count);

/* What the mail is about; then each alert; then how many more there are. */
void letter_begin(struct buf *out, enum mail_stage stage, const char *host);
void letter_alert(struct buf *out, int64_t alert_id, const char *html);
void letter_end(struct buf *out, enum mail_stage stage, int left_out);

#endif
