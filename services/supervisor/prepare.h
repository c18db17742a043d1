/* SPDX-License-Identifier: MIT
 *
 * prepare.h - everything that has to be right before the first process starts.
 */
#ifndef SUPERVISOR_PREPARE_H
#define SUPERVISOR_PREPARE_H

#include "app/config/config.h"
#include "app/instance.h"
#include "app/state_dir.h"
#include "options.h"

struct err;

struct installation {
	const struct options *options;
	const char *config_path; /* "": there is no file */
	struct config *config;   /* with the port of the command line */
	struct state_dir dir;
	struct instance lock; /* one supervisor per state directory */
};

/* Read the configuration, and make or check: the state directory, that nobody
 * else runs on it, the ports, secrets, certificate, store, and nginx's
 * configuration. 0, or an error whose one line says what to do. */
int prepare(const struct options *options, struct installation *ret_in,
	    struct err *e);

/* Only read the configuration and find (or make) the state directory. */
int prepare_to_show(const struct options *options, struct installation *ret_in,
		    struct err *e);

/* Read the configuration again. On failure the old one stays. */
int prepare_again(struct installation *in, struct err *e);

void prepare_end(struct installation *in);

#endif
