/* SPDX-License-Identifier: MIT
 *
 * bad_store.c - a store whose every statement fails once, and a program that
 * dies of what it reads or writes; for LD_PRELOAD.
 *
 * $ORDERGATE_BAD_STORE names a file that all processes map (struct bad_store):
 * what fails now, the text that kills, and a hash of each program's statement
 * that has failed already, so that it works from then on, also in the process
 * that comes after. What has failed is written to the file `<that>.log`:
 * program, tab, how, tab, statement.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <sqlite3.h>

#include "preload.h"

enum {
	SLOTS = 8192,
	LINE_BYTES = 4096
};

struct bad_store {
	volatile char fails; /* 0 nothing, B every statement is busy, I the
				disk fails */
	volatile char dies;  /* 1: who parses the text dies, 2: who runs a
				statement with it */
	char program[30];    /* of which program; "": of each */
	char text[32];       /* that kills */
	_Atomic uint64_t seen[SLOTS];
};

static struct bad_store *bad_store(void)
{
	static struct bad_store *mapped;

	if (mapped == NULL)
		mapped = preload_map("ORDERGATE_BAD_STORE", sizeof(*mapped),
				     PROT_READ | PROT_WRITE);
	return mapped;
}

static uint64_t mix(uint64_t hash, const char *text)
{
	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3U;
	return hash;
}

static int is_meant(const struct bad_store *store)
{
	return store->program[0] == '\0' ||
	       strcmp(program_invocation_short_name, store->program) == 0;
}

/* True for the first one who asks, of all processes. */
static int is_first(struct bad_store *store, char how, const char *sql)
{
	uint64_t hash = mix(mix(0xcbf29ce484222325U + (unsigned char)how,
				program_invocation_short_name),
			    sql) |
			1;

	for (uint64_t i = 0; i < SLOTS; i++) {
		_Atomic uint64_t *slot = &store->seen[(hash + i) % SLOTS];
		uint64_t empty = 0;

		if (atomic_compare_exchange_strong(slot, &empty, hash))
			return 1;
		if (empty == hash)
			return 0;
	}
	return 0;
}

static void note(char how, const char *sql)
{
	char path[512];
	char line[LINE_BYTES];
	int bytes = snprintf(line, sizeof(line) - 1, "%s\t%c\t%s",
			     program_invocation_short_name, how, sql);
	int fd;

	if (bytes < 0)
		return;
	if (bytes > (int)sizeof(line) - 2)
		bytes = (int)sizeof(line) - 2;
	for (int i = 0; i < bytes; i++)
		if (line[i] == '\n')
			line[i] = ' ';
	line[bytes++] = '\n';
	(void)snprintf(path, sizeof(path), "%s.log",
		       getenv("ORDERGATE_BAD_STORE"));
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	(void)!write(fd, line, (size_t)bytes);
	(void)close(fd);
}

/* What undoes a transaction must not fail: no engine lets it. */
static int may_fail(sqlite3_stmt *stmt, const char *sql)
{
	return sql != NULL && strncmp(sql, "ROLLBACK", 8) != 0 &&
	       !REAL(sqlite3_stmt_busy)(stmt);
}

int sqlite3_step(sqlite3_stmt *stmt)
{
	struct bad_store *store = bad_store();
	char how = store != NULL ? store->fails : '\0';
	const char *sql;

	if (store != NULL && store->dies == 2 && is_meant(store)) {
		sql = REAL(sqlite3_sql)(stmt);
		if (sql != NULL && strstr(sql, store->text) != NULL)
			(void)raise(SIGKILL);
	}
	if (how == '\0' || !is_meant(store))
		return REAL(sqlite3_step)(stmt);
	sql = REAL(sqlite3_sql)(stmt);
	if (!may_fail(stmt, sql) || !is_first(store, how, sql))
		return REAL(sqlite3_step)(stmt);
	note(how, sql);
	return how == 'B' ? SQLITE_BUSY : SQLITE_IOERR_WRITE;
}

cJSON *cJSON_ParseWithLengthOpts(const char *value, size_t bytes,
				 const char **ret_end, cJSON_bool terminated)
{
	const struct bad_store *store = bad_store();

	if (store != NULL && store->dies == 1 && is_meant(store) &&
	    memmem(value, bytes, store->text, strlen(store->text)) != NULL)
		abort();
	return REAL(cJSON_ParseWithLengthOpts)(value, bytes, ret_end,
					       terminated);
}
