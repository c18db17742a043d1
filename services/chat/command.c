/* SPDX-License-Identifier: MIT */
#include "command.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "app/config/config.h"
#include "app/locale.h"
#include "app/zones.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "codec/html_out.h"
#include "codec/json/json_out.h"
#include "store/monitor/silences.h"
#include "store/order/stores.h"
#include "store/telegram/chat_facts.h"

enum {
	FIELD_POINTS = ORDER_ID_POINTS_MAX,
	NUMBER_BYTES = 24,
	MINUTE_MS = 60 * 1000
};

/* Marks a text for translation where it cannot be translated yet. */
#define N_(text) text

static const char *zone_or_default(const char *zone)
{
	return zone[0] != '\0' ? zone : STORE_TIME_ZONE_DEFAULT;
}

static void write_number(int64_t number, char text[NUMBER_BYTES])
{
	(void)snprintf(text, NUMBER_BYTES, "%" PRId64, number);
}

static int say_status(struct command *c, struct err *e)
{
	struct chat_status s = {0};
	int rc = chat_status(c->db, c->now_ms, &s, e);
	const int64_t numbers[] = {s.open,    s.late,     s.firing,   s.unseen,
				   s.inbox,   s.outbox,   s.telegram, s.failed,
				   s.refused, s.jobs_late};
	char texts[COUNT_OF(numbers)][NUMBER_BYTES];
	char moment[ZONES_MOMENT_BYTES];
	const struct html_field fields[] = {
		{"time", moment},     {"open", texts[0]},
		{"late", texts[1]},   {"firing", texts[2]},
		{"unseen", texts[3]}, {"inbox", texts[4]},
		{"outbox", texts[5]}, {"telegram", texts[6]},
		{"failed", texts[7]}, {"refused", texts[8]},
		{"jobs", texts[9]},   {NULL, NULL},
	};

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		write_number(numbers[i], texts[i]);
	zones_moment(c->now_ms, c->config->telegram.time_zone, moment);
	html_render(c->out,
		    tr("<b>Ordergate</b>, {time}\n"
		       "Orders: {open} open, {late} late\n"
		       "Alerts: {firing}, not acknowledged: {unseen}\n"
		       "Waiting messages: {inbox} received, {outbox} for the "
		       "marketplace, {telegram} for Telegram\n"
		       "Failed messages: {failed}\n"
		       "Addresses that cannot be reached: {refused}\n"
		       "Jobs that are late: {jobs}"),
		    fields, FIELD_POINTS);
	return 0;
}

static int put_late(const struct chat_order *order, void *context)
{
	const struct command *c = context;
	char moment[ZONES_MOMENT_BYTES];
	char minutes[NUMBER_BYTES];
	const struct html_field fields[] = {
		{"order", order->external_id},
		{"number", order->number},
		{"store", order->store},
		{"state", tr(order->state)},
		{"time", moment},
		{"minutes", minutes},
		{NULL, NULL},
	};

	zones_moment(order->due_ms, zone_or_default(order->zone), moment);
	write_number((c->now_ms - order->due_ms) / MINUTE_MS, minutes);
	buf_add_char(c->out, '\n');
	html_render(c->out,
		    tr("{order} ({number}): {store}, {state}, deadline {time}, "
		       "late by {minutes} min"),
		    fields, FIELD_POINTS);
	return 0;
}

static int say_late(struct command *c, struct err *e)
{
	CLEANUP(buf_clear)
	struct buf lines = BUF_MAX(COMMAND_ANSWER_BYTES_MAX);
	struct buf *out = c->out;
	int64_t total;

	c->out = &lines;
	total = chat_late(c->db, c->now_ms, COMMAND_LATE_MAX, put_late, c, e);
	c->out = out;
	if (total < 0)
		return (int)total;
	if (total == 0) {
		buf_add_text(out, tr("No order is late."));
		return 0;
	}
	buf_printf(out, "<b>%s: %" PRId64 "</b>%s", tr("Late orders"), total,
		   buf_text(&lines));
	if (total > COMMAND_LATE_MAX) {
		buf_add_char(out, '\n');
		buf_printf(out, tr("and %lld more"),
			   (long long)(total - COMMAND_LATE_MAX));
	}
	return 0;
}

static void put_moments(struct buf *out, const struct chat_order *order)
{
	const struct {
		const char *name;
		int64_t at_ms;
	} moments[] = {
		{N_("Deadline"), order->due_ms},
		{N_("Received"), order->created_ms},
		{N_("Taken"), order->taken_ms},
		{N_("Assembled"), order->assembled_ms},
		{N_("Ready"), order->ready_ms},
		{N_("Delivered"), order->delivered_ms},
		{N_("Cancelled"), order->canceled_ms},
	};

	for (size_t i = 0; i < COUNT_OF(moments); i++) {
		char moment[ZONES_MOMENT_BYTES];

		if (moments[i].at_ms == 0)
			continue;
		zones_moment(moments[i].at_ms, zone_or_default(order->zone),
			     moment);
		buf_printf(out, "\n%s: %s", tr(moments[i].name), moment);
	}
}

static void put_order(struct buf *out, const struct chat_order *order)
{
	char lines[NUMBER_BYTES];
	char picked[NUMBER_BYTES];
	char unsent[NUMBER_BYTES];
	char failed[NUMBER_BYTES];
	const struct html_field fields[] = {
		{"order", order->external_id},
		{"number", order->number},
		{"store", order->store},
		{"state", tr(order->state)},
		{"lines", lines},
		{"picked", picked},
		{"unsent", unsent},
		{"failed", failed},
		{NULL, NULL},
	};

	write_number(order->lines, lines);
	write_number(order->picked, picked);
	write_number(order->unsent, unsent);
	write_number(order->failed, failed);
	html_render(out,
		    tr("Order <b>{order}</b> (no. {number})\n"
		       "Store: {store}\n"
		       "State: {state}\n"
		       "Lines worked on: {picked} of {lines}\n"
		       "Notifications: {unsent} waiting, {failed} failed"),
		    fields, FIELD_POINTS);
	put_moments(out, order);
}

