/* SPDX-License-Identifier: MIT */
#include "store/engine/pg_post.h"

#include <stdlib.h>

#include "base/err.h"

bool pg_post_waits(const struct pg_link *link)
{
	return link->posts.count > 0;
}

/* The first failure is the one that counts. */
static void keep(struct pg_posts *posts, int rc, const struct err *why)
{
	if (rc >= 0 || posts->failed < 0)
		return;
	posts->failed = rc;
	posts->why = *why;
}

static int tell(const struct pg_posts *posts, struct err *e)
{
	if (posts->failed < 0 && e != NULL)
		*e = posts->why;
	return posts->failed;
}

int pg_post_begin(struct pg_link *link, struct err *e)
{
	struct pg_posts *posts = &link->posts;

	if (posts->count == PG_POSTS_MAX)
		(void)pg_post_settle(link, NULL);
	if (posts->failed < 0)
		return tell(posts, e);
	if (posts->count == 0 && PQenterPipelineMode(link->conn) == 0)
		return err_set(e, ERR_IO, "post: the connection is in use");
	return 0;
}

void pg_post_sent(struct pg_link *link, int sent, const char *what,
		  const char *why_none)
{
	struct pg_posts *posts = &link->posts;

	posts->rows[posts->count++] = (struct pg_posted){
		.sent = sent, .what = what, .why_none = why_none};
}

/* One of them. A failure of the server's is that of the whole transaction. */
static void settle_one(struct pg_link *link, const struct pg_posted *posted)
{
	PGresult *result = NULL;
	struct err why = {0};
	int rc =
		pg_link_finish(link, posted->sent, posted->what, &result, &why);

	if (rc == 0 && posted->why_none != NULL &&
	    PQresultStatus(result) == PGRES_COMMAND_OK &&
	    strtol(PQcmdTuples(result), NULL, 10) == 0)
		rc = err_set(&why, ERR_STATE, "%s", posted->why_none);
	keep(&link->posts, rc, &why);
	PQclear(result);
}

/* Everything that is under way; a result that was waited for is the last. */
static void settle_all(struct pg_link *link, int sent, const char *what,
		       PGresult **ret_result)
{
	struct pg_posts *posts = &link->posts;
	struct err why = {0};
	int synced = PQpipelineSync(link->conn);

	for (int i = 0; i < posts->count && link->conn != NULL; i++)
		settle_one(link, &posts->rows[i]);
	posts->count = 0;
	if (link->conn != NULL && what != NULL)
		keep(posts, pg_link_finish(link, sent, what, ret_result, &why),
		     &why);
	/* The end of the pipeline says so by a result of its own. */
	if (link->conn != NULL)
		keep(posts, pg_link_finish(link, synced, "post", NULL, &why),
		     &why);
	if (link->conn != NULL && PQexitPipelineMode(link->conn) == 0)
		pg_link_lose(link);
}

int pg_post_settle(struct pg_link *link, struct err *e)
{
	if (link->posts.count > 0)
		settle_all(link, 1, NULL, NULL);
	return tell(&link->posts, e);
}

int pg_post_finish(struct pg_link *link, int sent, const char *what,
		   PGresult **ret_result, struct err *e)
{
	int rc;

	if (link->posts.count == 0)
		return pg_link_finish(link, sent, what, ret_result, e);
	settle_all(link, sent, what, ret_result);
	rc = tell(&link->posts, e);
	if (rc < 0) {
		PQclear(*ret_result);
		*ret_result = NULL;
	}
	return rc;
}

void pg_post_forget(struct pg_link *link)
{
	link->posts.failed = 0;
}
