/* SPDX-License-Identifier: MIT
 *
 * db_postgres.c - the PostgreSQL engine behind db.h.
 *
 * A statement is prepared on the server at its first run on a connection, when
 * the types of its parameters are known from what was bound: a null is of
 * whatever type the server infers, until something else was bound there.
 * Results come whole: nobody reads more rows in one statement than memory has
 * room for, and statements may nest. Behind a pooler nothing is prepared: the
 * next transaction may be another server process's, which does not know it, or
 * knows another one by that name.
 */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "store/engine/db_private.h"
#include "store/engine/migrate.h"
#include "store/engine/pg_array.h"
#include "store/engine/pg_link.h"
#include "store/engine/pg_post.h"
#include "store/engine/pg_transaction.h"

enum {
	NAME_BYTES = 40,
	BINARY = 1,
	/* Of pg_type. */
	TYPE_UNKNOWN = 0,
	TYPE_BOOL = 16,
	TYPE_BYTEA = 17,
	TYPE_INT8 = 20,
	TYPE_INT2 = 21,
	TYPE_INT4 = 23,
	TYPE_TEXT = 25,
	TYPE_TEXT_ARRAY = 1009,
	TYPE_INT8_ARRAY = 1016,
	TYPE_NUMERIC = 1700
};

struct db_postgres {
	struct db db;
	struct pg_link link;
};

/* A column's bytes, once somebody asked for them, until the next row. */
struct decoded {
	unsigned char *data; /* NUL-terminated; libpq's */
	size_t bytes;
};

struct parameter {
	const void *value; /* NULL: null */
	int bytes;
	Oid type;     /* TYPE_UNKNOWN: nothing was ever bound but nulls */
	int64_t word; /* where value may point to */
	void *array;  /* the same, our own */
};

struct prepared {
	char name[NAME_BYTES];
	unsigned revision;   /* of the name: none is used twice */
	unsigned generation; /* of the connection that knows it; 0: none */
	bool outdated;       /* a type has changed since */
	PGresult *result;    /* of this run; NULL: it has not begun */
	int row;
	struct decoded *decoded; /* the result's: one for each column */
	int count;
	struct parameter parameters[];
};

static struct pg_link *link_of(struct db *db)
{
	return &((struct db_postgres *)(void *)db)->link;
}

static int postgres_open(const char *url, enum db_mode mode, struct db **ret_db,
			 struct err *e)
{
	struct db_postgres *self = calloc(1, sizeof(*self));
	int rc;

	if (self == NULL)
		return err_set(e, ERR_NOMEM, "open store: out of memory");
	rc = pg_link_open(&self->link, url, mode, e);
	if (rc == 0)
		rc = db_init(&self->db, &db_postgres, e);
	if (rc < 0) {
		pg_link_close(&self->link);
		free(self);
		return rc;
	}
	*ret_db = &self->db;
	return 0;
}

static void postgres_close(struct db *db)
{
	pg_link_close(link_of(db));
	free(db);
}

static int postgres_script(struct db *db, const char *sql, struct err *e)
{
	struct pg_link *link = link_of(db);
	int rc = pg_transaction_go_on(link, e);

	if (rc == 0)
		rc = pg_post_settle(link, e);
	return rc < 0 ? rc : pg_link_script(link, sql, "script", e);
}

static int highest_parameter(const char *sql)
{
	int highest = 0;

	for (const char *p = strchr(sql, '$'); p != NULL;
	     p = strchr(p + 1, '$'))
		highest = MAX_OF(highest, (int)strtol(p + 1, NULL, 10));
	return highest;
}

static const char *text_of(const struct query *q)
{
	return q->stmt->pg != NULL ? q->stmt->pg : q->stmt->sql;
}

/* The server hears of it when it runs. */
static int postgres_prepare(struct query *q, struct err *e)
{
	int count = highest_parameter(text_of(q));
	struct prepared *p;

	if (count > DB_PARAMETERS_MAX)
		return err_set(e, ERR_IO, "%s: more than %d parameters",
			       q->stmt->name, DB_PARAMETERS_MAX);
	p = calloc(1, sizeof(*p) + (size_t)count * sizeof(p->parameters[0]));
	if (p == NULL)
		return err_set(e, ERR_NOMEM, "%s: out of memory",
			       q->stmt->name);
	p->count = count;
	q->prepared = p;
	return 0;
}

