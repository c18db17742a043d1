/* SPDX-License-Identifier: MIT
 *
 * pg_link.h - a connection to a PostgreSQL server that comes back by itself.
 *
 * A link is opened once and lives as long as its owner. When the server goes
 * away, what was running fails and its transaction is undone; the next one
 * connects anew, with back-off. Every wait has an end: the server's time-outs
 * are set for the session, and the client gives up a little later and closes
 * the connection, whatever the network does. A link belongs to one thread.
 *
 * Only the files of this engine include this.
 */
#ifndef STORE_PG_LINK_H
#define STORE_PG_LINK_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "store/engine/db.h"

enum {
	PG_POSTS_MAX = 64 /* their results fit into the socket */
};

/* What pg_post.h keeps. */
struct pg_posts {
	struct pg_posted {
		int sent;
		const char *what, *why_none;
	} rows[PG_POSTS_MAX];
	int count;
	int failed; /* < 0: as why says, until it is undone */
	struct err why;
};

struct pg_link {
	char *url;
	enum db_mode mode;
	PGconn *conn; /* NULL: lost, or never there */
	/* Counts connections, from 1, and what has made their statements void.
	 */
	unsigned generation;
	int32_t schema_hash; /* of current_schema(): names the write lock */
	bool began;          /* between BEGIN and COMMIT or ROLLBACK */
	int64_t began_ms;    /* by the server's clock; of a write transaction */
	bool warned;         /* the server warned since it was last cleared */
	bool is_locked_out;  /* the last error: a lock did not come in time */
	bool reads;          /* and nothing else */
	int lock_ms;         /* how long somebody waits for a lock */
	bool pooled;         /* by a pooler: who answers may be another one */
	unsigned listens;    /* the generation that does */
	bool ends;           /* what runs is a COMMIT */
	int server_pid;      /* whose transaction is ours since BEGIN */
	int left_behind;     /* a server's process that we gave up, or 0 */
	struct pg_posts posts;
	int attempts; /* to connect, that have failed in a row */
	int64_t not_before_ms;
	/* Text of what the session's settings say too, for a transaction: a
	 * pooler may have dropped them. */
	char set_limits[192];
};

/* Is it a URL of PostgreSQL? 0, ERR_INVALID. */
int pg_link_check(const char *url, struct err *e);

/* Connect. 0; ERR_INVALID (not a URL); ERR_REMOTE (away); ERR_DENIED
 * (password, rights); ERR_STATE (too old, or not as we need it); ERR_NOMEM. No
 * text of an error holds the password. */
int pg_link_open(struct pg_link *link, const char *url, enum db_mode mode,
		 struct err *e);
void pg_link_close(struct pg_link *link);

/* Be connected, before something that is not part of a transaction. 0;
 * ERR_BUSY. */
int pg_link_ready(struct pg_link *link, struct err *e);

/* Wait for what was sent by PQsend...(), whose result is `sent`. The last
 * result, the caller's, or NULL; an error of the server is a result. A lost
 * connection or the end of patience is NULL, the link is closed, and e says
 * why. */
PGresult *pg_link_await(struct pg_link *link, int sent, const char *what,
			struct err *e);
/* The same with the check that it went well: 0 and *ret_result (NULL allowed:
 * not wanted), or the code of what the server said. */
int pg_link_finish(struct pg_link *link, int sent, const char *what,
		   PGresult **ret_result, struct err *e);
/* Run a text of one or several statements. */
int pg_link_script(struct pg_link *link, const char *sql, const char *what,
		   struct err *e);
/* NOTIFY and LISTEN, on a channel of the schema: db_ring() and db_hear(). */
void pg_link_ring(struct pg_link *link, unsigned bells);
int pg_link_hear(struct pg_link *link, int wait_ms, unsigned *ret_bells,
		 struct err *e);
/* pg_link_script() for a text that begins with COMMIT. Nobody waits on the
 * server any more when this has given up. */
int pg_link_end(struct pg_link *link, const char *sql, struct err *e);
/* As if the server had gone away. */
void pg_link_lose(struct pg_link *link);

#endif
