/* SPDX-License-Identifier: MIT
 *
 * quarantine.c - what no program could read, and what a person makes of it: it
 * comes in anew, as it is or corrected, or nobody needs it. Messages that were
 * readable but wrong get a corrected body and are tried again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/small_file.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/text.h"
#include "channel/channel.h"
#include "ctl.h"
#include "store/engine/db.h"
#include "store/engine/writer.h"
#include "store/order/identity.h"
#include "store/queue/inbox.h"
#include "store/queue/quarantine.h"
#include "store/repair/audit.h"
#include "store/watch/views.h"

enum {
	BODY_BYTES_MAX = 1024 * 1024, /* as nginx lets in */
	FILTER_BYTES = 64,
	NAME_BYTES = 64
};

struct mend {
	struct unit unit;
	struct audit_entry entry;
	char filter[FILTER_BYTES], actor[NAME_BYTES];
	int64_t id; /* of the quarantine, or of the inbox */
	struct quarantined one;
	struct buf body; /* of --body; empty: as it came */
	const struct channel *channel;
	struct channel_envelope envelope;
	char external_id[ORDER_ID_BYTES]; /* of the message to correct */
	struct identity identity;
	int changed;
};

static int note(struct db *db, const struct mend *m, int64_t now_ms,
		struct err *e)
{
	int64_t audit_id = 0;
	int rc = audit_begin(db, &m->entry, now_ms, &audit_id, e);

	return rc < 0 ? rc : audit_add(db, audit_id, 1, m->changed, e);
}

static int run_dismiss(struct unit *u, struct db *db, int64_t now_ms,
		       struct err *e)
{
	struct mend *m = CONTAINER_OF(u, struct mend, unit);

	m->changed = quarantine_close(db, m->id, "dismissed", now_ms, e);
	return m->changed <= 0 ? m->changed : note(db, m, now_ms, e);
}

/* As the hook keeps it (services/hook/intake.c). */
static int run_replay(struct unit *u, struct db *db, int64_t now_ms,
		      struct err *e)
{
	struct mend *m = CONTAINER_OF(u, struct mend, unit);
	struct inbox_arrival arrival = {
		.channel = m->channel->name,
		.external_id = m->envelope.external_id,
		.alias = m->envelope.alias,
		.event_type = m->envelope.event_type,
		.body = buf_text(&m->body),
		.event_ms = m->envelope.event_ms,
		.quarantine_reason = m->envelope.type == EVENT_NONE
					     ? "unknown event type"
					     : NULL,
	};
	int rc;

	u->bells = BELL_PROCESSOR;
	m->changed = quarantine_close(db, m->id, "replayed", now_ms, e);
	if (m->changed <= 0)
		return m->changed;
	rc = inbox_add(db, &arrival, now_ms, &m->identity, e);
	return rc < 0 ? rc : note(db, m, now_ms, e);
}

static int run_correct(struct unit *u, struct db *db, int64_t now_ms,
		       struct err *e)
{
	struct mend *m = CONTAINER_OF(u, struct mend, unit);

	m->changed =
		quarantine_correct(db, m->id, buf_text(&m->body), now_ms, e);
	return m->changed <= 0 ? m->changed : note(db, m, now_ms, e);
}

static void clear(struct mend *m)
{
	buf_clear(&m->body);
	buf_clear(&m->one.raw);
}

/* The one id that is left of the arguments; an exit code. */
static int take_id(struct ctl *ctl, struct mend *m)
{
	const char *id = ctl_next(ctl);

	*m = (struct mend){.body = BUF_MAX(BODY_BYTES_MAX),
			   .one.raw = BUF_MAX(BODY_BYTES_MAX)};
	if (id == NULL || ctl->arg_count > 0 ||
	    text_to_i64(id, 1, INT64_MAX, &m->id, NULL) < 0)
		return ctl_fail(ctl, CTL_USAGE, "one id, please");
	return CTL_DONE;
}

/* The id, --reason and --body; an exit code. */
static int take_words(struct ctl *ctl, struct mend *m, bool body_wanted)
{
	const char *file = ctl_option(ctl, "--body", NULL);
	const char *reason = ctl_option(ctl, "--reason", "");
	int code = take_id(ctl, m);

	if (code != CTL_DONE)
		return code;
	if (reason[0] == '\0' || strlen(reason) >= AUDIT_REASON_BYTES)
		return ctl_fail(ctl, CTL_USAGE,
				"why? Add --reason TEXT for the audit log");
	if (file == NULL && body_wanted)
		return ctl_fail(ctl, CTL_USAGE,
				"--body FILE is the corrected message");
	if (file != NULL &&
	    small_file_read(file, &m->body, NULL, &ctl->err) < 0)
		return ctl_fail(ctl, CTL_FAILED, "%s", ctl->err.text);
	ctl_actor(m->actor, sizeof(m->actor));
	(void)snprintf(m->filter, sizeof(m->filter), "{\"id\":%" PRId64 "}",
		       m->id);
	m->entry = (struct audit_entry){.actor = m->actor,
					.action = ctl->command,
					.filter = m->filter,
					.reason = reason};
	return CTL_DONE;
}

static int find(struct ctl *ctl, struct mend *m)
{
	int rc = quarantine_read(ctl->db, m->id, &m->one, &ctl->err);

	if (rc < 0)
		return ctl_error(ctl, rc);
	return rc > 0 && !m->one.closed
		       ? CTL_DONE
		       : ctl_fail(ctl, CTL_NOTFOUND,
				  "there is no open one with the id %" PRId64
				  ": see quarantine list",
				  m->id);
}

