/* SPDX-License-Identifier: MIT
 *
 * feed_json.h - entries of the feed as the ERP reads them, pulled or pushed:
 * DocumentEntry and OrderEntry of services/erp/openapi.json.
 */
#ifndef STORE_FEED_JSON_H
#define STORE_FEED_JSON_H

struct feed_entry;
struct json_out;

/* The fields, inside an object; all but seq. */
void feed_put_document(struct json_out *out, const struct feed_entry *entry);
void feed_put_event(struct json_out *out, const struct feed_entry *entry);

/* An order's names, as everything that the ERP gets has them. */
void feed_put_names(struct json_out *out, const char *number,
		    const char *channel, const char *external_id,
		    const char *store_id);

#endif
