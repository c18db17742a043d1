/* SPDX-License-Identifier: MIT
 *
 * queue.c - messages: listed, shown, and repaired by id or by filter.
 *
 * An operation on what a filter finds shows first how much that is, with a
 * sample, and is done only with --yes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "base/text.h"
#include "ctl.h"
#include "store/engine/writer.h"
#include "store/repair/repair.h"

enum {
	SAMPLE = 5,
	NAME_BYTES = 40,
	TIME_BYTES = 24
};

/* What the options of a command mean; values of a filter point into it. */
struct chosen {
	struct repair_filter filter;
	const char *limit;
	char order[REPAIR_ORDER_BYTES], error[REPAIR_ORDER_BYTES];
	char before[TIME_BYTES], since[TIME_BYTES];
	int count; /* of options that were given */
};

static const struct {
	const char *option;
	enum repair_field field;
} plain_options[] = {
	{"--state", FIELD_STATE},      {"--hold", FIELD_HOLD},
	{"--outcome", FIELD_OUTCOME},  {"--type", FIELD_TYPE},
	{"--endpoint", FIELD_ADDRESS}, {"--chat", FIELD_ADDRESS},
};

static void set(struct chosen *c, enum repair_field field, const char *value)
{
	c->filter.values[field] = value;
	c->count++;
}

/* "queue outbox retry": its second word. */
static const struct repair_queue *queue_of(const struct ctl *ctl)
{
	char word[NAME_BYTES];
	const char *start = strchr(ctl->command, ' ') + 1;

	(void)text_copy(word, sizeof(word), start);
	word[strcspn(word, " ")] = '\0';
	return repair_queue_find(word);
}

static enum repair_action action_of(const struct ctl *ctl)
{
	const char *word = strrchr(ctl->command, ' ') + 1;
	int action = 0;

	while (strcmp(repair_action_name((enum repair_action)action), word) !=
	       0)
		action++;
	return (enum repair_action)action;
}

/* "--older-than 2h" as the moment that it means. */
static int take_age(struct ctl *ctl, const char *option, int64_t now_ms,
		    struct chosen *c, enum repair_field field,
		    char value[TIME_BYTES])
{
	const char *text = ctl_option(ctl, option, NULL);
	int64_t age_ms = 0;

	if (text == NULL)
		return CTL_DONE;
	if (text_to_duration_ms(text, 0, &age_ms, &ctl->err) < 0)
		return ctl_fail(ctl, CTL_USAGE, "%s: %s", option,
				ctl->err.text);
	(void)snprintf(value, TIME_BYTES, "%lld", (long long)(now_ms - age_ms));
	set(c, field, value);
	return CTL_DONE;
}

static int take_order(struct ctl *ctl, struct chosen *c)
{
	const char *name = ctl_option(ctl, "--order", NULL);
	int rc;

	if (name == NULL)
		return CTL_DONE;
	rc = repair_order(ctl->db, queue_of(ctl), name, c->order, &ctl->err);
	if (rc < 0)
		return ctl_error(ctl, rc);
	if (rc == 0)
		return ctl_fail(ctl, CTL_NOTFOUND, "there is no order '%s'",
				name);
	set(c, FIELD_ORDER, c->order);
	return CTL_DONE;
}

/* All options of a filter; an exit code. */
static int take_filter(struct ctl *ctl, struct chosen *c)
{
	int64_t now_ms = clock_wall_ms();
	const char *error = ctl_option(ctl, "--error", NULL);
	int code = take_order(ctl, c);

	for (size_t i = 0; i < COUNT_OF(plain_options); i++) {
		const char *value =
			ctl_option(ctl, plain_options[i].option, NULL);

		if (value != NULL)
			set(c, plain_options[i].field, value);
	}
	if (error != NULL) {
		repair_pattern(error, c->error);
		set(c, FIELD_ERROR, c->error);
	}
	if (code == CTL_DONE)
		code = take_age(ctl, "--older-than", now_ms, c, FIELD_BEFORE,
				c->before);
	if (code == CTL_DONE)
		code = take_age(ctl, "--newer-than", now_ms, c, FIELD_SINCE,
				c->since);
	return code;
}