/* Would the hook take it? An exit code. */
static int check_envelope(struct ctl *ctl, struct mend *m, const char *name)
{
	const char *code = "";

	m->channel = channel_find(name);
	if (m->channel == NULL)
		return ctl_fail(ctl, CTL_FAILED, "there is no channel '%s'",
				name);
	if (m->channel->read_envelope(buf_text(&m->body), m->body.used_bytes,
				      clock_wall_ms(), &m->envelope, &code,
				      &ctl->err) < 0)
		return ctl_fail(ctl, CTL_FAILED,
				"still not readable: %s; --body FILE gives a "
				"corrected one",
				ctl->err.text);
	return CTL_DONE;
}

static int finish(struct ctl *ctl, struct mend *m)
{
	int rc = ctl_write(ctl, &m->unit);

	if (rc < 0)
		return ctl_error(ctl, rc);
	return m->changed > 0
		       ? CTL_DONE
		       : ctl_fail(ctl, CTL_NOTFOUND,
				  "somebody has dealt with it meanwhile");
}

static int replay(struct ctl *ctl, struct mend *m)
{
	int code = find(ctl, m);

	if (code == CTL_DONE && m->body.used_bytes == 0)
		buf_add(&m->body, m->one.raw.data, m->one.raw.used_bytes);
	if (code == CTL_DONE)
		code = check_envelope(ctl, m, m->one.channel);
	m->unit.run = run_replay;
	if (code == CTL_DONE)
		code = finish(ctl, m);
	if (code == CTL_DONE)
		ctl_say("%s is in the inbox, order %s\n",
			m->envelope.event_type, m->identity.number);
	return code;
}

int ctl_quarantine_replay(struct ctl *ctl)
{
	struct mend m;
	int code = take_words(ctl, &m, false);

	if (code == CTL_DONE)
		code = replay(ctl, &m);
	clear(&m);
	return code;
}

int ctl_quarantine_dismiss(struct ctl *ctl)
{
	struct mend m;
	int code = take_words(ctl, &m, false);

	m.unit.run = run_dismiss;
	if (code == CTL_DONE)
		code = find(ctl, &m);
	if (code == CTL_DONE)
		code = finish(ctl, &m);
	clear(&m);
	return code;
}

static int keep_channel(struct query *row, void *context)
{
	struct mend *m = context;

	QUERY_COL_COPY(row, 0, m->one.channel);
	QUERY_COL_COPY(row, 1, m->external_id);
	return 0;
}

/* A corrected message is of the same order: its place in the sequence stays. */
static int check_correction(struct ctl *ctl, struct mend *m)
{
	char text[FILTER_BYTES];
	const char *params[] = {text};
	struct order_event event = {0};
	int code;
	int rc;

	(void)snprintf(text, sizeof(text), "%" PRId64, m->id);
	rc = view_run(ctl->db, view_find("inbox.failed"), params, 1,
		      keep_channel, m, &ctl->err);
	if (rc < 0)
		return ctl_error(ctl, rc);
	if (rc == 0)
		return ctl_fail(ctl, CTL_NOTFOUND,
				"message %s is not there or has not failed",
				text);
	code = check_envelope(ctl, m, m->one.channel);
	if (code != CTL_DONE)
		return code;
	if (strcmp(m->envelope.external_id, m->external_id) != 0)
		return ctl_fail(ctl, CTL_FAILED,
				"that is order '%s', the message is of '%s'",
				m->envelope.external_id, m->external_id);
	rc = m->channel->parse_event(buf_text(&m->body), m->body.used_bytes,
				     clock_wall_ms(), &event, &ctl->err);
	order_event_clear(&event);
	return rc < 0 ? ctl_fail(ctl, CTL_FAILED, "still not understood: %s",
				 ctl->err.text)
		      : CTL_DONE;
}

int ctl_inbox_correct(struct ctl *ctl)
{
	struct mend m;
	int code = take_words(ctl, &m, true);

	m.unit.run = run_correct;
	if (code == CTL_DONE)
		code = check_correction(ctl, &m);
	if (code == CTL_DONE)
		code = finish(ctl, &m);
	if (code == CTL_DONE)
		ctl_say("corrected; the original is in quarantine list. "
			"Now: queue inbox retry %" PRId64 "\n",
			m.id);
	clear(&m);
	return code;
}

/* As it came, for a file; a terminal is told no control characters. */
static void print_raw(const struct buf *raw)
{
	bool is_terminal = isatty(STDOUT_FILENO) == 1;

	for (size_t i = 0; i < raw->used_bytes; i++) {
		unsigned char c = (unsigned char)raw->data[i];
		bool hidden = is_terminal && c != '\n' && c != '\t' &&
			      (c < ' ' || c == 0x7f);

		(void)putchar(hidden ? '?' : c);
	}
	if (is_terminal)
		(void)putchar('\n');
}

int ctl_quarantine_show(struct ctl *ctl)
{
	struct mend m;
	int code = take_id(ctl, &m);
	int rc;

	if (code != CTL_DONE)
		return code;
	rc = quarantine_read(ctl->db, m.id, &m.one, &ctl->err);
	if (rc < 0)
		code = ctl_error(ctl, rc);
	else if (rc == 0)
		code = ctl_fail(ctl, CTL_NOTFOUND,
				"there is none with the id %" PRId64, m.id);
	if (code == CTL_DONE) {
		(void)fprintf(stderr, "%s: %s%s\n", m.one.channel, m.one.reason,
			      m.one.closed ? " (dealt with)" : "");
		print_raw(&m.one.raw);
	}
	clear(&m);
	return code;
}