static void forget_decoded(struct prepared *p)
{
	for (int i = 0; i < PQnfields(p->result); i++) {
		PQfreemem(p->decoded[i].data);
		p->decoded[i].data = NULL;
	}
}

static void forget_result(struct prepared *p)
{
	forget_decoded(p);
	PQclear(p->result);
	p->result = NULL;
	p->decoded = NULL;
}

static int make_room(struct prepared *p, struct err *e)
{
	size_t bytes = (size_t)PQnfields(p->result) * sizeof(*p->decoded);

	p->decoded = PQresultAlloc(p->result, bytes);
	if (p->decoded == NULL) {
		PQclear(p->result);
		p->result = NULL;
		return err_set(e, ERR_NOMEM, "result: out of memory");
	}
	memset(p->decoded, 0, bytes);
	return 0;
}

static void postgres_reset(struct query *q)
{
	struct prepared *p = q->prepared;

	forget_result(p);
	for (int i = 0; i < p->count; i++) {
		p->parameters[i].value = NULL;
		free(p->parameters[i].array);
		p->parameters[i].array = NULL;
	}
}

static void postgres_finalize(struct query *q)
{
	if (q->prepared == NULL)
		return;
	postgres_reset(q);
	free(q->prepared);
	q->prepared = NULL;
}

static struct parameter *bind(struct query *q, int n, Oid type,
			      const void *value, size_t bytes)
{
	struct prepared *p = q->prepared;
	struct parameter *parameter;

	if (n < 1 || n > p->count || bytes > INT32_MAX)
		return NULL;
	parameter = &p->parameters[n - 1];
	parameter->value = value;
	parameter->bytes = (int)bytes;
	if (value != NULL && parameter->type != type) {
		parameter->type = type;
		p->outdated = true;
	}
	return parameter;
}

static int postgres_bind_i64(struct query *q, int n, int64_t value)
{
	struct parameter *parameter =
		bind(q, n, TYPE_INT8, &value, sizeof(value));

	if (parameter == NULL)
		return ERR_INVALID;
	parameter->word = (int64_t)htobe64((uint64_t)value);
	parameter->value = &parameter->word;
	return 0;
}

static int postgres_bind_text(struct query *q, int n, const char *value)
{
	return bind(q, n, TYPE_TEXT, value,
		    value != NULL ? strlen(value) : 0) != NULL
		       ? 0
		       : ERR_INVALID;
}

static int postgres_bind_blob(struct query *q, int n, const void *data,
			      size_t bytes)
{
	return bind(q, n, TYPE_BYTEA, data, bytes) != NULL ? 0 : ERR_INVALID;
}

/* array may be NULL: out of memory. */
static int bind_array(struct query *q, int n, Oid type, void *array,
		      size_t bytes)
{
	struct parameter *parameter =
		array != NULL ? bind(q, n, type, array, bytes) : NULL;

	if (parameter == NULL) {
		free(array);
		return ERR_INVALID;
	}
	free(parameter->array);
	parameter->array = array;
	return 0;
}

static int postgres_bind_i64_array(struct query *q, int n,
				   const int64_t *values, size_t count)
{
	size_t bytes = 0;
	void *array = pg_array_of_i64(TYPE_INT8, values, count, &bytes);

	return bind_array(q, n, TYPE_INT8_ARRAY, array, bytes);
}

static int postgres_bind_text_array(struct query *q, int n,
				    const char *const *values, size_t count)
{
	size_t bytes = 0;
	void *array = pg_array_of_text(TYPE_TEXT, values, count, &bytes);

	return bind_array(q, n, TYPE_TEXT_ARRAY, array, bytes);
}

/* Tell the server about the statement, unless it knows it as it is. What was
 * prepared before stays there, under a name that nobody uses: a pooler has
 * names of its own, so SQL cannot drop it, and a failed transaction refuses to.
 */
