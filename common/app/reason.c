/* SPDX-License-Identifier: MIT */
#include "app/reason.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "app/locale.h"
#include "base/macros.h"

enum {
	FIELDS_MAX = 4,
	DEPTH_MAX = 4, /* reasons within a reason */
	STATUS_DIGITS = 3
};

#define JOINT ": "
/* Marks a text for translation where it cannot be translated yet. */
#define N_(text) text

/* The first that fits counts; what is joined by ": " are reasons of their own,
 * and so is {why}. clang-format would break texts that a search should find. */
/* clang-format off */
static const char *const ours[] = {
	/* a document that cannot be made */
	N_("line {line} ({sku}) has no price"),
	N_("line {line} ({sku}) has no VAT rate: import it with the catalogue, or set invoicing.default_vat"),
	N_("the positions make {ours}, the marketplace's total is {theirs}"),
	N_("no VAT rate '{rate}' on {day}"),
	N_("repaired: the next run of invoicing makes it"),
	N_("document {document} of batch {batch} has no {form}: {why}"),
	/* an order that was changed after it was sold */
	N_("cancelled after the sale: all of it came back"),
	N_("goods came back"),
	N_("{sku} has another price"),
	N_("there is more of {sku} than was sold"),
	N_("{sku} weighs less now"),
	N_("the marketplace's total is {theirs}, the documents make {ours}"),
	/* a report of the marketplace */
	N_("the column '{name}' is there twice"),
	N_("none of the first {rows} rows names the columns of the order ({order}...) and of the sum ({sum}...): see settlement.* in the configuration"),
	N_("{what}: '{text}' is not a sum of money"),
	N_("date: '{text}' is neither 2026-11-25 nor 25.11.2026"),
	N_("status: '{text}' is not known: name it in settlement.delivered or settlement.cancelled"),
	N_("order: '{text}' is too long"),
	N_("order: '{text}' is no order's"),
	N_("the row names no order"),
	N_("more than {rows} rows"),
	/* a message that was not understood */
	N_("the body is not a JSON object"),
	N_("event_type is missing or no text"),
	N_("payload.originalOrderId (or payload.orderUUID) is missing"),
	N_("an id or the event type is too long"),
	N_("a position is not an object"),
	N_("the id of a position is longer than {bytes} bytes"),
	N_("a position has no id"),
	N_("{what}: out of range"),
	N_("position {sku}"),
	N_("no quantity"),
	N_("positions is not a list"),
	N_("more than {count} positions"),
	N_("unknown event type"),
	N_("unknown channel"),
	N_("given up after {count} attempts"),
	N_("JSON at byte {byte}"),
	N_("value is too long for its field"),
	N_("value expected"),
	N_("nested too deeply"),
	N_("key stands twice"),
	N_("key expected"),
	N_("':' expected"),
	N_("',' or '}' expected"),
	N_("',' or ']' expected"),
	N_("text after the document"),
	N_("JSON is empty"),
	N_("JSON is longer than {bytes} bytes"),
	/* a notification that did not arrive, an address that does not answer */
	N_("given up: tried too often, or of an unknown type"),
	N_("the answer was lost; not repeated"),
	N_("refused, and the order's state does not show it either"),
	N_("taken, but the order's state never shows it"),
	N_("the order's state cannot show it; not repeated"),
	N_("its outcome is unknown, and the order's state cannot be read"),
	N_("the order's state cannot be read"),
	N_("the order has no id at the marketplace"),
	N_("sent, but no whole answer: {why}"),
	N_("sent, but no answer to it: {why}"),
	N_("plain http to {host} is not allowed"),
	N_("not a URL"),
	N_("token: {why}"),
	/* what ordergatectl is asked for */
	N_("there is no such layout"),
	/* mail, Telegram, jobs */
	N_("not the name of a host"),
	N_("without TLS mail goes to this machine only, and without a password"),
	N_("not an address of mail"),
	N_("too many attempts without a known result"),
	N_("the answer is not Telegram's"),
	N_("ended after its time-out"),
	N_("killed by signal {signal}"),
	N_("exit code {code}"),
};

/* What libcurl and Telegram say. */
static const char *const others[] = {
	N_("Failed to connect to {host} port {port} after {time} ms: {why}"),
	N_("Couldn't connect to server"),
	N_("Could not resolve host: {host}"),
	N_("Couldn't resolve host name"),
	N_("Connection timed out after {time} milliseconds"),
	N_("Operation timed out after {time} milliseconds with {bytes} bytes received"),
	N_("Timeout was reached"),
	N_("Connection refused"),
	N_("Empty reply from server"),
	N_("Recv failure: Connection reset by peer"),
	N_("SSL certificate problem: {why}"),
	N_("certificate has expired"),
	N_("self-signed certificate"),
	N_("unable to get local issuer certificate"),
	N_("Login denied"),
	N_("Unauthorized"),
	N_("Not Found"),
	N_("Bad Request: chat not found"),
	N_("Forbidden: bot was blocked by the user"),
	N_("Forbidden: bot was kicked from the group chat"),
	N_("Forbidden: bot was kicked from the supergroup chat"),
	N_("Forbidden: bot was kicked from the channel chat"),
	N_("Forbidden: bot is not a member of the channel chat"),
	N_("Forbidden: bot is not a member of the supergroup chat"),
	N_("Forbidden: the group chat was deleted"),
	N_("Forbidden: user is deactivated"),
	N_("Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"),
};
/* clang-format on */

