/* SPDX-License-Identifier: MIT
 *
 * eraser.h - names, phones, addresses and whatever quotes them leave the store
 * after their own time; orders, lines, documents and money stay.
 *
 * docs/personal-data.md lists every column that can hold personal data, and a
 * test holds the two against each other. Each call is one transaction's worth,
 * inside a write transaction; what is erased is overwritten in the file.
 */
#ifndef STORE_ERASER_H
#define STORE_ERASER_H

#include <stdbool.h>
#include <stdint.h>

struct db;
struct err;
struct erase_step;

enum {
	ERASE_ORDERS_MAX = 8, /* in one transaction: some 30 rows each */
	ERASE_ROWS_MAX = 100
};

/* Closed orders that nothing has happened to since before_ms, oldest first:
 * their customers, and all messages, attempts and history about them. One that
 * has a message under way waits. Number of orders, < 0. */
int erase_orders(struct db *db, int64_t before_ms, int64_t now_ms,
		 struct err *e);

/* What belongs to no order, or came after its order was erased. Ends with NULL.
 */
extern const struct erase_step *const erase_steps[];
const char *erase_step_name(const struct erase_step *step);

/* The next rows of a step. How far the archives have been looked through is
 * kept in the store. Number of rows erased, < 0; *ret_more: call again. */
int erase_next(struct db *db, const struct erase_step *step, int64_t before_ms,
	       bool *ret_more, struct err *e);

#endif
