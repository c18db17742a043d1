/* SPDX-License-Identifier: MIT
 *
 * check_config.c - `check-config`: what a program starts with all the same, and
 * nobody can have meant. What no program starts with, main() has refused.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "domain/invoice/inn.h"
#include "store/engine/db.h"

enum {
	PROGRAM_PATH_BYTES = 512
};

/* The folder of the programs, this one's; "" when nobody knows. */
static void find_folder(char folder[PROGRAM_PATH_BYTES])
{
	ssize_t bytes =
		readlink("/proc/self/exe", folder, PROGRAM_PATH_BYTES - 1);
	char *slash;

	folder[bytes > 0 ? bytes : 0] = '\0';
	slash = strrchr(folder, '/');
	if (slash != NULL)
		*slash = '\0';
}

/* A job is a program; a slip in its name makes one that is never there. */
static int check_jobs(const struct ctl *ctl)
{
	char folder[PROGRAM_PATH_BYTES];
	char path[PROGRAM_PATH_BYTES + 64];
	int code = CTL_DONE;

	find_folder(folder);
	for (int i = 0; i < ctl->config->job_count; i++) {
		const char *name = ctl->config->jobs[i].name;

		(void)snprintf(path, sizeof(path), "%s/ordergate-%s", folder,
			       name);
		if (access(path, X_OK) < 0)
			code = ctl_fail(ctl, CTL_FAILED,
					"job.%s: there is no program "
					"ordergate-%s: is the name "
					"right?",
					name, name);
	}
	return code;
}

static int check_inn(const struct ctl *ctl, const char *where, const char *inn)
{
	if (inn[0] == '\0' || inn_is_checked(inn))
		return CTL_DONE;
	return ctl_fail(ctl, CTL_FAILED,
			"%s: the check digit of '%s' is wrong: no operator of "
			"electronic documents would take it",
			where, inn);
}

static int check_store(struct ctl *ctl)
{
	struct err e = {0};

	return db_check(ctl->config->store.url, &e) == 0
		       ? CTL_DONE
		       : ctl_fail(ctl, CTL_FAILED, "%s", e.text);
}

int ctl_check_config(struct ctl *ctl)
{
	const struct config *config = ctl->config;
	int code = check_jobs(ctl);
	int seller = check_inn(ctl, "invoicing.seller_inn",
			       config->invoicing.seller_inn);
	int buyer = check_inn(ctl, "channel.kuper.buyer_inn",
			      config->kuper.buyer_inn);
	int store = check_store(ctl);

	if (code == CTL_DONE && seller == CTL_DONE && buyer == CTL_DONE &&
	    store == CTL_DONE)
		ctl_say("the configuration is good\n");
	else
		code = CTL_FAILED;
	return code;
}
