/* SPDX-License-Identifier: MIT
 *
 * assembly.h - what the requests of this process share.
 */
#ifndef ASSEMBLY_ASSEMBLY_H
#define ASSEMBLY_ASSEMBLY_H

#include <pthread.h>
#include <stdbool.h>

#include "app/secret.h"
#include "app/service/service.h"
#include "call.h"
#include "codec/json/json_words.h"

struct metric;

struct assembly {
	struct service *service;
	/* Of the event thread: its connection, and what waits for the end of
	 * its round. */
	struct db *reader;
	struct api_call *first, **last;
	struct db *second; /* of the writer's thread, outside of its units */
	struct json_words words; /* of the answers that are kept */
	struct metric *calls[API_METHODS_MAX]; /* of each method */
	pthread_mutex_t lock;                  /* of token */
	struct secret token;
};

/* For struct service_def. */
int assembly_start(struct service *s, struct err *e);
int assembly_reload(struct service *s, struct err *e);
void assembly_stop(struct service *s);

/* Is that the token of the assembly API? NULL: it is not. */
bool assembly_knows_token(struct assembly *assembly, const char *given);

#endif