/* A field of a template: its name in the template, its text in the reason. */
struct field {
	const char *name, *text;
	size_t name_bytes, text_bytes;
};

struct match {
	struct field fields[FIELDS_MAX];
	int count;
};

/* The text of a template up to its next field. */
static size_t literal_bytes(const char *template)
{
	const char *open = template;

	while ((open = strchr(open, '{')) != NULL &&
	       !islower((unsigned char)open[1]))
		open++;
	return open != NULL ? (size_t)(open - template) : strlen(template);
}

static const char *find(const char *text, const char *end, const char *what,
			size_t bytes)
{
	for (; (size_t)(end - text) >= bytes; text++)
		if (memcmp(text, what, bytes) == 0)
			return text;
	return NULL;
}

static bool is_reason(const struct field *field)
{
	return field->name_bytes == strlen("why") &&
	       memcmp(field->name, "why", field->name_bytes) == 0;
}

/* Each field takes as little as it can, the last one the rest. Strictly, none
 * but {why} holds what joins two reasons. */
static bool matches(const char *template, const char *text, const char *end,
		    bool strictly, struct match *ret_match)
{
	size_t bytes = literal_bytes(template);

	ret_match->count = 0;
	if ((size_t)(end - text) < bytes || memcmp(template, text, bytes) != 0)
		return false;
	text += bytes;
	template += bytes;
	while (*template != '\0') {
		struct field *field = &ret_match->fields[ret_match->count++];
		const char *next;

		field->name = template + 1;
		field->name_bytes = strcspn(field->name, "}");
		template += field->name_bytes + 2;
		bytes = literal_bytes(template);
		next = template[bytes] == '\0' && bytes > 0 &&
				       (size_t)(end - text) >= bytes
			       ? end - bytes
			       : text;
		next = bytes > 0 ? find(next, end, template, bytes) : end;
		if (next == NULL)
			return false;
		field->text = text;
		field->text_bytes = (size_t)(next - text);
		if (strictly && !is_reason(field) &&
		    find(text, next, JOINT, strlen(JOINT)) != NULL)
			return false;
		text = next + bytes;
		template += bytes;
	}
	return text == end;
}

/* A reason, within so many others. */
struct span {
	const char *text, *end;
	int depth;
};

static void put(struct buf *out, const char *text, const char *end, int depth);

static void fill(struct buf *out, const char *template,
		 const struct match *match, int depth)
{
	for (;;) {
		size_t bytes = literal_bytes(template);
		size_t name_bytes;

		buf_add(out, template, bytes);
		template += bytes;
		if (*template == '\0')
			return;
		name_bytes = strcspn(++template, "}");
		for (int i = 0; i < match->count; i++) {
			const struct field *f = &match->fields[i];

			if (f->name_bytes != name_bytes ||
			    memcmp(f->name, template, name_bytes) != 0)
				continue;
			if (is_reason(f))
				put(out, f->text, f->text + f->text_bytes,
				    depth + 1);
			else
				buf_add(out, f->text, f->text_bytes);
		}
		template += name_bytes + 1;
	}
}

static bool put_listed(struct buf *out, const char *const *list, size_t count,
		       const struct span *span, bool strictly)
{
	for (size_t i = 0; i < count; i++) {
		struct match match;

		if (!matches(list[i], span->text, span->end, strictly, &match))
			continue;
		fill(out, tr(list[i]), &match, span->depth);
		return true;
	}
	return false;
}

/* "403 Forbidden: ...": the status stays. */
static size_t status_bytes(const char *text, const char *end)
{
	size_t digits = 0;

	while (text + digits < end && isdigit((unsigned char)text[digits]))
		digits++;
	return digits == STATUS_DIGITS && text + digits < end &&
			       text[digits] == ' '
		       ? digits + 1
		       : 0;
}

static bool put_known(struct buf *out, const struct span *span, bool strictly)
{
	return put_listed(out, ours, COUNT_OF(ours), span, strictly) ||
	       put_listed(out, others, COUNT_OF(others), span, strictly);
}

/* One reason, and what follows it. */
static bool put_first(struct buf *out, const struct span *span)
{
	struct span first = *span;

	first.end = span->text;
	while ((first.end = find(first.end, span->end, JOINT, strlen(JOINT))) !=
	       NULL) {
		if (put_known(out, &first, true)) {
			buf_add_text(out, JOINT);
			put(out, first.end + strlen(JOINT), span->end,
			    span->depth + 1);
			return true;
		}
		first.end += strlen(JOINT);
	}
	return false;
}

static void put(struct buf *out, const char *text, const char *end, int depth)
{
	size_t status = status_bytes(text, end);
	struct span span = {.text = text + status, .end = end, .depth = depth};

	buf_add(out, text, status);
	if (depth < DEPTH_MAX &&
	    (put_known(out, &span, true) || put_first(out, &span) ||
	     put_known(out, &span, false)))
		return;
	buf_add(out, span.text, (size_t)(end - span.text));
}

void reason_put(struct buf *out, const char *reason)
{
	put(out, reason, reason + strlen(reason), 0);
}
