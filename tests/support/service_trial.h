/* SPDX-License-Identifier: MIT
 *
 * service_trial.h - a service of common/app in a child process, with a state
 * directory of its own, its supervisor's socket, and its output in files.
 *
 * A failure of the means fails the test. Waiting gives up after 20 s. What a
 * failed test leaves running is killed by the teardown.
 */
#ifndef SERVICE_TRIAL_H
#define SERVICE_TRIAL_H

#include <stdint.h>
#include <sys/types.h>

#include "app/service/service.h"
#include "app/state_dir.h"
#include "temp_folder.h"

struct db;
struct err;
struct unit;

enum {
	TRIAL_OUTPUT_BYTES = 16384
};

extern struct temp_folder trial_folder; /* is the state directory */
extern struct state_dir trial_dir;

/* Before the tests: forget what whoever runs them was started with. */
void trial_forget_environment(void);

/* cmocka setup and teardown: an empty store, $NOTIFY_SOCKET. */
int trial_setup(void **state);
int trial_teardown(void **state);
#define TRIAL(name) \
	cmocka_unit_test_setup_teardown(name, trial_setup, trial_teardown)

/* Write the configuration, c.conf. */
void trial_config(const char *text);

/* Run the service with --state and --config. Its output goes to the files out
 * and err of the folder. */
pid_t trial_start(const struct service_def *def);
/* The same with these arguments (ends with NULL); prepare, when not NULL, runs
 * in the child before. */
pid_t trial_start_with(const struct service_def *def, void (*prepare)(void),
		       const char *const *arguments);
/* Wait for the end: the exit code. A signal fails the test. */
int trial_exit_code(pid_t pid);

/* For prepare: send descriptor `target` to a file of the folder. */
void trial_redirect(const char *name, int target);
/* For prepare: ask for pings of the watchdog. */
void trial_ask_for_pings(void);

/* Fail unless the text is in the file; how often it is. */
void trial_has(const char *file, const char *part);
int trial_count(const char *file, const char *part);

/* Take notifications up to one that holds `news` ("READY=1"). */
void trial_wait_for(const char *news);

/* Functions of the child tell that they were called; the test waits for the
 * next call, or forgets all so far. */
void trial_tell_call(void);
void trial_wait_for_call(void);
void trial_drain_calls(void);

/* An HTTP service, hook-1: GET /port shows http.port, POST /ring goes through
 * the writer and rings the processor; a reload is told as a call. */
extern const struct service_def trial_hook;
/* Send the bytes to it; the answer's status and the start of its body. */
int trial_request(const char *text, char ret_body[64]);
/* Something to write: a unit's run(). Rings the processor. */
int trial_run_ring(struct unit *u, struct db *db, int64_t now_ms,
		   struct err *e);

#endif
