/* SPDX-License-Identifier: MIT */
#include "store/engine/pg_link.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "store/engine/patience.h"

enum {
	VERSION_MIN = 150000, /* as PQserverVersion() counts */
	SETTINGS_MAX = 64,    /* of a URL, and ours */
	BACKOFF_BASE_MS = 100,
	BACKOFF_CAP_MS = 5000,
	PATIENCE_MS = 1000 /* after the server should have given up */
};

/* What a session may take, by what it is for. Whoever waits for an answer of
 * ours waits for seconds, whatever becomes of the server. A migration may build
 * an index over a large table. A write transaction that says nothing is of a
 * machine that is frozen or cut off, and everybody waits for its lock: a hook
 * for 3 s, so who comes next must have it sooner. */
static const struct limits {
	int statement_ms, lock_ms, idle_ms;
	/* The client's own: the server waits for its standby without end. */
	int commit_ms;
	const char *read_only;
} limits[] = {
	[DB_READ] = {30000, 5000, 60000, 3000, "on"},
	[DB_SERVE] = {5000, 4000, 60000, 3000, "on"},
	[DB_WRITE] = {5000, 4000, 2000, 3000, "off"},
	[DB_CREATE] = {3600000, 60000, 60000, 3600000, "off"},
};

/* PostgreSQL's errors (its manual, appendix A), by the longest prefix, and what
 * the caller may do about them. Anything else is a fault of ours or of the
 * server's: ERR_IO. */
static const struct {
	const char *state;
	enum err_code code;
} code_rows[] = {
	{"08", ERR_BUSY},    /* connection */
	{"0A000", ERR_BUSY}, /* a plan that a migration has outdated */
	{"21", ERR_INVALID}, /* more rows than one */
	{"22", ERR_INVALID}, /* a value: no UTF-8, out of range */
	{"23", ERR_INVALID}, /* a constraint */
	{"25006", ERR_DENIED},
	{"25P02", ERR_STATE}, /* after a failure, until it is undone */
	{"25P03", ERR_BUSY},  /* idle for too long */
	{"26000", ERR_BUSY},  /* a prepared statement that a pooler lost */
	{"28", ERR_DENIED},
	{"40", ERR_BUSY}, /* serialization, deadlock */
	{"42501", ERR_DENIED},
	{"53", ERR_BUSY},    /* disk full, memory, too many connections */
	{"54", ERR_INVALID}, /* too large, too many */
	{"55P03", ERR_BUSY}, /* lock not available in time */
	{"57", ERR_BUSY},    /* cancelled, shutting down, starting up */
	{"P0", ERR_INVALID}, /* what a function of the schema refuses */
	{"", ERR_IO},
};

static enum err_code code_of(const char *state)
{
	size_t i = 0;

	while (strncmp(state, code_rows[i].state, strlen(code_rows[i].state)) !=
	       0)
		i++;
	return code_rows[i].code;
}

/* What helps is to prepare the statement anew. */
static bool is_stale(const char *state)
{
	return strcmp(state, "0A000") == 0 || strcmp(state, "26000") == 0;
}

/* libpq's texts end with a newline and may have several lines. */
static const char *reason(const char *text, char ret_text[ERR_TEXT_MAX])
{
	(void)snprintf(ret_text, ERR_TEXT_MAX, "%s", text);
	return text_trim(ret_text);
}

static void note_warning(void *context, const PGresult *notice)
{
	struct pg_link *link = context;
	const char *severity =
		PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);

	if (severity != NULL && strcmp(severity, "WARNING") == 0)
		link->warned = true;
}

struct settings {
	const char *keys[SETTINGS_MAX + 1], *values[SETTINGS_MAX + 1];
	size_t count;
};

static void set(struct settings *s, const char *key, const char *value)
{
	if (s->count == SETTINGS_MAX)
		return;
	s->keys[s->count] = key;
	s->values[s->count++] = value;
}

static const char *value_in(const PQconninfoOption *options, const char *key)
{
	for (const PQconninfoOption *o = options; o->keyword != NULL; o++)
		if (strcmp(o->keyword, key) == 0)
			return o->val;
	return NULL;
}