static int print_list(struct ctl *ctl, const struct chosen *c,
		      const char *limit)
{
	const char *params[REPAIR_FIELD_MAX_ + 1];
	char view[NAME_BYTES];

	for (int i = 0; i < REPAIR_FIELD_MAX_; i++)
		params[i] =
			c->filter.values[i] != NULL ? c->filter.values[i] : "";
	params[REPAIR_FIELD_MAX_] = limit;
	(void)snprintf(view, sizeof(view), "%s.list",
		       repair_queue_name(queue_of(ctl)));
	return ctl_print_view(ctl, view, params, COUNT_OF(params));
}

int ctl_queue_list(struct ctl *ctl)
{
	const char *limit = ctl_limit(ctl);
	struct chosen c = {0};
	int code = limit != NULL ? take_filter(ctl, &c) : CTL_USAGE;

	if (code != CTL_DONE)
		return code;
	if (ctl->arg_count > 0)
		return ctl_fail(ctl, CTL_USAGE, "what is '%s'?", ctl->args[0]);
	return print_list(ctl, &c, limit);
}

int ctl_queue_show(struct ctl *ctl)
{
	const char *queue = repair_queue_name(queue_of(ctl));
	const char *id = ctl_next(ctl);
	char live[NAME_BYTES], archived[NAME_BYTES];
	char attempts[NAME_BYTES], operations[NAME_BYTES];
	const struct ctl_section sections[] = {{"attempts", attempts},
					       {"operations", operations},
					       {NULL, NULL}};
	int code;

	if (id == NULL || ctl->arg_count > 0)
		return ctl_fail(ctl, CTL_USAGE, "one message, please");
	(void)snprintf(live, sizeof(live), "%s.show", queue);
	(void)snprintf(archived, sizeof(archived), "%s.archived", queue);
	(void)snprintf(attempts, sizeof(attempts), "%s.attempts", queue);
	(void)snprintf(operations, sizeof(operations), "%s.operations", queue);
	code = ctl_print_whole(ctl, live, sections, &id, 1);
	if (code == CTL_NOTFOUND)
		code = ctl_print_whole(ctl, archived, sections, &id, 1);
	if (code == CTL_NOTFOUND)
		return ctl_fail(ctl, code, "there is no message %s", id);
	return code;
}

static void tell_progress(const struct repair_done *done, void *context)
{
	const bool *quiet = context;

	if (!*quiet && done->matched >= REPAIR_BATCH)
		ctl_note("%lld of %lld changed\n", (long long)done->changed,
			 (long long)done->matched);
}

static int print_done(struct ctl *ctl, const struct repair_task *task,
		      const struct repair_done *done)
{
	if (ctl->json)
		(void)printf("{\"audit\":%lld,\"matched\":%lld,"
			     "\"changed\":%lld}\n",
			     (long long)done->audit_id,
			     (long long)done->matched,
			     (long long)done->changed);
	else
		ctl_say("%s: %lld of %lld messages changed (audit %lld)\n",
			ctl->command, (long long)done->changed,
			(long long)done->matched, (long long)done->audit_id);
	if (done->matched == 0 ||
	    (task->ids != NULL && done->changed < done->matched))
		return ctl_fail(ctl, CTL_NOTFOUND,
				"%lld messages are not there or not in a "
				"state that allows it",
				(long long)(done->matched - done->changed));
	return CTL_DONE;
}

static int do_task(struct ctl *ctl, struct repair_task *task)
{
	struct repair_done done = {0};
	char actor[NAME_BYTES];
	struct writer *writer = ctl_writer(ctl);
	int rc;

	if (writer == NULL)
		return CTL_FAILED;
	ctl_actor(actor, sizeof(actor));
	task->actor = actor;
	rc = repair_run(ctl->db, writer, task, tell_progress, &ctl->json, &done,
			&ctl->err);
	writer_stop(writer);
	return rc < 0 ? ctl_error(ctl, rc) : print_done(ctl, task, &done);
}

static int print_sample(struct ctl *ctl, const struct repair_task *task,
			const int64_t *ids, int count)
{
	char texts[SAMPLE][TIME_BYTES];
	const char *params[SAMPLE];
	char view[NAME_BYTES];

	for (int i = 0; i < count; i++) {
		(void)snprintf(texts[i], TIME_BYTES, "%lld", (long long)ids[i]);
		params[i] = texts[i];
	}
	(void)snprintf(view, sizeof(view), "%s.brief",
		       repair_queue_name(task->queue));
	return ctl_print_each(ctl, view, params, (size_t)count);
}

