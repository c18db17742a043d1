/* SPDX-License-Identifier: MIT
 *
 * service_owner.h - whether the owner of a lease still lives, for
 * queue_reclaim(). Any thread.
 */
#ifndef APP_SERVICE_OWNER_H
#define APP_SERVICE_OWNER_H

#include "store/queue/queue.h"

/* service: struct service *; it knows this machine's lock files. */
enum queue_owner service_owner_life(const char *owner, void *service);

#endif
