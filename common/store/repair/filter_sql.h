/* SPDX-License-Identifier: MIT
 *
 * filter_sql.h - which messages of a queue are meant, as SQL.
 *
 * $1 state, $2 hold, $3 outcome, $4 event type, $5 order, $6 address, $7 part
 * of the error (a LIKE pattern in small letters), $8 made before, $9 made
 * since, $10 first id, $11 last id; all are texts, and '' asks for nothing.
 * Only files with statements about queues include this.
 */
#ifndef STORE_FILTER_SQL_H
#define STORE_FILTER_SQL_H

#include "store/engine/sql_text.h"

#define FILTER_BY_ORDER "($5 = '' OR order_id = " AS_NUMBER("$5") ")"
/* A text about an order names it. */
#define FILTER_BY_TEXT "($5 = '' OR lower(text) LIKE $5 ESCAPE '\\')"

#define FILTER_SQL(order, address)                                              \
	"($1 = '' OR state = " AS_NUMBER(                                       \
		"$1") ")"                                                       \
		      " AND ($2 = '' OR hold = $2)"                             \
		      " AND ($3 = '' OR outcome = $3)"                          \
		      " AND ($4 = '' OR event_type = $4)"                       \
		      " AND " order " AND ($6 = '' OR " address " = $6)"        \
		      " AND ($7 = '' OR lower(error) LIKE $7 ESCAPE '\\')"      \
		      " AND ($8 = '' OR created_ms < " AS_NUMBER(               \
			      "$8") ")"                                         \
				    " AND ($9 = '' OR created_ms "              \
				    ">= " AS_NUMBER(                            \
					    "$9") ")"                           \
						  " AND ($10 = '' OR id "       \
						  ">= " AS_NUMBER(              \
							  "$10") ")"            \
								 " AND ($11 "   \
								 "= '' OR id "  \
								 "<="           \
								 " " AS_NUMBER( \
									 "$1"   \
									 "1") ")"

#endif
