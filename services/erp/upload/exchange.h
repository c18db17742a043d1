/* SPDX-License-Identifier: MIT
 *
 * exchange.h - the two threads behind uploads.
 *
 * receive.c puts what was received on the disk and into the store, and answers
 * when it is imported or, if that takes long, that it will be. imports.c does
 * that, also for what a dead process left. They meet in the store
 * (store/exchange/uploads.h), so it is all the same which process of the pool
 * received a file.
 */
#ifndef ERP_EXCHANGE_H
#define ERP_EXCHANGE_H

struct err;
struct imports;
struct service;
struct uploads;

int uploads_start(struct service *s, const char *store_path,
		  struct imports *imports, struct uploads **ret_uploads,
		  struct err *e);
void uploads_stop(struct uploads *uploads); /* NULL allowed */

int imports_start(struct service *s, const char *store_path,
		  struct imports **ret_imports, struct err *e);
void imports_stop(struct imports *imports); /* NULL allowed */
/* There is something to import. Any thread. */
void imports_wake(struct imports *imports);

#endif
