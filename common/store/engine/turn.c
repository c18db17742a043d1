/* SPDX-License-Identifier: MIT */
#include "store/engine/turn.h"

#include <stdlib.h>

#include "base/err.h"
#include "store/engine/checkpoint.h"
#include "store/engine/db.h"
#include "store/engine/sync_group.h"
#include "store/engine/write_lock.h"

struct turn {
	struct write_lock *lock;
	struct sync_group *sync_group;
	struct checkpoint *checkpoint;
};

int turn_open(const char *location, struct turn **ret_turn, struct err *e)
{
	CLEANUP(turn_closep) struct turn *turn = NULL;
	int rc;

	*ret_turn = NULL;
	if ((db_caps(location) & DB_CAP_FILE) == 0)
		return 0;
	turn = calloc(1, sizeof(*turn));
	if (turn == NULL)
		return err_set(e, ERR_NOMEM, "turn: out of memory");
	rc = write_lock_open(location, WRITE_LOCK_SUFFIX, &turn->lock, e);
	if (rc == 0)
		*ret_turn = TAKE(turn);
	return rc;
}

void turn_close(struct turn *turn)
{
	if (turn == NULL)
		return;
	write_lock_close(turn->lock);
	sync_group_close(turn->sync_group);
	checkpoint_close(turn->checkpoint);
	free(turn);
}

int turn_take(struct turn *turn, struct err *e)
{
	return turn != NULL ? write_lock_take(turn->lock, e) : 0;
}

void turn_release(struct turn *turn)
{
	if (turn != NULL)
		write_lock_release(turn->lock);
}

int64_t turn_ticket(struct turn *turn)
{
	return turn != NULL ? sync_group_ticket(turn->sync_group) : 0;
}

static int sync_log(void *context, struct err *e)
{
	return db_sync(context, e);
}

int turn_sync(struct turn *turn, int64_t ticket, struct db *db, struct err *e)
{
	return turn != NULL ? sync_group_wait(turn->sync_group, ticket,
					      sync_log, db, e)
			    : 0;
}

int turn_open_log(struct turn *turn, const char *location, int64_t every_pages,
		  struct err *e)
{
	int rc;

	if (turn == NULL)
		return 0;
	rc = sync_group_open(location, &turn->sync_group, e);
	return rc < 0 ? rc
		      : checkpoint_open(location, every_pages,
					&turn->checkpoint, e);
}

int turn_checkpoint_step(struct turn *turn, struct db *db, struct err *e)
{
	return turn != NULL ? checkpoint_step(turn->checkpoint, db, e) : 0;
}

int turn_checkpoint_sync(struct turn *turn, struct db *db, struct err *e)
{
	return turn != NULL ? checkpoint_sync(turn->checkpoint, db, e) : 0;
}

int64_t turn_log_pages(const struct turn *turn)
{
	return turn != NULL ? checkpoint_log_pages(turn->checkpoint) : 0;
}