static int make_known(struct query *q, struct err *e)
{
	struct pg_link *link = link_of(q->db);
	struct prepared *p = q->prepared;
	Oid types[DB_PARAMETERS_MAX];
	int rc;

	if (p->generation == link->generation && !p->outdated)
		return 0;
	rc = pg_post_settle(link, e);
	if (rc < 0)
		return rc;
	for (int i = 0; i < p->count; i++)
		types[i] = p->parameters[i].type;
	p->generation = 0;
	(void)snprintf(p->name, sizeof(p->name), "og%zu_%u", q->number,
		       ++p->revision);
	rc = pg_link_finish(
		link,
		PQsendPrepare(link->conn, p->name, text_of(q), p->count, types),
		q->stmt->name, NULL, e);
	if (rc < 0)
		return rc;
	p->outdated = false;
	p->generation = link->generation;
	return 0;
}

/* Send it, once the server knows it. PQsend...()'s result. */
static int send_query(struct query *q)
{
	struct pg_link *link = link_of(q->db);
	const struct prepared *p = q->prepared;
	const char *values[DB_PARAMETERS_MAX];
	int lengths[DB_PARAMETERS_MAX];
	int formats[DB_PARAMETERS_MAX];
	Oid types[DB_PARAMETERS_MAX];

	for (int i = 0; i < p->count; i++) {
		values[i] = p->parameters[i].value;
		lengths[i] = p->parameters[i].bytes;
		types[i] = p->parameters[i].type;
		formats[i] = BINARY;
	}
	return link->pooled
		       ? PQsendQueryParams(link->conn, text_of(q), p->count,
					   types, values, lengths, formats, 0)
		       : PQsendQueryPrepared(link->conn, p->name, p->count,
					     values, lengths, formats, 0);
}

/* To where it may be sent. */
static int get_ready(struct query *q, struct err *e)
{
	struct pg_link *link = link_of(q->db);
	int rc = pg_transaction_go_on(link, e);

	if (rc == 0 && link->posts.failed < 0)
		rc = pg_post_settle(link, e);
	if (rc == 0 && !link->pooled)
		rc = make_known(q, e);
	return rc;
}

static int execute(struct query *q, struct err *e)
{
	struct pg_link *link = link_of(q->db);
	struct prepared *p = q->prepared;
	int rc = get_ready(q, e);

	if (rc < 0)
		return rc;
	rc = pg_post_finish(link, send_query(q), q->stmt->name, &p->result, e);
	p->row = -1;
	return rc < 0 ? rc : make_room(p, e);
}

static int postgres_step(struct query *q, struct err *e)
{
	struct prepared *p = q->prepared;
	int rc = 0;

	forget_decoded(p);
	if (p->result == NULL)
		rc = execute(q, e);
	if (rc < 0)
		return rc;
	if (p->row + 1 >= PQntuples(p->result))
		return 0;
	p->row++;
	return 1;
}

static int postgres_post(struct query *q, const char *why_none, struct err *e)
{
	struct pg_link *link = link_of(q->db);
	int rc = get_ready(q, e);

	if (rc == 0)
		rc = pg_post_begin(link, e);
	if (rc == 0)
		pg_post_sent(link, send_query(q), q->stmt->name, why_none);
	return rc;
}

static bool postgres_can_post(const struct db *db)
{
	const struct pg_link *link =
		&((const struct db_postgres *)(const void *)db)->link;

	return link->began && !link->pooled;
}

static int postgres_settle(struct db *db, struct err *e)
{
	return pg_post_settle(link_of(db), e);
}

static int postgres_changes(struct query *q)
{
	const struct prepared *p = q->prepared;

	return (int)strtol(PQcmdTuples(p->result), NULL, 10);
}

static Oid type_of(const struct prepared *p, int column)
{
	return PQftype(p->result, column);
}

static const struct decoded *decode(struct prepared *p, int column)
{
	struct decoded *d = &p->decoded[column];

	if (d->data == NULL)
		d->data = PQunescapeBytea((const unsigned char *)PQgetvalue(
						  p->result, p->row, column),
					  &d->bytes);
	return d;
}

static int64_t postgres_col_i64(struct query *q, int column)
{
	const struct prepared *p = q->prepared;
	const char *value = PQgetvalue(p->result, p->row, column);

	if (type_of(p, column) == TYPE_BOOL)
		return value[0] == 't';
	return strtoll(value, NULL, 10);
}