/* How much a filter finds, and the first of it. */
static int preview(struct ctl *ctl, const struct repair_task *task)
{
	int64_t ids[SAMPLE];
	int64_t count = 0;
	int code = CTL_DONE;
	int found = 0;
	int rc = repair_count(ctl->db, task->queue, task->action, task->filter,
			      &count, &ctl->err);

	if (rc == 0)
		rc = found = repair_find(ctl->db, task->queue, task->action,
					 task->filter, ids, SAMPLE, &ctl->err);
	if (rc < 0)
		return ctl_error(ctl, rc);
	if (ctl->json) {
		(void)printf("{\"matched\":%lld,\"sample\":[",
			     (long long)count);
		for (int i = 0; i < found; i++)
			(void)printf("%s%lld", i > 0 ? "," : "",
				     (long long)ids[i]);
		(void)printf("]}\n");
	} else {
		ctl_say("%s would change %lld messages, the first:\n",
			ctl->command, (long long)count);
		code = print_sample(ctl, task, ids, found);
	}
	if (code != CTL_DONE)
		return code;
	return count > 0 ? CTL_DONE : CTL_NOTFOUND;
}

static int by_filter(struct ctl *ctl, struct repair_task *task,
		     const struct chosen *c, bool dry_run, bool yes)
{
	int code;

	task->filter = &c->filter;
	if (dry_run || !yes) {
		code = preview(ctl, task);
		if (code == CTL_DONE && !dry_run)
			ctl_note("nothing was changed: add --yes "
				 "to do it\n");
		return code;
	}
	return do_task(ctl, task);
}

/* The ids that are left as arguments; an exit code. */
static int take_ids(struct ctl *ctl, int64_t *ids, int *ret_count)
{
	const char *text;

	while ((text = ctl_next(ctl)) != NULL) {
		if (*ret_count == REPAIR_IDS_MAX)
			return ctl_fail(ctl, CTL_USAGE, "too many ids");
		if (text_to_i64(text, 1, INT64_MAX, &ids[(*ret_count)++],
				&ctl->err) < 0)
			return ctl_fail(ctl, CTL_USAGE, "%s", ctl->err.text);
	}
	return CTL_DONE;
}

static int check_words(struct ctl *ctl, const struct repair_task *task,
		       const struct chosen *c, bool dry_run)
{
	if (task->id_count > 0 && c->count > 0)
		return ctl_fail(ctl, CTL_USAGE, "ids or a filter, not both");
	if (task->id_count == 0 && c->count == 0)
		return ctl_fail(ctl, CTL_USAGE,
				"which messages? Name ids or a filter");
	if (!dry_run && task->id_count == 0 && task->reason[0] == '\0')
		return ctl_fail(ctl, CTL_USAGE,
				"why? Add --reason TEXT for the audit log");
	if (strlen(task->reason) >= AUDIT_REASON_BYTES)
		return ctl_fail(ctl, CTL_USAGE, "the reason is too long");
	return CTL_DONE;
}

int ctl_queue_operate(struct ctl *ctl)
{
	CLEANUP_FREE int64_t *ids = calloc(REPAIR_IDS_MAX, sizeof(*ids));
	bool dry_run = ctl_flag(ctl, "--dry-run");
	bool yes = ctl_flag(ctl, "--yes");
	struct repair_task task = {
		.queue = queue_of(ctl),
		.action = action_of(ctl),
		.reason = ctl_option(ctl, "--reason", ""),
	};
	struct chosen c = {0};
	int code = take_filter(ctl, &c);

	if (ids == NULL)
		return ctl_fail(ctl, CTL_FAILED, "out of memory");
	if (code == CTL_DONE)
		code = take_ids(ctl, ids, &task.id_count);
	if (code == CTL_DONE)
		code = check_words(ctl, &task, &c, dry_run);
	if (code != CTL_DONE)
		return code;
	if (task.id_count == 0)
		return by_filter(ctl, &task, &c, dry_run, yes);
	if (dry_run)
		return ctl_fail(ctl, CTL_USAGE,
				"--dry-run goes with a filter; see queue %s "
				"show ID",
				repair_queue_name(task.queue));
	task.ids = ids;
	return do_task(ctl, &task);
}
