/* SPDX-License-Identifier: MIT */
#include "digest_text.h"

#include <string.h>

#include "app/locale.h"
#include "app/service/service.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "codec/html_out.h"
#include "store/engine/writer.h"
#include "store/telegram/digest.h"

enum {
	ROUNDS_MAX = 50,
	DIGEST_BYTES_MAX = 32 * 1024,
	LINES_SHOWN = 2 /* of each message; tags never go over a line's end */
};

bool digest_line(struct buf *out, const char *text)
{
	CLEANUP(buf_clear) struct buf line = BUF_MAX(DIGEST_BYTES_MAX);
	const char *p = text;

	for (int i = 0; i < LINES_SHOWN && *p != '\0'; i++) {
		size_t n = strcspn(p, "\n");

		buf_add_text(&line, i == 0 ? "\n" : ": ");
		buf_add(&line, p, n);
		p += n + (p[n] == '\n' ? 1 : 0);
	}
	if (buf_finish(&line, NULL) < 0 ||
	    html_points(buf_text(out)) + html_points(buf_text(&line)) >
		    DIGEST_POINTS_MAX)
		return false;
	buf_add_text(out, buf_text(&line));
	return true;
}

struct lines {
	struct buf *text;
	int64_t shown;
	bool full;
};

static int note_text(const char *text, void *context)
{
	struct lines *lines = context;

	lines->full = lines->full || !digest_line(lines->text, text);
	lines->shown += !lines->full;
	return 0;
}

static int write_digest(struct service *s, const struct digest *digest,
			struct buf *text, struct err *e)
{
	struct lines lines = {.text = text};
	int rc;

	buf_printf(text, "<b>");
	buf_printf(text, tr("%lld messages in one"), (long long)digest->count);
	buf_printf(text, "</b>");
	rc = digest_texts(s->db, digest, DIGEST_LINES_MAX, note_text, &lines,
			  e);
	if (rc < 0)
		return rc;
	if (lines.shown < digest->count) {
		buf_add_char(text, '\n');
		buf_printf(text, tr("and %lld more"),
			   (long long)(digest->count - lines.shown));
	}
	return buf_finish(text, e);
}

struct apply {
	struct unit unit;
	const struct digest *digest;
	const char *text;
};

static int run_apply(struct unit *u, struct db *db, int64_t now_ms,
		     struct err *e)
{
	const struct apply *apply = CONTAINER_OF(u, struct apply, unit);

	return digest_apply(db, apply->digest, apply->text, now_ms, e);
}

int64_t digest_all(struct service *s, struct err *e)
{
	int64_t over = s->config->telegram.coalesce_over;
	int64_t total = 0;

	for (int i = 0; i < ROUNDS_MAX && over > 0 && !service_stopping(s);
	     i++) {
		CLEANUP(buf_clear) struct buf text = BUF_MAX(DIGEST_BYTES_MAX);
		struct digest digest;
		struct apply apply = {.unit.run = run_apply, .digest = &digest};
		int rc = digest_find(s->db, over, &digest, e);

		if (rc > 0)
			rc = write_digest(s, &digest, &text, e) < 0 ? ERR_NOMEM
								    : 1;
		if (rc <= 0)
			return rc < 0 ? rc : total;
		apply.text = buf_text(&text);
		rc = writer_call(s->writer, &apply.unit, e);
		/* The monitor took one of them back: the next run tries. */
		if (rc < 0)
			return rc == ERR_STATE ? total : rc;
		total += digest.count;
	}
	return total;
}