static const void *postgres_col_blob(struct query *q, int column,
				     size_t *ret_bytes)
{
	struct prepared *p = q->prepared;
	const struct decoded *d;

	*ret_bytes = 0;
	if (PQgetisnull(p->result, p->row, column))
		return NULL;
	if (type_of(p, column) != TYPE_BYTEA) {
		*ret_bytes = (size_t)PQgetlength(p->result, p->row, column);
		return PQgetvalue(p->result, p->row, column);
	}
	d = decode(p, column);
	if (d->data == NULL)
		return NULL;
	*ret_bytes = d->bytes;
	return d->data;
}

static const char *postgres_col_text(struct query *q, int column)
{
	struct prepared *p = q->prepared;
	const char *text;
	size_t bytes;

	if (type_of(p, column) != TYPE_BYTEA)
		return PQgetvalue(p->result, p->row, column);
	text = postgres_col_blob(q, column, &bytes);
	return text != NULL ? text : "";
}

static bool postgres_col_is_null(struct query *q, int column)
{
	const struct prepared *p = q->prepared;

	return PQgetisnull(p->result, p->row, column) != 0;
}

static int postgres_columns(struct query *q)
{
	return PQnfields(((const struct prepared *)q->prepared)->result);
}

static bool postgres_col_is_number(struct query *q, int column)
{
	static const Oid numbers[] = {TYPE_INT8, TYPE_INT4, TYPE_INT2,
				      TYPE_NUMERIC};
	const struct prepared *p = q->prepared;

	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		if (type_of(p, column) == numbers[i])
			return !postgres_col_is_null(q, column);
	return false;
}

static bool postgres_col_is_blob(struct query *q, int column)
{
	const struct prepared *p = q->prepared;

	return type_of(p, column) == TYPE_BYTEA &&
	       !postgres_col_is_null(q, column);
}

static const char *postgres_col_name(struct query *q, int column)
{
	return PQfname(((const struct prepared *)q->prepared)->result, column);
}

static enum db_tx_state postgres_tx_state(struct db *db)
{
	return pg_transaction_state(link_of(db));
}

static int postgres_tx(struct db *db, enum db_tx what, struct err *e)
{
	return pg_transaction(link_of(db), what, e);
}

static int64_t postgres_now_ms(struct db *db)
{
	return link_of(db)->began_ms;
}

static void postgres_ring(struct db *db, unsigned bells)
{
	pg_link_ring(link_of(db), bells);
}

static int postgres_hear(struct db *db, int wait_ms, unsigned *ret_bells,
			 struct err *e)
{
	return pg_link_hear(link_of(db), wait_ms, ret_bells, e);
}

const struct db_driver db_postgres = {
	.name = "postgresql",
	.caps = DB_CAP_RECONNECTS | DB_CAP_BELLS | DB_CAP_ARRAYS,
	.migrations = migrations_postgresql,
	.check = pg_link_check,
	.open = postgres_open,
	.close = postgres_close,
	.script = postgres_script,
	.prepare = postgres_prepare,
	.reset = postgres_reset,
	.finalize = postgres_finalize,
	.bind_i64 = postgres_bind_i64,
	.bind_text = postgres_bind_text,
	.bind_blob = postgres_bind_blob,
	.bind_i64_array = postgres_bind_i64_array,
	.bind_text_array = postgres_bind_text_array,
	.step = postgres_step,
	.can_post = postgres_can_post,
	.post = postgres_post,
	.settle = postgres_settle,
	.changes = postgres_changes,
	.col_i64 = postgres_col_i64,
	.col_text = postgres_col_text,
	.col_blob = postgres_col_blob,
	.col_is_null = postgres_col_is_null,
	.columns = postgres_columns,
	.col_is_number = postgres_col_is_number,
	.col_is_blob = postgres_col_is_blob,
	.col_name = postgres_col_name,
	.tx = postgres_tx,
	.tx_state = postgres_tx_state,
	.now_ms = postgres_now_ms,
	.ring = postgres_ring,
	.hear = postgres_hear,
};
