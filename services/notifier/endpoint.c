/* SPDX-License-Identifier: MIT
 *
 * endpoint.c - a place we send to: settings, credentials, breaker.
 */
#include <stdio.h>
#include <string.h>

#include "app/log.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/text.h"
#include "channel/erp.h"
#include "notifier.h"

enum {
	TOKEN_FAILURES_MAX = 3 /* then the breaker opens for want of a token */
};

static int load_all(const struct endpoint *ep, struct channel_credentials *ret,
		    struct err *e)
{
	const struct config_channel *config = &ep->config;
	const struct state_dir *dir = &ep->notifier->service->dir;
	int rc;

	if (config->notifications_url[0] == '\0')
		return err_set(
			e, ERR_INVALID, "%s %s is empty", ep->channel->name,
			ep->channel->pushed ? "push_url" : "notifications_url");
	rc = access_load(dir, ep->channel->name, config, ret, e);
	if (rc == 0 && ep->channel->pushed)
		rc = push_load_secret(dir, ret->second, e);
	return rc;
}

/* An installation that pushes nothing to an ERP lacks nothing. */
static bool is_unused(const struct endpoint *ep)
{
	return ep->channel->pushed && ep->config.notifications_url[0] == '\0';
}

static void log_readiness(const struct endpoint *ep)
{
	if (is_unused(ep))
		return;
	if (ep->not_ready[0] != '\0')
		log_event(LOG_LEVEL_WARNING,
			  "notifications wait: nothing can be sent",
			  LOG_TEXT("endpoint", ep->channel->name),
			  LOG_TEXT("reason", ep->not_ready));
	else
		log_event(LOG_LEVEL_INFO, "notifications can be sent",
			  LOG_TEXT("endpoint", ep->channel->name));
}

static void use_credentials(struct endpoint *ep,
			    const struct channel_credentials *credentials)
{
	ep->credentials = *credentials;
	ep->credentials_version++;
	ep->token_version++;
	ep->oauth = (struct oauth){.under_way = ep->oauth.under_way};
	access_header(&ep->config, credentials, ep->authorisation);
	ep->resume_wanted = true;
	ep->look_at_ms = 0;
}

void endpoint_load_credentials(struct endpoint *ep)
{
	struct channel_credentials credentials = {0};
	struct err e = {0};
	int rc = load_all(ep, &credentials, &e);
	const char *reason = rc < 0 ? e.text : "";
	bool told = ep->told && strcmp(reason, ep->not_ready) == 0;

	if (rc < 0)
		credentials = (struct channel_credentials){0};
	if (memcmp(&credentials, &ep->credentials, sizeof(credentials)) != 0)
		use_credentials(ep, &credentials);
	explicit_bzero(&credentials, sizeof(credentials));
	(void)text_copy(ep->not_ready, sizeof(ep->not_ready), reason);
	if (!told)
		log_readiness(ep);
	ep->told = true;
}

void endpoint_configure(struct endpoint *ep, const struct config *config)
{
	int64_t senders = MAX_OF(config->pool.notifier, (int64_t)1);

	ep->config =
		ep->channel->pushed ? push_config(&config->erp) : config->kuper;
	if (ep->channel->pushed)
		(void)text_copy(ep->ca_file, sizeof(ep->ca_file),
				config->erp.ca_file);
	ep->limiter = limiter_make(ep->config.rate_per_second / senders,
				   clock_mono_us());
	ep->resume_wanted = true;
	ep->told = false;
	ep->look_at_ms = 0;
	ep->credentials = (struct channel_credentials){0}; /* load them anew */
	endpoint_load_credentials(ep);
}

bool endpoint_may_call(const struct endpoint *ep, int64_t mono_ms)
{
	return ep->not_ready[0] == '\0' && ep->authorisation[0] != '\0' &&
	       mono_ms >= ep->throttled_until_ms;
}

bool endpoint_is_usable(const struct endpoint *ep, int64_t mono_ms)
{
	if (!endpoint_may_call(ep, mono_ms))
		return false;
	return ep->row.state == ENDPOINT_CLOSED ||
	       (ep->row.state == ENDPOINT_OPEN &&
		endpoint_probe_is_due(&ep->row, clock_wall_ms()));
}

bool endpoint_can_ask(const struct endpoint *ep, const char *external_id)
{
	return ep->config.shipments_url[0] != '\0' && external_id[0] != '\0';
}

