/* SPDX-License-Identifier: MIT
 *
 * inn.h - the number of a taxpayer (ИНН). Pure.
 */
#ifndef DOMAIN_INN_H
#define DOMAIN_INN_H

#include <stdbool.h>

/* Ten digits of a company or twelve of a person, whose last one, or last two,
 * follow from the others (order ММВ-7-6/435@ of the tax service, 2012). */
bool inn_is_checked(const char *inn);

#endif
