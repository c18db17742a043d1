/* SPDX-License-Identifier: MIT */
#include "net/client/curl_once.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>

static void init_libcurl(void)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
}

void curl_once(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, init_libcurl);
}
