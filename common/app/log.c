/* SPDX-License-Identifier: MIT */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include "app/log.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "codec/time/timestamp.h"

enum {
	/* write(2) of up to PIPE_BUF (4096) bytes is never mixed with another
	 * process's line. */
	LINE_BYTES_MAX = 4000,
	VALUE_BYTES_MAX = 1000,
	JOURNAL_BYTES_MAX = 2000, /* of one KEY=value */
	FIELDS_MAX = 16
};

static const struct {
	const char *name;
	enum log_level level;
} levels[] = {
	{"error", LOG_LEVEL_ERROR},
	{"warning", LOG_LEVEL_WARNING},
	{"info", LOG_LEVEL_INFO},
	{"debug", LOG_LEVEL_DEBUG},
};

/* What a value of such a field would be: never written, whoever passes it. */
static const char *const personal_keys[] = {
	"address", "body",     "comment", "customer", "email", "name",
	"payload", "password", "phone",   "secret",   "token",
};

static struct {
	char service[40];
	int instance;
	bool journal;
	int fd;
	bool fd_waits; /* a write may block: ask first */
	_Atomic int level;
	_Atomic int64_t dropped;
} state = {
	.service = "ordergate",
	.fd = STDERR_FILENO,
	.fd_waits = true,
	.level = LOG_LEVEL_INFO,
};

static const char *level_name(enum log_level level)
{
	for (size_t i = 0; i < COUNT_OF(levels); i++)
		if (levels[i].level == level)
			return levels[i].name;
	return "info";
}

void log_set_level(const char *level)
{
	int value = LOG_LEVEL_INFO;

	for (size_t i = 0; i < COUNT_OF(levels); i++)
		if (strcmp(levels[i].name, level) == 0)
			value = (int)levels[i].level;
	atomic_store(&state.level, value);
}

/* systemd tells by $JOURNAL_STREAM which stream it has connected to the
 * journal; a child whose stderr was redirected still has the variable. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM"); /* NOLINT */
	char here[64];
	struct stat about;

	if (stream == NULL || fstat(STDERR_FILENO, &about) < 0)
		return false;
	(void)snprintf(here, sizeof(here), "%ju:%ju", (uintmax_t)about.st_dev,
		       (uintmax_t)about.st_ino);
	return strcmp(stream, here) == 0;
}

/* A pipe or terminal whose reader stalls must not stop us. O_NONBLOCK on
 * descriptor 2 would change it for all who share it, so the file is opened
 * anew. A regular file never blocks, and has one offset that is to be shared.
 */
