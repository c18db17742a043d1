/* SPDX-License-Identifier: MIT
 *
 * line_json.h - a line of an order as our interfaces show it (contract of the
 * assembly API): weight in grams, quantity a number, money a decimal text; null
 * where there is nothing. Pure.
 */
#ifndef DOMAIN_LINE_JSON_H
#define DOMAIN_LINE_JSON_H

struct json_out;
struct order;
struct order_line;

/* Its members, into an object that is open. */
void line_json_put(struct json_out *out, const struct order *order,
		   const struct order_line *line);

#endif
