/* SPDX-License-Identifier: MIT
 *
 * offer.c - `erp offer ID --reason TEXT`: a document that the ERP refused is
 * offered to it once more.
 */
#include <stdio.h>

#include "base/macros.h"
#include "base/text.h"
#include "ctl.h"
#include "store/engine/writer.h"
#include "store/exchange/verdicts.h"
#include "store/watch/jobs.h"

struct offer {
	struct unit unit;
	char who[JOB_ASKER_BYTES];
	const char *reason;
	int64_t id;
	int done; /* documents */
};

static int run_offer(struct unit *u, struct db *db, int64_t now_ms,
		     struct err *e)
{
	struct offer *offer = CONTAINER_OF(u, struct offer, unit);

	offer->done = verdicts_offer(db, offer->id, offer->who, offer->reason,
				     now_ms, e);
	return MIN_OF(offer->done, 0);
}

int ctl_erp_offer(struct ctl *ctl)
{
	struct offer offer = {.unit.run = run_offer,
			      .reason = ctl_option(ctl, "--reason", "")};
	const char *id = ctl_next(ctl);
	int rc;

	if (id == NULL || offer.reason[0] == '\0')
		return ctl_fail(ctl, CTL_USAGE,
				"which document, and why? ID --reason TEXT");
	if (text_to_i64(id, 1, INT64_MAX, &offer.id, &ctl->err) < 0)
		return ctl_fail(ctl, CTL_USAGE, "%s", ctl->err.text);
	ctl_actor(offer.who, sizeof(offer.who));
	rc = ctl_write(ctl, &offer.unit);
	if (rc < 0)
		return ctl_error(ctl, rc);
	if (offer.done == 0)
		return ctl_fail(ctl, CTL_NOTFOUND,
				"document %s is not refused: erp refused", id);
	ctl_say("document %s is offered again\n", id);
	return CTL_DONE;
}
