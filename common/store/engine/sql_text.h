/* SPDX-License-Identifier: MIT
 *
 * sql_text.h - pieces of SQL that mean the same on every engine.
 *
 * For what SQLite does by affinity, and PostgreSQL not at all. Only files with
 * statements include this.
 */
#ifndef STORE_SQL_TEXT_H
#define STORE_SQL_TEXT_H

/* The number that a text parameter holds; null when it holds none. */
#define AS_NUMBER(text)                                     \
	"CAST(CASE WHEN length(" text ") BETWEEN 1 AND 18 " \
	"AND ltrim(" text ", '0123456789') = '' THEN " text " END AS BIGINT)"
/* The same for a LIMIT, which cannot be null on SQLite. */
#define AS_LIMIT(text) "coalesce(" AS_NUMBER(text) ", 0)"

#endif
