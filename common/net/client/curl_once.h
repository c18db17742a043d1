/* SPDX-License-Identifier: MIT
 *
 * curl_once.h - libcurl's own beginning, for whoever is its first user.
 */
#ifndef NET_CURL_ONCE_H
#define NET_CURL_ONCE_H

/* Thread-safe; ends the process when libcurl cannot begin. Never undone: other
 * threads may still use it. */
void curl_once(void);

#endif
