/* SPDX-License-Identifier: MIT
 *
 * crash_log.h - what a disk may hold after the power went at any moment.
 *
 * While it records, every write, truncation and sync of the store's file and of
 * its log is noted (fault_vfs.h calls), together with what the program told
 * others. Afterwards an image can be made for each moment: what was synced
 * before it is there; of what was not, each sector is there or not, as chance
 * has it. A sync counts from its end, and for the writes before its beginning.
 * Thread-safe; memory is the test's.
 */
#ifndef CRASH_LOG_H
#define CRASH_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum crash_file {
	CRASH_STORE = 0,
	CRASH_LOG,
	CRASH_FILES
};

/* Begin: what the two files hold now counts as being on the disk. */
void crash_log_start(const char *store_path);
/* The end of what is recorded; then images can be made. */
void crash_log_end(void);
void crash_log_forget(void);

/* For fault_vfs.c. A sync is begun, done, and ended with what began it. */
bool crash_log_is_on(void);
void crash_log_write(enum crash_file file, const void *data, int bytes,
		     int64_t at);
void crash_log_truncate(enum crash_file file, int64_t size);
int crash_log_sync_begin(void);
void crash_log_sync_end(enum crash_file file, int begun);

/* The program has told somebody that this is safe. */
void crash_log_told(int what);

/* Moments: 0 .. crash_log_moments(), each one entry later. */
int crash_log_moments(void);
/* Was it told before that moment? */
bool crash_log_was_told(int what, int moment);
/* Write the two files as they might be found. seed 0: of what was not synced
 * nothing is there; 1: all of it; else each sector by chance. */
void crash_log_image(int moment, uint64_t seed, const char *store_path);

/* As if the disk did not obey syncs of the log: a test of the test. */
void crash_log_ignore_log_syncs(bool ignore);

#endif
