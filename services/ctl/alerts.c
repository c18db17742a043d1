/* SPDX-License-Identifier: MIT
 *
 * alerts.c - what people do with alerts: acknowledge, silence, and say what a
 * rule is in one store.
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/text.h"
#include "codec/json/json_out.h"
#include "ctl.h"
#include "store/engine/writer.h"
#include "store/monitor/silences.h"
#include "store/repair/audit.h"
#include "store/watch/alerts.h"
#include "store/watch/jobs.h"

enum {
	FILTER_BYTES = 512
};

struct act {
	struct unit unit;
	const char *action;        /* the command, for the audit log */
	char filter[FILTER_BYTES]; /* JSON: on what */
	char who[JOB_ASKER_BYTES];
	int64_t id;
	struct silence silence;
	struct rule_store row;
	int done; /* rows */
};

/* Who did what, in the transaction that did it. */
static int note(struct db *db, const struct act *act, int changed,
		int64_t now_ms, struct err *e)
{
	struct audit_entry entry = {
		.actor = act->who,
		.action = act->action,
		.filter = act->filter,
		.reason =
			act->silence.reason != NULL ? act->silence.reason : "",
	};
	int64_t id = 0;
	int rc = audit_begin(db, &entry, now_ms, &id, e);

	return rc < 0 ? rc : audit_add(db, id, 1, changed, e);
}

static int run_ack(struct unit *u, struct db *db, int64_t now_ms, struct err *e)
{
	struct act *act = CONTAINER_OF(u, struct act, unit);

	act->done = alert_ack(db, act->id, act->who, now_ms, e);
	return act->done < 0 ? act->done : note(db, act, act->done, now_ms, e);
}

static int run_silence(struct unit *u, struct db *db, int64_t now_ms,
		       struct err *e)
{
	struct act *act = CONTAINER_OF(u, struct act, unit);
	int rc = silences_add(db, &act->silence, now_ms, &act->id, e);

	return rc < 0 ? rc : note(db, act, 1, now_ms, e);
}

static int run_unsilence(struct unit *u, struct db *db, int64_t now_ms,
			 struct err *e)
{
	struct act *act = CONTAINER_OF(u, struct act, unit);

	act->done = silences_end(db, act->id, now_ms, e);
	return act->done < 0 ? act->done : note(db, act, act->done, now_ms, e);
}

static int run_set(struct unit *u, struct db *db, int64_t now_ms, struct err *e)
{
	const struct act *act = CONTAINER_OF(u, struct act, unit);

	int rc = rule_stores_set(db, &act->row, now_ms, e);

	return rc < 0 ? rc : note(db, act, 1, now_ms, e);
}

static int run_clear(struct unit *u, struct db *db, int64_t now_ms,
		     struct err *e)
{
	struct act *act = CONTAINER_OF(u, struct act, unit);

	act->done = rule_stores_clear(db, act->row.rule, act->row.store_id, e);
	return act->done < 0 ? act->done : note(db, act, act->done, now_ms, e);
}

/* Pairs of names and values, as JSON; ends with NULL. */
static void describe(struct act *act, const char *action,
		     const char *const *pairs)
{
	CLEANUP(buf_clear) struct buf text = BUF_MAX(FILTER_BYTES - 1);
	struct json_out out = json_out_to(&text);

	act->action = action;
	ctl_actor(act->who, sizeof(act->who));
	json_object(&out, NULL);
	for (; pairs[0] != NULL; pairs += 2)
		json_put_text(&out, pairs[0], pairs[1]);
	json_end(&out);
	(void)snprintf(act->filter, sizeof(act->filter), "%s",
		       json_out_finish(&out, NULL) == 0 ? buf_text(&text)
							: "{}");
}

int ctl_alert_ack(struct ctl *ctl)
{
	const char *id = ctl_next(ctl);
	int missed = 0;

	if (id == NULL)
		return ctl_fail(ctl, CTL_USAGE, "which alert?");
	for (; id != NULL; id = ctl_next(ctl)) {
		struct act act = {.unit.run = run_ack};
		int rc;

		if (text_to_i64(id, 1, INT64_MAX, &act.id, &ctl->err) < 0)
			return ctl_fail(ctl, CTL_USAGE, "%s", ctl->err.text);
		describe(&act, "alert ack",
			 (const char *const[]){"alert", id, NULL});
		rc = ctl_write(ctl, &act.unit);
		if (rc < 0)
			return ctl_error(ctl, rc);
		if (act.done > 0)
			ctl_say("%s acknowledged\n", id);
		else
			ctl_say("%s unchanged\n", id);
		missed += act.done == 0;
	}
	return missed == 0 ? CTL_DONE
			   : ctl_fail(ctl, CTL_NOTFOUND,
				      "%d alerts do not fire, or somebody has "
				      "acknowledged them already",
				      missed);
}