/* For a server that vanishes without a word. */
static const struct {
	const char *key, *value;
} defaults[] = {
	{"connect_timeout", "3"},     {"tcp_user_timeout", "5000"},
	{"keepalives", "1"},          {"keepalives_idle", "10"},
	{"keepalives_interval", "3"}, {"keepalives_count", "3"},
};

/* What stands in the URL goes before the defaults, and we before both where
 * nothing else would work. */
static PGconn *connect_with(const PQconninfoOption *options, enum db_mode mode)
{
	struct settings s = {0};
	const struct limits *limit = &limits[mode];
	const char *own = value_in(options, "options");
	char text[1024];
	int used =
		snprintf(text, sizeof(text),
			 "-c statement_timeout=%d -c lock_timeout=%d"
			 " -c idle_in_transaction_session_timeout=%d -c jit=off"
			 " %s -c default_transaction_read_only=%s",
			 limit->statement_ms, limit->lock_ms, limit->idle_ms,
			 own != NULL ? own : "", limit->read_only);

	if (used < 0 || used >= (int)sizeof(text))
		return NULL;
	for (size_t i = 0; i < COUNT_OF(defaults); i++)
		set(&s, defaults[i].key, defaults[i].value);
	set(&s, "fallback_application_name", program_invocation_short_name);
	for (const PQconninfoOption *o = options; o->keyword != NULL; o++)
		if (o->val != NULL)
			set(&s, o->keyword, o->val);
	set(&s, "client_encoding", "UTF8");
	set(&s, "target_session_attrs", "primary");
	set(&s, "options", text);
	set(&s, NULL, NULL);
	return PQconnectdbParams(s.keys, s.values, 0);
}

static int why_not(const PGconn *conn, struct err *e)
{
	char text[ERR_TEXT_MAX];

	if (conn == NULL)
		return err_set(e, ERR_NOMEM, "PostgreSQL: out of memory");
	return err_set(e,
		       PQconnectionUsedPassword(conn) ||
				       PQconnectionNeedsPassword(conn)
			       ? ERR_DENIED
			       : ERR_REMOTE,
		       "PostgreSQL: %s", reason(PQerrorMessage(conn), text));
}

/* What every session is asked first. */
static int greet(struct pg_link *link, struct err *e)
{
	PGresult *result = NULL;
	const char *encoding;
	int rc = 0;

	if (PQserverVersion(link->conn) < VERSION_MIN)
		return err_set(e, ERR_STATE,
			       "PostgreSQL %s is too old: version 15 or later "
			       "is needed",
			       PQparameterStatus(link->conn, "server_version"));
	encoding = PQparameterStatus(link->conn, "server_encoding");
	if (encoding == NULL || strcmp(encoding, "UTF8") != 0)
		return err_set(e, ERR_STATE,
			       "PostgreSQL: the database is kept in %s: make "
			       "one with ENCODING 'UTF8'",
			       encoding != NULL ? encoding : "no encoding");
	rc = pg_link_finish(
		link,
		PQsendQuery(link->conn,
			    "SELECT hashtext(current_schema()),"
			    " current_setting('synchronous_commit'),"
			    " pg_backend_pid()"),
		"greeting", &result, e);
	if (rc < 0)
		return rc;
	if (PQgetisnull(result, 0, 0))
		rc = err_set(e, ERR_STATE,
			     "PostgreSQL: there is no schema to keep the store "
			     "in: see search_path");
	else if (strcmp(PQgetvalue(result, 0, 1), "off") == 0)
		rc = err_set(
			e, ERR_STATE,
			"PostgreSQL: synchronous_commit is off for this "
			"database or role: what is answered could be lost");
	link->schema_hash = (int32_t)strtol(PQgetvalue(result, 0, 0), NULL, 10);
	/* A pooler has told us a number of its own. */
	link->pooled = strtol(PQgetvalue(result, 0, 2), NULL, 10) !=
		       PQbackendPID(link->conn);
	PQclear(result);
	return rc;
}

