/* SPDX-License-Identifier: MIT
 *
 * settle.h - a file with a marketplace's report becomes a document of kind
 * `report`: what is missing here, extra here, different, there twice.
 *
 * All or nothing: a file with one bad row changes nothing. A file is recognised
 * by its hash. Memory: 40 bytes a row, whatever the size of the file; it is
 * copied first, so that nobody changes it meanwhile.
 */
#ifndef DOCUMENT_SETTLE_H
#define DOCUMENT_SETTLE_H

#include <stdbool.h>
#include <stdint.h>

#include "codec/digest.h"
#include "domain/settlement/market_row.h"
#include "domain/settlement/settlement.h"
#include "store/document/market_reports.h"

struct db;
struct err;
struct writer;

enum {
	SETTLE_FILE_BYTES_MAX = 1024 * 1024 * 1024,
	SETTLE_TOLD_MAX = 100 /* bad rows that are told; more are counted */
};

struct settle {
	/* What is asked for; borrowed. */
	struct db *db;
	struct writer *writer;
	const char *folder; /* where the file is copied to; has no name */
	const char *path;   /* of the file */
	const char *name;   /* as people know it */
	const char *channel, *series, *actor;
	const char *today; /* the document's day */
	struct market_format format;
	struct settlement_limits limits;
	/* The days that it is about; "": from the first to the last of its
	 * rows. Without any days nothing can be found extra. */
	const char *from, *to;
	bool is_partial; /* it does not claim to be whole: nothing is extra */
	bool again;      /* although the file is known */
	/* A bad row (the first SETTLE_TOLD_MAX of them). NULL: not told. */
	void (*bad)(int64_t line, const char *why, void *context);
	/* Called every so many rows; true: stop (ERR_STATE). May be NULL. */
	bool (*going_on)(const char *step, int64_t rows, void *context);
	void *context;

	/* What came of it. */
	char hash[DIGEST_TEXT_BYTES]; /* once the file could be read */
	int64_t bad_rows;
	struct market_report report;
};

/* 1: there is a new document; 0: the file was known, see report; ERR_INVALID:
 * it is no such report, or has bad rows; ERR_STATE: told to stop, or the series
 * is held; else the file or the store failed. */
int settle_file(struct settle *s, struct err *e);

#endif
