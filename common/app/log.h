/* SPDX-License-Identifier: MIT
 *
 * log.h - one line per event: journal fields under systemd, logfmt on stderr
 * otherwise.
 *
 * Only the top of a process logs; libraries return errors. Fields carry what a
 * person filters by (order, number, channel, job, err). Never a token, phone,
 * name, address or body: the values of fields named in log.c's table of
 * personal keys are replaced by "(personal)". Thread-safe; a line that stderr's
 * reader does not take is dropped, never waited for, and the next one that gets
 * through says how many were (dropped=N).
 */
#ifndef APP_LOG_H
#define APP_LOG_H

#include <stdbool.h>
#include <stdint.h>

struct err;

enum log_level { /* the values of syslog(3) */
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7
};

struct log_field {
	const char *key;  /* lower case; NULL ends the list */
	const char *text; /* NULL: the number counts */
	int64_t number;
};

#define LOG_TEXT(name, value) \
	((struct log_field){.key = (name), .text = (value)})
#define LOG_I64(name, value) \
	((struct log_field){.key = (name), .number = (value)})

/* service and instance are put on every line. level by name; "info" if unknown.
 * Call once, before threads. */
void log_open(const char *service, int instance, const char *level);
void log_set_level(const char *level);

#define LOG_NO_FIELDS ((struct log_field){0})

/* log_event(LOG_LEVEL_INFO, "order accepted", LOG_TEXT("number", number));
 * At least one field, or LOG_NO_FIELDS. */
#define log_event(level, message, ...) \
	log_write((level), (message),  \
		  (const struct log_field[]){__VA_ARGS__, LOG_NO_FIELDS})
void log_write(enum log_level level, const char *message,
	       const struct log_field *fields);

/* An error with its code and text: log_error(&e, "claim failed", ...); */
#define log_error(e, message, ...) \
	log_write_error(           \
		(e), (message),    \
		(const struct log_field[]){__VA_ARGS__, LOG_NO_FIELDS})
void log_write_error(const struct err *e, const char *message,
		     const struct log_field *fields);

#endif