static int unknown_rule(const struct ctl *ctl, const char *rule)
{
	return ctl_fail(ctl, CTL_NOTFOUND,
			"there is no rule '%s': see --print-config of any "
			"ordergate program",
			rule);
}

int ctl_alert_silence(struct ctl *ctl)
{
	const char *length = ctl_option(ctl, "--for", "");
	struct act act = {
		.unit.run = run_silence,
		.silence = {.subject = ctl_option(ctl, "--subject", ""),
			    .store_id = ctl_option(ctl, "--store", ""),
			    .reason = ctl_option(ctl, "--reason", ""),
			    .from_ms = clock_wall_ms()},
	};
	const char *rule = ctl_next(ctl);
	int64_t length_ms = silence_length_ms(length);
	int rc;

	if (rule == NULL)
		return ctl_fail(ctl, CTL_USAGE, "which rule? (or: all)");
	if (length_ms == 0)
		return ctl_fail(ctl, CTL_USAGE,
				"for how long? --for 90m, 2h, 1d (at most "
				"%d days)",
				SILENCE_MAX_DAYS);
	if (strcmp(rule, "all") != 0 && config_rule(ctl->config, rule) == NULL)
		return unknown_rule(ctl, rule);
	rc = act.silence.store_id[0] != '\0'
		     ? ctl_know_store(ctl, act.silence.store_id)
		     : CTL_DONE;
	if (rc != CTL_DONE)
		return rc;
	describe(&act, "alert silence",
		 (const char *const[]){"rule", rule, "for", length, "subject",
				       act.silence.subject, "store",
				       act.silence.store_id, NULL});
	act.silence.made_by = act.who;
	act.silence.rule = strcmp(rule, "all") == 0 ? "" : rule;
	act.silence.until_ms = act.silence.from_ms + length_ms;
	rc = ctl_write(ctl, &act.unit);
	if (rc < 0)
		return ctl_error(ctl, rc);
	ctl_say("silence %lld for %s\n", (long long)act.id, length);
	return CTL_DONE;
}

int ctl_alert_unsilence(struct ctl *ctl)
{
	struct act act = {.unit.run = run_unsilence};
	const char *id = ctl_next(ctl);
	int rc;

	if (id == NULL || text_to_i64(id, 1, INT64_MAX, &act.id, &ctl->err) < 0)
		return ctl_fail(ctl, CTL_USAGE,
				"which silence? See ordergatectl alert "
				"silences");
	describe(&act, "alert unsilence",
		 (const char *const[]){"silence", id, NULL});
	rc = ctl_write(ctl, &act.unit);
	if (rc < 0)
		return ctl_error(ctl, rc);
	return act.done > 0 ? CTL_DONE
			    : ctl_fail(ctl, CTL_NOTFOUND,
				       "there is no silence %s in force", id);
}

int ctl_rule_set(struct ctl *ctl)
{
	const char *rule = ctl_next(ctl);
	const char *store = ctl_next(ctl);
	const char *value = ctl_next(ctl);
	struct act act = {
		.unit.run = run_set,
		.row = {.rule = rule,
			.store_id = store,
			.enabled = true,
			.threshold = -1},
	};
	int rc;

	if (value == NULL)
		return ctl_fail(ctl, CTL_USAGE,
				"RULE STORE and THRESHOLD, on, off or default");
	if (config_rule(ctl->config, rule) == NULL)
		return unknown_rule(ctl, rule);
	/* What was set for a store that is none may still be taken back. */
	rc = strcmp(value, "default") == 0 ? CTL_DONE
					   : ctl_know_store(ctl, store);
	if (rc != CTL_DONE)
		return rc;
	describe(&act, "rule set",
		 (const char *const[]){"rule", rule, "store", store, "value",
				       value, NULL});
	act.row.changed_by = act.who;
	if (strcmp(value, "default") == 0)
		act.unit.run = run_clear;
	else if (strcmp(value, "off") == 0)
		act.row.enabled = false;
	else if (strcmp(value, "on") != 0 &&
		 text_to_i64(value, 0, 1000000000, &act.row.threshold,
			     &ctl->err) < 0)
		return ctl_fail(ctl, CTL_USAGE,
				"'%s' is neither a number nor on, off or "
				"default",
				value);
	rc = ctl_write(ctl, &act.unit);
	return rc < 0 ? ctl_error(ctl, rc) : CTL_DONE;
}