/* Rights on one of them are rights on all: a person grants them. Who owns the
 * tables has them. */
static int check_rights(struct pg_link *link, struct err *e)
{
	static const char one_without[] =
		"SELECT c.relname FROM pg_class AS c"
		" JOIN pg_namespace AS n ON n.oid = c.relnamespace"
		" WHERE n.nspname = current_schema() AND c.relname IN"
		" ('store_meta', 'inbox', 'orders', 'erp_feed_id_seq')"
		" AND NOT CASE c.relkind WHEN 'S'"
		" THEN has_sequence_privilege(c.oid, 'USAGE')"
		" AND has_sequence_privilege(c.oid, 'UPDATE')"
		" ELSE has_table_privilege(c.oid, 'SELECT')"
		" AND has_table_privilege(c.oid, 'INSERT')"
		" AND has_table_privilege(c.oid, 'UPDATE')"
		" AND has_table_privilege(c.oid, 'DELETE') END"
		" ORDER BY c.relkind DESC, 1 LIMIT 1";
	PGresult *result = NULL;
	int rc = pg_link_finish(link, PQsendQuery(link->conn, one_without),
				"rights", &result, e);

	if (rc == 0 && PQntuples(result) > 0)
		rc = err_set(e, ERR_DENIED,
			     "PostgreSQL: permission denied for %s: the role "
			     "must own the tables, or have all rights on them "
			     "and on their sequences",
			     PQgetvalue(result, 0, 0));
	PQclear(result);
	return rc;
}

/* libpq's own words would repeat the URL, password and all. */
static PQconninfoOption *parse(const char *url, struct err *e)
{
	PQconninfoOption *options = PQconninfoParse(url, NULL);

	if (options == NULL)
		(void)err_set(e, ERR_INVALID,
			      "store.url is not a URL of PostgreSQL: "
			      "postgresql://USER@HOST:PORT/DATABASE");
	return options;
}

int pg_link_check(const char *url, struct err *e)
{
	PQconninfoOption *options = parse(url, e);

	PQconninfoFree(options);
	return options != NULL ? 0 : ERR_INVALID;
}

static int connect_now(struct pg_link *link, struct err *e)
{
	PQconninfoOption *options = parse(link->url, e);
	int rc;

	if (options == NULL)
		return ERR_INVALID;
	link->conn = connect_with(options, link->mode);
	PQconninfoFree(options);
	if (PQstatus(link->conn) != CONNECTION_OK) {
		rc = why_not(link->conn, e);
	} else {
		(void)PQsetNoticeReceiver(link->conn, note_warning, link);
		rc = PQsetnonblocking(link->conn, 1) == 0
			     ? greet(link, e)
			     : err_set(e, ERR_NOMEM, "PostgreSQL: no memory");
	}
	if (rc == 0 && !link->reads)
		rc = check_rights(link, e);
	if (rc < 0)
		pg_link_lose(link);
	else
		link->generation++;
	return rc;
}

int pg_link_open(struct pg_link *link, const char *url, enum db_mode mode,
		 struct err *e)
{
	const struct limits *limit = &limits[mode];

	*link = (struct pg_link){.url = strdup(url),
				 .mode = mode,
				 .lock_ms = limit->lock_ms,
				 .reads = strcmp(limit->read_only, "on") == 0};
	(void)snprintf(link->set_limits, sizeof(link->set_limits),
		       "SET LOCAL statement_timeout TO %d;"
		       " SET LOCAL lock_timeout TO %d;"
		       " SET LOCAL idle_in_transaction_session_timeout TO %d;"
		       " SET LOCAL jit TO off",
		       limit->statement_ms, limit->lock_ms, limit->idle_ms);
	if (link->url == NULL)
		return err_set(e, ERR_NOMEM, "PostgreSQL: out of memory");
	return connect_now(link, e);
}

void pg_link_lose(struct pg_link *link)
{
	PQfinish(link->conn);
	link->conn = NULL;
	link->posts.count = 0;
}

void pg_link_close(struct pg_link *link)
{
	pg_link_lose(link);
	free(link->url);
	link->url = NULL;
}

