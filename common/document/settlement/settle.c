/* SPDX-License-Identifier: MIT */
#include "document/settlement/settle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "store/engine/writer.h"

enum {
	COPY_BYTES = 64 * 1024,
	SALES_PAGE = 500,
	STEP_ROWS = 5000,
	/* So much of the file is looked at before its memory is given back. */
	WINDOW_BYTES = 4 * 1024 * 1024
};

/* One run over a file. */
struct reading {
	struct settle *s;
	char *data; /* mapped */
	size_t bytes, released_bytes;
	struct csv csv;
	int places[MARKET_COLUMNS];
	struct market_index index;
	struct settlement found;
	int64_t rows;
};

static void reading_clear(struct reading *r)
{
	if (r->data != NULL)
		(void)munmap(r->data, r->bytes);
	csv_clear(&r->csv);
	market_index_clear(&r->index);
	settlement_clear(&r->found);
}

/* One file that we may not read, or a link, keeps no other back. */
static enum err_code open_error(int number)
{
	if (number == ENOENT)
		return ERR_NOTFOUND;
	return number == EACCES || number == EPERM || number == ELOOP
		       ? ERR_INVALID
		       : ERR_IO;
}

static int open_file(const struct settle *s, int *ret_fd, struct err *e)
{
	CLEANUP_FD int fd =
		open(s->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat about;

	if (fd < 0)
		return err_errno(e, open_error(errno), "%.160s", s->path);
	if (fstat(fd, &about) < 0 || !S_ISREG(about.st_mode))
		return err_set(e, ERR_INVALID, "%.160s is not a file", s->path);
	if (about.st_size > SETTLE_FILE_BYTES_MAX)
		return err_set(e, ERR_INVALID, "%.160s is longer than %d MiB",
			       s->path, SETTLE_FILE_BYTES_MAX / 1024 / 1024);
	*ret_fd = fd;
	fd = -1;
	return 0;
}

static int write_all(int fd, const char *data, ssize_t bytes)
{
	while (bytes > 0) {
		ssize_t n = write(fd, data, (size_t)bytes);

		if (n < 0 && errno != EINTR)
			return -1;
		data += MAX_OF(n, 0);
		bytes -= MAX_OF(n, 0);
	}
	return 0;
}

/* A copy that nobody else can change, and its hash. */
static int copy(struct reading *r, int from, int to, struct err *e)
{
	CLEANUP(digest_freep) struct digest *digest = digest_new();
	char block[COPY_BYTES];
	ssize_t n;

	if (digest == NULL)
		return err_set(e, ERR_NOMEM, "report: out of memory");
	while ((n = read(from, block, sizeof(block))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || write_all(to, block, n) < 0)
			return err_errno(e, ERR_IO, "%.160s", r->s->path);
		r->bytes += (size_t)n;
		if (r->bytes > SETTLE_FILE_BYTES_MAX)
			return err_set(e, ERR_INVALID, "%.160s grows",
				       r->s->path);
		digest_add(digest, block, (size_t)n);
	}
	digest_end(digest, r->s->hash);
	return 0;
}

static int map(struct reading *r, struct err *e)
{
	CLEANUP_FD int to =
		open(r->s->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	CLEANUP_FD int from = -1;
	void *data;
	int rc = to < 0 ? err_errno(e, ERR_IO, "%.160s", r->s->folder)
			: open_file(r->s, &from, e);

	if (rc == 0)
		rc = copy(r, from, to, e);
	if (rc == 0 && r->bytes == 0)
		rc = err_set(e, ERR_INVALID, "the file is empty");
	if (rc < 0)
		return rc;
	data = mmap(NULL, r->bytes, PROT_READ, MAP_PRIVATE, to, 0);
	if (data == MAP_FAILED)
		return err_errno(e, ERR_NOMEM, "%.160s", r->s->path);
	r->data = data;
	return 0;
}

/* What was read is not needed any more. */
static void release(struct reading *r)
{
	size_t read_bytes = (size_t)(r->csv.next - r->data);

	if (read_bytes < r->released_bytes + WINDOW_BYTES)
		return;
	read_bytes -= read_bytes % WINDOW_BYTES;
	(void)madvise(r->data + r->released_bytes,
		      read_bytes - r->released_bytes, MADV_DONTNEED);
	r->released_bytes = read_bytes;
}

static int step(struct reading *r, const char *name, struct err *e)
{
	const struct settle *s = r->s;

	release(r);
	if (++r->rows % STEP_ROWS != 0 || s->going_on == NULL ||
	    s->going_on(name, r->rows, s->context))
		return 0;
	return err_set(e, ERR_STATE, "told to stop");
}

static int rewind_file(struct reading *r, struct err *e)
{
	csv_clear(&r->csv);
	r->rows = 0;
	r->released_bytes = 0;
	return market_open(&r->csv, r->data, r->bytes, &r->s->format, r->places,
			   e);
}

static void tell_bad(struct settle *s, int64_t line, const struct err *why)
{
	if (s->bad_rows++ < SETTLE_TOLD_MAX && s->bad != NULL)
		s->bad(line, why->text, s->context);
}

static void widen_period(struct settlement *found, const char *date)
{
	if (date[0] == '\0')
		return;
	if (found->from[0] == '\0' || strcmp(date, found->from) < 0)
		(void)text_copy(found->from, sizeof(found->from), date);
	if (strcmp(date, found->to) > 0)
		(void)text_copy(found->to, sizeof(found->to), date);
}

/* First pass: every bad row is found before anything is looked up. */
static int check_rows(struct reading *r, struct err *e)
{
	int rc = rewind_file(r, e);
	struct err why = {0};

	while (rc >= 0 && (rc = csv_next(&r->csv, &why)) != 0) {
		struct market_row row;

		if (rc > 0)
			rc = market_row(&r->csv, r->places, &r->s->format, &row,
					&why);
		if (rc == ERR_INVALID) {
			tell_bad(r->s, r->csv.line, &why);
			rc = 0;
		} else if (rc > 0) {
			widen_period(&r->found, row.date);
			rc = market_index_add(&r->index, &row, e);
		} else if (rc < 0) {
			*e = why;
		}
		if (rc >= 0)
			rc = step(r, "checked", e);
	}
	if (rc < 0)
		return rc;
	if (r->s->bad_rows > 0)
		return err_set(e, ERR_INVALID,
			       "%lld bad rows; nothing was changed",
			       (long long)r->s->bad_rows);
	if (r->index.count == 0)
		return err_set(e, ERR_INVALID, "the report has no rows");
	return market_index_end(&r->index, e);
}

static int find_ours(const struct reading *r, const char *external_id,
		     const struct market_entry *entry, bool by_days,
		     struct settlement_ours *ret_ours, struct err *e)
{
	const struct market_order order = {
		.channel = r->s->channel,
		.external_id = external_id,
		.from_date = by_days ? r->found.from : "",
		.to_date = by_days ? r->found.to : "",
		.only_returns = entry != NULL && entry->is_return,
	};

	return market_reports_ours(r->s->db, &order, ret_ours, e);
}

/* A report shows an order as it was on its last day, or as it is by now: with
 * what came back since. */
static int find_as_reported(const struct reading *r, const char *external_id,
			    const struct market_entry *entry,
			    struct settlement_ours *ret_ours, struct err *e)
{
	struct settlement_ours by_now;
	int rc = find_ours(r, external_id, entry, true, ret_ours, e);

	if (rc < 0 || ret_ours->amount_minor == entry->amount_minor)
		return rc;
	rc = find_ours(r, external_id, entry, false, &by_now, e);
	if (rc == 0 && by_now.amount_minor == entry->amount_minor)
		*ret_ours = by_now;
	return rc;
}

/* Second pass: row by row against what we have. */
static int judge_rows(struct reading *r, struct err *e)
{
	const struct settle *s = r->s;
	int rc = rewind_file(r, e);

	while (rc >= 0 && (rc = csv_next(&r->csv, e)) > 0) {
		struct settlement_ours ours = {0};
		const struct market_entry *entry;
		struct market_row row;

		rc = market_row(&r->csv, r->places, &s->format, &row, e);
		if (rc <= 0)
			continue;
		entry = market_index_row(&r->index, &row);
		if (entry == NULL)
			return err_set(e, ERR_IO, "the copy has changed");
		rc = 0;
		if (entry->counts)
			rc = find_as_reported(r, row.external_id, entry, &ours,
					      e);
		if (rc == 0)
			rc = settlement_row(&r->found, &row, entry, &ours, e);
		if (rc == 0)
			rc = step(r, "compared", e);
	}
	return rc;
}

static int judge_sale(const char *external_id, const char *date, void *context,
		      struct err *e)
{
	struct reading *r = context;
	struct settlement_ours ours;
	int rc;

	if (market_index_has(&r->index, external_id))
		return 0;
	rc = find_ours(r, external_id, NULL, false, &ours, e);
	return rc < 0 ? rc
		      : settlement_extra(&r->found, external_id, date, &ours,
					 e);
}

/* Our sales of those days that the report does not know. */
static int judge_sales(struct reading *r, struct err *e)
{
	struct market_sales place = {.channel = r->s->channel,
				     .to_date = r->found.to};
	int rc;

	if (r->s->is_partial || r->found.from[0] == '\0')
		return 0;
	(void)text_copy(place.date, sizeof(place.date), r->found.from);
	do {
		rc = market_reports_sales(r->s->db, &place, SALES_PAGE,
					  judge_sale, r, e);
		if (rc > 0 && r->s->going_on != NULL &&
		    !r->s->going_on("ours", place.id, r->s->context))
			rc = err_set(e, ERR_STATE, "told to stop");
	} while (rc > 0);
	return rc;
}

struct keep {
	struct unit unit;
	struct market_keeping keeping;
	struct market_report report;
};

static int run_keep(struct unit *u, struct db *db, int64_t now_ms,
		    struct err *e)
{
	struct keep *keep = CONTAINER_OF(u, struct keep, unit);

	return market_reports_keep(db, &keep->keeping, now_ms, &keep->report,
				   e);
}

static int keep_document(struct reading *r, struct err *e)
{
	struct settle *s = r->s;
	const struct settlement_about about = {
		.series = s->series,
		.date = s->today,
		.channel = s->channel,
		.file_name = s->name,
		.hash = s->hash,
		.is_partial = s->is_partial || r->found.from[0] == '\0'};
	struct keep keep = {.unit.run = run_keep,
			    .keeping = {.found = &r->found,
					.about = &about,
					.actor = s->actor,
					.again = s->again}};
	int rc = writer_call(s->writer, &keep.unit, e);

	s->report = keep.report;
	return rc;
}

static void set_period(struct reading *r)
{
	const struct settle *s = r->s;

	if (s->from[0] == '\0')
		return;
	(void)text_copy(r->found.from, sizeof(r->found.from), s->from);
	(void)text_copy(r->found.to, sizeof(r->found.to), s->to);
}

int settle_file(struct settle *s, struct err *e)
{
	CLEANUP(reading_clear) struct reading r = {.s = s};
	int rc = map(&r, e);

	settlement_begin(&r.found, &s->limits);
	s->bad_rows = 0;
	if (rc == 0 && !s->again) {
		rc = market_reports_find(s->db, s->hash, &s->report, e);
		if (rc != 0)
			return rc < 0 ? rc : 0;
	}
	if (rc == 0)
		rc = check_rows(&r, e);
	if (rc < 0)
		return rc;
	set_period(&r);
	rc = judge_rows(&r, e);
	if (rc == 0)
		rc = judge_sales(&r, e);
	return rc < 0 ? rc : keep_document(&r, e);
}
