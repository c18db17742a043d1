/* SPDX-License-Identifier: MIT
 *
 * locale.h - texts for operators in their language (gettext).
 *
 * Texts in the code are English and are their own keys; po/LANGUAGE.po holds
 * the translations. Logs, errors and everything that a program reads stay
 * English. Numbers and dates are never formatted by the C library's locale:
 * only LC_MESSAGES is ever set.
 */
#ifndef APP_LOCALE_H
#define APP_LOCALE_H

/* Translate into `language` ("ru", "en") from now on. The first call belongs
 * before any thread, since it sets the environment; later calls may only switch
 * between that language and English. A missing catalogue means English. */
void locale_open(const char *language);

/* The text in the language of locale_open(); never NULL, never freed.
 * Thread-safe. */
const char *tr(const char *text) __attribute__((format_arg(1)));

/* The same for a text that depends on a number: tr_n("%d order", "%d orders",
 * n). */
const char *tr_n(const char *one, const char *many, unsigned long n)
	__attribute__((format_arg(1), format_arg(2)));

#endif
