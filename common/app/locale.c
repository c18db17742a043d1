/* SPDX-License-Identifier: MIT */
#include "app/locale.h"

#include <libintl.h>
#include <limits.h>
#include <locale.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DOMAIN "ordergate"

static _Atomic bool translating;

/* $ORDERGATE_LOCALE_DIR, else ../share/locale as seen from the program: right
 * for build/bin and for /usr/bin. */
static bool find_folder(char folder[PATH_MAX])
{
	const char *given = secure_getenv("ORDERGATE_LOCALE_DIR");
	char program[PATH_MAX];
	ssize_t length;
	char *slash;

	if (given != NULL && given[0] == '/')
		return snprintf(folder, PATH_MAX, "%s", given) < PATH_MAX;
	length = readlink("/proc/self/exe", program, sizeof(program) - 1);
	if (length <= 0)
		return false;
	program[length] = '\0';
	slash = strrchr(program, '/');
	if (slash == NULL)
		return false;
	*slash = '\0';
	return snprintf(folder, PATH_MAX, "%s/../share/locale", program) <
	       PATH_MAX;
}

/* A bare Debian has no locale but C.UTF-8. gettext ignores LANGUAGE in the
 * locale "C", and obeys it in any other, whatever that one's own language is:
 * so C.UTF-8 is enough, and LANGUAGE chooses. */
/* NOLINTBEGIN(concurrency-mt-unsafe): there are no threads yet. */
static bool open_catalogue(const char *language)
{
	static const char *const locales[] = {"C.UTF-8", "C.utf8",
					      "en_US.UTF-8", "ru_RU.UTF-8"};
	char folder[PATH_MAX];
	bool set = false;

	for (size_t i = 0; i < sizeof(locales) / sizeof(locales[0]) && !set;
	     i++)
		set = setlocale(LC_MESSAGES, locales[i]) != NULL;
	return set && find_folder(folder) &&
	       setenv("LANGUAGE", language, 1) == 0 &&
	       /* libpq's words stand in errors of ours, which are English: a
		* folder without catalogues. */
	       setenv("PGLOCALEDIR", "/", 1) == 0 &&
	       /* So do those of the C library. */
	       bindtextdomain("libc", "/") != NULL &&
	       bindtextdomain(DOMAIN, folder) != NULL &&
	       /* Else the texts would be recoded to the charset of LC_CTYPE,
		* which stays "C". */
	       bind_textdomain_codeset(DOMAIN, "UTF-8") != NULL;
}
/* NOLINTEND(concurrency-mt-unsafe) */

void locale_open(const char *language)
{
	static char opened[16];
	bool wanted = strcmp(language, "en") != 0;

	if (wanted && opened[0] == '\0') {
		(void)snprintf(opened, sizeof(opened), "%s", language);
		wanted = open_catalogue(language);
	}
	atomic_store(&translating, wanted && strcmp(language, opened) == 0);
}

const char *tr(const char *text)
{
	/* The translation of "" is the catalogue's header. */
	if (!atomic_load(&translating) || text[0] == '\0')
		return text;
	return dgettext(DOMAIN, text);
}

const char *tr_n(const char *one, const char *many, unsigned long n)
{
	if (!atomic_load(&translating))
		return n == 1 ? one : many;
	return dngettext(DOMAIN, one, many, n);
}
