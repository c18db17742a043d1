/* SPDX-License-Identifier: MIT */
#include "app/service/service_owner.h"

#include "app/instance.h"
#include "app/service/service.h"

enum queue_owner service_owner_life(const char *owner, void *service)
{
	static const enum queue_owner lives[] = {
		[INSTANCE_ALIVE] = OWNER_ALIVE,
		[INSTANCE_DEAD] = OWNER_DEAD,
		[INSTANCE_ELSEWHERE] = OWNER_UNKNOWN,
	};
	const struct service *s = service;

	return lives[instance_life(s->dir.run, owner)];
}
