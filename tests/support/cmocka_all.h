/* SPDX-License-Identifier: MIT
 *
 * cmocka_all.h - cmocka wants its prerequisites in this order, which
 * clang-format would sort away.
 */
#ifndef CMOCKA_ALL_H
#define CMOCKA_ALL_H

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "base/macros.h"

#endif