static int say_order(struct command *c, struct err *e)
{
	struct chat_order order;
	int rc;

	if (c->words[0][0] == '\0') {
		buf_add_text(c->out, tr("Which order? /order NUMBER"));
		return 0;
	}
	rc = chat_order(c->db, c->words[0], &order, e);
	if (rc > 0)
		put_order(c->out, &order);
	else if (rc == 0)
		buf_add_text(c->out, tr("There is no such order."));
	return MIN_OF(rc, 0);
}

static int say_silence(struct command *c, struct err *e)
{
	bool all = strcmp(c->words[0], "all") == 0;
	int64_t length_ms = silence_length_ms(c->words[1]);
	char moment[ZONES_MOMENT_BYTES];
	const struct html_field fields[] = {
		{"rule", c->words[0]}, {"time", moment}, {NULL, NULL}};

	(void)e;
	if (!all && config_rule(c->config, c->words[0]) == NULL) {
		buf_add_text(c->out,
			     tr("There is no such rule. /silence RULE 2h, for "
				"example /silence order-late 90m"));
		return 0;
	}
	if (length_ms == 0) {
		buf_add_text(c->out, tr("For how long? 90m, 2h or 1d, at most "
					"31 days"));
		return 0;
	}
	c->silences = true;
	c->until_ms = c->now_ms + length_ms;
	zones_moment(c->until_ms, c->config->telegram.time_zone, moment);
	html_render(c->out, tr("Silence: {rule}, until {time}"), fields,
		    FIELD_POINTS);
	return 0;
}

static int say_help(struct command *c, struct err *e)
{
	(void)e;
	command_help(c->out, c->role);
	return 0;
}

static const struct {
	const char *name, *args, *help;
	enum chat_role needs;
	int (*say)(struct command *c, struct err *e);
} commands[] = {
	{"status", "", N_("how everything is"), ROLE_VIEWER, say_status},
	{"late", "", N_("orders that are late"), ROLE_VIEWER, say_late},
	{"order", N_(" NUMBER"), N_("what became of an order"), ROLE_VIEWER,
	 say_order},
	{"silence", N_(" RULE 2h"), N_("hear nothing of a rule for a time"),
	 ROLE_OPERATOR, say_silence},
	{"help", "", N_("this"), ROLE_VIEWER, say_help},
	/* What Telegram sends when somebody opens a chat with the bot. */
	{"start", NULL, NULL, ROLE_VIEWER, say_help},
};

static const char *word_end(const char *p)
{
	return p + strcspn(p, " \n");
}

static void take_word(const char *from, const char *end,
		      char ret_word[COMMAND_WORD_BYTES])
{
	size_t length = text_utf8_prefix(from, COMMAND_WORD_BYTES - 1);

	length = MIN_OF(length, (size_t)(end - from));
	memcpy(ret_word, from, length);
	ret_word[length] = '\0';
}

void command_split(const char *text, const char *username,
		   char ret_name[COMMAND_WORD_BYTES],
		   char ret_words[3][COMMAND_WORD_BYTES])
{
	const char *end = word_end(text);
	char *at;

	for (size_t i = 0; i < 3; i++)
		ret_words[i][0] = '\0';
	ret_name[0] = '\0';
	if (text[0] != '/')
		return;
	take_word(text + 1, end, ret_name);
	at = strchr(ret_name, '@');
	if (at != NULL) {
		*at = '\0';
		if (username[0] != '\0' && strcasecmp(at + 1, username) != 0)
			ret_name[0] = '\0';
	}
	for (size_t i = 0; i < 3 && *end != '\0'; i++) {
		const char *p = end + strspn(end, " \n");

		end = word_end(p);
		take_word(p, end, ret_words[i]);
	}
}

int command_run(struct command *command, const char *name, struct err *e)
{
	for (size_t i = 0; i < COUNT_OF(commands); i++) {
		int rc;

		if (strcasecmp(commands[i].name, name) != 0)
			continue;
		if (command->role < commands[i].needs) {
			buf_add_text(command->out,
				     tr("You may look, but not do this."));
			return 1;
		}
		rc = commands[i].say(command, e);
		return rc < 0 ? rc : 1;
	}
	return 0;
}

void command_help(struct buf *out, enum chat_role role)
{
	buf_printf(out, "<b>%s</b>", tr("What I know:"));
	for (size_t i = 0; i < COUNT_OF(commands); i++)
		if (commands[i].help != NULL && role >= commands[i].needs)
			buf_printf(out, "\n/%s%s - %s", commands[i].name,
				   commands[i].args[0] != '\0'
					   ? tr(commands[i].args)
					   : "",
				   tr(commands[i].help));
}

void command_menu(struct buf *out)
{
	struct json_out json = json_out_to(out);

	json_object(&json, NULL);
	json_array(&json, "commands");
	for (size_t i = 0; i < COUNT_OF(commands); i++) {
		if (commands[i].help == NULL)
			continue;
		json_object(&json, NULL);
		json_put_text(&json, "command", commands[i].name);
		json_put_text(&json, "description", tr(commands[i].help));
		json_end(&json);
	}
	json_end(&json);
	json_end(&json);
	(void)json_out_finish(&json, NULL);
}
