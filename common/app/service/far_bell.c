/* SPDX-License-Identifier: MIT */
#include "app/service/far_bell.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/err.h"
#include "net/doorbell.h"
#include "store/engine/db.h"

enum {
	THREAD_STACK_BYTES = 256 * 1024,
	HEAR_MS = 500 /* then it looks whether it shall end */
};

struct far_bell {
	struct db *db;
	unsigned bells;
	int fd;
	atomic_bool stopping;
	pthread_t thread;
};

static void *listen_on(void *context)
{
	static const struct timespec pause = {.tv_nsec = HEAR_MS * 1000000L};
	struct far_bell *bell = context;

	while (!atomic_load(&bell->stopping)) {
		unsigned rung = 0;

		if (db_hear(bell->db, HEAR_MS, &rung, NULL) < 0)
			(void)nanosleep(&pause, NULL);
		if ((rung & bell->bells) != 0)
			doorbell_touch(bell->fd);
	}
	return NULL;
}

static int start_thread(struct far_bell *bell, struct err *e)
{
	pthread_attr_t attributes;
	int rc;

	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setstacksize(&attributes, THREAD_STACK_BYTES);
	rc = pthread_create(&bell->thread, &attributes, listen_on, bell);
	(void)pthread_attr_destroy(&attributes);
	return rc == 0 ? 0 : err_set(e, ERR_NOMEM, "cannot start a thread");
}

int far_bell_open(const char *location, unsigned bells, int bell_fd,
		  struct far_bell **ret_bell, struct err *e)
{
	struct far_bell *bell;
	int rc;

	*ret_bell = NULL;
	if ((db_caps(location) & DB_CAP_BELLS) == 0)
		return 0;
	bell = calloc(1, sizeof(*bell));
	if (bell == NULL)
		return err_set(e, ERR_NOMEM, "bell: out of memory");
	bell->bells = bells;
	bell->fd = bell_fd;
	rc = db_open(location, DB_SERVE, &bell->db, e);
	if (rc == 0)
		rc = start_thread(bell, e);
	if (rc < 0) {
		db_close(bell->db);
		free(bell);
		return rc;
	}
	*ret_bell = bell;
	return 0;
}

void far_bell_close(struct far_bell *bell)
{
	if (bell == NULL)
		return;
	atomic_store(&bell->stopping, true);
	(void)pthread_join(bell->thread, NULL);
	db_close(bell->db);
	free(bell);
}