/* A server that has stopped says so, or the kernel does, before anybody asks.
 */
static bool is_alive(struct pg_link *link)
{
	struct pollfd socket = {.fd = PQsocket(link->conn), .events = POLLIN};

	while (poll(&socket, 1, 0) > 0)
		if (PQconsumeInput(link->conn) == 0 ||
		    PQstatus(link->conn) != CONNECTION_OK)
			return false;
	return true;
}

/* No time-out of the server's ends a COMMIT that waits for a standby, and
 * nobody there notices that we have gone: while a standby is away, those who
 * wait would become as many as the server has room for. */
static void release(struct pg_link *link)
{
	struct pg_link other;
	char text[200];

	if (link->left_behind == 0)
		return;
	/* Another process of ours with that number means that it ended, and is
	 * told "outcome unknown" at worst. */
	(void)snprintf(text, sizeof(text),
		       "SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
		       " WHERE pid = %d AND usename = current_user"
		       " AND wait_event = 'SyncRep'",
		       link->left_behind);
	if (pg_link_open(&other, link->url, DB_SERVE, NULL) == 0 &&
	    pg_link_script(&other, text, "release", NULL) == 0)
		link->left_behind = 0;
	pg_link_close(&other);
}

static int connect_anew(struct pg_link *link, struct err *e)
{
	int64_t now_ms = clock_mono_ms();

	if (now_ms < link->not_before_ms)
		return err_set(e, ERR_BUSY,
			       "PostgreSQL is away: trying again soon");
	if (connect_now(link, e) == 0) {
		link->attempts = 0;
		release(link);
		return 0;
	}
	if (e != NULL)
		e->code = ERR_BUSY;
	link->attempts = MIN_OF(link->attempts + 1, 16);
	link->not_before_ms =
		clock_mono_ms() + backoff_ms(link->attempts, BACKOFF_BASE_MS,
					     BACKOFF_CAP_MS,
					     (uint64_t)clock_mono_us());
	return ERR_BUSY;
}

int pg_link_ready(struct pg_link *link, struct err *e)
{
	if (link->conn != NULL && is_alive(link))
		return 0;
	pg_link_lose(link);
	return connect_anew(link, e);
}

/* Send and receive until a whole result is there. 0; < 0: lost. */
static int wait_for_result(struct pg_link *link, int64_t until_ms)
{
	for (;;) {
		struct pollfd socket = {.fd = PQsocket(link->conn),
					.events = POLLIN};
		int64_t left_ms = until_ms - clock_mono_ms();
		int unsent = PQflush(link->conn);

		if (unsent < 0)
			return -1;
		if (unsent == 0 && !PQisBusy(link->conn))
			return 0;
		if (unsent > 0)
			socket.events |= POLLOUT;
		if (left_ms <= 0)
			return -1;
		left_ms = MIN_OF(left_ms, (int64_t)PATIENCE_EVERY_MS);
		if (poll(&socket, 1, (int)left_ms) < 0 && errno != EINTR)
			return -1;
		if (socket.revents == 0)
			patience_tell();
		if ((socket.revents & ~POLLOUT) != 0 &&
		    PQconsumeInput(link->conn) == 0)
			return -1;
	}
}

static bool is_error(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE;
}

PGresult *pg_link_await(struct pg_link *link, int sent, const char *what,
			struct err *e)
{
	const struct limits *limit = &limits[link->mode];
	int64_t until_ms = clock_mono_ms() +
			   (link->ends ? limit->commit_ms
				       : limit->statement_ms + PATIENCE_MS);
	PGresult *kept = NULL;
	char text[ERR_TEXT_MAX];
	bool lost = sent == 0;

	while (!lost) {
		PGresult *result;

		lost = wait_for_result(link, until_ms) < 0;
		if (lost && link->ends && clock_mono_ms() >= until_ms)
			link->left_behind = link->server_pid;
		result = lost ? NULL : PQgetResult(link->conn);
		if (result == NULL)
			break;
		/* Of several, the first error, else the last. */
		if (kept != NULL && is_error(kept)) {
			PQclear(result);
			continue;
		}
		PQclear(kept);
		kept = result;
	}
	if (lost || PQstatus(link->conn) != CONNECTION_OK) {
		(void)err_set(e, ERR_BUSY, "%s: PostgreSQL is away: %s", what,
			      reason(PQerrorMessage(link->conn), text));
		PQclear(kept);
		pg_link_lose(link);
		return NULL;
	}
	return kept;
}

