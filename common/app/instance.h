/* SPDX-License-Identifier: MIT
 *
 * instance.h - who this process is, and whether another one lives.
 *
 * `<run>/<service>-<instance>.lock` is locked (flock) for as long as the
 * process lives: the kernel lets go of it at any kind of death. Its content is
 * the owner id, "<service>-<instance>@<place>:<uuid>", new at every start, and
 * in a second line the pid. A lease in the store carries the owner id, so a
 * dead owner on this machine is known at once. <place> is 8 digits that name
 * this run directory (`<run>/place`, made by whoever comes first): machines
 * that share a store have services of the same names.
 */
#ifndef APP_INSTANCE_H
#define APP_INSTANCE_H

#include <stdbool.h>

struct err;

enum {
	INSTANCE_OWNER_BYTES = 80
};

struct instance {
	char name[40]; /* "processor-1" */
	char owner[INSTANCE_OWNER_BYTES];
	int lock_fd;
};

/* Take the lock, trying for half a second, since others may be looking at it.
 * ERR_BUSY "… is already running (pid N)", ERR_IO. */
int instance_open(const char *run_dir, const char *service, int number,
		  struct instance *ret_instance, struct err *e);
void instance_close(struct instance *instance);

enum instance_life {
	INSTANCE_ALIVE,
	INSTANCE_DEAD,     /* its lock is free, or a newer process holds it */
	INSTANCE_ELSEWHERE /* of another machine, or not to be told */
};
enum instance_life instance_life(const char *run_dir, const char *owner);

/* True when some process holds the lock of service-number. */
bool instance_is_running(const char *run_dir, const char *service, int number);

#endif