static void open_stderr(void)
{
	struct stat about;
	int fd;

	if (fstat(STDERR_FILENO, &about) < 0)
		return;
	state.fd_waits = !S_ISREG(about.st_mode);
	if (!S_ISFIFO(about.st_mode) && !S_ISCHR(about.st_mode))
		return;
	fd = open("/proc/self/fd/2",
		  O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return;
	state.fd = fd;
	state.fd_waits = false;
}

void log_open(const char *service, int instance, const char *level)
{
	(void)text_copy(state.service, sizeof(state.service), service);
	state.instance = instance;
	log_set_level(level);
	state.journal = stderr_is_journal();
	if (!state.journal && state.fd == STDERR_FILENO)
		open_stderr();
}

static bool is_personal(const char *key)
{
	for (size_t i = 0; i < COUNT_OF(personal_keys); i++)
		if (strcmp(personal_keys[i], key) == 0)
			return true;
	return false;
}

static bool is_plain(const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		if (isspace((unsigned char)*p) || iscntrl((unsigned char)*p) ||
		    *p == '"' || *p == '=' || *p == '\\')
			return false;
	return *text != '\0' && text_is_utf8(text, strlen(text));
}

static void add_quoted(struct buf *line, const char *text)
{
	bool utf8 = text_is_utf8(text, strlen(text));

	buf_add_char(line, '"');
	for (const char *p = text; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if (c == '\n')
			buf_add_text(line, "\\n");
		else if (c < ' ' || c == 0x7F || (c >= 0x80 && !utf8))
			buf_printf(line, "\\x%02x", c);
		else if (c == '"' || c == '\\')
			buf_printf(line, "\\%c", c);
		else
			buf_add_char(line, (char)c);
	}
	buf_add_char(line, '"');
}

/* The value as text: the number, or the text cut to a length that fits. */
static void field_value(const struct log_field *field,
			char value[VALUE_BYTES_MAX])
{
	if (is_personal(field->key))
		(void)snprintf(value, VALUE_BYTES_MAX, "(personal)");
	else if (field->text == NULL)
		(void)snprintf(value, VALUE_BYTES_MAX, "%" PRId64,
			       field->number);
	else
		(void)text_copy(value, VALUE_BYTES_MAX, field->text);
}

static void add_field(struct buf *line, const char *key, const char *value)
{
	size_t before = line->used_bytes;

	buf_printf(line, " %s=", key);
	if (is_plain(value))
		buf_add_text(line, value);
	else
		add_quoted(line, value);
	/* A field that does not fit is left out, not the line. */
	if (line->failed) {
		line->failed = false;
		line->used_bytes = before;
		line->data[before] = '\0';
	}
}

/* False when the reader does not take it now. */
static bool write_line(const struct buf *line)
{
	struct pollfd out = {.fd = state.fd, .events = POLLOUT};
	ssize_t written;

	if (state.fd_waits && poll(&out, 1, 0) != 1)
		return false;
	do
		written = write(state.fd, buf_text(line), line->used_bytes);
	while (written < 0 && errno == EINTR);
	return written == (ssize_t)line->used_bytes;
}

static void write_logfmt(enum log_level level, const char *message,
			 const struct log_field *fields)
{
	CLEANUP(buf_clear) struct buf line = BUF_MAX(LINE_BYTES_MAX);
	char value[VALUE_BYTES_MAX];
	char when[TIMESTAMP_TEXT_BYTES];
	int64_t dropped = atomic_exchange(&state.dropped, 0);

	buf_printf(&line, "ts=%s level=%s service=%s instance=%d",
		   timestamp_format(clock_wall_ms(), 0, when),
		   level_name(level), state.service, state.instance);
	(void)text_copy(value, sizeof(value), message);
	add_field(&line, "msg", value);
	for (int i = 0; i < FIELDS_MAX && fields[i].key != NULL; i++) {
		field_value(&fields[i], value);
		add_field(&line, fields[i].key, value);
	}
	if (dropped > 0) {
		(void)snprintf(value, sizeof(value), "%" PRId64, dropped);
		add_field(&line, "dropped", value);
	}
	line.max_bytes++; /* the newline always fits */
	buf_add_char(&line, '\n');
	if (!write_line(&line))
		atomic_fetch_add(&state.dropped, dropped + 1);
}

/* Journal fields are upper case. */
static void add_journal_field(struct buf *out, const char *key,
			      const char *value)
{
	for (; *key != '\0'; key++)
		buf_add_char(out, (char)toupper((unsigned char)*key));
	buf_printf(out, "=%s", value);
}

static void write_journal(enum log_level level, const char *message,
			  const struct log_field *fields)
{
	struct buf texts[FIELDS_MAX + 5];
	struct iovec parts[FIELDS_MAX + 5];
	char value[VALUE_BYTES_MAX];
	size_t n = 5;

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		texts[i] = BUF_MAX(JOURNAL_BYTES_MAX);
	buf_printf(&texts[0], "MESSAGE=%s", message);
	buf_printf(&texts[1], "PRIORITY=%d", (int)level);
	buf_printf(&texts[2], "SYSLOG_IDENTIFIER=ordergate-%s", state.service);
	buf_printf(&texts[3], "SERVICE=%s", state.service);
	buf_printf(&texts[4], "INSTANCE=%d", state.instance);
	for (int i = 0; i < FIELDS_MAX && fields[i].key != NULL; i++) {
		field_value(&fields[i], value);
		add_journal_field(&texts[n++], fields[i].key, value);
	}
	for (size_t i = 0; i < n; i++)
		parts[i] = (struct iovec){.iov_base = texts[i].data,
					  .iov_len = texts[i].used_bytes};
	(void)sd_journal_sendv(parts, (int)n);
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		buf_clear(&texts[i]);
}

void log_write(enum log_level level, const char *message,
	       const struct log_field *fields)
{
	int saved_errno = errno;

	if ((int)level > atomic_load(&state.level))
		return;
	if (state.journal)
		write_journal(level, message, fields);
	else
		write_logfmt(level, message, fields);
	errno = saved_errno;
}

void log_write_error(const struct err *e, const char *message,
		     const struct log_field *fields)
{
	struct log_field all[FIELDS_MAX + 1];
	int n = 0;

	all[n++] = LOG_TEXT("err", err_name(e->code));
	all[n++] = LOG_TEXT("reason", e->text);
	for (int i = 0; n < FIELDS_MAX && fields[i].key != NULL; i++)
		all[n++] = fields[i];
	all[n] = LOG_NO_FIELDS;
	log_write(LOG_LEVEL_ERROR, message, all);
}
