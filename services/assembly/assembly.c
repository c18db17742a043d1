/* SPDX-License-Identifier: MIT */
#include "assembly.h"

#include "answer/answer.h"
#include "app/metrics/metrics.h"
#include "base/err.h"
#include "store/engine/db.h"

int assembly_reload(struct service *s, struct err *e)
{
	struct assembly *assembly = s->context;
	struct secret token;
	int rc = secret_load(&s->dir, "assembly-token", &token, e);

	if (rc < 0)
		return rc;
	(void)pthread_mutex_lock(&assembly->lock);
	assembly->token = token;
	(void)pthread_mutex_unlock(&assembly->lock);
	return 0;
}

int assembly_start(struct service *s, struct err *e)
{
	static struct assembly assembly = {.lock = PTHREAD_MUTEX_INITIALIZER};
	char path[STATE_STORE_BYTES];
	int rc;

	assembly.service = s;
	assembly.last = &assembly.first;
	s->context = &assembly;
	json_words_make(&assembly.words, answer_words);
	for (int i = 0; api_methods[i].name != NULL; i++)
		assembly.calls[i] = metric_get(METRIC_COUNTER,
					       "ordergate_assembly_calls_total",
					       api_methods[i].label);
	rc = state_dir_store_path(&s->dir, s->config->store.url, path, e);
	if (rc == 0)
		rc = assembly_reload(s, e);
	if (rc == 0)
		rc = db_open(path, DB_SERVE, &assembly.reader, e);
	if (rc == 0)
		rc = db_open(path, DB_SERVE, &assembly.second, e);
	if (rc < 0)
		assembly_stop(s);
	return rc;
}

void assembly_stop(struct service *s)
{
	struct assembly *assembly = s->context;

	db_close(assembly->second);
	db_close(assembly->reader);
	assembly->second = NULL;
	assembly->reader = NULL;
}

bool assembly_knows_token(struct assembly *assembly, const char *given)
{
	bool known;

	(void)pthread_mutex_lock(&assembly->lock);
	known = secret_matches(&assembly->token, given);
	(void)pthread_mutex_unlock(&assembly->lock);
	return known;
}