void endpoint_saw_row(struct endpoint *ep, const struct endpoint_row *row)
{
	ep->row = *row;
}

static const struct {
	enum log_level level;
	const char *message;
} moves[] = {
	[ENDPOINT_CLOSED] = {LOG_LEVEL_INFO,
			     "breaker closed: the endpoint answers again"},
	[ENDPOINT_OPEN] = {LOG_LEVEL_WARNING,
			   "breaker open: notifications wait"},
	[ENDPOINT_HELD] = {LOG_LEVEL_ERROR,
			   "endpoint held: notifications wait for a person"},
};

void endpoint_moved(struct endpoint *ep, enum endpoint_state to,
		    const char *reason)
{
	ep->row.state = to;
	ep->row.next_probe_ms = clock_wall_ms() + ep->config.probe_ms;
	if (to == ENDPOINT_CLOSED)
		ep->look_at_ms = 0;
	log_event(moves[to].level, moves[to].message,
		  LOG_TEXT("endpoint", ep->channel->name),
		  LOG_TEXT("reason", to == ENDPOINT_CLOSED ? "" : reason));
}

static int hold(struct db *db, const struct change *change, int64_t now_ms,
		struct err *e)
{
	return endpoints_hold(db, change->endpoint->channel->name,
			      change->reason, now_ms, e);
}

static int resume(struct db *db, const struct change *change, int64_t now_ms,
		  struct err *e)
{
	return endpoints_resume(db, change->endpoint->channel->name, now_ms, e);
}

static int open_breaker(struct db *db, const struct change *change,
			int64_t now_ms, struct err *e)
{
	return endpoints_open(db, change->endpoint->channel->name,
			      change->reason, now_ms, now_ms, e);
}

static int run_change(struct unit *u, struct db *db, int64_t now_ms,
		      struct err *e)
{
	struct change *change = CONTAINER_OF(u, struct change, letter.unit);
	int rc = change->apply(db, change, now_ms, e);

	change->changed = rc > 0;
	return rc < 0 ? rc : 0;
}

static void on_letter(struct letter *letter)
{
	struct change *change = CONTAINER_OF(letter, struct change, letter);
	struct endpoint *ep = change->endpoint;

	change->under_way = false;
	if (letter->rc < 0) {
		notifier_store_failed(letter->notifier, &letter->err);
		return;
	}
	if (change->apply == resume) {
		ep->row.state = ENDPOINT_OPEN;
		ep->row.next_probe_ms = 0;
		ep->resume_wanted = false;
		ep->look_at_ms = 0;
	} else if (change->changed) {
		endpoint_moved(ep, change->to, change->reason);
	}
}

static void submit(struct endpoint *ep, enum endpoint_state to,
		   int (*apply)(struct db *db, const struct change *change,
				int64_t now_ms, struct err *e),
		   const char *reason)
{
	struct change *change = &ep->change;

	change->endpoint = ep;
	change->under_way = true;
	change->apply = apply;
	change->to = to;
	(void)text_copy(change->reason, sizeof(change->reason), reason);
	change->letter.unit.run = run_change;
	change->letter.open = on_letter;
	mailbox_submit(ep->notifier, &change->letter);
}

/* An idle installation without a marketplace is no alarm: an endpoint is held
 * or opened only when something waits for it. */
void endpoint_change_when_due(struct endpoint *ep)
{
	const char *no_token = ep->oauth.error;

	if (ep->change.under_way)
		return;
	if (ep->not_ready[0] != '\0') {
		if (ep->something_waits && ep->row.state != ENDPOINT_HELD)
			submit(ep, ENDPOINT_HELD, hold, ep->not_ready);
	} else if (ep->row.state == ENDPOINT_HELD) {
		if (ep->resume_wanted)
			submit(ep, ENDPOINT_OPEN, resume, "");
	} else if (ep->something_waits && ep->oauth.refused) {
		submit(ep, ENDPOINT_HELD, hold, no_token);
	} else if (ep->something_waits && ep->row.state == ENDPOINT_CLOSED &&
		   ep->oauth.failures >= TOKEN_FAILURES_MAX) {
		submit(ep, ENDPOINT_OPEN, open_breaker, no_token);
	} else {
		ep->resume_wanted = false;
	}
}