int pg_link_finish(struct pg_link *link, int sent, const char *what,
		   PGresult **ret_result, struct err *e)
{
	PGresult *result = pg_link_await(link, sent, what, e);
	char text[ERR_TEXT_MAX];
	int rc = 0;

	if (result == NULL)
		return ERR_BUSY;
	/* The primary message only: details quote rows. */
	if (is_error(result)) {
		const char *message =
			PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
		const char *state =
			PQresultErrorField(result, PG_DIAG_SQLSTATE);

		if (state == NULL)
			state = "no code";
		if (is_stale(state))
			link->generation++;
		link->is_locked_out = strcmp(state, "55P03") == 0;
		rc = err_set(
			e, code_of(state), "%s: %s (%s)", what,
			message != NULL
				? message
				: reason(PQresultErrorMessage(result), text),
			state);
	}
	if (rc < 0 || ret_result == NULL)
		PQclear(result);
	else
		*ret_result = result;
	return rc;
}

int pg_link_script(struct pg_link *link, const char *sql, const char *what,
		   struct err *e)
{
	return pg_link_finish(link, PQsendQuery(link->conn, sql), what, NULL,
			      e);
}

int pg_link_end(struct pg_link *link, const char *sql, struct err *e)
{
	int rc;

	link->ends = true;
	rc = pg_link_script(link, sql, "commit", e);
	link->ends = false;
	if (rc < 0)
		release(link);
	return rc;
}

/* A transaction of its own that nobody waits for: those that notify are
 * committed one at a time in the whole cluster. */
void pg_link_ring(struct pg_link *link, unsigned bells)
{
	char text[128];

	if (link->conn == NULL || link->began)
		return;
	(void)snprintf(text, sizeof(text),
		       "SET LOCAL synchronous_commit TO off;"
		       " NOTIFY \"ordergate %d\", '%u'",
		       link->schema_hash, bells);
	(void)pg_link_script(link, text, "ring", NULL);
}

static int listen_first(struct pg_link *link, unsigned *ret_bells,
			struct err *e)
{
	char text[64];
	int rc;

	(void)snprintf(text, sizeof(text), "LISTEN \"ordergate %d\"",
		       link->schema_hash);
	rc = pg_link_script(link, text, "listen", e);
	if (rc < 0)
		return rc;
	link->listens = link->generation;
	*ret_bells = ~0U; /* whatever was rung before */
	return 0;
}

static bool take_notices(struct pg_link *link, unsigned *bells)
{
	bool any = false;
	PGnotify *notice;

	while ((notice = PQnotifies(link->conn)) != NULL) {
		*bells |= (unsigned)strtoul(notice->extra, NULL, 10);
		PQfreemem(notice);
		any = true;
	}
	return any;
}

int pg_link_hear(struct pg_link *link, int wait_ms, unsigned *ret_bells,
		 struct err *e)
{
	struct pollfd socket = {.events = POLLIN};
	int rc = pg_link_ready(link, e);

	*ret_bells = 0;
	if (rc < 0)
		return rc;
	/* The server's process would hear, and tell whoever has it then. */
	if (link->pooled) {
		(void)poll(NULL, 0, wait_ms);
		return 0;
	}
	if (link->listens != link->generation)
		return listen_first(link, ret_bells, e);
	socket.fd = PQsocket(link->conn);
	if (take_notices(link, ret_bells) || poll(&socket, 1, wait_ms) <= 0)
		return 0;
	if (PQconsumeInput(link->conn) == 0) {
		pg_link_lose(link);
		return err_set(e, ERR_BUSY, "PostgreSQL is away");
	}
	(void)take_notices(link, ret_bells);
	return 0;
}
